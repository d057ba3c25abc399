"""What the mirror makes of clocks and time zones that are set while nothing tells the office's time."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from asapfill.mirror.freshness import APPOINTMENTS, Part
from asapfill.mirror.reader import Reader
from asapfill.opendental.client import OpenDental

NINE = datetime(2026, 4, 14, 9, 0)
TODAY = Part(APPOINTMENTS, NINE.date())


@dataclass
class Machine:
    """A clock that may be set."""

    passed: float = 0.0
    set_by: timedelta = timedelta(0)
    speed: float = 1.0

    def now(self) -> datetime:
        return datetime(2026, 4, 14, 16, 0, tzinfo=UTC) + timedelta(seconds=self.passed) + self.set_by

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        del stop
        self.passed += seconds


def reader(machine: Machine) -> Reader:
    """A reader that has found the office's clock to be ours, and has today's rows."""
    made = Reader(cast(OpenDental, None), machine)  # begins without a request
    made.begin(NINE)
    made.time.skew = timedelta(0)
    made.freshness.note([TODAY], machine.now())
    return made


def test_while_nothing_is_set_what_was_measured_stays() -> None:
    machine = Machine()
    read = reader(machine)
    machine.sleep(60)
    read.begin(NINE + timedelta(seconds=60))
    assert read.time.skew == timedelta(0)
    assert read.lateness(TODAY) < 1


@pytest.mark.parametrize("hours", [1, -1, 25])
def test_our_clock_set_or_another_zone_in_the_policy_shows_at_once_and_is_measured_anew(hours: int) -> None:
    machine = Machine()
    read = reader(machine)
    machine.sleep(60)
    machine.set_by = timedelta(hours=hours)
    read.begin(NINE + timedelta(seconds=60, hours=hours))
    assert read.time.skew == timedelta(hours=-hours)
    assert read.lateness(Part(APPOINTMENTS, (NINE + timedelta(hours=hours)).date())) > 1


def test_small_steps_add_up() -> None:
    machine = Machine()
    read = reader(machine)
    for step in range(1, 11):
        machine.sleep(60)
        read.begin(NINE + timedelta(seconds=60 * step + 50 * step))
    assert read.time.skew == timedelta(seconds=-500)
