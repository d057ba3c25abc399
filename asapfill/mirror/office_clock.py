"""The office's clock beside ours: how far they are apart, and whether one of them was set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from asapfill.clock import Clock

SET = timedelta(minutes=1)
"""A clock that is further from where it should be was set, or the time zone is another one now."""


@dataclass(slots=True)
class OfficeClock:
    """What is known of the office's clock in one cycle.

    ``began`` and ``wall``: our clock (aware) and the office's at the cycle's beginning. ``skew``: the office's clock
    minus ours, as last measured.
    """

    clock: Clock
    began: datetime | None = None
    wall: datetime = datetime.min
    skew: timedelta | None = None
    _monotonic: float = 0.0
    """The monotonic clock at ``began``."""

    def begin(self, wall: datetime) -> bool:
        """It is ``wall`` by the office's clock as we reckon: by our clock and the policy's time zone.

        Either may have been set since the last time: returns whether one was. What was measured moves along until it is
        measured anew; at the hour when daylight saving begins or ends, both clocks jump.
        """
        monotonic = self.clock.monotonic()
        jump = timedelta(0)
        if self.began is not None:
            jump = wall - (self.wall + timedelta(seconds=monotonic - self._monotonic))
            if self.skew is not None:
                self.skew -= jump
        self.began, self.wall, self._monotonic = self.clock.now(), wall, monotonic
        return abs(jump) > SET

    def measure(self, server_time: datetime | None) -> None:
        """An answer has come that tells the office's time, or does not (None)."""
        if server_time is not None and self.began is not None:
            passed = timedelta(seconds=self.clock.monotonic() - self._monotonic)
            self.skew = server_time - (self.wall + passed)
