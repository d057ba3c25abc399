"""What somebody heard that changed, to be looked at before the next plan."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date


class Hints:
    """Days and AptNums, added by any thread, taken by the one that reads the office."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: set[date] = set()
        self._appointments: set[int] = set()

    def add(self, days: Iterable[date], appointments: Iterable[int]) -> None:
        """Something changed there."""
        with self._lock:
            self._days.update(days)
            self._appointments.update(appointments)

    def take(self) -> tuple[set[date], set[int]]:
        """What was heard so far; it is not told again."""
        with self._lock:
            taken = (self._days, self._appointments)
            self._days, self._appointments = set(), set()
        return taken
