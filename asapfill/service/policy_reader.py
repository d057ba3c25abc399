"""Policies for many offices at once: every cycle sees its own files as they are now, the folder is read now and then.

With five hundred files, reading all of them for each cycle of each office would cost more than the cycles. What counts
is the content here too, never a time stamp: shares and editors that replace files make no difference.
"""

from __future__ import annotations

import threading

from asapfill.clock import Clock
from asapfill.service.policies import Policies, PolicyBook
from asapfill.store.database import Store


class PolicyReader:
    """The folder of policies for the cycles of all offices; any thread may ask.

    ``kept``: real seconds after which the whole folder is read again, for files that are new or went away.
    """

    def __init__(self, book: PolicyBook, store: Store, clock: Clock, kept: float) -> None:
        self._book = book
        self._store = store
        self._clock = clock
        self._kept = kept
        self._lock = threading.Lock()
        self._last: tuple[float, Policies] | None = None

    def read(self) -> Policies:
        """The whole folder, now."""
        with self._lock:
            policies = self._book.read(self._store)
            self._last = self._clock.monotonic(), policies
            return policies

    def for_cycle(self, office: str) -> Policies:
        """The policies, with the files of ``office`` as they are now and all others as they were a moment ago."""
        last = self._last
        if last is None or self._clock.monotonic() - last[0] > self._kept:
            return self.read()
        policies = last[1]
        touched = any(not policies.still_valid(file) for file in policies.of(office))
        return self.read() if touched else policies
