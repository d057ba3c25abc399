"""Situations to plan: an office where one dentist works in two rooms at once, and people who wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from asapfill.clock import office_now
from asapfill.core.candidates import find_candidates
from asapfill.core.draft import Judge, Situation
from asapfill.core.fits import prepare
from asapfill.core.limits import verdict
from asapfill.core.offer import Contact, NewOffer
from asapfill.core.office import Office
from asapfill.core.openings import find_openings
from asapfill.core.policy import CandidatesPolicy, Policy, TextsPolicy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Appointment, Operatory, Provider
from tests.core.rows import MIDNIGHT_BEFORE, asap, patient, policy, row, visit
from tests.core.rows import office as office_of

NOW = MIDNIGHT_BEFORE + timedelta(hours=6)
ROOMS = [Operatory(operatory_num=1, prov_dentist=1), Operatory(operatory_num=2, prov_dentist=1)]
HOURS = [row("8:00", "12:00", prov_num=1), row("8:00", "11:00", prov_num=2, operatories=(3,))]


def situation(
    office: Office, a_policy: Policy, contacts: Iterable[Contact] = (), now: datetime = NOW, judge: Judge | None = None
) -> Situation:
    """What the service would put together; the limits decide unless a judge is given."""
    contacts = tuple(contacts)
    wall = office_now(now, a_policy.timezone)
    found = find_openings(office, a_policy, now, {})
    candidates, passed = find_candidates(office, a_policy, wall)

    def limits(new: NewOffer, texted: Sequence[Contact]) -> Reason | None:
        return verdict(new, texted, a_policy.texts, wall)

    return Situation(
        policy=a_policy,
        office_now=wall,
        found=found,
        ground=prepare(office, a_policy, found),
        candidates=tuple(candidates),
        passed=tuple(passed),
        contacts=contacts,
        phones={number: f"phone {number // 2}" for number in office.patients},
        judge=judge or limits,
    )


def waiting_room(
    people: Iterable[Appointment], appointments: Iterable[Appointment] = (), patients: Iterable[int] = range(1, 20)
) -> Office:
    """An office with rooms 1 and 2 of one dentist, and room 3 of another."""
    return office_of(
        operatories=[*ROOMS, Operatory(operatory_num=3, prov_dentist=2)],
        providers=[Provider(prov_num=1), Provider(prov_num=2)],
        schedules=HOURS,
        asap=list(people),
        appointments=list(appointments),
        patients={number: patient(pat_num=number) for number in patients},
    )


def planning_policy(texts: TextsPolicy | None = None, *, same_provider: bool = True, shortest: int = 30) -> Policy:
    """A policy that may fill the whole day."""
    usual = policy(CandidatesPolicy(same_provider=same_provider), shortest=timedelta(minutes=shortest))
    return replace(usual, texts=texts or TextsPolicy())


@st.composite
def people(draw: st.DrawFn) -> list[Appointment]:
    """Some who wait, now and then two for one patient."""
    count = draw(st.integers(1, 12))
    return [
        asap(
            apt_num=100 + number,
            pat_num=draw(st.integers(1, 10)),
            prov_num=draw(st.sampled_from([1, 1, 2])),
            pattern=draw(st.sampled_from(["X" * 6, "X" * 12, "XX//XX", "//////XX", "X" * 18, "/" * 6])),
            apt_status=draw(st.sampled_from(["UnschedList", "Planned"])),
        )
        for number in range(count)
    ]


@st.composite
def booked(draw: st.DrawFn) -> list[Appointment]:
    """Some visits that are there already."""
    return [
        visit(
            f"{draw(st.integers(8, 11))}:{draw(st.sampled_from(['00', '30', '15']))}",
            draw(st.sampled_from([30, 45, 60])),
            apt_num=number + 1,
            pat_num=90 + number,
            op=draw(st.integers(1, 3)),
            prov_num=draw(st.integers(1, 2)),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Wave sizes, caps and shortest openings."""
    texts = TextsPolicy(
        wave=draw(st.sampled_from([None, 1, 2, 5])),
        per_opening=draw(st.sampled_from([1, 3, 12])),
        per_patient_per_day=draw(st.sampled_from([1, 2])),
    )
    return planning_policy(texts, same_provider=draw(st.booleans()), shortest=draw(st.sampled_from([5, 30, 60])))
