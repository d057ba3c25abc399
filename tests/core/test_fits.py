"""Fits: one case per rule, the rule's source in its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from asapfill.core.candidates import find_candidates
from asapfill.core.fits import fits, permitted_blockouts, prepare, refusal
from asapfill.core.openings import find_openings
from asapfill.core.policy import CandidatesPolicy
from asapfill.core.rows import AppointmentType, Definition, Operatory, Provider
from tests.core.offices import Case, cases
from tests.core.rows import (
    FRIDAY,
    HYGIENE,
    MIDNIGHT_BEFORE,
    asap,
    at,
    blockout,
    made,
    office,
    only_candidate,
    patient,
    policy,
    recall,
    row,
    starts,
    visit,
)
from tests.depth import DEPTH

SHORT = row("8:00", "10:00", prov_num=1, operatories=(1,))
TWO_ROOMS = [Operatory(operatory_num=1, prov_dentist=1), Operatory(operatory_num=2, prov_dentist=1)]
ANY_PROVIDER = policy(CandidatesPolicy(same_provider=False))


ALL = "08:00 08:15 08:30 08:45 09:00"
LATE = "09:00"


def case(name: str, expected: str, **parts: Any) -> Any:
    return pytest.param(parts, expected, id=name)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        case("starts lie on AppointmentTimeIncrement, and the whole visit inside", ALL),
        case("a visit may fill the opening exactly", "08:00", asap=[asap(120)]),
        case("a longer visit fits nowhere", "", asap=[asap(125)]),
        case(
            "a start flush against a neighbour may lie off the grid",
            "08:35 08:45 09:00 09:15 09:25",
            asap=[asap(35)],
            appointments=[visit("8:00", 35)],
        ),
        case(
            "Open Dental: a visit does not lie across a blockout of no length",
            "08:00 08:10 09:00 09:10",
            asap=[asap(50)],
            schedules=[SHORT, blockout("9:00", "9:00")],
        ),
        case("the patient's other visit is kept free", LATE, appointments=[visit("8:00", op=7, prov_num=9, pat_num=5)]),
        case("another patient's is not", ALL, appointments=[visit("8:00", op=7, prov_num=9, pat_num=6)]),
        case(
            "a broken visit of the patient does not take place",
            ALL,
            appointments=[visit("8:00", op=7, prov_num=9, pat_num=5, apt_status="Broken")],
        ),
        case(
            "safe: a visit of the patient whose time cannot be read may be at any time",
            "",
            appointments=[visit("8:00", op=7, prov_num=9, pat_num=5, unreadable=frozenset({"AptDateTime"}))],
        ),
        case("Open Dental: the provider's time elsewhere is taken", LATE, appointments=[visit("8:00", op=7)]),
        case("another clinic's visits take it too", LATE, appointments=[visit("8:00", op=7, clinic_num=9)]),
        case(
            "Open Dental: ProvHyg's time when IsHygiene",
            ALL,
            appointments=[visit("8:00", op=7, is_hygiene=True, prov_hyg=3)],
        ),
        case(
            "Open Dental: ProvNum's when a hygiene visit has no hygienist",
            LATE,
            appointments=[visit("8:00", op=7, is_hygiene=True)],
        ),
        case(
            "Open Dental: assistant time may overlap provider time",
            "08:00",
            asap=[asap(pattern="X" * 12 + "/" * 12)],
            appointments=[visit("9:00", op=7)],
        ),
        case(
            "Open Dental: and provider time assistant time",
            "08:00",
            asap=[asap(120)],
            appointments=[visit("9:00", op=7, pattern="/" * 12)],
        ),
        case(
            "Open Dental: provider time must not overlap provider time",
            "",
            asap=[asap(120)],
            appointments=[visit("9:00", op=7, pattern="/" * 11 + "X")],
        ),
        case(
            "safe: odd characters are provider time",
            "",
            asap=[asap(120)],
            appointments=[visit("9:00", op=7, pattern="/?")],
        ),
        case(
            "safe: a visit between two units is provider time all along",
            "",
            asap=[asap(120)],
            appointments=[visit("9:02", op=7, pattern="/" * 12)],
        ),
        case(
            "safe: a visit whose provider cannot be read takes everybody's time",
            LATE,
            appointments=[visit("8:00", op=7, prov_num=0, unreadable=frozenset({"ProvNum"}))],
        ),
        case(
            "a visit of last night still takes the provider's time",
            LATE,
            appointments=[visit("8:00", 600, op=7, apt_date_time=at("23:00") - timedelta(days=1))],
        ),
    ],
)
def test_where_a_visit_fits(parts: dict[str, Any], expected: str) -> None:
    usual = {"schedules": [SHORT], "asap": [asap(60)], "preferences": {"AppointmentTimeIncrement": "15"}}
    assert starts(office(**{**usual, **parts})) == [f"1/1 {time}" for time in expected.split()]


def test_same_provider_confines_to_the_own_providers_openings() -> None:
    rows = [SHORT, row("8:00", "9:00", prov_num=2, operatories=(2,))]
    rooms = office(schedules=rows, operatories=TWO_ROOMS, asap=[asap(60)])
    assert {place[:3] for place in starts(rooms)} == {"1/1"}
    assert {place[:3] for place in starts(rooms, ANY_PROVIDER)} == {"1/1", "2/2"}


def test_a_hygiene_visit_belongs_to_its_hygienist() -> None:
    rows = [row("8:00", "9:00", prov_num=1, operatories=(1,)), row("8:00", "9:00", prov_num=3, operatories=(2,))]
    rooms = office(schedules=rows, operatories=TWO_ROOMS, asap=[asap(60, is_hygiene=True, prov_hyg=3)])
    assert starts(rooms) == ["2/3 08:00"]


def test_fits_come_in_the_order_of_the_openings_also_for_several_providers() -> None:
    rows = [row("8:00", "9:00", prov_num=n, operatories=(n,)) for n in (3, 4)]
    rows += [row("10:00", "11:00", prov_num=n, operatories=(n,)) for n in (4, 3)]
    two_hygienists = office(
        schedules=rows,
        operatories=[Operatory(operatory_num=3), Operatory(operatory_num=4)],
        providers=[Provider(prov_num=3, is_secondary=True), Provider(prov_num=4, is_secondary=True)],
        recalls=[recall(time_pattern_override="X" * 12)],
        preferences={"AppointmentTimeIncrement": "5"},
    )
    assert starts(two_hygienists) == ["3/3 08:00", "4/4 08:00", "3/3 10:00", "4/4 10:00"]


def test_one_visit_does_not_run_over_from_one_provider_to_the_next() -> None:
    rows = [row("8:00", "9:00", prov_num=1, operatories=(1,)), row("9:00", "10:00", prov_num=2, operatories=(1,))]
    assert starts(office(schedules=rows, asap=[asap(60)]), ANY_PROVIDER) == ["1/1 08:00", "1/2 09:00"]
    assert starts(office(schedules=rows, asap=[asap(70)]), ANY_PROVIDER) == []


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        pytest.param(timedelta(0), ["08:00", "08:10", "08:20", "08:30"], id="any earlier time will do"),
        pytest.param(timedelta(hours=1), ["08:00", "08:10"], id="an hour earlier at least"),
        pytest.param(timedelta(days=1), [], id="policy candidates.gain: not worth a move"),
    ],
)
def test_a_scheduled_visit_must_gain_enough(gain: timedelta, expected: list[str]) -> None:
    present = visit("9:10", 30, apt_num=50, pat_num=5, priority="ASAP")
    early = office(schedules=[row("8:00", "9:00", prov_num=1)], asap=[present], appointments=[present])
    found = starts(early, policy(CandidatesPolicy(gain=gain)))
    assert found == [f"1/1 {time}" for time in expected]


def test_open_dental_counts_the_own_present_place_as_taken_but_not_the_own_provider_time() -> None:
    present = visit("8:30", 60, apt_num=50, pat_num=5, priority="ASAP")
    rooms = office(
        schedules=[row("8:00", "10:00", prov_num=1)], operatories=TWO_ROOMS, asap=[present], appointments=[present]
    )
    found = starts(rooms, policy(CandidatesPolicy(gain=timedelta(0))))
    assert found == ["2/1 08:00", "2/1 08:10", "2/1 08:20", "2/1 08:30"]


def test_a_recall_is_not_offered_before_its_due_day() -> None:
    tomorrow = FRIDAY + timedelta(days=1)
    days = [row("8:00", "8:30", prov_num=3, operatories=(1,), sched_date=day) for day in (FRIDAY, tomorrow)]
    two_days = office(last=tomorrow, schedules=days, recalls=[recall(date_due=tomorrow, time_pattern_override="XX")])
    a_policy = policy(days=frozenset(range(7)))
    found = find_openings(two_days, a_policy, MIDNIGHT_BEFORE, {})
    candidate = only_candidate(two_days, a_policy)
    ground = prepare(two_days, a_policy, found)
    assert len(found.openings) == 2
    assert {fit.start.date() for fit in fits(candidate, ground)} == set()
    short = replace(candidate, pattern="XXX")
    assert {fit.start.date() for fit in fits(short, ground)} == {tomorrow}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(0, "08:00 08:15 08:30 08:45 09:00", id="Open Dental: without a type any blockout will do"),
        pytest.param(1, "08:00 08:15 08:30 08:45 09:00", id="Open Dental: the type lists this blockout by name"),
        pytest.param(2, "08:00 08:15 08:30 08:45 09:00", id="Open Dental: the type lists it by number"),
        pytest.param(3, "08:00 08:15 08:30 08:45 09:00", id="Open Dental: a type that lists nothing restricts nothing"),
        pytest.param(4, LATE, id="Open Dental: a type that lists others forbids it"),
        pytest.param(5, LATE, id="safe: a list that cannot be read permits nothing"),
        pytest.param(9, LATE, id="safe: nor does a type that is not known"),
    ],
)
def test_an_appointment_type_may_restrict_the_blockouts_under_it(kind: int, expected: str) -> None:
    lists = {1: "lunch, HYGIENE ", 2: str(HYGIENE), 3: "", 4: "Lunch"}
    types = [AppointmentType.read({"AppointmentTypeNum": n, "BlockoutTypes": text}) for n, text in lists.items()]
    types.append(made(AppointmentType, appointment_type_num=5, unreadable=frozenset({"BlockoutTypes"})))
    under = office(
        schedules=[SHORT, blockout("8:00", "9:00", blockout_type=HYGIENE)],
        asap=[asap(60, appointment_type_num=kind)],
        appointment_types=types,
        preferences={"AppointmentTimeIncrement": "15"},
    )
    allowing = policy(blockouts_allowed=frozenset({HYGIENE}))
    assert starts(under, allowing) == [f"1/1 {time}" for time in expected.split()]


ONLY_HYGIENE = {"hygiene_only_in": frozenset({HYGIENE})}
HYGIENE_VISIT = {"asap": [asap(60, is_hygiene=True)]}
RECALL = {"recalls": [recall()], "patients": {5: patient(pri_prov=1)}}


@pytest.mark.parametrize(
    ("changes", "parts", "expected"),
    [
        pytest.param(ONLY_HYGIENE, HYGIENE_VISIT, "08:30 08:45", id="policy hygiene_only_in: inside its blockout"),
        pytest.param(ONLY_HYGIENE, {"asap": [asap(30)]}, "08:00 09:45", id="policy hygiene_only_in: nobody else there"),
        pytest.param(ONLY_HYGIENE, RECALL, "08:30 08:45", id="a recall is a hygiene visit"),
        pytest.param(
            {"recalls_only_in": frozenset({HYGIENE})}, RECALL, "08:30 08:45", id="policy recalls_only_in: inside it"
        ),
        pytest.param(
            {"recalls_only_in": frozenset({HYGIENE})}, HYGIENE_VISIT, "", id="policy recalls_only_in: no other visits"
        ),
        pytest.param(
            {"recalls_only_in": frozenset({7}), "hygiene_only_in": frozenset({HYGIENE})},
            RECALL,
            "",
            id="policy recalls_only_in goes before hygiene_only_in",
        ),
        pytest.param(
            {"hygiene_only_in": frozenset({HYGIENE}), "blockouts_allowed": frozenset({HYGIENE})},
            {"asap": [asap(120)]},
            "08:00 08:15",
            id="policy blockouts_allowed: everybody may",
        ),
        pytest.param({}, HYGIENE_VISIT, "", id="a blockout nobody is kept for blocks"),
    ],
)
def test_block_scheduling(changes: dict[str, Any], parts: dict[str, Any], expected: str) -> None:
    rows = [row("8:00", "10:15", prov_num=1), blockout("8:30", "9:45", blockout_type=HYGIENE)]
    usual = {"schedules": rows, "preferences": {"AppointmentTimeIncrement": "15"}}
    found = starts(office(**usual, **parts), policy(hygiene_chairs=False, **changes))
    assert found == [f"1/1 {time}" for time in expected.split()]


def test_inside_a_blockout_means_wholly_inside() -> None:
    rows = [row("8:00", "10:00", prov_num=1), blockout("8:02", "9:30", blockout_type=HYGIENE)]
    found = starts(
        office(schedules=rows, **HYGIENE_VISIT), policy(hygiene_chairs=False, hygiene_only_in=frozenset({HYGIENE}))
    )
    assert found == ["1/1 08:10", "1/1 08:20", "1/1 08:30"]


MARKED = [Operatory(operatory_num=1, prov_dentist=1), Operatory(operatory_num=2, prov_dentist=1, is_hygiene=True)]
DENTIST, HYGIENIST = Provider(prov_num=1), Provider(prov_num=2, is_secondary=True)
DENTIST_HERE = [row("8:00", "9:00", prov_num=1, operatories=(1,)), row("10:00", "11:00", prov_num=1, operatories=(2,))]
HYGIENIST_HERE = [
    row("8:00", "9:00", prov_num=1, operatories=(2,)),
    row("10:00", "11:00", prov_num=2, operatories=(1,)),
]
HYGIENE_60, OTHER_60 = {"asap": [asap(60, is_hygiene=True)]}, {"asap": [asap(60)]}


@pytest.mark.parametrize(
    ("operatories", "providers", "schedules", "who", "expected"),
    [
        pytest.param(MARKED, [DENTIST], DENTIST_HERE, HYGIENE_60, "2/1 10:00", id="hygiene in a marked operatory"),
        pytest.param(MARKED, [DENTIST], DENTIST_HERE, RECALL, "2/1 10:00 2/1 10:10 2/1 10:20", id="a recall, too"),
        pytest.param(MARKED, [DENTIST], DENTIST_HERE, OTHER_60, "1/1 08:00", id="others not in a marked one"),
        pytest.param(
            MARKED,
            [DENTIST, HYGIENIST],
            HYGIENIST_HERE,
            {"asap": [asap(60, is_hygiene=True, prov_num=2)]},
            "1/2 10:00",
            id="hygiene where a hygienist works",
        ),
        pytest.param(TWO_ROOMS, [DENTIST, HYGIENIST], DENTIST_HERE, HYGIENE_60, "", id="none marked: by hygienists"),
        pytest.param(
            TWO_ROOMS,
            [DENTIST, HYGIENIST],
            HYGIENIST_HERE,
            {"asap": [asap(60, prov_num=2)]},
            "",
            id="none marked: others not in a hygienist's time",
        ),
        pytest.param(
            TWO_ROOMS, [DENTIST], DENTIST_HERE, HYGIENE_60, "1/1 08:00 2/1 10:00", id="neither marks nor hygienists"
        ),
        pytest.param(
            MARKED,
            [DENTIST],
            DENTIST_HERE,
            {"asap": [asap(60, is_hygiene=True, op=1)]},
            "1/1 08:00 2/1 10:00",
            id="its own present operatory is right",
        ),
        pytest.param(
            [TWO_ROOMS[0], made(Operatory, operatory_num=2, prov_dentist=1, unreadable=frozenset({"IsHygiene"}))],
            [DENTIST, HYGIENIST],
            DENTIST_HERE,
            OTHER_60,
            "1/1 08:00",
            id="what cannot be read is right for nobody",
        ),
    ],
)
def test_the_right_chair(
    operatories: list[Operatory], providers: list[Provider], schedules: list[Any], who: dict[str, Any], expected: str
) -> None:
    here = office(operatories=operatories, providers=providers, schedules=schedules, **who)
    assert " ".join(starts(here, policy())) == expected
    everywhere = len(starts(here, policy(hygiene_chairs=False)))
    assert everywhere >= len(expected.split()) // 2


def test_a_name_shared_by_two_blockout_types_permits_both() -> None:
    both = [Definition(def_num=7, item_name="Crown"), Definition(def_num=8, item_name=" crown ")]
    kinds = [AppointmentType.read({"AppointmentTypeNum": 2, "BlockoutTypes": "Crown"})]
    assert permitted_blockouts(kinds, both) == {0: None, 2: frozenset({7, 8})}


@settings(max_examples=DEPTH.examples(60), derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_what_explain_says_of_a_place_agrees_with_the_fits(case: Case) -> None:
    found = find_openings(case.office, case.policy, case.now, {})
    ground = prepare(case.office, case.policy, found)
    candidates, _ = find_candidates(case.office, case.policy, at("6:00"))
    for candidate in candidates:
        places = {(fit.opening.id, fit.span[0]) for fit in fits(candidate, ground)}
        for opening in found.openings:
            for start in range(*opening.span):
                refused = refusal(candidate, opening, start, ground)
                flush = start in (opening.free[0], opening.free[1] - len(candidate.pattern))
                on_offer = refused is None and (start % ground.grid == 0 or flush)
                assert ((opening.id, start) in places) == on_offer, refused


@pytest.mark.parametrize(
    ("parts", "start", "code"),
    [
        ({"asap": [asap(60)]}, "9:05", "length"),
        ({"asap": [asap(60, prov_num=2)]}, "8:00", "other_provider"),
        (
            {"asap": [asap(60)], "appointments": [visit("8:00", op=7, prov_num=9, pat_num=5)]},
            "8:00",
            "own_other_appointment",
        ),
        ({"asap": [asap(60)], "appointments": [visit("8:00", op=7)]}, "8:00", "provider_busy"),
        ({"asap": [visit("9:30", apt_num=50, pat_num=5, priority="ASAP")]}, "8:00", "gain"),
        ({"asap": [asap(60)]}, "8:00", None),
    ],
)
def test_why_not_here(parts: dict[str, Any], start: str, code: str | None) -> None:
    one = office(schedules=[SHORT], **parts)
    ground = prepare(one, policy(), find_openings(one, policy(), MIDNIGHT_BEFORE, {}))
    unit = FRIDAY.toordinal() * 288 + at(start).hour * 12 + at(start).minute // 5
    assert refusal(only_candidate(one), ground.openings[0], unit, ground) == code
