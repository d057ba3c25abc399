"""Step: recheck. Just before an offer is sent: everybody's offers, the day, the candidate and its patient, read again.

Where it means something, Open Dental's own search for free time is asked as well.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from asapfill.clock import Now
from asapfill.core.candidates import Candidate, find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.offer import CLOCKS_MAY_DIFFER, NewOffer
from asapfill.core.office import Office
from asapfill.core.openings import FreeTime, find_openings
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Slot
from asapfill.core.slot_search import disagreement, is_meaningful, lacks
from asapfill.core.units import ceil_unit, floor_unit
from asapfill.cycle.candidates import phone_hashes, read_commlogs, talked_to_lately, without_commlogs
from asapfill.cycle.follow import apply_news, remember_asapcomms
from asapfill.cycle.session import OfficeSession
from asapfill.opendental.errors import NotFound, Refused, TooOld

log = logging.getLogger(__name__)

GOOD_FOR = 20.0
"""Seconds that one reading of a day, and of everybody's offers, serves the offers of the same wave."""

TOO_OLD = 60.0
"""Seconds after which a recheck that took so long at a slow office says nothing any more."""

PATIENT_GOOD_FOR = timedelta(minutes=5)
"""How long one reading of a patient serves: the plan's own, moments ago, is enough."""

JUST_SET = timedelta(seconds=30)
"""Our clock and the time passed may differ by this much within a recheck; a clock that was set differs by more."""


@dataclass(slots=True)
class Recheck:
    """Rechecks the offers of one cycle. A day and the offers are read once for a wave, the candidate for each.

    Ages are measured by the clock that cannot be set.
    """

    session: OfficeSession
    policy: Policy
    settling: FreeTime
    _days: dict[date, float] = field(default_factory=dict)
    _offers_read: float | None = None
    _offers_read_at: datetime | None = None
    _slots: dict[tuple[date, int, int], tuple[Slot, ...] | None] = field(default_factory=dict)

    def __call__(self, offer: NewOffer) -> Reason | None:
        """Why ``offer`` does not fit any more, or None.

        Raises OpenDentalError: the office could not be read, so nothing may be sent.
        """
        mirror = self.session.mirror
        offers_read = self._read_offers()
        oldest = min(offers_read, self._read_day(offer.start.date()))
        if offer.kind == "appointment":
            mirror.read_appointment(offer.number)
        else:
            mirror.read_recalls_of(offer.patient)
        mirror.read_patients([offer.patient], kept=PATIENT_GOOD_FOR)
        if phone_hashes(self.session).get(offer.patient, "") != offer.phone:
            return Reason("changed", "the phone is another one now")
        reason = still_fits(offer, mirror.office(), self.policy, self._now(), self.settling)
        return reason or self._talked_to(offer) or self._slot_search(offer) or self._trustworthy(oldest)

    def _now(self) -> Now:
        """The clock, asked afresh: the readings took time."""
        return self.session.now(self.policy.timezone)

    def _read_offers(self) -> float:
        """Read everybody's offers if that was not done for this wave; returns when (monotonic) it was begun.

        Staff and patients do not wait for our cycles.
        """
        began = self.session.clock.monotonic()
        if self._offers_read is None or began - self._offers_read > GOOD_FOR:
            now = self._now()
            self.session.mirror.read_asapcomms(now.wall)
            remember_asapcomms(self.session)
            apply_news(self.session, now.wall)
            self._offers_read, self._offers_read_at = began, now.moment
        return self._offers_read

    def _read_day(self, day: date) -> float:
        """Read a day's schedule and appointments in the same way."""
        began = self.session.clock.monotonic()
        if began - self._days.get(day, -math.inf) > GOOD_FOR:
            self.session.mirror.read_day(day)
            self._days[day] = began
            self._slots = {key: slots for key, slots in self._slots.items() if key[0] != day}
        return self._days[day]

    def _talked_to(self, offer: NewOffer) -> Reason | None:
        """Whether the office has talked to the patient meanwhile."""
        read_commlogs(self.session, self.policy, without_commlogs(self.session, self.policy, [offer.patient]))
        return talked_to_lately(self.session, self.policy, offer.patient, self._now())

    def _slot_search(self, offer: NewOffer) -> Reason | None:
        """Why Open Dental's own search of that day, asked once for the offers of a wave, speaks against an offer."""
        day, operatory, provider = key = (offer.start.date(), offer.operatory, offer.provider)
        if key not in self._slots:
            meaningful = is_meaningful(self.session.mirror.office(), operatory, provider, day)
            self._slots[key] = search_slots(self.session, operatory, provider, day, day) if meaningful else None
        slots, span = self._slots[key], (floor_unit(offer.start), ceil_unit(offer.end))
        if slots is None or not lacks(slots, span):
            return None
        log.warning(
            "witness.disagrees office=%s op=%d provider=%d start=%s",
            self.session.office, operatory, provider, offer.start.isoformat(),
        )  # fmt: skip
        return disagreement(operatory, span)

    def _trustworthy(self, oldest: float) -> Reason | None:
        """Whether what was seen is still worth something: not too long ago, and by a clock that is right."""
        if self.session.clock.monotonic() - oldest > TOO_OLD:
            return Reason("slow_look")
        skew = self.session.mirror.skew
        if skew is not None and abs(skew) > CLOCKS_MAY_DIFFER:
            return Reason("clock_off")
        if self._offers_read is not None and self._offers_read_at is not None:
            passed = timedelta(seconds=self.session.clock.monotonic() - self._offers_read)
            set_by = self.session.clock.now() - self._offers_read_at - passed
            return Reason("clock_off", "our clock was set just now") if abs(set_by) > JUST_SET else None
        return None


