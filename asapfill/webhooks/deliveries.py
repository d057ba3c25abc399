"""What Open Dental's deliveries hint at, and how many come.

They are counted for ``status``, against floods of deliveries, and against floods of log lines: numbers and codes only,
nothing of a delivery's content, and nothing of who sent what was refused.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from asapfill.clock import Clock
from asapfill.core.errors import AsapfillError
from asapfill.core.rows import Appointment, SchedType, Schedule
from asapfill.opendental.answers import TooManyValues, read_json

log = logging.getLogger(__name__)


class NotADelivery(AsapfillError):  # noqa: N818  the name says it
    """The body is not what Open Dental posts: JSON, an array of objects or one object. ``reason``: a key of REASONS."""

    exit_code = None

    def __init__(self, what: str, reason: str = "garbage") -> None:
        super().__init__(what)
        self.reason = reason


MOST_ROWS: Final = 5000
"""Of one delivery; Open Dental sends at most 1000 at a time (23.2.1)."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What may have changed in an office.

    ``appointments``: AptNums. ``days``: where the number does not tell, as for schedules (office wall-clock days).
    ``unclear``: something else, which reading the office will show or not. ``rows``: how many the delivery had.
    """

    days: frozenset[date] = frozenset()
    appointments: frozenset[int] = frozenset()
    unclear: bool = False
    rows: int = 0

    def __bool__(self) -> bool:
        """Whether the office is to be read now."""
        return bool(self.days or self.appointments or self.unclear)


def every_day(around: date, rows: int = 0) -> Hint:
    """Every day that matters: deliveries may have been missed."""
    first = around - timedelta(days=2)
    return Hint(frozenset(first + timedelta(days=number) for number in range(400)), rows=rows)


def read_delivery(body: bytes) -> Hint:
    """Read the body of a delivery.

    Rows are told apart by their columns, not by the header Event-Type, which came with Open Dental 22.4.35 only.

    Raises NotADelivery for anything but JSON objects, and for more of them than anybody sends. A row of an unknown kind
    is a reason to read the office, no more.
    """
    try:
        found = read_json(body)
    except TooManyValues:
        raise NotADelivery("too many values", "too_large") from None
    except (ValueError, RecursionError):
        raise NotADelivery("not JSON") from None
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise NotADelivery("not an array of objects")
    if len(rows) > MOST_ROWS:
        raise NotADelivery("too many rows", "too_large")
    if not all(isinstance(row, dict) for row in rows):
        raise NotADelivery("not an array of objects")
    return _joined(rows)


def _joined(rows: Sequence[Mapping[str, Any]]) -> Hint:
    days: set[date] = set()
    appointments: set[int] = set()
    unclear = False
    for row in rows:
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
    return Hint(frozenset(days), frozenset(appointments), unclear, len(rows))


NOBODY: Final = "-"
"""In the place of an office for what was sent to no office of ours."""

PER_MINUTE: Final = 120
"""Deliveries of one office that are taken in a minute. Three tables every 5 seconds make 36; more than one of the
office's computers may send them, and a catch-up comes in several."""
BURST: Final = 120

LOG_AGAIN: Final = 600.0
"""Seconds from one line about refusals of the same kind to the next."""

REASONS: Final = {
    "wrong_key": "the key was wrong",
    "no_office": "the path was that of no office",
    "method": "it was no POST",
    "too_large": "it was too large",
    "too_many": "there were too many",
    "garbage": "it was not what Open Dental posts",
    "broken_off": "it ended too early",
}
"""Why something is refused: code → words for a person."""


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """What came for one office since the listener began. ``last``: when the last good delivery came (aware), also one
    before that; or None.
    """

    deliveries: int = 0
    last: datetime | None = None
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _OfficeTally:
    filled: float
    came: DeliveryCounts
    tokens: float = BURST


class Tally:
    """The counts of all offices. Safe to share between threads."""

    def __init__(self, offices: Iterable[str], clock: Clock, lasts: Mapping[str, datetime] | None = None) -> None:
        """Begin to count. ``lasts``: when the last delivery of an office came before that (aware)."""
        self._clock = clock
        now, lasts = clock.monotonic(), lasts or {}
        self._offices = {
            office: _OfficeTally(now, DeliveryCounts(last=lasts.get(office))) for office in (*offices, NOBODY)
        }
        self._logged: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def admit(self, office: str) -> bool:
        """Whether one more delivery of an office may be taken now; asked once for each, after its key was right."""
        with self._lock:
            mine, now = self._offices[office], self._clock.monotonic()
            mine.tokens = min(BURST, mine.tokens + (now - mine.filled) * PER_MINUTE / 60)
            mine.filled = now
            if mine.tokens < 1:
                return False
            mine.tokens -= 1
            return True

    def took(self, office: str) -> datetime | None:
        """Count a good delivery; returns when the one before came (aware), or None."""
        with self._lock:
            mine = self._offices[office]
            before = mine.came
            mine.came = replace(before, deliveries=before.deliveries + 1, last=self._clock.now())
            return before.last

    def refused(self, office: str, reason: str) -> None:
        """Count a refusal, a code of REASONS, and log it unless that was done lately."""
        with self._lock:
            mine = self._offices[office]
            now, times = self._clock.monotonic(), mine.came.refused.get(reason, 0) + 1
            mine.came = replace(mine.came, refused=mine.came.refused | {reason: times})
            last = self._logged.get((office, reason))
            if last is not None and now - last[0] < LOG_AGAIN:
                return
            self._logged[office, reason] = (now, times)
            since = times - (last[1] if last else 0)
        log.warning("events.refused office=%s reason=%s times=%d", office, reason, since)

    def counts(self, office: str) -> DeliveryCounts:
        """What came for an office so far; ``NOBODY``: what came for none."""
        with self._lock:
            return self._offices[office].came
