"""What a delivery says: which appointments and days are worth another look. Pure.

A delivery is a hint and nothing more: no value in it is believed or kept, what it names is read again through the API.
So a forged or garbled one can at worst cause a few requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from asapfill.opendental.models import Appointment, SchedType, Schedule


class NotADelivery(ValueError):  # noqa: N818  the name says it
    """The body is not what Open Dental posts: JSON, an array of objects or one object."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What may have changed in an office.

    ``appointments``: AptNums. ``days``: where the number does not tell, as for schedules (office wall-clock days).
    ``unclear``: something else, which a look will show or not. ``rows``: how many the delivery had.
    """

    days: frozenset[date] = frozenset()
    appointments: frozenset[int] = frozenset()
    unclear: bool = False
    rows: int = 0

    def __bool__(self) -> bool:
        """Whether the office is worth a look."""
        return bool(self.days or self.appointments or self.unclear)


def every_day(around: date, rows: int = 0) -> Hint:
    """Every day that anybody might look at: events may have been missed."""
    first = around - timedelta(days=2)
    return Hint(frozenset(first + timedelta(days=number) for number in range(400)), rows=rows)


def read_delivery(body: bytes) -> Hint:
    """Read the body of a delivery.

    Rows are told apart by their columns, not by the header Event-Type, which came with Open Dental 22.4.35 only.

    Raises NotADelivery for anything but JSON objects. A row of an unknown kind is a reason to look, no more.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotADelivery("not JSON") from None
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotADelivery("not an array of objects")
    return _joined(rows)


def _joined(rows: Iterable[Mapping[str, Any]]) -> Hint:
    days: set[date] = set()
    appointments: set[int] = set()
    unclear = False
    count = 0
    for row in rows:
        count += 1
        if "ScheduleNum" in row:
            schedule = Schedule.read(row)
            # What each offer leaves on the schedule. It blocks nothing, and most are our own doing.
            if schedule.sched_type == SchedType.WEB_SCHED_ASAP:
                continue
            number, day = 0, schedule.sched_date
        else:
            visit = Appointment.read(row)
            number, day = visit.apt_num, visit.apt_date_time and visit.apt_date_time.date()
        if number:
            appointments.add(number)
        elif day:
            days.add(day)
        else:
            unclear = True
    return Hint(frozenset(days), frozenset(appointments), unclear, count)
