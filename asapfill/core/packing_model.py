"""Packing as an integer program, in which equal people are not told apart.

* A **class** is everybody with the same pattern and the same starts; how many of a class go into a stretch is one
  whole number. Who shares a patient or a phone with somebody is a class alone.
* Each **stretch** takes one of its fillings: the most visits, counted by length, that lie in it one after the other.
* Where starts matter, because the provider could be needed in two operatories at once or because the program is small
  enough to look at remainders, visits and idle time form a path from the first to the last unit of the stretch instead,
  with an arc for each start. Each unit of a provider who works in two operatories is given once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from asapfill.core.packing_solver import Program, Solution, Terms
from asapfill.core.packing_task import Links, Placement, Seeker, Task, remainder
from asapfill.core.schedule import provider_units
from asapfill.core.units import DAY

IN_DETAIL: Final = 100
"""Up to so many starts are all four aims pursued at once; beyond, remainders are looked at in each stretch alone."""

IN_ORDER: Final = 400
"""Up to so many columns is the policy's order pursued; beyond, it decides within a class only."""

MOST_FILLINGS: Final = 200
"""A stretch that can be filled in more ways is a path."""

Kind = tuple[str, tuple[int, ...]]
"""A pattern and its starts in one stretch. The pattern is only told apart where the provider may be needed twice."""

Filling = tuple[tuple[Kind, int], ...]
"""Visits one after the other, each by its kind and start."""


@dataclass(slots=True)
class Class:
    """Equal people. ``members``: numbers of seekers, first by the policy's order first. ``kinds``: per stretch."""

    pattern: str
    members: list[int]
    kinds: dict[int, Kind]
    columns: dict[int, int] = field(default_factory=dict)
    ranks: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """A program with what its columns mean. ``visits``: per stretch, kind and start the column; ``idle``: per stretch,
    start and end; ``fillings``: stretch, filling and column.
    """

    task: Task
    classes: list[Class]
    visits: dict[tuple[int, Kind, int], int] = field(default_factory=dict)
    idle: dict[tuple[int, int, int], int] = field(default_factory=dict)
    fillings: list[tuple[int, Filling, int]] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    rows: list[tuple[Terms, int | None, int | None]] = field(default_factory=list)

    def column(self, upper: int = 1) -> int:
        """A column more."""
        self.upper.append(upper)
        return len(self.upper) - 1


def build(task: Task, stretches: Sequence[int], seekers: Sequence[int], links: Links) -> tuple[Model, Program]:
    """The program for a part of a task."""
    told_apart = {number for pair in links.providers for number in pair}.intersection(stretches)
    model = Model(task, _classes(task, seekers, links, told_apart))
    kinds: dict[int, dict[Kind, list[Class]]] = {number: defaultdict(list) for number in stretches}
    for one in model.classes:
        for number, kind in one.kinds.items():
            one.columns[number] = model.column(len(one.members))
            kinds[number][kind].append(one)
    in_detail = sum(len(kind[1]) for found in kinds.values() for kind in found) <= IN_DETAIL
    for number in stretches:
        fillings = None if in_detail or number in told_apart else _fillings(kinds[number])
        if fillings is None:
            _path(model, number, kinds[number], in_detail=in_detail)
        else:
            _choice(model, number, kinds[number], fillings)
    _each_once(model, links)
    _provider_once(model, told_apart)
    objectives = [_chair_time(model)]
    in_order = len(model.upper) <= IN_ORDER
    if in_order:
        objectives.append(_order(model))
    if in_detail:
        objectives.append(_remainders_and_starts(model))
    program = Program(
        upper=tuple(model.upper),
        rows=tuple(model.rows),
        objectives=tuple(objectives),
        choices=_choices(model),
    )
    return model, program


def placements_of(model: Model, solution: Solution, known: set[str] | None = None) -> list[Placement]:
    """Who is placed where: in each class the first by the policy's order, the earlier the sooner.

    ``known``: persons placed already, who are passed over as long as the class has others; None: nobody is.
    """
    if solution.values is None:
        return []
    slots: dict[tuple[int, Kind], list[int]] = defaultdict(list)
    for (number, kind, start), column in model.visits.items():
        if solution.values[column]:
            slots[number, kind].append(start)
    for number, filling, column in model.fillings:
        if solution.values[column]:
            for kind, start in filling:
                slots[number, kind].append(start)
    chosen: dict[tuple[int, Kind], list[int]] = defaultdict(list)
    for one in model.classes:
        members = iter(_members(model, one, sum(solution.values[column] for column in one.columns.values()), known))
        for number, column in one.columns.items():
            for _ in range(solution.values[column]):
                chosen[number, one.kinds[number]].append(next(members))
    return [
        Placement(seeker, number, start)
        for (number, kind), seekers in chosen.items()
        for seeker, start in zip(sorted(seekers), sorted(slots[number, kind]), strict=False)
    ]


