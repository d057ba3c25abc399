"""How a generated day fills up: kinds of visit, packed chair by chair without a provider being in two places.

Times are minutes of the day; patterns are Open Dental's: one character is 5 minutes, X the provider, / the assistant.
Who comes is decided in generate_book, not here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from asapfill.sandbox.generate.hours import Shift
from asapfill.sandbox.generate.practice import TYPE_CROWN, TYPE_FILLING, TYPE_HYGIENE, TYPE_NEW_PATIENT, Chair

UNIT = 5
GRID = 10
SHORTEST = 30


@dataclass(frozen=True)
class Kind:
    """A kind of visit: its usual lengths in minutes, the minutes of it that need the provider, how common it is."""

    name: str
    lengths: tuple[int, ...]
    provider_minutes: int
    weight: int
    appointment_type: int = 0


HYGIENE_KINDS = (
    Kind("Pro, PerEx, 4BW", (60,), 50, 5, TYPE_HYGIENE),
    Kind("Pro, PerEx", (50,), 40, 4, TYPE_HYGIENE),
    Kind("PerioMaint", (60,), 50, 2, TYPE_HYGIENE),
    Kind("ChPro, Flo", (40, 30), 25, 1, TYPE_HYGIENE),
)
DOCTOR_KINDS = (
    Kind("Comp, 2 surf", (50, 40), 20, 6, TYPE_FILLING),
    Kind("Comp, 3 surf", (60,), 30, 3, TYPE_FILLING),
    Kind("CrPrep", (80, 90), 40, 4, TYPE_CROWN),
    Kind("CrSeat", (40,), 15, 3),
    Kind("RCT", (90,), 50, 1),
    Kind("Ext", (50,), 20, 2),
    Kind("LimEx, PA", (30,), 10, 3),
    Kind("CompEx, Pano", (60,), 20, 1, TYPE_NEW_PATIENT),
    Kind("Ex", (30,), 10, 2),
)


@dataclass(frozen=True)
class Visit:
    """One visit placed on a day, not yet given to a patient. ``start`` in minutes of the day."""

    op: int
    provider: int
    start: int
    pattern: str
    kind: Kind

    @property
    def minutes(self) -> int:
        """How long the chair is taken."""
        return len(self.pattern) * UNIT


def pattern(minutes: int, provider_minutes: int, lead: int) -> str:
    """``lead`` units of the assistant, then the provider, then the assistant to the end."""
    units, busy = minutes // UNIT, provider_minutes // UNIT
    return "/" * lead + "X" * busy + "/" * (units - lead - busy)


def pack_day(rng: random.Random, chairs: dict[int, Chair], parts: list[Shift]) -> list[Visit]:
    """Fill ``parts`` (bookable stretches of chairs) as full as they go.

    Chairs are filled side by side, always the one that is behind, so that a provider with two chairs alternates.
    """
    busy: dict[int, int] = {}  # provider -> bits of the 5-minute units with an X
    cursor = {(part.op, part.start): part.start for part in parts}
    by_key = {(part.op, part.start): part for part in parts}
    visits: list[Visit] = []
    while cursor:
        key = min(cursor, key=lambda key: (cursor[key], key))
        part = by_key[key]
        kinds = HYGIENE_KINDS if chairs[part.op].is_hygiene else DOCTOR_KINDS
        visit = _next_visit(rng, part, cursor[key], kinds, busy.get(part.provider, 0))
        if visit is None:
            cursor[key] += GRID
        else:
            visits.append(visit)
            busy[part.provider] = busy.get(part.provider, 0) | x_bits(visit.start, visit.pattern)
            cursor[key] += visit.minutes
        if part.stop - cursor[key] < SHORTEST:
            del cursor[key]
    return visits


def _next_visit(rng: random.Random, part: Shift, start: int, kinds: tuple[Kind, ...], busy: int) -> Visit | None:
    """A visit of any kind that fits at ``start``; first those that leave no unusable rest behind."""
    drawn = rng.choices(kinds, [kind.weight for kind in kinds])[0]
    ordered = [drawn, *(kind for kind in kinds if kind is not drawn)]
    for unusable_rest in (False, True):
        for kind in ordered:
            for minutes in kind.lengths:
                rest = part.stop - start - minutes
                if rest < 0 or (not unusable_rest and 0 < rest < SHORTEST):
                    continue
                for marks in _patterns(minutes, kind.provider_minutes):
                    if not busy & x_bits(start, marks):
                        return Visit(part.op, part.provider, start, marks, kind)
    return None


def _patterns(minutes: int, provider_minutes: int) -> Iterator[str]:
    """The patterns with the provider coming in as early as is usual, then later, at last at once."""
    latest = (minutes - provider_minutes) // UNIT
    for lead in [*range(1, latest + 1), 0]:
        yield pattern(minutes, provider_minutes, lead)


def x_bits(start: int, marks: str) -> int:
    """One bit per 5-minute unit of the day in which ``marks`` begun at ``start`` needs the provider."""
    bits = 0
    for unit, mark in enumerate(marks):
        if mark == "X":
            bits |= 1 << (start // UNIT + unit)
    return bits


def thin_out(rng: random.Random, visits: list[Visit], bookable_minutes: int, target: float) -> list[Visit]:
    """Take visits away at random until no more than ``target`` of the bookable time is booked; in time order."""
    kept = visits.copy()
    rng.shuffle(kept)
    booked = sum(visit.minutes for visit in kept)
    while kept and booked > target * bookable_minutes:
        booked -= kept.pop().minutes
    return sorted(kept, key=lambda visit: (visit.start, visit.op))
