"""A generated day: hours, lunch, blockouts, a holiday, and how chairs fill up with visits.

Monday to Thursday 8 to 5, Friday 8 to 3, lunch from 12 to 1. Minutes are minutes of the day, office wall-clock;
patterns are Open Dental's: one character is 5 minutes, X the provider, / the assistant. Who comes is book.py's.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from asapfill.sandbox.generate.practice import (
    EMERGENCY,
    HIGH_PRODUCTION,
    HYGIENE_ONLY,
    LUNCH,
    MEETING,
    TYPE_CROWN,
    TYPE_FILLING,
    TYPE_HYGIENE,
    TYPE_NEW_PATIENT,
    Chair,
    Site,
)
from asapfill.sandbox.office.columns import Row

OPENS, NOON, AFTERNOON, CLOSES, CLOSES_FRIDAY = 8 * 60, 12 * 60, 13 * 60, 17 * 60, 15 * 60
_WEDNESDAY, _THURSDAY, _FRIDAY, _SATURDAY = 2, 3, 4, 5
_MAY_NOT_BE_BOOKED = frozenset({LUNCH, MEETING, EMERGENCY})


@dataclass(frozen=True)
class Shift:
    """One provider at one chair from ``start`` to ``stop``."""

    op: int
    provider: int
    start: int
    stop: int


@dataclass(frozen=True)
class BlockTime:
    """One blockout row: its type's DefNum, its time, the operatories it covers."""

    kind: int
    start: int
    stop: int
    ops: tuple[int, ...]


@dataclass(frozen=True)
class Calendar:
    """The days that are not like others. Absent when the generated stretch is too short for them."""

    holiday: date | None
    note: date | None

    def is_open(self, day: date) -> bool:
        """Whether patients are seen."""
        return day.weekday() < _SATURDAY and day != self.holiday


