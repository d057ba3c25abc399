"""A simulated office's schedule of one day as columns of blocks, one column for each operatory, ready to be drawn.

Reads sandbox office files (asapfill.sandbox.tables). Numbers, operatory abbreviations and blockout types only: no name
of a person is taken over. How blocks look is in templates/, what stands around them in demo_page.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from asapfill.offers.offer import Offer
from asapfill.sandbox.columns import Row, moment
from asapfill.sandbox.free_time import NO_CHAIR, gaps
from asapfill.sandbox.rules import appointment_span, schedule_span
from asapfill.sandbox.tables import Office
from asapfill.scheduling.intervals import Interval, merged, overlaps

HOUR = 60
DAY = 24 * HOUR
FIRST_HOUR, LAST_HOUR = 7, 18
"""What a page shows at least; more where a visit lies outside."""

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
    """

    kind: str
    start: int
    end: int
    label: str
    note: str = ""
    lane: int = 0
    lanes: int = 1

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return self.end - self.start

    @property
    def times(self) -> str:
        """From when to when."""
        return f"{clock(self.start)}–{clock(self.end)}"


@dataclass(frozen=True, slots=True)
class Column:
    """One operatory's day: ``hours`` are the minutes in which a provider works there."""

    operatory: int
    name: str
    hours: tuple[Interval, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One day of all operatories, before and after. ``first`` and ``last``: the hours that are shown."""

    day: date
    before: tuple[Column, ...]
    after: tuple[Column, ...]

    @property
    def first(self) -> int:
        """The first hour shown."""
        return min([FIRST_HOUR, *(block.start // HOUR for block in self._visits())])

    @property
    def last(self) -> int:
        """The hour at which the sheet ends."""
        return max([LAST_HOUR, *(-(-block.end // HOUR) for block in self._visits())])

    @property
    def hours(self) -> range:
        """The hours with a line."""
        return range(self.first, self.last + 1)

    def _visits(self) -> Iterable[Block]:
        columns = (*self.before, *self.after)
        return (block for column in columns for block in column.blocks if block.kind not in {"blockout", "free"})


def clock(minutes: int) -> str:
    """Minutes from midnight as a time of day."""
    return f"{minutes // HOUR:02d}:{minutes % HOUR:02d}"


def sheet(before: Office, after: Office, day: date, fills: Fills) -> Sheet:
    """One day's sheet. ``fills``: the accepted offers, highlighted in ``after``.

    Operatories that nobody works in and that nobody is booked in are left out, the others stand in the office's order.
    """
    sides = (_columns(before, day, {}), _columns(after, day, fills))
    shown = {column.operatory for side in sides for column in side if column.hours or column.blocks}
    first, second = (tuple(column for column in side if column.operatory in shown) for side in sides)
    return Sheet(day, first, second)


def visit_of(offer: Offer, office: Office) -> Row | None:
    """The appointment at an accepted offer's place, or None when it is gone.

    Open Dental: an accepted recall or planned appointment becomes a new appointment, so it is found by its patient, not
    by its number.
    """
    for row in office.appointments.values():
        here = row["PatNum"] == offer.patient and row["Op"] == offer.operatory
        if here and row["AptStatus"] not in NO_CHAIR and moment(row["AptDateTime"]) == offer.start:
            return row
    return None


def _columns(office: Office, day: date, fills: Fills) -> list[Column]:
    free = _free_time(office, day)
    hours = _free_time(_without_obstacles(office), day)
    chairs = sorted(office.operatories.values(), key=lambda row: (row["ItemOrder"], row["OperatoryNum"]))
    columns = []
    for chair in chairs:
        number = chair["OperatoryNum"]
        blocks = [
            *_blockouts(office, day, number),
            *(Block("free", start, end, f"{end - start} min") for start, end in free.get(number, [])),
            *_visits(office, day, number, fills),
        ]
        name = chair["Abbrev"] or chair["OpName"] or f"operatory {number}"
        columns.append(Column(number, name, tuple(hours.get(number, [])), tuple(blocks)))
    return columns


def _free_time(office: Office, day: date) -> dict[int, list[Interval]]:
    """Per operatory the minutes that the simulated front desk sees as free."""
    found: dict[int, list[Interval]] = {}
    for gap in gaps(office, day):
        found.setdefault(gap.op, []).append(_span(gap.start, gap.stop, day))
    return {number: merged(spans) for number, spans in found.items()}


def _without_obstacles(office: Office) -> Office:
    """The same office with nothing on its schedule but hours: what is free in it are the providers' hours."""
    bare = Office(now=office.now)
    bare.operatories = office.operatories
    bare.schedules = {number: row for number, row in office.schedules.items() if row["SchedType"] != "Blockout"}
    return bare


def _blockouts(office: Office, day: date, operatory: int) -> list[Block]:
    rows = [
        row
        for row in office.schedules.values()
        if row["SchedType"] == "Blockout" and row["SchedDate"] == str(day) and operatory in row["operatories"]
    ]
    blocks = []
    for row in rows:
        kind = office.definitions.get(row["BlockoutType"])
        name = kind["ItemName"] if kind is not None and kind["ItemName"] else "Blockout"
        blocks.append(Block("blockout", *_span(*schedule_span(row), day), name))
    return sorted(blocks, key=lambda block: (block.start, block.end))


def _visits(office: Office, day: date, operatory: int, fills: Fills) -> list[Block]:
    blocks = []
    for row in office.appointments.values():
        if row["Op"] != operatory or row["AptStatus"] in NO_CHAIR or not row["AptDateTime"].startswith(str(day)):
            continue
        span = _span(*appointment_span(row), day)
        offer = fills.get((operatory, moment(row["AptDateTime"])))
        note = _STATUS_WORDS.get(row["AptStatus"], "")
        if offer is not None and offer.patient == row["PatNum"]:
            blocks.append(Block("filled", *span, str(offer.number), f"recall {note}".strip() if offer.kind == "recall" else note))
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
    return [
        replace(block, lane=lane, lanes=len(group)) for group in groups for lane, block in enumerate(group)
    ]


def _span(start: datetime, end: datetime, day: date) -> Interval:
    """Minutes from the day's midnight, ending at the next."""
    midnight = datetime.combine(day, datetime.min.time())
    first, last = (int((at - midnight).total_seconds()) // 60 for at in (start, end))
    return first, min(last, DAY)
