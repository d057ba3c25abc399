"""One life of the simulated asapfill: the real session, policies and cycle, until it is killed."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.session import OfficeSession, sessions_to_send
from asapfill.policy.in_force import Policies, PolicyBook
from asapfill.policy.model import PolicyFile
from asapfill.settings.settings import Settings
from asapfill.store.database import Store, StoreError, open_store
from tests.soak.line import Killed

if TYPE_CHECKING:
    from tests.soak.day import Day


class Process:
    """One life of asapfill, all of it in memory: what is not in the state is lost with it."""

    def __init__(self) -> None:
        self.alive = True
        self.reading = ""
        """The policy that the cycle under way has read."""
        self.session: OfficeSession | None = None
        self.book: PolicyBook | None = None
        self._stack = ExitStack()

    def open(self, day: Day) -> None:
        """What a command that sends does before its first cycle."""
        settings: Settings = day.settings
        self.book = PolicyBook(settings.policies, tuple(settings.offices))
        opened = self._watched_store
        with patch("asapfill.cycle.session.open_store", opened):
            sessions = self._stack.enter_context(sessions_to_send(settings, ("main-street",), day.clock, remember=True))
        self.session = sessions[0]

    def _watched_store(self, folder: Path, clock: Any) -> Store:
        self.store = open_store(folder, clock)
        return self.store

    def cycle(self, day: Day) -> None:
        """One tick of the daemon."""
        assert self.session is not None
        assert self.book is not None
        policies = self.book.read(self.store)
        files = policies.of("main-street")
        if not files:
            day.say("no policy")
            return
        self.reading = files[0].source.text
        try:
            self._serve(day, policies, files)
        finally:
            self.reading = ""

    def _serve(self, day: Day, policies: Policies, files: list[PolicyFile]) -> None:
        assert self.session is not None
        for result in run_cycle(self.session, files, still_valid=policies.still_valid, last_good=policies.last_good):
            states = Counter(line.state for line in result.offers)
            reasons = Counter(line.reason for line in result.offers if line.reason)
            day.say("cycle", openings=len(result.openings), offers=dict(sorted(states.items())),
                    reasons=dict(sorted(reasons.items())), errors=[t.message for t in result.errors])  # fmt: skip

    def must_live(self) -> None:
        """Nothing of a dead process runs: what a handler still tries goes nowhere."""
        if not self.alive:
            raise Killed("dead already")

    def fall(self) -> None:
        """Be dead: the open transaction is lost, and the state cannot be reached any more."""
        self.alive = False
        store = getattr(self, "store", None)
        if store is not None:
            store.path = Path("/nonexistent/asapfill.db")
            store.close()

    def close(self) -> None:
        """Throw everything away; the lock is released as the system does it for the dead."""
        try:
            self._stack.close()
        except (Killed, StoreError, sqlite3.Error):
            if self.alive:
                raise
