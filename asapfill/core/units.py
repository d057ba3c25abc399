"""Sets of half-open intervals ``(start, end)`` of whole numbers. Open Dental: touching edges do not overlap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

MINUTES = 5
DAY = 24 * 60 // MINUTES

_START = datetime(1, 1, 1)


def floor_unit(moment: datetime) -> int:
    """The unit in which ``moment`` lies (naive office time)."""
    return moment.toordinal() * DAY + (moment.hour * 60 + moment.minute) // MINUTES


def ceil_unit(moment: datetime) -> int:
    """The first unit that starts at ``moment`` or later."""
    unit = floor_unit(moment)
    exact = moment.minute % MINUTES == 0 and moment.second == 0 and moment.microsecond == 0
    return unit if exact else unit + 1


def moment_of(unit: int) -> datetime:
    """The naive office time at which ``unit`` starts."""
    return _START + timedelta(minutes=(unit - DAY) * MINUTES)


def day_start(day: date) -> int:
    """The first unit of ``day``."""
    return day.toordinal() * DAY


def day_of(unit: int) -> date:
    """The day in which ``unit`` lies."""
    return date.fromordinal(unit // DAY)


def end_of_stretch(day: date, stop: time) -> datetime:
    """The moment at which a stretch of ``day`` ends: midnight as its end means the end of that day."""
    if stop == time(0):
        return datetime.combine(day, stop) + timedelta(days=1)
    return datetime.combine(day, stop)


def units_in(span: timedelta) -> int:
    """How many units ``span`` needs, rounded up."""
    return -(-int(span.total_seconds()) // (MINUTES * 60))


Interval = tuple[int, int]


def overlaps(a: Interval, b: Interval) -> bool:
    """Whether two intervals share more than an edge (Open Dental: ``end1 > start2 && start1 < end2``).

    An interval of no length overlaps what it lies strictly inside of.
    """
    return a[1] > b[0] and a[0] < b[1]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time as sorted intervals that neither overlap nor touch; those of no length are dropped."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def subtract(free: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """What is left of ``free`` (sorted, disjoint) without ``taken`` (any order).

    Something of no length inside a free interval splits it: a visit may end or start there, but not lie across it.
    """
    obstacles = sorted(interval for interval in taken if interval[1] >= interval[0])
    result: list[Interval] = []
    first = 0
    for start, end in free:
        while first < len(obstacles) and obstacles[first][1] <= start:
            first += 1
        position, index = start, first
        while index < len(obstacles) and obstacles[index][0] < end:
            taken_start, taken_end = obstacles[index]
            index += 1
            if not overlaps((position, end), (taken_start, taken_end)):
                continue
            if taken_start > position:
                result.append((position, taken_start))
            position = max(position, taken_end)
        if position < end:
            result.append((position, end))
    return result


def intersect(left: Iterable[Interval], right: Iterable[Interval]) -> list[Interval]:
    """The time that lies in both (each sorted and disjoint)."""
    result: list[Interval] = []
    others = list(right)
    first = 0
    for start, end in left:
        while first < len(others) and others[first][1] <= start:
            first += 1
        index = first
        while index < len(others) and others[index][0] < end:
            result.append((max(start, others[index][0]), min(end, others[index][1])))
            index += 1
    return result
