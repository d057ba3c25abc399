"""How long free time has been free."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.openings import FreeSince, FreeTime, remember, still_settling
from asapfill.core.units import Interval, merged

START = datetime(2026, 11, 20, 17, tzinfo=UTC)
SETTLE = timedelta(minutes=15)
KEY = (1, 1)


def later(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def looks(*spans: list[Interval], every: int = 5) -> list[FreeSince]:
    """What is remembered after looking some times, minutes apart."""
    seen: list[FreeSince] = []
    for number, free in enumerate(spans):
        seen = remember(seen, {KEY: free}, later(number * every))
    return seen


def test_free_time_is_young_until_the_settle_time_is_over() -> None:
    seen = looks([(0, 10)])
    assert still_settling(seen, later(0), SETTLE) == {KEY: [(0, 10)]}
    assert still_settling(seen, later(14), SETTLE) == {KEY: [(0, 10)]}
    assert still_settling(seen, later(15), SETTLE) == {}


def test_what_is_seen_again_keeps_its_moment() -> None:
    assert looks([(0, 10)], [(0, 10)], [(0, 10)]) == looks([(0, 10)])


def test_minutes_that_appear_beside_old_ones_are_young_inside_one_opening() -> None:
    seen = looks([(0, 10)], [(0, 10)], [(0, 10)], [(0, 16)])
    assert still_settling(seen, later(16), SETTLE) == {KEY: [(10, 16)]}


def test_time_that_was_taken_in_between_is_young_again() -> None:
    seen = looks([(0, 10)], [(0, 4)], [(0, 10)])
    assert sorted((item.span, item.since) for item in seen) == [((0, 4), later(0)), ((4, 10), later(10))]


def test_time_that_is_not_free_any_more_is_forgotten() -> None:
    assert looks([(0, 10)], []) == []


def test_another_providers_time_in_the_same_operatory_is_new() -> None:
    seen = remember([FreeSince(1, 1, (0, 10), START)], {(1, 2): [(0, 10)]}, later(60))
    assert seen == [FreeSince(1, 2, (0, 10), later(60))]


def test_a_clock_that_was_set_back_makes_time_young() -> None:
    assert still_settling(looks([(0, 10)]), START - timedelta(hours=3), SETTLE) == {KEY: [(0, 10)]}


def test_without_a_settle_time_nothing_is_young() -> None:
    assert still_settling(looks([(0, 10)]), START, timedelta(0)) == {}


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5).map(
    lambda pairs: merged((min(pair), max(pair)) for pair in pairs)
)


@given(history=st.lists(SPANS, min_size=1, max_size=8))
def test_each_unit_is_as_old_as_the_unbroken_run_of_looks_that_saw_it_free(history: list[list[Interval]]) -> None:
    seen = looks(*history)
    ages = {unit: item.since for item in seen for unit in range(*item.span)}
    free_at = [{unit for span in spans for unit in range(*span)} for spans in history]
    expected = {}
    for unit in free_at[-1]:
        first = len(history) - 1
        while first > 0 and unit in free_at[first - 1]:
            first -= 1
        expected[unit] = later(first * 5)
    assert ages == expected
    assert sum(item.span[1] - item.span[0] for item in seen) == len(free_at[-1])


@given(spans=SPANS)
def test_looking_twice_at_the_same_moment_changes_nothing(spans: list[Interval]) -> None:
    free: FreeTime = {KEY: spans}
    once = remember([], free, START)
    assert remember(once, free, START) == once
