"""Sums over offices, and how sure they are: 95 % intervals by leaving out one office at a time (the jackknife)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.compare.world import Tally

COUNTS: Final = ("minutes", "texts", "fills", "disappointed")
T_95: Final = 2.01
"""Student's t for 50 offices; a little too small for fewer than 30."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of all measured weeks of several offices."""

    weeks: int
    minutes: int
    texts: int
    fills: int
    disappointed: int

    @classmethod
    def of(cls, tallies: Sequence[Tally]) -> Sums:
        """The sums of these offices."""
        return cls(sum(one.weeks for one in tallies), *(total(tallies, name) for name in COUNTS))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and half the width of its 95 % interval."""

    value: float
    half: float

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} ± {self.half:{spec}}"


def total(tallies: Sequence[Tally], name: str) -> int:
    """One count, summed up."""
    return sum(int(getattr(one, name)) for one in tallies)


def _estimate(count: int, of: Callable[[Sequence[int]], float]) -> Estimate:
    """A figure of several offices, each given by its place."""
    everybody = range(count)
    value = of(everybody)
    if count < 2:  # one office tells nothing of the others
        return Estimate(value, math.inf)
    without = [of([place for place in everybody if place != left]) for left in everybody]
    middle = sum(without) / count
    spread = sum((one - middle) ** 2 for one in without) * (count - 1) / count
    return Estimate(value, T_95 * math.sqrt(spread))


def mean(tallies: Sequence[Tally], name: str) -> Estimate:
    """A count for a week."""
    return _quotient(tallies, name, tallies, "weeks")


def per_fill(tallies: Sequence[Tally], name: str) -> Estimate:
    """A count for each place that was filled."""
    return _quotient(tallies, name, tallies, "fills")


def ratio(ours: Sequence[Tally], theirs: Sequence[Tally], name: str) -> Estimate:
    """A count of one rule over that of another on the same offices."""
    return _quotient(ours, name, theirs, name)


def _quotient(ours: Sequence[Tally], name: str, theirs: Sequence[Tally], other: str) -> Estimate:
    def of(places: Sequence[int]) -> float:
        below = sum(getattr(theirs[place], other) for place in places)
        return sum(getattr(ours[place], name) for place in places) / below if below else math.nan

    return _estimate(min(len(ours), len(theirs)), of)
