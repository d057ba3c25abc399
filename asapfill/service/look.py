"""The look just before sending: the day's schedule and appointments and the candidate itself, read again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from asapfill.clock import office_now
from asapfill.offers.offer import NewOffer
from asapfill.policy.policy import Policy
from asapfill.reasons import Reason
from asapfill.scheduling.candidates import Candidate, find_candidates
from asapfill.scheduling.fits import fits, prepare
from asapfill.scheduling.office import Office
from asapfill.scheduling.openings import find_openings
from asapfill.service.desk import Desk
from asapfill.service.free import Young

GOOD_FOR = timedelta(seconds=20)
"""How long one reading of a day serves the offers of the same wave."""


@dataclass(slots=True)
class Look:
    """Looks again for the offers of one cycle. A day is read once for the offers of a wave, the candidate for each."""

    desk: Desk
    policy: Policy
    young: Young
    _days: dict[date, datetime] = field(default_factory=dict)

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
        if offer.kind == "appointment":
            self.desk.mirror.read_appointment(offer.number)
        else:
            self.desk.mirror.read_recalls_of(offer.patient)
        return still_fits(offer, self.desk.mirror.office(), self.policy, clock.now(), self.young)


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
