"""Every packing of a small task, one after the other: slow, obvious, and written without a look at the solver.

A packing is a list of (seeker, stretch, start), all by number.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from asapfill.core.packing_task import Seeker, Stretch, Task

Triple = tuple[int, int, int]


def random_task(seed: int, most_seekers: int = 6) -> Task:
    """A few stretches in up to three operatories of up to two providers, and a few who seek a place."""
    chance = random.Random(seed)
    stretches: list[Stretch] = []
    for operatory in range(1, chance.randint(1, 3) + 1):
        at = chance.randint(0, 4)
        for _ in range(chance.randint(1, 2)):
            length = chance.randint(2, 9)
            before, after = chance.choice([0, 0, 1, 3]), chance.choice([0, 0, 1, 2])
            span = (at + before, at + before + length)
            edges = (at, at + before + length + after)
            weight = chance.choice([100, 100, 101, 102])
            stretches.append(Stretch(operatory, chance.randint(1, 2), span, edges, weight))
            at = edges[1] + chance.randint(1, 4)
    grid = chance.choice([1, 2])
    patterns = ["XX", "XXX", "XXXX", "/XX/", "XX//", "X", "XXXXXX", "//"]
    some = chance.sample(patterns, chance.randint(1, 4))
    seekers = []
    for _ in range(chance.randint(1, most_seekers)):
        pattern = chance.choice(some)
        places = []
        for number, stretch in enumerate(stretches):
            if chance.random() < 0.25:
                continue
            first, last = stretch.span[0], stretch.span[1] - len(pattern)
            starts = [at for at in range(first, last + 1) if at % grid == 0 or at in (first, last)]
            if chance.random() < 0.25:
                starts = [at for at in starts if chance.random() < 0.6]
            if starts:
                places.append((number, tuple(starts)))
        person = str(chance.randint(0, 7))
        persons = (f"patient {person}", f"phone {chance.randint(0, 9)}")
        seekers.append(Seeker(pattern, tuple(places), persons))
    return Task(tuple(stretches), tuple(seekers), shortest=chance.choice([1, 2, 3, 6]))


def is_possible(task: Task, packing: Sequence[Triple]) -> bool:
    """Whether nobody and nothing is used twice."""
    people: set[str] = set()
    chairs: set[tuple[int, int]] = set()
    providers: set[tuple[int, int]] = set()
    for seeker, stretch, start in packing:
        place = task.stretches[stretch]
        for person in task.seekers[seeker].persons:
            if person in people:
                return False
            people.add(person)
        for offset, mark in enumerate(task.seekers[seeker].pattern):
            if (place.operatory, start + offset) in chairs:
                return False
            chairs.add((place.operatory, start + offset))
            if mark == "X":
                if (place.provider, start + offset) in providers:
                    return False
                providers.add((place.provider, start + offset))
    return len({seeker for seeker, _, _ in packing}) == len(packing)


def worth(task: Task, packing: Sequence[Triple]) -> tuple[int, int, int, int]:
    """What counts of a packing, the first first; larger is better."""
    time = order = unusable = late = 0
    for seeker, stretch, start in packing:
        units = len(task.seekers[seeker].pattern)
        time += units * task.stretches[stretch].weight
        order += units * seeker
        late += start
    for number, place in enumerate(task.stretches):
        visits = sorted(
            (start, start + len(task.seekers[seeker].pattern)) for seeker, where, start in packing if where == number
        )
        ends = [place.edges[0], *(end for _, end in visits)]
        starts = [*(start for start, _ in visits), place.edges[1]]
        for end, start in zip(ends, starts, strict=True):
            if start - end < task.shortest:
                unusable += start - end
    return time, -order, -unusable, -late


def every_packing(task: Task) -> Iterator[list[Triple]]:
    """All of them, the empty one included."""

    def grow(seeker: int, packing: list[Triple]) -> Iterator[list[Triple]]:
        if seeker == len(task.seekers):
            yield packing
            return
        yield from grow(seeker + 1, packing)
        for stretch, starts in task.seekers[seeker].starts:
            for start in starts:
                more = [*packing, (seeker, stretch, start)]
                if is_possible(task, more):
                    yield from grow(seeker + 1, more)

    return grow(0, [])


def best(task: Task) -> tuple[int, int, int, int]:
    """What the best packing is worth."""
    return max(worth(task, packing) for packing in every_packing(task))
