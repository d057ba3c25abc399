"""A simulated office's schedule of one day as columns of blocks, one column for each operatory, ready to be drawn.

Reads sandbox office files (see ``sandbox.office.tables``). Numbers, operatory abbreviations and blockout types only:
no name of a person is taken over. How blocks look is in templates/, what stands around them in ``page``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from asapfill.core.offer import Offer
from asapfill.core.units import Interval, merged, overlaps, subtract
from asapfill.sandbox.office.columns import Row, moment
from asapfill.sandbox.office.rules import NO_CHAIR, appointment_span, gaps, schedule_span
from asapfill.sandbox.office.tables import SimulatedOffice

HOUR = 60
DAY = 24 * HOUR
FIRST_HOUR, LAST_HOUR = 7, 18
"""What is drawn at least; more where a provider works earlier or later."""
LABEL = 10
"""How many minutes of a blockout its label takes up."""

_STATUS_WORDS = {"Broken": "broken", "PtNote": "note", "PtNoteCompleted": "note"}
"""What is worth telling of an appointment's status; the others are plain visits."""

Fills = Mapping[tuple[int, datetime], Offer]
"""Accepted offers by operatory and start."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one operatory's day.

    Attributes:
        kind: free, blockout, visit, filled (a visit that asapfill brought in) or broken.
        start: minutes from midnight, office wall clock.
        end: minutes from midnight; at most the day's end.
        label: what stands on it: a number or a blockout type.
        note: a word more, perhaps empty.
        lane: place among visits at the same time, from 0.
        lanes: how many visits share the width.
        clear: minutes from its start to where no visit lies over its label; None when there is no such place.
    """

    kind: str
    start: int
    end: int
    label: str
    note: str = ""
    lane: int = 0
    lanes: int = 1
    clear: int | None = 0

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return self.end - self.start

    @property
    def begins(self) -> str:
        """The time of day at which it starts."""
        return clock(self.start)

    @property
    def ends(self) -> str:
        """The time of day at which it ends."""
        return clock(self.end)

    @property
    def times(self) -> str:
        """From when to when."""
        return f"{self.begins}–{self.ends}"

    @property
    def is_visit(self) -> bool:
        """Whether somebody is booked, rather than free time or a blockout."""
        return self.kind not in {"free", "blockout"}


@dataclass(frozen=True, slots=True)
class OperatoryDay:
    """One operatory's day: ``hours`` are the minutes in which a provider works there."""

    operatory: int
    name: str
    hours: tuple[Interval, ...]
    blocks: tuple[Block, ...]

    def in_use(self, drawn: Interval) -> bool:
        """Whether anybody works there, or is booked in the minutes that are drawn."""
        visits = (block for block in self.blocks if block.is_visit)
        return bool(self.hours) or any(overlaps((visit.start, visit.end), drawn) for visit in visits)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One day of all operatories, before and after.

    Attributes:
        day: the office's day.
        first: the hour with which the drawing begins.
        last: the hour with which it ends.
        before: one column for each operatory in use.
        after: the same operatories in the same order.
        outside: visits that begin after or end before what is drawn, with the operatory's name.
    """

    day: date
    first: int
    last: int
    before: tuple[OperatoryDay, ...]
    after: tuple[OperatoryDay, ...]
    outside: tuple[tuple[str, Block], ...]

    @property
    def hours(self) -> range:
        """The hours with a line."""
        return range(self.first, self.last + 1)


def clock(minutes: int) -> str:
    """Minutes from midnight as a time of day."""
    return f"{minutes // HOUR:02d}:{minutes % HOUR:02d}"


def sheet(before: SimulatedOffice, after: SimulatedOffice, day: date, fills: Fills) -> Sheet:
    """One day's sheet. ``fills``: the accepted offers, highlighted in ``after``.

    Operatories that nobody works in and that nobody is booked in are left out, the others stand in the office's order.
    """
    sides = (_columns(before, day, {}), _columns(after, day, fills))
    columns = [column for side in sides for column in side]
    first = min([FIRST_HOUR, *(start // HOUR for column in columns for start, _end in column.hours)])
    last = max([LAST_HOUR, *(-(-end // HOUR) for column in columns for _start, end in column.hours)])
    drawn = (first * HOUR, last * HOUR)
    shown = {column.operatory for column in columns if column.in_use(drawn)}
    outside = {
        (column.name, block): None  # a dict keeps the order
        for column in columns
        for block in column.blocks
        if block.is_visit and not overlaps((block.start, block.end), drawn)
    }
    kept = [tuple(column for column in side if column.operatory in shown) for side in sides]
    return Sheet(day, first, last, kept[0], kept[1], tuple(outside))


def visit_of(offer: Offer, office: SimulatedOffice) -> Row | None:
    """The appointment at an accepted offer's place, or None when it is gone.

    Open Dental: an accepted recall or planned appointment becomes a new appointment, so it is found by its patient, not
    by its number.
    """
    for row in office.appointments.values():
        here = row["PatNum"] == offer.patient and row["Op"] == offer.operatory
        if here and row["AptStatus"] not in NO_CHAIR and moment(row["AptDateTime"]) == offer.start:
            return row
    return None


def _columns(office: SimulatedOffice, day: date, fills: Fills) -> list[OperatoryDay]:
    free = _free_time(office, day)
    hours = _free_time(_without_obstacles(office), day)
    chairs = sorted(office.operatories.values(), key=lambda row: (row["ItemOrder"], row["OperatoryNum"]))
    columns = []
    for chair in chairs:
        number = chair["OperatoryNum"]
        visits = _visits(office, day, number, fills)
        blocks = [
            *_blockouts(office, day, number, visits),
            *(Block("free", start, end, f"{end - start} min") for start, end in free.get(number, [])),
            *visits,
        ]
        name = chair["Abbrev"] or chair["OpName"] or f"operatory {number}"
        columns.append(OperatoryDay(number, name, tuple(hours.get(number, [])), tuple(blocks)))
    return columns


def _free_time(office: SimulatedOffice, day: date) -> dict[int, list[Interval]]:
    """Per operatory the minutes that the simulated front desk sees as free."""
    found: dict[int, list[Interval]] = {}
    for gap in gaps(office, day):
        found.setdefault(gap.op, []).append(_span(gap.start, gap.stop, day))
    return {number: merged(spans) for number, spans in found.items()}


def _without_obstacles(office: SimulatedOffice) -> SimulatedOffice:
    """The same office with nothing on its schedule but hours: what is free in it are the providers' hours."""
    bare = SimulatedOffice(now=office.now)
    bare.operatories = office.operatories
    bare.schedules = {number: row for number, row in office.schedules.items() if row["SchedType"] != "Blockout"}
    return bare


