"""Sets of intervals against sets of numbers, and times in units."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.units import (
    Interval,
    ceil_unit,
    day_of,
    day_start,
    end_of_stretch,
    floor_unit,
    intersect,
    merged,
    moment_of,
    overlaps,
    subtract,
    units_in,
)

ENDS = st.tuples(st.integers(0, 40), st.integers(0, 40))
ANY = st.lists(ENDS.map(lambda ends: (min(ends), max(ends))), max_size=8)
SETS = ANY.map(merged)


def numbers(intervals: list[Interval]) -> set[int]:
    return {number for start, end in intervals for number in range(start, end)}


def is_set(intervals: list[Interval]) -> bool:
    ends = [end for interval in intervals for end in interval]
    return ends == sorted(ends) and all(start < end for start, end in intervals)


@given(intervals=ANY)
def test_merged_is_the_same_time_without_seams(intervals: list[Interval]) -> None:
    result = merged(intervals)
    assert numbers(result) == numbers(intervals)
    assert all(left[1] < right[0] for left, right in pairwise(result))


@given(left=SETS, right=SETS)
def test_intersect_is_what_lies_in_both(left: list[Interval], right: list[Interval]) -> None:
    assert numbers(intersect(left, right)) == numbers(left) & numbers(right)
    assert is_set(intersect(left, right))


@given(free=SETS, taken=ANY)
def test_subtract_is_what_is_left_and_nothing_left_meets_what_was_taken(
    free: list[Interval], taken: list[Interval]
) -> None:
    result = subtract(free, taken)
    assert numbers(result) == numbers(free) - numbers(taken)
    assert is_set(result)
    assert not any(overlaps(span, other) for span in result for other in taken)


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        ((5, 9), False),
        ((15, 20), False),
        ((5, 11), True),
        ((14, 20), True),
        ((12, 12), True),
        ((10, 10), False),
        ((15, 15), False),
    ],
)
def test_open_dental_touching_edges_do_not_overlap(other: Interval, meets: bool) -> None:  # noqa: FBT001  a table's column
    assert overlaps((10, 15), other) == meets
    assert overlaps(other, (10, 15)) == meets


def test_something_of_no_length_splits() -> None:
    assert subtract([(0, 10)], [(4, 4)]) == [(0, 4), (4, 10)]
    assert subtract([(0, 10)], [(0, 0), (10, 10)]) == [(0, 10)]


@given(moment=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_units_are_the_five_minutes_around_a_moment(moment: datetime) -> None:
    first, after = floor_unit(moment), ceil_unit(moment)
    assert moment_of(first) <= moment < moment_of(first) + timedelta(minutes=5)
    assert moment_of(after - 1) < moment <= moment_of(after)
    assert day_of(first) == moment.date()
    assert day_start(moment.date()) <= first


@pytest.mark.parametrize(
    ("stop", "end"),
    [
        (time(17), datetime(2026, 11, 20, 17)),
        (time(0), datetime(2026, 11, 21)),
        (time(23, 59), datetime(2026, 11, 20, 23, 59)),
    ],
)
def test_midnight_as_an_end_is_the_end_of_the_day(stop: time, end: datetime) -> None:
    assert end_of_stretch(date(2026, 11, 20), stop) == end


@pytest.mark.parametrize(("minutes", "units"), [(0, 0), (1, 1), (5, 1), (6, 2), (30, 6)])
def test_a_span_needs_whole_units(minutes: int, units: int) -> None:
    assert units_in(timedelta(minutes=minutes)) == units
