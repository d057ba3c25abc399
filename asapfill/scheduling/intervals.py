"""Sets of half-open intervals ``(start, end)`` of whole numbers. Open Dental: touching edges do not overlap."""

from __future__ import annotations

from collections.abc import Iterable

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
