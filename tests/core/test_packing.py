"""Packing: the best there is on small tasks, never below the greedy, always possible, always the same."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asapfill.core import packing_solver
from asapfill.core.packing import Packing, pack
from asapfill.core.packing_greedy import pack_greedily
from asapfill.core.packing_solver import Solution
from asapfill.core.packing_task import Seeker, Stretch, Task, value, weight
from tests.core.packing_twin import Triple, best, is_possible, random_task, worth
from tests.depth import DEPTH

SHORT, LONG = "X" * 6, "X" * 12


def triples(packing: Packing) -> list[Triple]:
    return [(one.seeker, one.stretch, one.start) for one in packing.placements]


def hours(count: int, operatory: int = 1, provider: int = 1, first: int = 0, weight: int = 100) -> Stretch:
    span = (first, first + 12 * count)
    return Stretch(operatory, provider, span, span, weight)


def seeker(pattern: str, *stretches: Stretch, persons: tuple[str, ...] = ()) -> Seeker:
    starts = (
        (number, tuple(range(stretch.span[0], stretch.span[1] - len(pattern) + 1, 2)))
        for number, stretch in enumerate(stretches)
    )
    return Seeker(pattern, tuple(place for place in starts if place[1]), persons)


def test_it_equals_exhaustive_search_on_random_small_offices() -> None:
    for number in range(DEPTH.exhausted_offices):
        task = random_task(number, most_seekers=5 if number % 10 == 0 else 4)
        packing = pack(task)
        found = worth(task, triples(packing))
        assert is_possible(task, triples(packing)), number
        assert found == best(task), number
        assert packing.bound >= packing.value == found[0]


def test_it_is_never_below_greedy_and_always_possible() -> None:
    for number in range(DEPTH.packed_offices):
        task = random_task(1_000_000 + number, most_seekers=12)
        packing = pack(task)
        assert is_possible(task, triples(packing)), number
        assert packing.bound >= packing.value >= value(task, pack_greedily(task)), number


def test_at_least_98_in_100_of_the_minutes_that_could_be_filled_are() -> None:
    for number in range(DEPTH.examples(500)):
        task = random_task(2_000_000 + number, most_seekers=8)
        alike = replace(task, stretches=tuple(replace(one, weight=100) for one in task.stretches))
        minutes = sum(len(task.seekers[one.seeker].pattern) for one in pack(task).placements)
        assert 100 * minutes >= 0.98 * pack(alike).value, number


@settings(max_examples=DEPTH.examples(200), derandomize=True)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 15))
def test_it_is_the_same_whenever_it_is_asked(seed: int, most: int) -> None:
    task = random_task(seed, most)
    first = pack(task)
    packing_solver.forget()
    assert pack(task) == first


def test_it_is_the_same_in_every_process() -> None:
    code = (
        "import json; from tests.core.packing_twin import random_task; from asapfill.core.packing import pack;"
        "print(json.dumps([[(p.seeker, p.stretch, p.start) for p in pack(random_task(n, 14)).placements]"
        " for n in range(20)]))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "12345")
    ]
    assert told[0] == told[1] == told[2]
    assert len(json.loads(told[0])) == 20  # and nothing else stands on standard output


def test_two_long_visits_fill_more_than_what_comes_first() -> None:
    room = hours(2)
    people = [seeker(LONG + SHORT, room), seeker(LONG, room), seeker(LONG, room)]
    assert {one[0] for one in triples(pack(Task((room,), tuple(people), shortest=6)))} == {1, 2}


def test_of_equal_amounts_of_time_the_policys_order_decides() -> None:
    room = hours(1)
    people = [seeker(SHORT, room), seeker(SHORT, room), seeker(LONG, room), seeker(SHORT, room)]
    assert {one[0] for one in triples(pack(Task((room,), tuple(people), shortest=6)))} == {0, 1}


def test_one_person_is_placed_once() -> None:
    rooms = (hours(1), hours(1, operatory=2, provider=2))
    people = (
        seeker(LONG, *rooms, persons=("patient 1",)),
        seeker(LONG, *rooms, persons=("patient 1",)),
        seeker(SHORT, *rooms, persons=("patient 2",)),
    )
    assert {one[0] for one in triples(pack(Task(rooms, people, shortest=6)))} == {0, 2}


def test_a_provider_is_needed_in_one_room_at_a_time() -> None:
    rooms = (hours(1), hours(1, operatory=2))
    together = (seeker("X" * 6 + "/" * 6, *rooms), seeker("/" * 6 + "X" * 6, *rooms))
    assert len(pack(Task(rooms, together, shortest=6)).placements) == 2
    at_odds = (seeker("X" * 6 + "/" * 6, *rooms), seeker("X" * 6 + "/" * 6, *rooms))
    assert len(pack(Task(rooms, at_odds, shortest=6)).placements) == 1


def test_no_remainder_too_short_to_use_where_it_can_be_helped() -> None:
    room = Stretch(1, 1, (0, 13), (0, 13))
    person = Seeker("X" * 7, ((0, (0, 2, 4, 6)),), ())
    # Starting at 2 or 4 leaves two remainders, at 0 or 6 one of 6 units.
    assert triples(pack(Task((room,), (person,), shortest=6))) == [(0, 0, 0)]


@pytest.mark.parametrize(("ahead", "counts"), [(2, 102), (23, 102), (25, 101), (71, 101), (73, 100), (300, 100)])
def test_an_hour_that_begins_sooner_counts_a_little_more(ahead: int, counts: int) -> None:
    assert weight(timedelta(hours=ahead)) == counts


def test_when_the_solver_finds_nothing_greedy_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asapfill.core.packing.solve", lambda _: Solution(None, math.inf))
    for number in range(20):
        task = random_task(number, most_seekers=8)
        assert pack(task).value == value(task, pack_greedily(task))


def test_a_large_office_stays_near_what_no_plan_can_exceed() -> None:
    rooms = tuple(
        hours(1 + number % 3, operatory=number % 10, provider=number % 10, first=100 * number) for number in range(40)
    )
    lengths = (SHORT, "X" * 8, LONG, "X" * 18)
    people = tuple(
        Seeker(
            lengths[number % 4],
            tuple(place for place in seeker(lengths[number % 4], *rooms).starts if place[0] % 5 == number % 5),
            (f"patient {number}",),
        )
        for number in range(150)
    )
    task = Task(rooms, people, shortest=6)
    packing = pack(task)
    assert is_possible(task, triples(packing))
    assert packing.value >= 0.99 * packing.bound