def make_calendar(first: date, days: int) -> Calendar:
    """The holiday is the last weekday of the stretch, the practice note stands at half way."""
    weekdays = [day for day in (first + timedelta(offset) for offset in range(days)) if day.weekday() < _SATURDAY]
    if len(weekdays) < 5:  # noqa: PLR2004  under a week everything would be holiday and notes
        return Calendar(None, None)
    return Calendar(holiday=weekdays[-1], note=weekdays[len(weekdays) // 2])


def shifts(location: Site, day: date) -> list[Shift]:
    """Who works at which chair on an ordinary weekday; the substitute has the first hygiene chair on Wednesdays."""
    if day.weekday() >= _SATURDAY:
        return []
    closes = CLOSES_FRIDAY if day.weekday() == _FRIDAY else CLOSES
    found = []
    for chair in location.chairs:
        provider = chair.provider
        if day.weekday() == _WEDNESDAY and location.substitute and provider == location.hygienists[0]:
            provider = location.substitute
        found.append(Shift(chair.op, provider, OPENS, closes))
    return found


def blocks(location: Site, day: date) -> list[BlockTime]:
    """The blockouts of an ordinary weekday."""
    if day.weekday() >= _SATURDAY:
        return []
    doctor = [chair.op for chair in location.chairs if not chair.is_hygiene]
    hygiene = tuple(chair.op for chair in location.chairs if chair.is_hygiene)
    found = [BlockTime(LUNCH, NOON, AFTERNOON, tuple(location.ops))]
    if day.weekday() == _THURSDAY:
        found.append(BlockTime(MEETING, OPENS, OPENS + 30, tuple(location.ops)))
    if day.weekday() < _FRIDAY:
        found.append(BlockTime(HIGH_PRODUCTION, OPENS + 30, OPENS + 150, (doctor[0],)))
        found.append(BlockTime(EMERGENCY, CLOSES - 120, CLOSES - 90, (doctor[-1],)))
    if hygiene and day.weekday() in {1, _THURSDAY}:
        found.append(BlockTime(HYGIENE_ONLY, AFTERNOON, AFTERNOON + 120, hygiene))
    return found


def bookable(shifts_today: Iterable[Shift], blocks_today: Iterable[BlockTime]) -> list[Shift]:
    """The shifts without the time under blockouts that may not be scheduled over, in their order."""
    closed = [block for block in blocks_today if block.kind in _MAY_NOT_BE_BOOKED]
    parts: list[Shift] = []
    for shift in shifts_today:
        start = shift.start
        for block in sorted(closed, key=lambda block: block.start):
            if shift.op in block.ops and block.start < shift.stop and block.stop > start:
                if block.start > start:
                    parts.append(Shift(shift.op, shift.provider, start, block.start))
                start = block.stop
        if start < shift.stop:
            parts.append(Shift(shift.op, shift.provider, start, shift.stop))
    return parts


def schedule_rows(locations: list[Site], calendar: Calendar, days: Iterable[date]) -> list[Row]:
    """The schedule table. On the holiday the dynamic provider's hours were forgotten, as happens in offices."""
    rows: list[Row] = []
    for day in days:
        for location in locations:
            today = shifts(location, day)
            if day == calendar.holiday:
                today = [shift for shift in today if shift.provider == location.dynamic]
            rows += _provider_rows(location, today, day)
            if day != calendar.holiday:
                rows += [_block_row(location, block, day) for block in blocks(location, day)]
        if day == calendar.holiday:
            rows.append(_practice_row(day, "Holiday", "Office Closed - Long Weekend"))
        if day == calendar.note:
            rows.append(_practice_row(day, "Open", "Loupes rep brings lunch"))
    return rows


def _provider_rows(location: Site, today: list[Shift], day: date) -> list[Row]:
    """One row per provider over all of the provider's chairs; the last hygienist's is split at noon."""
    ops: dict[tuple[int, int, int], list[int]] = {}
    for shift in today:
        spans = [(shift.start, shift.stop)]
        if location.hygienists and shift.provider == location.hygienists[-1]:
            spans = [(shift.start, NOON), (AFTERNOON, shift.stop)]
        for start, stop in spans:
            ops.setdefault((shift.provider, start, stop), []).append(shift.op)
    return [
        {
            **_row(day, start, stop, "Provider", location.clinic),
            "ProvNum": provider,
            "operatories": [] if provider == location.dynamic else linked,
        }
        for (provider, start, stop), linked in ops.items()
    ]


def _block_row(location: Site, block: BlockTime, day: date) -> Row:
    return {
        **_row(day, block.start, block.stop, "Blockout", location.clinic),
        "BlockoutType": block.kind,
        "Note": "Weekly meeting" if block.kind == MEETING else "",
        "operatories": list(block.ops),
    }


def _practice_row(day: date, status: str, note: str) -> Row:
    """Holiday or note: Open Dental tells them apart by a Status that the API does not show."""
    return {**_row(day, 0, 0, "Practice", 0), "Status": status, "Note": note}


def _row(day: date, start: int, stop: int, kind: str, clinic: int) -> Row:
    return {
        "SchedDate": day.isoformat(),
        "StartTime": clock(start),
        "StopTime": clock(stop),
        "SchedType": kind,
        "ProvNum": 0,
        "BlockoutType": 0,
        "Note": "",
        "operatories": [],
        "Status": "Open",
        "ClinicNum": clinic,
    }


def clock(minutes: int) -> str:
    """``HH:mm:ss`` of a minute of the day."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


UNIT = 5
GRID = 10
SHORTEST = 30


@dataclass(frozen=True)
class VisitKind:
    """A kind of visit: its usual lengths in minutes, the minutes of it that need the provider, how common it is."""

    name: str
    lengths: tuple[int, ...]
    provider_minutes: int
    weight: int
    appointment_type: int = 0


HYGIENE_KINDS = (
    VisitKind("Pro, PerEx, 4BW", (60,), 50, 5, TYPE_HYGIENE),
    VisitKind("Pro, PerEx", (50,), 40, 4, TYPE_HYGIENE),
    VisitKind("PerioMaint", (60,), 50, 2, TYPE_HYGIENE),
    VisitKind("ChPro, Flo", (40, 30), 25, 1, TYPE_HYGIENE),
)
DOCTOR_KINDS = (
    VisitKind("Comp, 2 surf", (50, 40), 20, 6, TYPE_FILLING),
    VisitKind("Comp, 3 surf", (60,), 30, 3, TYPE_FILLING),
    VisitKind("CrPrep", (80, 90), 40, 4, TYPE_CROWN),
    VisitKind("CrSeat", (40,), 15, 3),
    VisitKind("RCT", (90,), 50, 1),
    VisitKind("Ext", (50,), 20, 2),
    VisitKind("LimEx, PA", (30,), 10, 3),
    VisitKind("CompEx, Pano", (60,), 20, 1, TYPE_NEW_PATIENT),
    VisitKind("Ex", (30,), 10, 2),
)


@dataclass(frozen=True)
class Visit:
    """One visit placed on a day, not yet given to a patient. ``start`` in minutes of the day."""

    op: int
    provider: int
    start: int
    pattern: str
    kind: VisitKind

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


def _next_visit(rng: random.Random, part: Shift, start: int, kinds: tuple[VisitKind, ...], busy: int) -> Visit | None:
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
