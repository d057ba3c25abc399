"""The policies for the cycles of all offices of one service."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from asapfill.clock import Clock
from asapfill.policy.in_force import A_MOMENT, Policies, PolicyBook
from asapfill.stillness import STILL
from asapfill.store.database import Store


def _times(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file of a folder was last written, and its size; empty when that cannot be told."""
    try:
        with os.scandir(folder) as entries:
            stats = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return {}
    return {name: (found.st_mtime_ns, found.st_size) for name, found in stats}


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
        self._looked: Mapping[str, tuple[int, int]] = {}

    def first(self) -> Policies:
        """The whole folder at the start. A file that nobody has read yet is waited for while it is being written."""
        until = self._clock.monotonic() + 2 * STILL
        while True:
            policies = self.read()
            new = set(policies.settling).difference(file.source.path for file in policies.files)
            if not new or self._clock.monotonic() > until:
                return policies
            self._clock.sleep(min(policies.settling[path] for path in new) + A_MOMENT)

    def read(self) -> Policies:
        """The whole folder, now."""
        with self._lock:
            self._looked = _times(self._book.folder)
            policies = self._book.read(self._store)
            self._last = self._clock.monotonic(), policies
            return policies

    def look(self) -> None:
        """Read the folder when a file in it changed, or has been still for long enough: so it counts in the next cycle.

        Costs little; to be called about every second.
        """
        last = self._last
        if last is None:
            return
        still = last[1].settling and self._clock.monotonic() - last[0] > min(last[1].settling.values())
        if still or _times(self._book.folder) != self._looked:
            self.read()

    def for_cycle(self, office: str) -> Policies:
        """The policies, with the files of ``office`` as they are now and all others as they were a moment ago."""
        last = self._last
        if last is None or self._clock.monotonic() - last[0] > self._kept:
            return self.read()
        policies = last[1]
        touched = any(not policies.still_valid(file) for file in policies.of(office))
        return self.read() if touched else policies
