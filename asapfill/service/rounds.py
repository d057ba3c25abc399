"""Rounds of cycles: the watchdog is told that asapfill lives when every office has finished one since the last time.

So one office that hangs, which only a mistake in asapfill can bring about, is noticed although the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Rounds:
    """Which offices have finished a cycle in this round. Safe to share between threads."""

    def __init__(self, offices: Iterable[str]) -> None:
        self._offices = frozenset(offices)
        self._missing = set(self._offices)
        self._lock = threading.Lock()

    def finished(self, office: str) -> None:
        """An office has finished a cycle, served or not: it did not hang."""
        with self._lock:
            self._missing.discard(office)

    def complete(self) -> bool:
        """Whether every office has finished one; if so, the next round begins."""
        with self._lock:
            if self._missing:
                return False
            self._missing = set(self._offices)
            return True