def search_slots(
    session: OfficeSession, operatory: int, provider: int, first: date, last: date
) -> tuple[Slot, ...] | None:
    """What Open Dental's own search finds; None when this office has no such search.

    Raises OpenDentalError: the office could not be read.
    """
    with session.client.purpose("second witness"):
        try:
            return session.client.slots(date_start=first, date_end=last, prov_num=provider, op_num=operatory).rows
        except (NotFound, TooOld, Refused) as error:
            log.info("witness.missing office=%s error=%s", session.office, type(error).__name__)
            return None


def still_fits(offer: NewOffer, office: Office, policy: Policy, now: Now, settling: FreeTime) -> Reason | None:
    """Why an offer is no fit in ``office`` any more, or None. Looks only at the offer's own day."""
    candidate = _candidate(offer, office, policy, now.wall)
    if isinstance(candidate, Reason):
        return candidate
    day = _only_day(office, offer.start.date())
    ground = prepare(day, policy, find_openings(day, policy, now.moment, settling))
    for fit in fits(candidate, ground):
        place = (fit.opening.operatory, fit.opening.provider, fit.start, fit.end)
        if place == (offer.operatory, offer.provider, offer.start, offer.end):
            return None
    return Reason("changed", "the place is not free any more")


def _candidate(offer: NewOffer, office: Office, policy: Policy, wall: datetime) -> Candidate | Reason:
    one = replace(
        office,
        asap=tuple(row for row in office.asap if offer.kind == "appointment" and row.apt_num == offer.number),
        recalls=tuple(row for row in office.recalls if offer.kind == "recall" and row.pat_num == offer.patient),
    )
    candidates, passed = find_candidates(one, policy, wall)
    for candidate in candidates:
        if (candidate.kind, candidate.number) == (offer.kind, offer.number):
            return candidate
    for item in passed:
        if (item.kind, item.number) == (offer.kind, offer.number):
            return item.reason
    return Reason("not_asap")


def _only_day(office: Office, day: date) -> Office:
    """The office with the schedule of one day only, and the appointments that may reach into it."""
    return replace(
        office,
        first=day,
        last=day,
        # A blockout of the day before may reach into this one.
        schedules=tuple(row for row in office.schedules if row.sched_date in {day - timedelta(days=1), day, None}),
        appointments=tuple(
            row
            for row in office.appointments
            if row.apt_date_time is None or abs((row.apt_date_time.date() - day).days) <= 1
        ),
    )
