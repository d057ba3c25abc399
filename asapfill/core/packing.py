"""Packing: which candidates are placed where, so that the most chair time is filled.

Placements are chosen together, several for an opening, by what counts, the first first:

1. chair time: the units placed, each by the weight of its stretch,
2. the policy's order: the sum of units × rank, smallest,
3. the units beside the visits that are too short to use, fewest,
4. early starts, so that of equal plans it is always the same.

The task is cut into parts that share nobody and nothing. That two seekers are one person, or that one provider is
needed in two operatories, matters seldom, so it is left out at first; where the packing found breaks such a link, the
parts it joins are packed again with it. A packing that keeps all links is as good as one that was made with all.

``packing_model`` turns a part into an integer program, ``packing_solver`` solves it, ``packing_greedy`` is the floor.
What is planned is checked in ``packing_check``.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from asapfill.core.packing_greedy import pack_greedily
from asapfill.core.packing_model import build, placements_of
from asapfill.core.packing_solver import solve
from asapfill.core.packing_task import Links, Placement, Task, value
from asapfill.core.schedule import provider_units

ROUNDS: Final = 8
"""How often links that were left out at first may be taken in; after that, what breaks one is left out, and what can
still be added is added."""

FEW: Final = 100
"""With so many seekers it is searched which of those who are one person is placed best; with more it is the first."""

GOOD_ENOUGH: Final = 0.99
"""With more seekers than ``FEW``, a packing that has so much of its bound is not made anew because of a few links."""


@dataclass(frozen=True, slots=True)
class Packing:
    """``value``: the chair time placed, weighted. ``bound``: no packing can have more."""

    placements: tuple[Placement, ...]
    value: int
    bound: int


def pack(task: Task) -> Packing:
    """The best packing; where the search for it was cut short, never a worse one than the greedy."""
    links = Links(frozenset(), frozenset())
    left_out: frozenset[int] = frozenset()
    few = len(task.seekers) <= FEW
    placements, bound = _pack_parts(task, links, left_out)
    plans = [_completed(task, placements, bound)]
    for _ in range(ROUNDS if few else 1):
        more = violated(task, placements)
        if not (more.persons or more.providers) or (not few and value(task, plans[-1]) >= GOOD_ENOUGH * bound):
            break
        if few:
            links = Links(links.persons | more.persons, links.providers | more.providers)
        else:
            links = Links(links.persons, links.providers | more.providers)
            left_out |= _later_ones(task, placements)
        placements, least = _pack_parts(task, links, left_out)
        bound = bound if left_out else min(bound, least)
        plans.append(_completed(task, placements, bound))
    if value(task, plans[-1]) < bound:
        plans.insert(0, pack_greedily(task))
    best = max(reversed(plans), key=lambda plan: value(task, plan))
    best.sort(key=lambda one: (one.start, task.stretches[one.stretch].operatory))
    return Packing(tuple(best), value(task, best), bound)


def _completed(task: Task, placements: Iterable[Placement], bound: int) -> list[Placement]:
    """Placements without those that break a link; if that leaves something to be had, with what can be added."""
    kept = possible(task, placements)
    return pack_greedily(task, kept) if value(task, kept) < bound else kept


def _later_ones(task: Task, placements: Iterable[Placement]) -> frozenset[int]:
    """Of the seekers placed who are one person, all but the first by the policy's order."""
    known: set[str] = set()
    later: set[int] = set()
    for seeker in sorted(one.seeker for one in placements):
        persons = task.seekers[seeker].persons
        if known.isdisjoint(persons):
            known.update(persons)
        else:
            later.add(seeker)
    return frozenset(later)


def _pack_parts(task: Task, links: Links, left_out: frozenset[int]) -> tuple[list[Placement], int]:
    """The best packing of each part, where only these links are kept; and what none can exceed."""
    placements: list[Placement] = []
    bound = 0
    known: set[str] | None = None if len(task.seekers) <= FEW else set()
    for stretches, everybody in independent(task, links):
        seekers = [number for number in everybody if number not in left_out]
        model, program = build(task, stretches, seekers, links)
        solution = solve(program)
        placements += placements_of(model, solution, known)
        units = sum(len(task.seekers[one].pattern) for one in seekers)
        most = units * max(task.stretches[one].weight for one in stretches)
        bound += math.floor(min(most, solution.bound))
    return placements, bound


def violated(task: Task, placements: Iterable[Placement]) -> Links:
    """The links that placements break: persons placed twice, pairs of stretches that need their provider at once."""
    persons = Counter(person for one in placements for person in task.seekers[one.seeker].persons)
    needed: dict[tuple[int, int], set[int]] = defaultdict(set)
    for one in placements:
        for unit in _provider_time(task, one):
            needed[unit].add(one.stretch)
    return Links(
        frozenset(person for person, times in persons.items() if times > 1),
        frozenset(pair for stretches in needed.values() for pair in combinations(sorted(stretches), 2)),
    )


def possible(task: Task, placements: Iterable[Placement]) -> list[Placement]:
    """Placements without those that break a link with one before them; mostly nothing is left out."""
    kept: list[Placement] = []
    used: set[str | tuple[int, int]] = set()
    for one in placements:
        uses: set[str | tuple[int, int]] = {*task.seekers[one.seeker].persons, *_provider_time(task, one)}
        if used.isdisjoint(uses):
            kept.append(one)
            used |= uses
    return kept


def _provider_time(task: Task, placement: Placement) -> Iterator[tuple[int, int]]:
    """The units in which a placement needs its provider: ProvNum and unit."""
    provider = task.stretches[placement.stretch].provider
    for first, last in provider_units(task.seekers[placement.seeker].pattern):
        for unit in range(placement.start + first, placement.start + last):
            yield provider, unit


def independent(task: Task, links: Links) -> list[tuple[list[int], list[int]]]:
    """Cut a task into parts that have nothing to do with each other: the numbers of their stretches and seekers.

    Stretches belong together when somebody fits into both, or a link of these joins them.
    """
    parts = _Parts(len(task.stretches))
    joined: set[tuple[int, ...]] = set()
    by_person: dict[str, list[int]] = defaultdict(list)
    for seeker in task.seekers:
        fitting = tuple(number for number, _ in seeker.starts)
        if fitting not in joined:
            joined.add(fitting)
            parts.join(fitting)
        for person in links.persons.intersection(seeker.persons):
            by_person[person] += fitting[:1]
    for numbers in (*by_person.values(), *links.providers):
        parts.join(numbers)
    stretches: dict[int, list[int]] = defaultdict(list)
    for number in range(len(task.stretches)):
        stretches[parts.of(number)].append(number)
    seekers: dict[int, list[int]] = defaultdict(list)
    for number, seeker in enumerate(task.seekers):
        if seeker.starts:
            seekers[parts.of(seeker.starts[0][0])].append(number)
    return [(numbers, seekers[key]) for key, numbers in stretches.items() if seekers[key]]


class _Parts:
    """Numbers that are put together step by step."""

    def __init__(self, count: int) -> None:
        self._leads_to = list(range(count))

    def of(self, number: int) -> int:
        """The number that stands for the part of ``number``."""
        while self._leads_to[number] != number:
            self._leads_to[number] = self._leads_to[self._leads_to[number]]
            number = self._leads_to[number]
        return number

    def join(self, numbers: Sequence[int]) -> None:
        """Put the parts of these together."""
        for number in numbers[1:]:
            self._leads_to[self.of(number)] = self.of(numbers[0])
