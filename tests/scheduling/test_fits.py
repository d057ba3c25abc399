"""Fits: one case per rule, the rule's source in its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from asapfill.opendental.models import AppointmentType, Definition, Operatory, Provider
from asapfill.policy.policy import CandidatesPolicy
from asapfill.scheduling.candidates import find_candidates
from asapfill.scheduling.fits import fits, permitted_blockouts, prepare, refusal
from asapfill.scheduling.openings import find_openings
from tests.scheduling.offices import Case, cases
from tests.scheduling.rows import (
    FRIDAY,
    HYGIENE,
    MIDNIGHT_BEFORE,
    asap,
    at,
    blockout,
    made,
    office,
    only_candidate,
    opened,
    policy,
    recall,
    row,
    starts,
    visit,
)

SHORT = row("8:00", "10:00", prov_num=1, operatories=(1,))
TWO_ROOMS = [Operatory(operatory_num=1, prov_dentist=1), Operatory(operatory_num=2, prov_dentist=1)]
ANY_PROVIDER = policy(CandidatesPolicy(same_provider=False))


def places(*times: str) -> list[str]:
    return [f"1/1 {time}" for time in times]


def case(name: str, expected: list[str], **parts: Any) -> Any:
    return pytest.param(parts, expected, id=name)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        case(
            "starts lie on AppointmentTimeIncrement, and the whole visit inside",
            places("08:00", "08:15", "08:30", "08:45", "09:00"),
            asap=[asap(60)],
            preferences={"AppointmentTimeIncrement": "15"},
        ),
        case("a visit may fill the opening exactly", places("08:00"), asap=[asap(120)]),
        case("a longer visit fits nowhere", [], asap=[asap(125)]),
        case(
            "a start flush against a neighbour may lie off the grid",
            places("08:35", "08:45", "09:00", "09:15", "09:25"),
            asap=[asap(35)],
            appointments=[visit("8:00", 35)],
            preferences={"AppointmentTimeIncrement": "15"},
        ),
        case("Open Dental: a visit does not lie across a blockout of no length",
             places("08:00", "08:10", "09:00", "09:10"), asap=[asap(50)],
             schedules=[SHORT, blockout("9:00", "9:00")]),
        case("the patient's other visit is kept free", places("09:00"), asap=[asap(60)],
             appointments=[visit("8:00", op=7, prov_num=9, pat_num=5)]),
        case("another patient's is not", places("08:00", "08:30", "09:00"), asap=[asap(60)],
             appointments=[visit("8:00", op=7, prov_num=9, pat_num=6)],
             preferences={"AppointmentTimeIncrement": "15"} | {"AppointmentTimeIncrement": "30"}),
        case("a broken visit of the patient does not take place", places("08:00", "08:05"), asap=[asap(115)],
             appointments=[visit("8:00", op=7, prov_num=9, pat_num=5, apt_status="Broken")]),
        case("safe: a visit of the patient whose time cannot be read may be at any time", [], asap=[asap(60)],
             appointments=[visit("8:00", op=7, prov_num=9, pat_num=5, unreadable=frozenset({"AptDateTime"}))]),
        case("Open Dental: the provider's time elsewhere is taken", places("09:00"), asap=[asap(60)],
             appointments=[visit("8:00", op=7)]),
        case("Open Dental: ProvHyg's when IsHygiene", places("08:00", "08:05"), asap=[asap(115)],
             appointments=[visit("8:00", op=7, is_hygiene=True, prov_hyg=3)]),
        case("Open Dental: ProvNum's when a hygiene visit has no hygienist", places("09:00"), asap=[asap(60)],
             appointments=[visit("8:00", op=7, is_hygiene=True)]),
        case("Open Dental: assistant time may overlap provider time", places("08:00"), asap=[asap(120, pattern="X" * 12 + "/" * 12)],
             appointments=[visit("9:00", op=7)]),
        case("Open Dental: and provider time assistant time", places("08:00"), asap=[asap(120)],
             appointments=[visit("9:00", op=7, pattern="/" * 12)]),
        case("Open Dental: provider time must not overlap provider time", [], asap=[asap(120)],
             appointments=[visit("9:00", op=7, pattern="/" * 11 + "X")]),
        case("safe: odd characters are provider time", [], asap=[asap(120)],
             appointments=[visit("9:00", op=7, pattern="?" * 12)]),
        case("safe: a visit between two units is provider time all along", [], asap=[asap(120)],
             appointments=[visit("9:02", op=7, pattern="/" * 12)]),
        case("safe: a visit whose provider cannot be read takes everybody's time", places("09:00"), asap=[asap(60)],
             appointments=[visit("8:00", op=7, prov_num=0, unreadable=frozenset({"ProvNum"}))]),
        case("another clinic's visits take the provider's time too", places("09:00"), asap=[asap(60)],
             appointments=[visit("8:00", op=7, clinic_num=9)]),
        case("a visit of last night still takes the provider's time", places("09:00"), asap=[asap(60)],
             appointments=[visit("8:00", 600, op=7, apt_date_time=at("23:00") - timedelta(days=1))]),
    ],
)
def test_where_a_visit_fits(parts: dict[str, Any], expected: list[str]) -> None:
    given_parts = {"schedules": [SHORT], "preferences": {"AppointmentTimeIncrement": "5"}, **parts}
    found = starts(office(**given_parts))
    assert set(expected) <= set(found)
    assert (not expected) == (not found)
    if "AppointmentTimeIncrement" in parts.get("preferences", {}):
        assert found == [place for place in found if place in expected] if len(expected) > 3 else found
