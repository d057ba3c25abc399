"""Step: plan. Everything the pure core is told, put together from the mirror and the journal; also for another time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from asapfill.clock import Now, instant
from asapfill.core.candidates import find_candidates
from asapfill.core.chances import Chances
from asapfill.core.draft import Judge, Situation
from asapfill.core.fits import prepare
from asapfill.core.limits import may_text_now, verdict
from asapfill.core.offer import Contact, NewOffer
from asapfill.core.office import sending_window, text_limit
from asapfill.core.openings import Found
from asapfill.core.plan import Plan, make_plan
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.cycle.candidates import (
    others_contacts,
    our_contacts,
    phone_hashes,
    read_commlogs,
    read_patients_texted_by_others,
    talked_to_lately,
    without_commlogs,
)
from asapfill.cycle.session import OfficeSession
from asapfill.policy.formats import Unreadable
from asapfill.policy.hours import day_of_week, time_of_day
from asapfill.store.outcomes import chances_of

MOST_ROUNDS = 50
"""Reading patients for a plan changes the plan; each round reads at least one more, so this many are never needed."""


LEARNED_FOR = timedelta(hours=24)
"""Until the office's outcomes are counted again: a day's change little."""


@dataclass(frozen=True, slots=True)
class PlanTime:
    """A time of the office's day to plan for, on any day (``weekday`` None) or on one (0 is Monday)."""

    time: time
    weekday: int | None = None

    def coming(self, now: Now, timezone: ZoneInfo) -> Now:
        """The next moment at which the office's clock shows this; the present minute counts."""
        wall = now.wall.replace(second=0, microsecond=0)
        coming = (datetime.combine(wall.date() + timedelta(days=ahead), self.time) for ahead in range(8))
        first = next(moment for moment in coming if moment >= wall and self.weekday in {None, moment.weekday()})
        return Now.at(instant(first, timezone), timezone)


def plan_time(text: str) -> PlanTime:
    """What a person writes behind ``--at``: ``10:00``, ``10am``, ``Mon 10:00``.

    Raises:
        Unreadable: it is neither.
    """
    day, _, rest = text.strip().partition(" ")
    if rest and day[:1].isalpha():
        return PlanTime(time_of_day(rest), day_of_week(day))
    try:
        return PlanTime(time_of_day(text))
    except Unreadable as error:
        raise Unreadable(str(error), "Write for example 10:00, 10am or Mon 10:00.") from None


@dataclass(frozen=True, slots=True)
class Limits:
    """What limits know in one cycle. ``others``: texts of staff and other programs."""

    policy: Policy
    others: tuple[Contact, ...]
    office_limit: int | None
    office_window: tuple[time, time] | None


def limits_of(session: OfficeSession, policy: Policy, now: Now) -> Limits:
    """The limits of one clinic, from the office's preferences and everybody's AsapComms."""
    preferences = session.mirror.office().preferences
    return Limits(
        policy=policy,
        others=others_contacts(session, now),
        office_limit=text_limit(preferences),
        office_window=sending_window(preferences),
    )


def plan_clinic(session: OfficeSession, policy: Policy, found: Found, now: Now) -> Plan:
    """Plan one clinic, reading the patients that the plan needs on the way, and their commlogs if the policy says so.

    Raises OpenDentalError: a patient could not be read.
    """
    read_patients_texted_by_others(session, policy, now)
    plan = Plan((), (), frozenset())
    for _ in range(MOST_ROUNDS):
        situation = situation_of(session, policy, found, now)
        # How long a recall takes, and its clinic, depend on the patient; an appointment tells both itself.
        recalls = {one.patient for one in situation.candidates if one.kind == "recall" and one.provisional}
        if recalls:
            session.mirror.read_patients(recalls)
            continue
        plan = make_plan(situation)
        if plan.wanted:
            session.mirror.read_patients(plan.wanted)
            continue
        unheard = without_commlogs(session, policy, (offer.patient for offer in plan.offers))
        if not unheard:
            return plan
        read_commlogs(session, policy, unheard)
    unread = plan.wanted | without_commlogs(session, policy, (offer.patient for offer in plan.offers))
    return replace(plan, offers=tuple(offer for offer in plan.offers if offer.patient not in unread))


def situation_of(session: OfficeSession, policy: Policy, found: Found, now: Now) -> Situation:
    """What planning works on."""
    office = session.mirror.office()
    candidates, passed = find_candidates(office, policy, now.wall)
    limits = limits_of(session, policy, now)
    return Situation(
        policy=policy,
        office_now=now.wall,
        found=found,
        ground=prepare(office, policy, found),
        candidates=tuple(candidates),
        passed=tuple(passed),
        contacts=(*our_contacts(session, now), *limits.others),
        phones=phone_hashes(session),
        judge=_judge(session, limits, now),
        chances=chances_now(session),
    )


def chances_now(session: OfficeSession) -> Chances:
    """What the office's own outcomes tell, counted once a day.

    Raises StoreError: the state cannot be read.
    """
    now = session.clock.monotonic()
    if session.learned is None or now - session.learned[0] >= LEARNED_FOR.total_seconds():
        session.learned = (now, chances_of(session.store, session.office, session.clock.now()))
    return session.learned[1]


def _judge(session: OfficeSession, limits: Limits, now: Now) -> Judge:
    """The limits as planning asks them."""
    policy = limits.policy

    def judge(new: NewOffer, contacts: Sequence[Contact]) -> Reason | None:
        # What stands against the person is told first: the hour is the same for all.
        return (
            verdict(new, contacts, policy.texts, now.wall, office_limit=limits.office_limit)
            or may_text_now(policy.texts, limits.office_window, new.start, now.moment, policy.timezone)
            or talked_to_lately(session, policy, new.patient, now)
        )

    return judge