def _members(model: Model, one: Class, count: int, known: set[str] | None) -> list[int]:
    """The members of a class that are placed."""
    if known is None:
        return one.members[:count]
    fresh: list[int] = []
    for number in one.members:
        persons = model.task.seekers[number].persons
        if len(fresh) < count and known.isdisjoint(persons):
            fresh.append(number)
            known.update(persons)
    others = [number for number in one.members if number not in fresh]
    return sorted(fresh + others[: count - len(fresh)])


def _classes(task: Task, seekers: Sequence[int], links: Links, told_apart: set[int]) -> list[Class]:
    found: dict[tuple[object, ...], Class] = {}
    for number in seekers:
        seeker = task.seekers[number]
        alone = -1 if links.persons.isdisjoint(seeker.persons) else number
        key = (seeker.pattern, seeker.starts, alone)
        if key in found:
            found[key].members.append(number)
        else:
            found[key] = Class(seeker.pattern, [number], _kinds(seeker, told_apart))
    return list(found.values())


def _kinds(seeker: Seeker, told_apart: set[int]) -> dict[int, Kind]:
    """Per stretch; visits of one length are of a kind where nobody else wants the provider."""
    alike = "X" * len(seeker.pattern)
    return {
        number: (seeker.pattern if number in told_apart else alike, starts)
        for number, starts in seeker.starts
        if starts
    }


def _path(model: Model, number: int, kinds: dict[Kind, list[Class]], *, in_detail: bool) -> None:
    """The visits in one stretch, one after the other, with idle time between them; and who may take them."""
    stretch = model.task.stretches[number]
    leaving: dict[int, list[int]] = defaultdict(list)
    arriving: dict[int, list[int]] = defaultdict(list)
    for kind, classes in kinds.items():
        length = len(kind[0])
        taken: list[tuple[int, int]] = []
        for start in kind[1]:
            column = model.column()
            model.visits[number, kind, start] = column
            leaving[start].append(column)
            arriving[start + length].append(column)
            taken.append((column, -1))
        people = [(one.columns[number], 1) for one in classes]
        model.rows.append((tuple(people + taken), 0, 0))
    nodes = sorted({*stretch.span, *leaving, *arriving})
    for place, start in enumerate(nodes):
        for end in nodes[place + 1 :] if in_detail else nodes[place + 1 : place + 2]:
            column = model.column()
            model.idle[number, start, end] = column
            leaving[start].append(column)
            arriving[end].append(column)
    for node in nodes:
        flow = [(column, 1) for column in leaving[node]] + [(column, -1) for column in arriving[node]]
        through = (node == nodes[0]) - (node == nodes[-1])
        if flow:
            model.rows.append((tuple(flow), through, through))


def _fillings(kinds: dict[Kind, list[Class]]) -> list[Filling] | None:
    """The fillings to which nothing can be added; None when there are too many.

    Of the visits of a filling only their number counts, so of all their orders the one that ends first is kept. Each
    starts as early as it can: whatever comes behind is only better for it.
    """
    most = [(kind, sum(len(one.members) for one in classes)) for kind, classes in kinds.items()]
    layer: dict[tuple[int, ...], tuple[int, Filling]] = {(0,) * len(most): (0, ())}
    found: list[Filling] = []
    while layer:
        following: dict[tuple[int, ...], tuple[int, Filling]] = {}
        for counts, (end, filling) in layer.items():
            full = True
            for place, (kind, available) in enumerate(most):
                at = bisect_left(kind[1], end)
                if counts[place] == available or at == len(kind[1]):
                    continue
                full = False
                start = kind[1][at]
                more = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
                if more not in following or start + len(kind[0]) < following[more][0]:
                    following[more] = (start + len(kind[0]), (*filling, (kind, start)))
            if full:
                found.append(filling)
        layer = following
        if len(layer) + len(found) > MOST_FILLINGS:
            return None
    return found


