"""From the mirror and the journal to a plan: everything the pure core is told, put together in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from asapfill.clock import office_now
from asapfill.core.asapcomms import contacts_of_others
from asapfill.core.candidates import find_candidates
from asapfill.core.draft import Judge, Situation
from asapfill.core.fits import prepare
from asapfill.core.limits import may_text_now, verdict
from asapfill.core.offer import CLOCKS_MAY_DIFFER, Contact, NewOffer
from asapfill.core.office import sending_window, text_limit
from asapfill.core.openings import Found
from asapfill.core.plan import Plan, make_plan
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import SchedType
from asapfill.cycle.session import OfficeSession
from asapfill.cycle.spoken import patients_to_read, read_commlogs, spoken_to

MOST_ROUNDS = 50
"""Reading patients for a plan changes the plan; each round reads at least one more, so this many are never needed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What limits know in one cycle. ``others``: texts of staff and other programs."""

    policy: Policy
    others: tuple[Contact, ...]
    office_limit: int | None
    office_window: tuple[time, time] | None


def limits_of(session: OfficeSession, policy: Policy, wall: datetime) -> Limits:
    """The limits of one clinic, from the office's preferences and everybody's AsapComms."""
    preferences = session.mirror.office().preferences
    return Limits(
        policy=policy,
        others=others_contacts(session, wall),
        office_limit=text_limit(preferences),
        office_window=sending_window(preferences),
    )


def others_contacts(session: OfficeSession, wall: datetime) -> tuple[Contact, ...]:
    """The texts that others sent, as far as the office tells."""
    blocks = {
        row.schedule_num: row
        for row in session.mirror.office().schedules
        if row.sched_type == SchedType.WEB_SCHED_ASAP and not row.unreadable
    }
    numbers = [row.asap_comm_num for row in session.mirror.asapcomms]
    ours = session.journal.asapcomms(numbers) if session.journal is not None else frozenset()
    return contacts_of_others(session.mirror.asapcomms, ours, wall, phones=phone_hashes(session), schedules=blocks)


def our_contacts(session: OfficeSession, wall: datetime) -> tuple[Contact, ...]:
    """Our own offers that limits count."""
    if session.journal is None:
        return ()
    return session.journal.since((wall - timedelta(days=31)).date())


def phone_hashes(session: OfficeSession) -> Mapping[int, str]:
    """Keyed hash of the wireless phone per PatNum, for the patients read so far."""
    return session.mirror.phones(session.hash_phone)


def judge_of(session: OfficeSession, limits: Limits, now: datetime) -> Judge:
    """The limits as planning asks them. ``now``: aware."""
    policy = limits.policy
    wall = office_now(now, policy.timezone)

    def judge(new: NewOffer, contacts: Sequence[Contact]) -> Reason | None:
        # What stands against the person is told first: the hour is the same for all.
        return (
            verdict(new, contacts, policy.texts, wall, office_limit=limits.office_limit)
            or may_text_now(policy.texts, limits.office_window, new.start, now, policy.timezone)
            or spoken_to(session, policy, new.patient, wall)
        )

    return judge


def plan_clinic(session: OfficeSession, policy: Policy, found: Found, now: datetime) -> Plan:
    """Plan one clinic, reading the patients that the plan needs on the way, and their commlogs if the policy says so.

    Raises OpenDentalError: a patient could not be read.
    """
    wall = office_now(now, policy.timezone)
    session.mirror.read_patients_since(_others_to_read(session, policy, wall))
    plan = Plan((), (), frozenset())
    for _ in range(MOST_ROUNDS):
        situation = situation_of(session, policy, found, limits_of(session, policy, wall), now)
        # How long a recall takes, and its clinic, depend on the patient; an appointment tells both itself.
        recalls = {one.patient for one in situation.candidates if one.kind == "recall" and one.provisional}
        if recalls:
            session.mirror.read_patients(recalls)
            continue
        plan = make_plan(situation)
        if plan.wanted:
            session.mirror.read_patients(plan.wanted)
            continue
        unheard = patients_to_read(session, policy, (offer.patient for offer in plan.offers))
        if not unheard:
            return plan
        read_commlogs(session, policy, unheard)
    unread = plan.wanted | patients_to_read(session, policy, (offer.patient for offer in plan.offers))
    return replace(plan, offers=tuple(offer for offer in plan.offers if offer.patient not in unread))


def situation_of(session: OfficeSession, policy: Policy, found: Found, limits: Limits, now: datetime) -> Situation:
    """What planning works on."""
    office = session.mirror.office()
    wall = office_now(now, policy.timezone)
    candidates, passed = find_candidates(office, policy, wall)
    return Situation(
        policy=policy,
        office_now=wall,
        found=found,
        ground=prepare(office, policy, found),
        candidates=tuple(candidates),
        passed=tuple(passed),
        contacts=(*our_contacts(session, wall), *limits.others),
        phones=phone_hashes(session),
        judge=judge_of(session, limits, now),
    )


def _others_to_read(session: OfficeSession, policy: Policy, wall: datetime) -> Mapping[int, datetime]:
    """Patients whom others texted lately, and since when (aware) they must have been read: the phone of then counts.

    An earlier reading may tell another phone; so may one minutes later by a clock that is ahead of the office's.
    """
    now, week = session.clock.now(), wall.date() - timedelta(days=7)
    texted: dict[int, datetime] = {}
    for contact in others_contacts(session, wall):
        if contact.day > week and contact.patient:
            # In the hour that autumn repeats, the later showing.
            made = (contact.made or wall).replace(tzinfo=policy.timezone, fold=1).astimezone(UTC)
            since = min(now, made + CLOCKS_MAY_DIFFER)
            texted[contact.patient] = max(since, texted.get(contact.patient, since))
    return texted
