"""Records a state for ``fixtures/``: what this version of asapfill writes, for every later version to start from.

``python -m tests.store.record_fixture`` lives through one of the soak's days, in which also a person is asked and
answers, and keeps the moment at which the state had offers in the most states. Run it once, at a release that has a
new schema; a fixture that exists is never written again. The people in it are drawn from a seed.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import argparse
import logging
import sqlite3
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from asapfill.offers.decisions import answer_waiting
from asapfill.sandbox.office.columns import Row
from asapfill.store.cycles import record_tick
from asapfill.store.database import FILE_NAME, open_store
from asapfill.store.schema import VERSION
from tests.soak.day import Day
from tests.store.dumps import FIXTURES, dumped, filled_tables


class RecordedDay(Day):
    """A day with a person who is asked at times, and with the daemon's record of its ticks."""

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(seed, folder)
        self.ends += timedelta(days=2)
        self.best: tuple[int, ...] = (0, 0, 0)
        self.dump = ""

    def write_policy(self, **more: Any) -> Row:
        """One that has a person asked at times."""
        return super().write_policy(**({"mode": self.draws.choice(["automatic", "automatic", "ask"])} | more))

    def _work(self) -> None:
        super()._work()
        path = self.folder / "state" / FILE_NAME
        if not path.exists():
            return
        if self.process is not None and self.draws.random() < 0.5:
            with open_store(self.folder / "state", self.clock) as store:
                record_tick(store, "main-street", 0, ok=self.draws.random() < 0.9, requests=7, problems=())
            if self.draws.random() < 0.3:
                # A person looks at what waits, and says yes more often than no.
                answer_waiting(self.settings, self.clock, None, yes=self.draws.random() < 0.7)
        self._keep(path)

    def _keep(self, path: Path) -> None:
        """Keep the state as it is now if it tells more than what was kept."""
        connection = sqlite3.connect(path)
        try:
            states, offers = connection.execute("SELECT count(DISTINCT state), count(*) FROM offers").fetchone()
            told = (len(filled_tables(connection)), states, offers)
            if told > self.best:
                self.best, self.dump = told, dumped(connection)
        finally:
            connection.close()


def record(seed: int) -> tuple[tuple[int, ...], str]:
    """How many filled tables, states and offers the best moment of a seed's day had, and the state then."""
    with tempfile.TemporaryDirectory() as name:
        day = RecordedDay(seed, Path(name))
        day.run()
        return day.best, day.dump


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="record_fixture")
    parser.add_argument("--seeds", default="1-40", help="FIRST-LAST")
    given: Any = parser.parse_args(arguments)
    first, _, last = given.seeds.partition("-")
    target = FIXTURES / f"schema_{VERSION}.sql"
    if target.exists():
        print(f"{target} is there already: what was released is never written again.")
        return 1
    logging.disable(logging.CRITICAL)
    (tables, states, offers), dump = max(record(seed) for seed in range(int(first), int(last) + 1))
    target.parent.mkdir(exist_ok=True)
    target.write_text(dump, encoding="utf-8")
    print(f"{target}: {tables} tables, {offers} offers in {states} states, {len(dump) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
