"""Office time in 5-minute units: whole numbers counted from the start of year 1, wall-clock, without a zone.

Open Dental keeps appointment patterns in 5-minute units whatever the office's grid; so does everything in here.
Whole numbers make intervals, masks and comparisons cheap, and a visit over midnight needs no special care.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

MINUTES = 5
DAY = 24 * 60 // MINUTES

_START = datetime(1, 1, 1)


def floor_unit(moment: datetime) -> int:
    """The unit in which ``moment`` lies (naive office time)."""
    return moment.toordinal() * DAY + (moment.hour * 60 + moment.minute) // MINUTES


def ceil_unit(moment: datetime) -> int:
    """The first unit that starts at ``moment`` or later."""
    unit = floor_unit(moment)
    exact = moment.minute % MINUTES == 0 and moment.second == 0 and moment.microsecond == 0
    return unit if exact else unit + 1


def moment_of(unit: int) -> datetime:
    """The naive office time at which ``unit`` starts."""
    return _START + timedelta(minutes=(unit - DAY) * MINUTES)


def day_start(day: date) -> int:
    """The first unit of ``day``."""
    return day.toordinal() * DAY


def day_of(unit: int) -> date:
    """The day in which ``unit`` lies."""
    return date.fromordinal(unit // DAY)


def end_of_stretch(day: date, stop: time) -> datetime:
    """The moment at which a stretch of ``day`` ends: midnight as its end means the end of that day."""
    if stop == time(0):
        return datetime.combine(day, stop) + timedelta(days=1)
    return datetime.combine(day, stop)


def units_in(span: timedelta) -> int:
    """How many units ``span`` needs, rounded up."""
    return -(-int(span.total_seconds()) // (MINUTES * 60))
