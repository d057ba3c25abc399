"""Openings: one case per rule, the rule's source in its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from asapfill.core.openings import find_openings
from asapfill.core.policy import Hours
from asapfill.core.rows import Clinic, Definition, Operatory, Provider
from tests.core.rows import (
    FRIDAY,
    HYGIENE,
    LUNCH,
    MIDNIGHT_BEFORE,
    at,
    blockout,
    made,
    office,
    opened,
    policy,
    row,
    visit,
)

WHOLE_DAY = ["1/1 08:00-17:00"]
ANYWHERE = row("8:00", "17:00", prov_num=1)
HYGIENE_ROOM = Operatory(operatory_num=1, prov_dentist=1, prov_hygienist=3, is_hygiene=True)
BOTH = [row("8:00", "12:00", prov_num=1, operatories=(1,)), row("10:00", "14:00", prov_num=2, operatories=(1,))]


def case(name: str, expected: list[str], **parts: Any) -> Any:
    return pytest.param(parts, expected, id=name)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        case("Open Dental: a row with operatories applies to exactly these", WHOLE_DAY),
        case("Open Dental: no provider row means closed", [], schedules=[]),
        case(
            "Open Dental: a row without operatories applies where its provider is the dentist",
            WHOLE_DAY,
            schedules=[ANYWHERE],
        ),
        case(
            "Open Dental: a dentist's row without operatories does not apply in a hygiene operatory",
            [],
            schedules=[ANYWHERE],
            operatories=[HYGIENE_ROOM],
        ),
        case(
            "Open Dental: a hygienist's row without operatories applies in his hygiene operatory",
            ["1/3 08:00-17:00"],
            schedules=[row("8:00", "17:00", prov_num=3)],
            operatories=[HYGIENE_ROOM],
        ),
        case(
            "Open Dental: an operatory without provider has ScheduleProvUnassigned, by default 1",
            WHOLE_DAY,
            schedules=[ANYWHERE],
            operatories=[Operatory(operatory_num=1)],
        ),
        case(
            "Open Dental: ScheduleProvUnassigned names the provider",
            ["1/2 09:00-10:00"],
            schedules=[ANYWHERE, row("9:00", "10:00", prov_num=2)],
            operatories=[Operatory(operatory_num=1)],
            preferences={"ScheduleProvUnassigned": "2"},
        ),
        case(
            "Open Dental: split shifts are several rows",
            ["1/1 08:00-12:00", "1/1 13:00-17:00"],
            schedules=[row("8:00", "12:00", prov_num=1), row("13:00", "17:00", prov_num=1)],
        ),
        case(
            "overlapping rows of one provider are one shift",
            WHOLE_DAY,
            schedules=[row("8:00", "12:00", prov_num=1), row("11:00", "17:00", prov_num=1)],
        ),
        case("a provider's row of no length is no time", [], schedules=[row("9:00", "9:00", prov_num=1)]),
        case(
            "a provider's row that ends before it starts is no time", [], schedules=[row("17:00", "8:00", prov_num=1)]
        ),
        case("only whole units are offered", ["1/1 08:05-08:55"], schedules=[row("8:02", "8:59:59", prov_num=1)]),
        case(
            "safe: an unreadable provider row is no time",
            [],
            schedules=[row("8:00", "17:00", prov_num=1, unreadable=frozenset({"StopTime"}))],
        ),
        case(
            "safe: a row whose operatories cannot be read is not taken for one without any",
            [],
            schedules=[row("8:00", "17:00", prov_num=1, unreadable=frozenset({"operatories"}))],
        ),
        case("safe: a hidden provider's time is not offered", [], providers=[Provider(prov_num=1, is_hidden=True)]),
        case("safe: nor a deleted provider's", [], providers=[Provider(prov_num=1, prov_status="Deleted")]),
        case(
            "safe: nor one's who cannot be read",
            [],
            providers=[made(Provider, prov_num=1, unreadable=frozenset({"IsHidden"}))],
        ),
        case("safe: nor one's who is not listed", [], providers=[Provider(prov_num=2)]),
    ],
)
def test_who_works_where(parts: dict[str, Any], expected: list[str]) -> None:
    assert opened(office(**parts)) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        case(
            "Open Dental: the earlier of two linked rows assigns",
            ["1/1 08:00-12:00", "1/2 12:00-14:00"],
            schedules=BOTH,
        ),
        case(
            "Open Dental: a linked row goes before one without operatories",
            ["1/1 08:00-09:00", "1/2 09:00-10:00", "1/1 10:00-17:00"],
            schedules=[ANYWHERE, row("9:00", "10:00", prov_num=2, operatories=(1,))],
        ),
        case(
            "Open Dental: the operatory's role goes before everything",
            ["1/3 08:00-10:00", "1/1 10:00-17:00"],
            operatories=[HYGIENE_ROOM],
            schedules=[
                row("8:00", "17:00", prov_num=1, operatories=(1,)),
                row("8:00", "10:00", prov_num=3),
            ],
        ),
        case(
            "safe: the time of a hidden provider who would be assigned is nobody else's",
            ["1/2 12:00-14:00"],
            schedules=BOTH,
            providers=[Provider(prov_num=1, is_hidden=True), Provider(prov_num=2)],
        ),
    ],
)
def test_whose_time_it_is_where_several_work_at_once(parts: dict[str, Any], expected: list[str]) -> None:
    assert opened(office(**parts)) == expected


@pytest.mark.parametrize(
    ("status", "free"),
    [
        ("Scheduled", False),
        ("Complete", False),
        ("Broken", False),
        ("PtNote", False),
        ("PtNoteCompleted", False),
        ("UnschedList", True),
        ("Planned", True),
        ("SomethingNew", False),
        ("", False),
    ],
)
def test_open_dental_every_status_but_unscheduled_and_planned_lies_on_the_schedule(status: str, free: bool) -> None:  # noqa: FBT001  a table's column
    expected = WHOLE_DAY if free else ["1/1 08:00-09:00", "1/1 10:00-17:00"]
    assert opened(office(appointments=[visit("9:00", apt_status=status)])) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        case(
            "Open Dental: five minutes a character, whatever the grid",
            ["1/1 08:00-09:00", "1/1 09:35-17:00"],
            appointments=[visit("9:00", 35)],
            preferences={"AppointmentTimeIncrement": "15"},
        ),
        case(
            "Open Dental: another operatory's visit does not occupy this one",
            WHOLE_DAY,
            appointments=[visit("9:00", op=2)],
        ),
        case("Open Dental: without an operatory it lies nowhere", WHOLE_DAY, appointments=[visit("9:00", op=0)]),
        case("Open Dental: year 1 is no time", WHOLE_DAY, appointments=[visit("9:00", apt_date_time=None)]),
        case(
            "a visit that runs over midnight into the first day occupies it",
            ["1/1 08:30-17:00"],
            appointments=[visit("23:00", 570, apt_date_time=at("23:00", date(2026, 11, 19)))],
        ),
        case(
            "overlapping visits occupy what both do",
            ["1/1 08:00-09:00", "1/1 10:30-17:00"],
            appointments=[visit("9:00"), visit("9:30")],
        ),
        case(
            "a visit between two units takes both", ["1/1 08:00-09:00", "1/1 10:05-17:00"], appointments=[visit("9:02")]
        ),
        case(
            "safe: an empty pattern takes AppointmentWithoutProcsDefaultLength",
            ["1/1 08:00-09:00", "1/1 09:45-17:00"],
            appointments=[visit("9:00", pattern="")],
            preferences={"AppointmentWithoutProcsDefaultLength": "45"},
        ),
        case(
            "safe: but half an hour at least",
            ["1/1 08:00-09:00", "1/1 09:30-17:00"],
            appointments=[visit("9:00", pattern="")],
            preferences={"AppointmentWithoutProcsDefaultLength": "0"},
        ),
        case(
            "safe: so does an odd pattern, if it is not longer",
            ["1/1 08:00-09:00", "1/1 09:30-17:00"],
            appointments=[visit("9:00", pattern="60")],
        ),
        case(
            "safe: a time that cannot be read takes the whole operatory",
            [],
            appointments=[visit("9:00", unreadable=frozenset({"AptDateTime"}))],
        ),
        case(
            "safe: an operatory that cannot be read is every operatory",
            ["1/1 08:00-09:00", "1/1 10:00-17:00"],
            appointments=[visit("9:00", op=0, unreadable=frozenset({"Op"}))],
        ),
    ],
)
def test_what_appointments_occupy(parts: dict[str, Any], expected: list[str]) -> None:
    assert opened(office(**parts)) == expected


SPLIT = ["1/1 08:00-12:00", "1/1 13:00-17:00"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        case(
            "Open Dental: a blockout blocks the operatories linked to it",
            SPLIT,
            schedules=[ANYWHERE, blockout("12:00", "13:00")],
        ),
        case(
            "Open Dental: not others", WHOLE_DAY, schedules=[ANYWHERE, blockout("12:00", "13:00", operatories=(2, 3))]
        ),
        case(
            "Open Dental: without operatories it blocks none",
            WHOLE_DAY,
            schedules=[ANYWHERE, blockout("12:00", "13:00", operatories=())],
        ),
        case(
            "Open Dental: one row may lie in several",
            SPLIT,
            schedules=[ANYWHERE, blockout("12:00", "13:00", operatories=(2, 1))],
        ),
        case(
            "Open Dental: a blockout of no length may not be lain across",
            ["1/1 08:00-12:00", "1/1 12:00-17:00"],
            schedules=[ANYWHERE, blockout("12:00", "12:00")],
        ),
        case(
            "a blockout to 23:59:59 reaches midnight",
            ["1/1 08:00-12:00"],
            schedules=[ANYWHERE, blockout("12:00", "23:59:59")],
        ),
        case(
            "safe: a blockout that ends before it starts takes its day",
            [],
            schedules=[ANYWHERE, blockout("22:00", "6:00")],
        ),
        case(
            "safe: and the next morning up to its end",
            ["1/1 09:30-17:00"],
            schedules=[ANYWHERE, blockout("22:00", "9:30", sched_date=date(2026, 11, 19))],
        ),
        case(
            "safe: one whose time cannot be read takes its day",
            [],
            schedules=[ANYWHERE, blockout("12:00", "13:00", unreadable=frozenset({"StartTime"}))],
        ),
        case(
            "safe: one without a day takes every day",
            [],
            schedules=[ANYWHERE, blockout("12:00", "13:00", sched_date=None)],
        ),
        case(
            "safe: one whose operatories cannot be read lies in all",
            SPLIT,
            schedules=[ANYWHERE, blockout("12:00", "13:00", operatories=(), unreadable=frozenset({"operatories"}))],
        ),
        case(
            "Open Dental: WebSchedASAP rows do not block",
            WHOLE_DAY,
            schedules=[ANYWHERE, row("12:00", "13:00", "WebSchedASAP", operatories=(1,))],
        ),
        case(
            "Open Dental: employees' rows do not matter",
            WHOLE_DAY,
            schedules=[ANYWHERE, row("12:00", "13:00", "Employee", operatories=(1,))],
        ),
        case(
            "safe: a kind of row that is not known blocks",
            SPLIT,
            schedules=[ANYWHERE, row("12:00", "13:00", "Leave", operatories=(1,))],
        ),
        case(
            "Open Dental: a practice row on a day with provider rows is a note",
            WHOLE_DAY,
            schedules=[ANYWHERE, row("0:00", "0:00", "Practice")],
        ),
    ],
)
def test_what_blocks(parts: dict[str, Any], expected: list[str]) -> None:
    assert opened(office(**parts)) == expected


@pytest.mark.parametrize(
    ("definition", "free"),
    [
        pytest.param(Definition(def_num=7, item_value=""), True, id="policy: allowed"),
        pytest.param(Definition(def_num=7, item_value="DC"), True, id="Open Dental: DC is about copying"),
        pytest.param(Definition(def_num=7, item_value="NS"), False, id="Open Dental: NS forbids scheduling"),
        pytest.param(Definition(def_num=7, item_value="dc,ns"), False, id="Open Dental: NS among other flags"),
        pytest.param(made(Definition, def_num=7, is_hidden=True), False, id="Open Dental: hidden types still count"),
        pytest.param(Definition(def_num=8), False, id="safe: no definition explains it"),
        pytest.param(made(Definition, def_num=7, unreadable=frozenset({"ItemValue"})), False, id="safe: unreadable"),
    ],
)
def test_a_policy_may_allow_some_blockout_types(definition: Definition, free: bool) -> None:  # noqa: FBT001  a table's column
    rows = [ANYWHERE, blockout("12:00", "13:00", blockout_type=7)]
    allowing = policy(blockouts_allowed=frozenset({7}))
    assert opened(office(schedules=rows, blockout_types=[definition]), allowing) == (WHOLE_DAY if free else SPLIT)
    assert opened(office(schedules=rows, blockout_types=[definition])) == SPLIT


@pytest.mark.parametrize(
    ("changes", "parts", "expected"),
    [
        pytest.param({"hours": Hours(time(9), time(12))}, {}, ["1/1 09:00-12:00"], id="policy openings.hours"),
        pytest.param({"hours": Hours(time(9), time(0))}, {}, ["1/1 09:00-17:00"], id="hours until midnight"),
        pytest.param({"days": frozenset({0, 1, 2, 3})}, {}, [], id="policy openings.days"),
        pytest.param({"except_providers": frozenset({1})}, {}, [], id="policy openings.except_providers"),
        pytest.param({"except_operatories": frozenset({1})}, {}, [], id="policy openings.except_operatories"),
        pytest.param({"operatories": frozenset({2})}, {}, [], id="policy openings.operatories"),
        pytest.param({"operatories": frozenset({1})}, {}, WHOLE_DAY, id="policy openings.operatories names it"),
        pytest.param({"shortest": timedelta(hours=9)}, {}, WHOLE_DAY, id="policy openings.shortest, just"),
        pytest.param({"shortest": timedelta(minutes=541)}, {}, [], id="policy openings.shortest"),
        pytest.param(
            {"notice": timedelta(hours=16, minutes=30), "shortest": timedelta(minutes=30)},
            {},
            ["1/1 16:30-17:00"],
            id="what the notice leaves is long enough",
        ),
        pytest.param(
            {"notice": timedelta(hours=16, minutes=35), "shortest": timedelta(minutes=30)},
            {},
            [],
            id="what the notice leaves is shorter than policy openings.shortest",
        ),
        pytest.param({"notice": timedelta(hours=9, minutes=1)}, {}, ["1/1 09:05-17:00"], id="policy openings.notice"),
        pytest.param({"look_ahead": timedelta(0)}, {}, WHOLE_DAY, id="policy openings.look_ahead ends with its day"),
        pytest.param(
            {}, {"operatories": [Operatory(operatory_num=1, is_hidden=True)]}, [], id="Open Dental: hidden operatory"
        ),
        pytest.param(
            {}, {"operatories": [Operatory(operatory_num=1, set_prospective=True)]}, [], id="Open Dental: prospective"
        ),
        pytest.param(
            {},
            {"operatories": [made(Operatory, operatory_num=1, unreadable=frozenset({"IsHidden"}))]},
            [],
            id="safe: unreadable",
        ),
        pytest.param(
            {},
            {"operatories": [Operatory(operatory_num=1, clinic_num=4)]},
            WHOLE_DAY,
            id="Open Dental: no clinics at all",
        ),
        pytest.param(
            {"clinic": 4},
            {"operatories": [Operatory(operatory_num=1, clinic_num=4)], "clinics": [Clinic(clinic_num=4)]},
            WHOLE_DAY,
            id="the policy's clinic",
        ),
        pytest.param(
            {"clinic": 4},
            {"operatories": [Operatory(operatory_num=1, clinic_num=5)], "clinics": [Clinic(clinic_num=4)]},
            [],
            id="another clinic's operatory",
        ),
        pytest.param({"clinic": 4}, {"clinics": [Clinic(clinic_num=4)]}, [], id="an operatory of no clinic"),
    ],
)
def test_what_the_policy_leaves(changes: dict[str, Any], parts: dict[str, Any], expected: list[str]) -> None:
    assert opened(office(**parts), policy(**changes)) == expected


def test_an_opening_beyond_the_look_ahead_is_not_offered() -> None:
    two_days = [ANYWHERE, row("8:00", "17:00", prov_num=1, sched_date=date(2026, 11, 21))]
    longer = office(schedules=two_days, last=date(2026, 11, 21))
    every_day = frozenset(range(7))
    assert len(opened(longer, policy(look_ahead=timedelta(0), days=every_day))) == 1
    assert len(opened(longer, policy(look_ahead=timedelta(days=1), days=every_day))) == 2


def test_time_that_became_free_just_now_is_cut_out_of_an_old_opening() -> None:
    units = FRIDAY.toordinal() * 288
    settling = {(1, 1): [(units + 10 * 12, units + 11 * 12)]}
    found = find_openings(office(), policy(), MIDNIGHT_BEFORE, settling)
    assert [(opening.start, opening.end) for opening in found.openings] == [
        (at("8:00"), at("10:00")),
        (at("11:00"), at("17:00")),
    ]
    assert {opening.free for opening in found.openings} == {(units + 8 * 12, units + 17 * 12)}
    assert [item.reason.code for item in found.left_alone] == ["settling"]


def test_an_opening_keeps_its_name_while_the_notice_eats_into_it() -> None:
    names = {
        opening.id
        for hours in (0, 9, 12)
        for opening in find_openings(office(), policy(notice=timedelta(hours=hours)), MIDNIGHT_BEFORE, {}).openings
    }
    assert names == {"op1-20261120-0800"}


def reasons(parts: dict[str, Any], **changes: Any) -> dict[str, list[str]]:
    found = find_openings(office(**parts), policy(**changes), MIDNIGHT_BEFORE, {})
    result: dict[str, list[str]] = {}
    for item in found.left_alone:
        result.setdefault(item.reason.code, []).append(f"{item.operatory} {item.start:%H:%M}-{item.end:%H:%M}")
    return result


@pytest.mark.parametrize(
    ("parts", "changes", "code", "where"),
    [
        ({"schedules": [ANYWHERE, blockout("12:00", "13:00")]}, {}, "blockout", ["1 12:00-13:00"]),
        ({"schedules": [ANYWHERE, blockout("12:00", "12:00")]}, {}, "blockout", ["1 12:00-12:00"]),
        (
            {"schedules": [ANYWHERE, row("9:00", "9:30", "Odd", operatories=(1,))]},
            {},
            "unreadable_row",
            ["1 09:00-09:30"],
        ),
        ({"appointments": [visit("9:00", pattern="??")]}, {}, "unreadable_row", ["1 09:00-09:30"]),
        (
            {"appointments": [visit("9:00", unreadable=frozenset({"AptDateTime"}))]},
            {},
            "unreadable_row",
            ["1 00:00-00:00"],
        ),
        ({"schedules": []}, {}, "no_provider", ["0 08:00-17:00"]),
        ({"schedules": [row("0:00", "0:00", "Practice")]}, {}, "closed", ["0 08:00-17:00"]),
        ({"providers": []}, {}, "no_provider", ["0 08:00-17:00", "1 08:00-17:00"]),
        ({}, {"shortest": timedelta(hours=10)}, "too_short", ["1 08:00-17:00"]),
        ({}, {"notice": timedelta(hours=10)}, "too_soon", ["1 08:00-10:00"]),
        ({}, {"except_providers": frozenset({1})}, "excluded_provider", ["1 08:00-17:00"]),
        ({}, {"except_operatories": frozenset({1})}, "excluded_operatory", ["1 00:00-00:00"]),
        ({"operatories": [Operatory(operatory_num=1, is_hidden=True)]}, {}, "hidden_operatory", ["1 00:00-00:00"]),
        (
            {"operatories": [Operatory(operatory_num=1, set_prospective=True)]},
            {},
            "prospective_operatory",
            ["1 00:00-00:00"],
        ),
    ],
)
def test_what_is_left_alone_says_why(
    parts: dict[str, Any], changes: dict[str, Any], code: str, where: list[str]
) -> None:
    assert reasons(parts, **changes)[code] == where


def test_a_day_on_which_only_left_out_providers_work_is_not_called_closed() -> None:
    noted = {"schedules": [ANYWHERE, row("0:00", "0:00", "Practice")]}
    assert "closed" not in reasons(noted, except_providers=frozenset({1}))


def test_a_blockout_that_makes_no_sense_is_never_offered_over() -> None:
    allowing = policy(blockouts_allowed=frozenset({HYGIENE}))
    for change in ({"stop_time": time(6)}, {"sched_date": None}, {"unreadable": frozenset({"StartTime"})}):
        odd = blockout("12:00", "13:00", blockout_type=HYGIENE, **change)
        assert opened(office(schedules=[ANYWHERE, odd]), allowing) == []


def test_allowed_blockouts_are_told_for_fitting() -> None:
    rows = [ANYWHERE, blockout("12:00", "13:00", blockout_type=HYGIENE), blockout("9:00", "10:00", blockout_type=LUNCH)]
    allowing = policy(blockouts_allowed=frozenset({HYGIENE, LUNCH}))
    found = find_openings(office(schedules=rows), allowing, MIDNIGHT_BEFORE, {})
    assert [blockout.blockout_type for blockout in found.allowed_blockouts[1]] == [HYGIENE]


def test_another_clinics_operatories_are_not_mentioned() -> None:
    two = office(operatories=[Operatory(operatory_num=1, clinic_num=9)], clinics=[Clinic(clinic_num=4)])
    found = find_openings(two, replace(policy(), clinic=4), MIDNIGHT_BEFORE, {})
    assert {item.operatory for item in found.left_alone} == {0}
