"""Simulated patients react at published rates, staff do what front desks do, and both only as the seed says."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import pytest

from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office import rules
from asapfill.sandbox.office.life import Life
from asapfill.sandbox.office.people import People
from asapfill.sandbox.office.rules import find_place, gaps
from asapfill.sandbox.office.tables import SimulatedOffice
from tests.depth import DEPTH

MONDAY = datetime(2026, 11, 16, 7, 0)
SATURDAY = date(2026, 11, 21)
AT = datetime(2026, 11, 16, 9, 0)
ANSWERS = {"accept", "decline", "stop"}
EMPTY = SimulatedOffice(now=AT)
SEEDS = range(DEPTH.examples(10))

Row = dict[str, Any]


def offer(number: int, *, kind: str = "ScheduledAppt", expire: str = "2026-11-24 10:00:00") -> Row:
    return {"FKey": number, "FKeyType": kind, "DateTimeExpire": expire, "AsapCommNum": 1, "PatNum": 1}


def reactions(people: People, count: int = 4000) -> list[list[tuple[timedelta, str]]]:
    return [people.texted(EMPTY, offer(number), AT) for number in range(count)]


@cache
def office(seed: int) -> SimulatedOffice:
    """For looking only: shared by the tests."""
    return fresh_office(seed)


def fresh_office(seed: int = 1) -> SimulatedOffice:
    return SimulatedOffice.load(make_office(seed, start=MONDAY))


def share(found: list[list[tuple[timedelta, str]]], action: str) -> float:
    return sum(action in [what for _, what in reaction] for reaction in found) / len(found)


@pytest.mark.parametrize("eagerness", [0.0, 0.09, 0.2, 0.3, 1.0])
def test_as_many_texts_are_accepted_as_people_are_eager(eagerness: float) -> None:
    assert share(reactions(People(3, eagerness=eagerness)), "accept") == pytest.approx(eagerness, abs=0.02)


def test_at_the_usual_eagerness_nearly_half_react_and_few_stop() -> None:
    found = reactions(People(3))
    assert 0.38 < share(found, "view") < 0.5
    assert 0.08 < share(found, "decline") < 0.15
    assert 0 < share(found, "stop") < 0.02
    only_looked = sum([what for _, what in reaction] == ["view"] for reaction in found) / len(found)
    assert 0.1 < only_looked < 0.2


def test_nobody_answers_twice_or_without_looking() -> None:
    for reaction in reactions(People(4)):
        actions = [what for _, what in reaction]
        assert actions in ([], ["view"], *(["view", answer] for answer in ANSWERS))
        delays = [delay for delay, _ in reaction]
        assert delays == sorted(delays)
        assert all(delay >= timedelta(0) for delay in delays)


def test_half_of_those_who_look_do_so_within_about_twelve_minutes_and_some_take_hours() -> None:
    looked = [reaction[0][0].total_seconds() / 60 for reaction in reactions(People(5)) if reaction]
    assert 10.5 < statistics.median(looked) < 13.5
    assert max(looked) > 120
    assert min(looked) < 2


def test_a_reaction_depends_on_the_seed_the_candidate_and_the_slot_and_on_nothing_else() -> None:
    offers = [offer(number) for number in range(300)]
    forwards, backwards = People(6), People(6)
    first = [forwards.texted(EMPTY, row, AT) for row in offers]
    second = [backwards.texted(EMPTY, row | {"AsapCommNum": 77}, AT + timedelta(days=1)) for row in reversed(offers)]
    assert first == second[::-1] == [forwards.texted(EMPTY, row, AT) for row in offers]
    assert first != [People(7).texted(EMPTY, row, AT) for row in offers]
    other_slot = [offer(number, expire="2026-11-24 10:10:00") for number in range(300)]
    assert first != [forwards.texted(EMPTY, row, AT) for row in other_slot]


def test_a_recall_is_another_candidate_than_the_appointment_of_the_same_number_whatever_its_status() -> None:
    people = People(6)
    by_kind = {
        kind: [people.texted(EMPTY, offer(number, kind=kind), AT) for number in range(100)]
        for kind in ("ScheduledAppt", "Broken", "Recall")
    }
    assert by_kind["ScheduledAppt"] == by_kind["Broken"] != by_kind["Recall"]


@pytest.mark.parametrize("eagerness", [-0.1, 1.1])
def test_eagerness_that_is_no_chance_is_refused(eagerness: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        People(1, eagerness=eagerness)


def called_off(events: list[tuple[datetime, Row]]) -> list[Row]:
    return [action for _, action in events if action["action"] in {"cancel", "delete", "break"}]


def test_five_to_ten_percent_of_a_days_visits_fall_through() -> None:
    visits = cancelled = same_day = 0
    ways: Counter[str] = Counter()
    for seed in range(30):
        made = office(seed % DEPTH.generated_offices)  # people differ even where offices do not
        today = {
            row["AptNum"]
            for row in made.appointments.values()
            if row["AptStatus"] == "Scheduled" and row["Op"] and row["AptDateTime"][:10] == "2026-11-16"
        }
        gone = called_off(People(seed).day_events(made, MONDAY.date()))
        visits += len(today)
        cancelled += len(gone)
        same_day += sum(action["AptNum"] in today for action in gone)
        ways.update(action["action"] for action in gone)
    assert 0.05 < cancelled / visits < 0.12
    assert 0.3 < same_day / cancelled < 0.9, "some on the morning itself, some for later days"
    assert min(ways[name] for name in ("cancel", "delete", "break")) >= 5


def test_every_visit_of_the_day_ends_somehow_and_at_its_time() -> None:
    made = office(1)
    events = People(1).day_events(made, MONDAY.date())
    ends: dict[int, list[str]] = {}
    for when, action in events:
        row = made.appointments.get(action.get("AptNum", 0))
        if row and row["AptDateTime"].startswith("2026-11-16") and row["Op"]:
            start, stop = rules.appointment_span(row)
            if action["action"] == "complete":
                assert when == stop
            elif action.get("charted") == "Missed":
                assert when == start + timedelta(minutes=15)
            else:
                assert when < start
            ends.setdefault(row["AptNum"], []).append(action["action"])
    assert len(ends) > 30
    assert all(len(actions) == 1 for actions in ends.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_front_desk_works_from_half_past_seven_to_half_past_five(seed: int) -> None:
    events = People(seed).day_events(office(seed), MONDAY.date())
    assert [when for when, _ in events] == sorted(when for when, _ in events)
    for when, action in events:
        assert when.date() == MONDAY.date()
        assert action["action"] == "complete" or time(7, 30) <= when.time() <= time(17, 30)


def test_over_some_days_staff_do_everything_that_staff_do() -> None:
    done: Counter[str] = Counter()
    for seed in range(10):
        made = office(seed % len(SEEDS))
        done.update(action["action"] for _, action in People(seed).day_events(made, MONDAY.date()))
    assert set(done) == {"cancel", "delete", "break", "move", "book", "complete", "priority", "blockout"}


def test_planning_a_day_changes_nothing_and_gives_the_same_plan_again() -> None:
    made = office(1)
    before = made.dump()
    people = People(2)
    plan = people.day_events(made, MONDAY.date())
    people.texted(made, offer(1), AT)
    assert people.day_events(made, MONDAY.date()) == plan == People(2).day_events(fresh_office(), MONDAY.date())
    assert made.dump() == before
    assert People(3).day_events(made, MONDAY.date()) != plan


def test_the_fate_of_a_visit_does_not_hang_on_other_visits() -> None:
    made = fresh_office()
    today = [row["AptNum"] for row in made.appointments.values() if row["AptDateTime"].startswith("2026-11-16")]
    fates = ("complete", "cancel", "delete", "break")

    def fates_of(numbers: list[int]) -> list[tuple[datetime, Row]]:
        events = People(8).day_events(made, MONDAY.date())
        return [(when, what) for when, what in events if what["action"] in fates and what.get("AptNum") in numbers]

    before = fates_of(today[1:])
    del made.appointments[today[0]]
    assert fates_of(today[1:]) == before


def test_callers_are_booked_at_their_own_clinic() -> None:
    made = SimulatedOffice.load(make_office(1, start=MONDAY, operatories=9, clinics=3))
    booked = [
        action
        for seed in range(20)
        for _, action in People(seed).day_events(made, MONDAY.date())
        if action["action"] == "book"
    ]
    assert len(booked) > 10
    for action in booked:
        clinic = made.patients[action["PatNum"]]["ClinicNum"]
        assert made.operatories[action["Op"]]["ClinicNum"] == clinic


def test_nobody_does_anything_when_the_office_is_closed() -> None:
    made = office(1)
    (holiday,) = [row["SchedDate"] for row in made.schedules.values() if row["Status"] == "Holiday"]
    assert People(1).day_events(made, SATURDAY) == []
    assert People(1).day_events(made, date.fromisoformat(holiday)) == []
    assert gaps(made, date.fromisoformat(holiday)) == []


def test_people_without_an_office_have_nothing_to_do() -> None:
    assert People(1).day_events(EMPTY, MONDAY.date()) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_two_weeks_of_staff_work_leave_a_sound_schedule(seed: int) -> None:
    made = fresh_office(seed)
    life = Life(made, People(seed))
    life.advance(MONDAY + timedelta(days=13))
    done = Counter(event["action"] for event in life.happened)
    assert done["complete"] > 300
    assert sum(life.skipped.values()) < 0.1 * sum(done.values()) / 2, "staff plan what can be done"
    chairs: Counter[tuple[int, datetime]] = Counter()
    providers: Counter[tuple[int, datetime]] = Counter()
    for row in made.appointments.values():
        if row["AptStatus"] not in {"UnschedList", "Planned"}:
            start, stop = rules.appointment_span(row)
            owner = row["ProvHyg"] if row["IsHygiene"] else row["ProvNum"]
            units = [start + place * rules.UNIT for place in range(int((stop - start) / rules.UNIT))]
            chairs.update((row["Op"], unit) for unit in units)
            providers.update((owner, unit) for unit, mark in zip(units, row["Pattern"], strict=True) if mark == "X")
    assert max(chairs.values()) == 1
    assert max(providers.values()) == 1


def one_chair(*appointments: Row) -> SimulatedOffice:
    hours = {"SchedDate": "2026-11-16", "SchedType": "Provider"}
    return SimulatedOffice.load(
        {
            "now": "2026-11-16 07:00:00",
            "operatories": [
                {"OperatoryNum": 1, "ProvDentist": 1},
                {"OperatoryNum": 2, "ProvDentist": 1},
                {"OperatoryNum": 3, "ProvDentist": 1, "IsHidden": True},
            ],
            "providers": [{"ProvNum": 1, "Abbr": "DOC1"}],
            "definitions": [{"DefNum": 250, "Category": 25, "ItemName": "High Production"}],
            "schedules": [
                hours | {"StartTime": "08:00:00", "StopTime": "12:00:00", "ProvNum": 1, "operatories": [1]},
                hours | {"StartTime": "13:00:00", "StopTime": "14:00:00", "ProvNum": 1},
                {
                    "SchedDate": "2026-11-16",
                    "SchedType": "Blockout",
                    "StartTime": "08:00:00",
                    "StopTime": "08:30:00",
                    "BlockoutType": 250,
                    "operatories": [1],
                },
            ],
            "appointments": list(appointments),
        }
    )


def visit(at: str, *, op: int = 1, pattern: str = "/XXXX/", status: str = "Scheduled") -> Row:
    return {"AptDateTime": f"2026-11-16 {at}", "Op": op, "Pattern": pattern, "ProvNum": 1, "AptStatus": status}


def free(made: SimulatedOffice) -> list[tuple[int, str, str]]:
    return [(gap.op, f"{gap.start:%H:%M}", f"{gap.stop:%H:%M}") for gap in gaps(made, MONDAY.date())]


def test_free_time_is_hours_without_visits_and_blockouts_in_visible_chairs() -> None:
    made = one_chair(visit("09:00:00"), visit("10:00:00", status="Broken"), visit("11:00:00", status="Planned"))
    assert free(made) == [
        (1, "08:30", "09:00"),
        (1, "09:30", "10:00"),
        (1, "10:30", "12:00"),
        (1, "13:00", "14:00"),
        (2, "13:00", "14:00"),
    ]


def test_a_place_is_found_only_where_the_provider_is_not_needed_elsewhere() -> None:
    made = one_chair(visit("13:00:00", op=2, pattern="XXXXXX//////"))
    found = find_place(made, MONDAY.date(), "XXXXXX", after=MONDAY.replace(hour=12))
    assert found is not None
    assert (found.op, found.start.time()) == (1, time(13, 30))
    planned = [visit("13:30:00", pattern="XXXXXX") | {"IsHygiene": False}]
    assert find_place(made, MONDAY.date(), "XXXXXX", after=MONDAY.replace(hour=12), also=planned) is None
    assert find_place(made, MONDAY.date(), "") is None
