"""The one clock. Everything that asks for the time or waits gets it from here, by injection.

Nothing else in asapfill calls ``datetime.now``, ``time.sleep`` or ``time.monotonic``, so that a whole simulated
day can pass in seconds and a test can stand on both sides of midnight.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What asapfill asks of time. ``speed``: simulated seconds per real one, 1 for the machine's own clock."""

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for spacing requests and for deadlines."""

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Wait; return early as soon as ``stop`` is set."""


class SystemClock:
    """The machine's own clock."""

    speed: float = 1.0

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Wait for ``seconds``, or until ``stop`` is set."""
        if seconds <= 0:
            return
        if stop is None:
            time.sleep(seconds)
        else:
            stop.wait(seconds)


class FastClock:
    """A clock that started at ``start`` and runs ``speed`` times as fast as the machine's own."""

    def __init__(self, start: datetime, speed: float) -> None:
        if start.tzinfo is None or speed <= 0:
            raise ValueError("a fast clock starts at an aware moment and runs forward")
        self._start = start
        self.speed = speed
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """The simulated moment, aware, in UTC."""
        return self._start.astimezone(UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Simulated seconds since the clock was made."""
        return (time.monotonic() - self._origin) * self.speed

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Wait for ``seconds`` of simulated time, or until ``stop`` is set."""
        if seconds <= 0:
            return
        if stop is None:
            time.sleep(seconds / self.speed)
        else:
            stop.wait(seconds / self.speed)


class SteppedClock:
    """A clock that stands still until somebody sleeps on it or moves it: simulations and tests.

    Sleeping moves the clock forward at once, so the same calls always see the same times.
    """

    speed: float = 1.0

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a stepped clock starts at an aware moment")
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The simulated moment, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Simulated seconds since the clock was made."""
        return self._monotonic

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Move the clock forward by ``seconds``."""
        if seconds <= 0 or (stop is not None and stop.is_set()):
            return
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    def set(self, moment: datetime) -> None:
        """Move the clock forward to ``moment``; an earlier one changes nothing."""
        self.sleep((moment - self._now).total_seconds())


def office_now(now: datetime, timezone: ZoneInfo) -> datetime:
    """The office's wall clock at ``now``: naive, as Open Dental keeps its times.

    The only place where an aware moment becomes an office time.
    """
    return now.astimezone(timezone).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of the clock, to be judged by throughout a step. ``moment``: aware; ``wall``: the office's clock."""

    moment: datetime
    wall: datetime

    @classmethod
    def at(cls, moment: datetime, timezone: ZoneInfo) -> Self:
        """``moment`` (aware), and what the office's wall clock shows then."""
        return cls(moment, office_now(moment, timezone))


def elapsed(since: datetime, now: datetime) -> timedelta:
    """How long ago ``since`` was (both aware), for what is told or looked at after some time.

    Was the clock set back, it may lie ahead, and nobody can tell how long ago it was: as long as can be, so that nobody
    waits until that time comes again.
    """
    return now - since if since <= now else timedelta.max


def instant(wall: datetime, timezone: ZoneInfo) -> datetime:
    """The moment (aware, UTC) at which the office's wall clock shows ``wall``.

    On the autumn night an hour is shown twice: the first is taken, so that nothing is judged later than it may be.
    A time that spring skips is read with the offset before the change.
    """
    return wall.replace(tzinfo=timezone, fold=0).astimezone(UTC)


def first_wall(moment: datetime, timezone: ZoneInfo) -> datetime:
    """The earliest office wall-clock time that is surely not before ``moment`` (aware).

    In the hour that autumn repeats, a wall time is read as its first showing (see ``instant``), so the second one is
    skipped to its end.
    """
    wall = office_now(moment, timezone)
    while instant(wall, timezone) < moment:
        wall = wall.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return wall


def minutes_until(wall: datetime, now: datetime, timezone: ZoneInfo) -> float:
    """Real minutes from ``now`` (aware) until the office's wall clock shows ``wall``; negative when past."""
    return (instant(wall, timezone) - now).total_seconds() / 60
