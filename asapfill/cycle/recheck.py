"""The look just before sending: everybody's offers, the day, the candidate and its patient, read again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from asapfill.clock import office_now
from asapfill.core.candidates import Candidate, find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.offer import CLOCKS_MAY_DIFFER, NewOffer
from asapfill.core.office import Office
from asapfill.core.openings import find_openings
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Slot
from asapfill.cycle.follow import follow_offers
from asapfill.cycle.openings import Young
from asapfill.cycle.plan import phone_hashes
from asapfill.cycle.session import OfficeSession
from asapfill.cycle.slot_search import ask_witness, witness_against
from asapfill.cycle.spoken import patients_to_read, read_commlogs, spoken_to
from asapfill.offers.journal import Journal

GOOD_FOR = 20.0
"""Seconds that one reading of a day, and of everybody's offers, serves the offers of the same wave."""

TOO_OLD = 60.0
"""Seconds after which a look that took so long at a slow office says nothing any more."""

PATIENT_GOOD_FOR = timedelta(minutes=5)
"""How long one reading of a patient serves: the plan's own, moments ago, is enough."""

JUST_SET = timedelta(seconds=30)
"""Our clock and the time passed may differ by this much within a look; a clock that was set differs by more."""


@dataclass(slots=True)
class Look:
    """Looks again for the offers of one cycle. A day and the offers are read once for a wave, the candidate for each.

    Ages are measured by the clock that cannot be set.
    """

    session: OfficeSession
    journal: Journal
    policy: Policy
    young: Young
    _days: dict[date, float] = field(default_factory=dict)
    _offers_read: float | None = None
    _wall_then: datetime | None = None
    _slots: dict[tuple[date, int, int], tuple[Slot, ...] | None] = field(default_factory=dict)

    def __call__(self, offer: NewOffer) -> Reason | None:
        """Why ``offer`` does not fit any more, or None.

        Raises OpenDentalError: the office could not be read, so nothing may be sent.
        """
        offers_read = self._read_offers()
        oldest = min(offers_read, self._read_day(offer.start.date()))
        if offer.kind == "appointment":
            self.session.mirror.read_appointment(offer.number)
        else:
            self.session.mirror.read_recalls_of(offer.patient)
        self.session.mirror.read_patients([offer.patient], kept=PATIENT_GOOD_FOR)
        if phone_hashes(self.session).get(offer.patient, "") != offer.phone:
            return Reason("changed", "the phone is another one now")
        reason = still_fits(offer, self.session.mirror.office(), self.policy, self.session.clock.now(), self.young)
        return reason or self._spoken_to(offer) or self._second_witness(offer) or self._trustworthy(oldest)

    def _spoken_to(self, offer: NewOffer) -> Reason | None:
        """Whether the office has talked to the patient meanwhile."""
        read_commlogs(self.session, self.policy, patients_to_read(self.session, self.policy, [offer.patient]))
        return spoken_to(
            self.session, self.policy, offer.patient, office_now(self.session.clock.now(), self.policy.timezone)
        )

    def _read_day(self, day: date) -> float:
        """Read a day's schedule and appointments if that was not done for this wave; returns when it was begun."""
        began = self.session.clock.monotonic()
        if began - self._days.get(day, -math.inf) > GOOD_FOR:
            self.session.mirror.read_day(day)
            self._days[day] = began
            self._slots = {key: slots for key, slots in self._slots.items() if key[0] != day}
        return self._days[day]

    def _read_offers(self) -> float:
        """Read everybody's offers in the same way: staff and patients do not wait for our cycles."""
        began = self.session.clock.monotonic()
        if self._offers_read is None or began - self._offers_read > GOOD_FOR:
            self._wall_then = self.session.clock.now()
            wall = office_now(self._wall_then, self.policy.timezone)
            rows = self.session.mirror.read_asapcomms(wall)
            self.journal.saw(row.asap_comm_num for row in rows if row.asap_comm_num)
            follow_offers(self.session, self.journal, wall)
            self._offers_read = began
        return self._offers_read

    def _trustworthy(self, oldest: float) -> Reason | None:
        """Whether what was seen is still worth something: not too long ago, and by a clock that is right."""
        if self.session.clock.monotonic() - oldest > TOO_OLD:
            return Reason("slow_look")
        skew = self.session.mirror.skew
        if skew is not None and abs(skew) > CLOCKS_MAY_DIFFER:
            return Reason("clock_off")
        if self._offers_read is not None and self._wall_then is not None:
            set_by = self.session.clock.now() - self._wall_then - self._since(self._offers_read)
            return Reason("clock_off", "our clock was set just now") if abs(set_by) > JUST_SET else None
        return None

    def _since(self, moment: float) -> timedelta:
        """The time passed since a monotonic moment."""
        return timedelta(seconds=self.session.clock.monotonic() - moment)

    def _second_witness(self, offer: NewOffer) -> Reason | None:
        """Open Dental's own search of that day, asked once for the offers of a wave."""
        key = (offer.start.date(), offer.operatory, offer.provider)
        if key not in self._slots:
            self._slots[key] = ask_witness(self.session, offer)
        return witness_against(self.session, offer, self._slots[key])


def still_fits(offer: NewOffer, office: Office, policy: Policy, now: datetime, young: Young) -> Reason | None:
    """Why an offer is no fit in ``office`` at ``now`` (aware), or None. Looks only at the offer's own day."""
    wall = office_now(now, policy.timezone)
    candidate = _candidate(offer, office, policy, wall)
    if isinstance(candidate, Reason):
        return candidate
    day = only_day(office, offer.start.date())
    ground = prepare(day, policy, find_openings(day, policy, now, young))
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


def only_day(office: Office, day: date) -> Office:
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
