"""When a generated office is open: providers' hours, lunch, meetings and other blockouts, a holiday, a note.

Monday to Thursday 8 to 5, Friday 8 to 3, lunch from 12 to 1. Minutes here are minutes of the day, office wall-clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from asapfill.sandbox.generate.practice import (
    EMERGENCY,
    HIGH_PRODUCTION,
    HYGIENE_ONLY,
    LUNCH,
    MEETING,
    Location,
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
class Block:
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


def shifts(location: Location, day: date) -> list[Shift]:
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


def blocks(location: Location, day: date) -> list[Block]:
    """The blockouts of an ordinary weekday."""
    if day.weekday() >= _SATURDAY:
        return []
    doctor = [chair.op for chair in location.chairs if not chair.is_hygiene]
    hygiene = tuple(chair.op for chair in location.chairs if chair.is_hygiene)
    found = [Block(LUNCH, NOON, AFTERNOON, tuple(location.ops))]
    if day.weekday() == _THURSDAY:
        found.append(Block(MEETING, OPENS, OPENS + 30, tuple(location.ops)))
    if day.weekday() < _FRIDAY:
        found.append(Block(HIGH_PRODUCTION, OPENS + 30, OPENS + 150, (doctor[0],)))
        found.append(Block(EMERGENCY, CLOSES - 120, CLOSES - 90, (doctor[-1],)))
    if hygiene and day.weekday() in {1, _THURSDAY}:
        found.append(Block(HYGIENE_ONLY, AFTERNOON, AFTERNOON + 120, hygiene))
    return found


def bookable(shifts_today: Iterable[Shift], blocks_today: Iterable[Block]) -> list[Shift]:
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


def schedule_rows(locations: list[Location], calendar: Calendar, days: Iterable[date]) -> list[Row]:
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


def _provider_rows(location: Location, today: list[Shift], day: date) -> list[Row]:
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


def _block_row(location: Location, block: Block, day: date) -> Row:
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
