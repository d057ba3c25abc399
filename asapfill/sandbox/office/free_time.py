"""Where the simulated front desk sees free time: hours minus appointments minus blockouts.

Staff's own view, used to plan what they do by hand; nothing of it is shown by the API. Times are naive office
wall-clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from asapfill.sandbox.office import rules
from asapfill.sandbox.office.columns import Row, moment
from asapfill.sandbox.office.tables import Office

NO_CHAIR = frozenset({"UnschedList", "Planned"})
GRID = timedelta(minutes=10)


@dataclass(frozen=True)
class Gap:
    """A free stretch of a chair during the hours of ``provider``."""

    op: int
    provider: int
    start: datetime
    stop: datetime


def is_open(office: Office, day: date) -> bool:
    """Whether anybody works: a provider has hours and it is no holiday."""
    rows = [row for row in office.schedules.values() if row["SchedDate"] == str(day)]
    holiday = any(row["SchedType"] == "Practice" and row["Status"] == "Holiday" for row in rows)
    return not holiday and any(row["SchedType"] == "Provider" for row in rows)


def provider_of(row: Row) -> int:
    """Whose time the X units of an appointment are: the hygienist's on a hygiene visit, else the dentist's."""
    return int(row["ProvHyg"] if row["IsHygiene"] and row["ProvHyg"] else row["ProvNum"])


def gaps(office: Office, day: date, also: Sequence[Row] = ()) -> list[Gap]:
    """The free stretches of all visible chairs on a day, by operatory and time.

    Free: within a provider's hours there, without an appointment and without a blockout of any type. ``also``:
    appointment rows that are planned but not made yet; they count too.
    """
    if not is_open(office, day):
        return []
    rows = [row for row in office.schedules.values() if row["SchedDate"] == str(day)]
    visits = _occupying(office, day, also)
    found: list[Gap] = []
    for op, chair in office.operatories.items():
        if chair["IsHidden"]:
            continue
        own = chair["ProvHygienist" if chair["IsHygiene"] else "ProvDentist"]
        taken = [rules.appointment_span(row) for row in visits if row["Op"] == op]
        taken += [
            rules.schedule_span(row) for row in rows if row["SchedType"] == "Blockout" and op in row["operatories"]
        ]
        for row in rows:
            here = op in row["operatories"] or (not row["operatories"] and row["ProvNum"] == own)
            if row["SchedType"] == "Provider" and here:
                start, stop = rules.schedule_span(row)
                found += [Gap(op, row["ProvNum"], *free) for free in _without(start, stop, taken)]
    return found


def _without(
    start: datetime, stop: datetime, taken: list[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """What is left of a stretch, in time order."""
    for other_start, other_stop in sorted(taken):
        if other_start < stop and other_stop > start:
            if other_start > start:
                yield start, other_start
            start = other_stop
    if start < stop:
        yield start, stop


def find_place(
    office: Office,
    day: date,
    pattern: str,
    *,
    ops: Collection[int] = (),
    provider: int = 0,
    after: datetime = datetime.min,
    also: Sequence[Row] = (),
) -> Gap | None:
    """The first place on a day for a visit, as a Gap of its length; None when there is none.

    ``ops`` and ``provider`` narrow the search (none and 0: any), ``also`` is as in ``gaps``. No X unit
    of the provider may lie elsewhere at the same time.
    """
    length = len(pattern) * rules.UNIT
    if not length:
        return None
    visits = _occupying(office, day, also)
    for gap in gaps(office, day, also):
        if (ops and gap.op not in ops) or (provider and gap.provider != provider):
            continue
        busy = {
            unit
            for row in visits
            if provider_of(row) == gap.provider
            for unit in _x_units(moment(row["AptDateTime"]), row)
        }
        start = gap.start
        while start + length <= gap.stop:
            if start > after and not busy & _x_units(start, {"Pattern": pattern}):
                return Gap(gap.op, gap.provider, start, start + length)
            start += GRID
    return None


def _x_units(start: datetime, row: Row) -> set[datetime]:
    """The beginnings of the 5-minute units in which a visit needs its provider."""
    return {start + place * rules.UNIT for place, mark in enumerate(row["Pattern"]) if mark == "X"}


def _occupying(office: Office, day: date, also: Sequence[Row]) -> list[Row]:
    """What takes up chairs on a day: everything but UnschedList and Planned, as Open Dental judges."""
    return [
        row
        for row in [*office.appointments.values(), *also]
        if row["AptDateTime"].startswith(str(day)) and row["AptStatus"] not in NO_CHAIR
    ]
