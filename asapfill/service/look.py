"""The look just before sending: the day's schedule and appointments, the candidate and its patient, read again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from asapfill.clock import office_now
from asapfill.offers.offer import NewOffer
from asapfill.opendental.models import Slot
from asapfill.policy.policy import Policy
from asapfill.reasons import Reason
from asapfill.scheduling.candidates import Candidate, find_candidates
from asapfill.scheduling.fits import fits, prepare
from asapfill.scheduling.office import Office
from asapfill.scheduling.openings import find_openings
from asapfill.service.desk import Desk
from asapfill.service.free import Young
from asapfill.service.witness import ask_witness, witness_against

GOOD_FOR = timedelta(seconds=20)
"""How long one reading of a day serves the offers of the same wave."""

PATIENT_GOOD_FOR = timedelta(minutes=5)
"""How long one reading of a patient serves: the plan's own, moments ago, is enough."""


@dataclass(slots=True)
class Look:
    """Looks again for the offers of one cycle. A day is read once for the offers of a wave, the candidate for each."""

    desk: Desk
    policy: Policy
    young: Young
    _days: dict[date, datetime] = field(default_factory=dict)
    _slots: dict[tuple[date, int, int], tuple[Slot, ...] | None] = field(default_factory=dict)

    def __call__(self, offer: NewOffer) -> Reason | None:
        """Why ``offer`` does not fit any more, or None.

        Raises OpenDentalError: the office could not be read, so nothing may be sent.
        """
        clock = self.desk.clock
        day = offer.start.date()
        read = self._days.get(day)
        if read is None or clock.now() - read > GOOD_FOR:
            self.desk.mirror.read_day(day)
            self._days[day] = clock.now()
            self._slots = {key: slots for key, slots in self._slots.items() if key[0] != day}
        if offer.kind == "appointment":
            self.desk.mirror.read_appointment(offer.number)
        else:
            self.desk.mirror.read_recalls_of(offer.patient)
        self.desk.mirror.read_patients([offer.patient], kept=PATIENT_GOOD_FOR)
        reason = still_fits(offer, self.desk.mirror.office(), self.policy, clock.now(), self.young)
        return reason or self._second_witness(offer)

    def _second_witness(self, offer: NewOffer) -> Reason | None:
        """Open Dental's own search of that day, asked once for the offers of a wave."""
        key = (offer.start.date(), offer.operatory, offer.provider)
        if key not in self._slots:
            self._slots[key] = ask_witness(self.desk, offer)
        return witness_against(self.desk, offer, self._slots[key])


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
        schedules=tuple(row for row in office.schedules if row.sched_date in {day, None}),
        appointments=tuple(
            row
            for row in office.appointments
            if row.apt_date_time is None or abs((row.apt_date_time.date() - day).days) <= 1
        ),
    )