def _choice(model: Model, number: int, kinds: dict[Kind, list[Class]], fillings: list[Filling]) -> None:
    """One filling for a stretch, and who may take its visits."""
    columns = [model.column() for _ in fillings]
    model.fillings += [(number, filling, column) for filling, column in zip(fillings, columns, strict=True)]
    if len(columns) > 1:
        model.rows.append((tuple((column, 1) for column in columns), None, 1))
    for kind, classes in kinds.items():
        places = [
            (column, -sum(one == kind for one, _ in filling)) for filling, column in zip(fillings, columns, strict=True)
        ]
        people = [(one.columns[number], 1) for one in classes]
        model.rows.append((tuple(people + [place for place in places if place[1]]), None, 0))


def _choices(model: Model) -> tuple[tuple[int, ...], ...]:
    """What decides, for each stretch: its filling, or its visits."""
    found: dict[int, list[int]] = defaultdict(list)
    for number, _, column in model.fillings:
        found[number].append(column)
    for (number, _, _), column in model.visits.items():
        found[number].append(column)
    return tuple(map(tuple, found.values()))


def _each_once(model: Model, links: Links) -> None:
    """Nobody is placed more than once, nor two who share a patient or a phone."""
    by_person: dict[str, list[int]] = defaultdict(list)
    for one in model.classes:
        columns = [(column, 1) for column in one.columns.values()]
        if len(columns) > 1:
            model.rows.append((tuple(columns), None, len(one.members)))
        if len(one.members) == 1:
            for person in links.persons.intersection(model.task.seekers[one.members[0]].persons):
                by_person[person] += one.columns.values()
    for _, columns_of_all in sorted(by_person.items()):
        if len(columns_of_all) > 1:
            model.rows.append((tuple((column, 1) for column in columns_of_all), None, 1))


def _provider_once(model: Model, told_apart: set[int]) -> None:
    """Where a provider works in two operatories at once, each unit of theirs is needed by one visit at most."""
    needed: dict[tuple[int, int], dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for (number, (pattern, _), start), column in model.visits.items():
        if number in told_apart:
            stretch = model.task.stretches[number]
            for first, last in provider_units(pattern):
                for unit in range(start + first, start + last):
                    needed[stretch.provider, unit][stretch.operatory].add(column)
    rows = {
        tuple(sorted(column for columns in rooms.values() for column in columns))
        for rooms in needed.values()
        if len(rooms) > 1
    }
    model.rows += [(tuple((column, 1) for column in columns), None, 1) for columns in sorted(rows)]


def _chair_time(model: Model) -> Terms:
    return tuple(
        (column, len(one.pattern) * model.task.stretches[number].weight)
        for one in model.classes
        for number, column in one.columns.items()
    )


def _order(model: Model) -> Terms:
    """Units × rank, to be small. The n-th of a class that is placed is its n-th member."""
    terms: list[tuple[int, int]] = []
    for one in model.classes:
        length = len(one.pattern)
        if len(one.members) == 1:
            terms += [(column, -length * one.members[0]) for column in one.columns.values()]
            continue
        ranks = [model.column() for _ in one.members]
        placed = [(column, 1) for column in one.columns.values()]
        model.rows.append((tuple(placed + [(column, -1) for column in ranks]), 0, 0))
        terms += [(column, -length * member) for column, member in zip(ranks, one.members, strict=True)]
    return tuple(terms)


def _remainders_and_starts(model: Model) -> Terms:
    """Units that are too few to use, and then how late the visits start, both to be small."""
    task = model.task
    first = min(stretch.span[0] for stretch in task.stretches) // DAY * DAY
    spans = {number: task.stretches[number].span for number, _, _ in model.visits}
    most = 1 + sum((span[1] - span[0]) * (span[1] - first) for span in spans.values())
    terms: list[tuple[int, int]] = []
    for (number, kind, start), column in model.visits.items():
        stretch, end = task.stretches[number], start + len(kind[0])
        # Flush with an end of the stretch there is no idle time, but there may be some beyond it.
        beyond = [(at, at) for at, edge in ((start, 0), (end, 1)) if at == stretch.span[edge]]
        waste = sum(remainder(stretch, gap, task.shortest) for gap in beyond)
        terms.append((column, -waste * most - (start - first)))
    for (number, start, end), column in model.idle.items():
        waste = remainder(task.stretches[number], (start, end), task.shortest)
        if waste:
            terms.append((column, -waste * most))
    return tuple(terms)
