"""Packing without a solver: one stretch after the other, each filled by whoever comes first and fits.

The floor below which no plan falls, and what stands in when a plan fails its check.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from asapfill.core.packing_task import Placement, Task, remainder
from asapfill.core.schedule import provider_units
from asapfill.core.units import Interval, overlaps, subtract


def pack_greedily(task: Task, kept: Iterable[Placement] = ()) -> list[Placement]:
    """Each seeker, first by the policy's order first, at the start that wastes least; beside what is kept."""
    waiting: dict[int, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    for seeker, sought in enumerate(task.seekers):
        for stretch, starts in sought.starts:
            waiting[stretch].append((seeker, starts))
    placements: list[Placement] = []
    used: set[str | int] = set()
    busy: dict[int, list[tuple[Interval, int]]] = defaultdict(list)
    taken: dict[int, list[Interval]] = defaultdict(list)

    def place(one: Placement) -> None:
        stretch, pattern = task.stretches[one.stretch], task.seekers[one.seeker].pattern
        placements.append(one)
        used.update((one.seeker, *task.seekers[one.seeker].persons))
        needed = [(one.start + first, one.start + last) for first, last in provider_units(pattern)]
        busy[stretch.provider] += [(span, stretch.operatory) for span in needed]
        taken[one.stretch].append((one.start, one.start + len(pattern)))

    for one in kept:
        place(one)
    for number in sorted(waiting, key=lambda number: (task.stretches[number].span, task.stretches[number].operatory)):
        free = subtract([task.stretches[number].span], taken[number])
        for seeker, starts in waiting[number]:
            if not free:
                break
            if seeker in used or not used.isdisjoint(task.seekers[seeker].persons):
                continue
            start = _start(task, Placement(seeker, number, 0), starts, free, busy)
            if start is not None:
                place(Placement(seeker, number, start))
                free = subtract([task.stretches[number].span], taken[number])
    return placements


def _start(
    task: Task,
    seeker: Placement,
    starts: tuple[int, ...],
    free: list[Interval],
    busy: dict[int, list[tuple[Interval, int]]],
) -> int | None:
    """The start that wastes least, the earliest of several; None when there is no place left."""
    stretch, pattern = task.stretches[seeker.stretch], task.seekers[seeker.seeker].pattern
    elsewhere = [span for span, operatory in busy[stretch.provider] if operatory != stretch.operatory]
    best: tuple[int, int] | None = None
    for start in starts:
        end = start + len(pattern)
        around = next((gap for gap in free if gap[0] <= start and end <= gap[1]), None)
        if around is None:
            continue
        needed = [(start + first, start + last) for first, last in provider_units(pattern)] if elsewhere else []
        if any(overlaps(span, other) for span in needed for other in elsewhere):
            continue
        gaps = ((around[0], start), (end, around[1]))
        waste = sum(remainder(stretch, gap, task.shortest) for gap in gaps if gap[0] < gap[1] or gap[0] in stretch.span)
        if best is None or (waste, start) < best:
            best = (waste, start)
    return None if best is None else best[1]
