"""What packing works on: stretches of free time, those who seek a place, and what counts how much.

The weights of chair time are here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from asapfill.core.units import Interval

WEIGHT: Final = 100
"""What a unit of chair time counts."""

SOONER_COUNTS_MORE: Final = ((timedelta(hours=24), 2), (timedelta(hours=72), 1))
"""By how much a unit counts more when its opening starts within so long.

Enough to decide between equal amounts of time, and little enough that no more than 2 in 102 of the minutes that could
be filled are ever given up for it. In steps, so that a plan stays the same from cycle to cycle.
"""


def weight(until_start: timedelta) -> int:
    """What a unit of an opening counts that starts in ``until_start``."""
    return WEIGHT + next((more for limit, more in SOONER_COUNTS_MORE if until_start < limit), 0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Free time in one operatory. ``span``: units in which visits may lie. ``edges``: the real neighbours to the left
    and right, from which a remainder is counted. ``weight``: of a unit, see ``weight``.
    """

    operatory: int
    provider: int
    span: Interval
    edges: Interval
    weight: int = WEIGHT


@dataclass(frozen=True, slots=True)
class Seeker:
    """Somebody to be placed once at most. ``pattern``: 5-minute units. ``starts``: per number of a stretch the units at
    which the visit may start there. ``persons``: patient and phone; of seekers who share one, one at most is placed.
    """

    pattern: str
    starts: tuple[tuple[int, tuple[int, ...]], ...]
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """Numbers of a seeker and a stretch, and the unit at which the visit starts."""

    seeker: int
    stretch: int
    start: int


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be packed. ``seekers``: first by the policy's order first. ``shortest``: units of the shortest
    remainder that can be used.
    """

    stretches: tuple[Stretch, ...]
    seekers: tuple[Seeker, ...]
    shortest: int


@dataclass(frozen=True, slots=True)
class Links:
    """What ties seekers and stretches together beside the room itself. ``persons``: of whom one seeker at most may be
    placed. ``providers``: pairs of stretches in which one provider must not be needed at the same time.
    """

    persons: frozenset[str]
    providers: frozenset[tuple[int, int]]


def value(task: Task, placements: Iterable[Placement]) -> int:
    """The chair time of placements, weighted."""
    return sum(len(task.seekers[one.seeker].pattern) * task.stretches[one.stretch].weight for one in placements)


def remainder(stretch: Stretch, idle: Interval, shortest: int) -> int:
    """Units of idle time that are too few to use; at the ends of a stretch, with what lies beyond."""
    first = stretch.edges[0] if idle[0] == stretch.span[0] else idle[0]
    last = stretch.edges[1] if idle[1] == stretch.span[1] else idle[1]
    return last - first if last - first < shortest else 0
