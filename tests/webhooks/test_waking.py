"""Many events are one look: an office is woken at once, and not too often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from asapfill.daemon.scheduler import WOKEN_AT_MOST, OfficeHealth, Scheduler
from tests.webhooks.senders import until

INTERVAL = 8.0
"""Real seconds: the tests end before the second cycle comes by itself."""
APART = INTERVAL / WOKEN_AT_MOST


@dataclass
class Cycles:
    """What runs: when each cycle began."""

    began: list[float] = field(default_factory=list)

    def __call__(self, _office: str, _health: OfficeHealth, _late: float) -> bool:
        self.began.append(time.monotonic())
        return True


@contextmanager
def scheduler(cycles: Cycles) -> Iterator[Scheduler]:
    found = Scheduler({"main-street": 0.0}, INTERVAL, time.monotonic(), cycles)
    found.start()
    try:
        yield found
    finally:
        found.stop()
        until(lambda: found.running() == 0, "the end")


def test_many_wakes_are_one_cycle_and_not_sooner_than_a_moment_after_the_last() -> None:
    cycles = Cycles()
    with scheduler(cycles) as found:
        until(lambda: len(cycles.began) == 1, "the first cycle")
        for _ in range(50):
            found.wake("main-street")
        until(lambda: len(cycles.began) == 2, "the cycle that was woken")
        found.wake("nobody")
        time.sleep(2 * APART)
        assert len(cycles.began) == 2
    assert cycles.began[1] - cycles.began[0] >= APART * 0.99