def _blockouts(office: SimulatedOffice, day: date, operatory: int, visits: Sequence[Block]) -> list[Block]:
    rows = [
        row
        for row in office.schedules.values()
        if row["SchedType"] == "Blockout" and row["SchedDate"] == str(day) and operatory in row["operatories"]
    ]
    blocks = []
    for row in rows:
        kind = office.definitions.get(row["BlockoutType"])
        name = kind["ItemName"] if kind is not None and kind["ItemName"] else "Blockout"
        start, end = _span(*schedule_span(row), day)
        bare = subtract([(start, end)], ((visit.start, visit.end) for visit in visits))
        clear = next((first - start for first, last in bare if last - first >= LABEL), None)
        blocks.append(Block("blockout", start, end, name, clear=clear))
    return sorted(blocks, key=lambda block: (block.start, block.end))


def _visits(office: SimulatedOffice, day: date, operatory: int, fills: Fills) -> list[Block]:
    blocks = []
    for row in office.appointments.values():
        if row["Op"] != operatory or row["AptStatus"] in NO_CHAIR or not row["AptDateTime"].startswith(str(day)):
            continue
        span = _span(*appointment_span(row), day)
        offer = fills.get((operatory, moment(row["AptDateTime"])))
        note = _STATUS_WORDS.get(row["AptStatus"], "")
        if offer is not None and offer.patient == row["PatNum"]:
            blocks.append(
                Block("filled", *span, str(offer.number), f"recall {note}".strip() if offer.kind == "recall" else note)
            )
        else:
            blocks.append(Block("broken" if note == "broken" else "visit", *span, str(row["AptNum"]), note))
    return _side_by_side(sorted(blocks, key=lambda block: (block.start, block.end)))


def _side_by_side(blocks: list[Block]) -> list[Block]:
    """Give visits at the same time (in order of start) a lane each, so that none hides another."""
    groups: list[list[Block]] = []
    for block in blocks:
        if groups and any(overlaps((block.start, block.end), (other.start, other.end)) for other in groups[-1]):
            groups[-1].append(block)
        else:
            groups.append([block])
    return [replace(block, lane=lane, lanes=len(group)) for group in groups for lane, block in enumerate(group)]


def _span(start: datetime, end: datetime, day: date) -> Interval:
    """Minutes from the day's midnight, ending at the next."""
    midnight = datetime.combine(day, datetime.min.time())
    first, last = (int((at - midnight).total_seconds()) // 60 for at in (start, end))
    return first, min(last, DAY)
