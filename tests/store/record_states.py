"""Records a second state for ``fixtures/``: an offer in every state that this version of asapfill knows.

``record_fixture`` has what a day leaves behind, and a day leaves nothing unclear. Here a journal is led through every
state, those first in which a text may or may not have gone out: an intent that nobody came back to, one without an
answer, one that was looked for once in vain, one that was given up after a day. Run with the version that had the
schema (``python -m tests.store.record_states``, with ``dumps`` copied there); a fixture that exists is never written
again.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import logging
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from asapfill.clock import SteppedClock
from asapfill.core.offer import FIRST, STEPS, NewOffer, State
from asapfill.offers.journal import Journal
from asapfill.store.cycles import record_tick
from asapfill.store.database import FILE_NAME, open_store
from asapfill.store.offices import pause
from asapfill.store.schema import VERSION
from tests.store.dumps import FIXTURES, dumped

BEGINS = datetime(2026, 3, 9, 17, 0, tzinfo=UTC)  # 10:00 on a Monday in Los Angeles
OFFICE_HOURS_BEHIND = timedelta(hours=7)
SENT_TO_A_ROW = {State.SENT, State.SUPPRESSED}
KINDS: tuple[Literal["appointment", "recall"], ...] = ("appointment", "recall")


def ways() -> dict[State, tuple[State, ...]]:
    """The shortest way from the entry into the journal to every state, both ends included."""
    found: dict[State, tuple[State, ...]] = {state: (state,) for state in sorted(FIRST)}
    reached = list(found)
    for state in reached:
        for after in sorted(STEPS[state]):
            if after not in found:
                found[after] = (*found[state], after)
                reached.append(after)
    return found


class Recorder:
    """Puts offers into a journal, each of a patient of its own, at a place of its own."""

    def __init__(self, journal: Journal, clock: SteppedClock) -> None:
        self.journal = journal
        self.clock = clock
        self.count = 0

    def lead(self, *way: State, kind: Literal["appointment", "recall"] = "appointment") -> int:
        """A new offer on its way through states, a few seconds each; returns its id."""
        self.count += 1
        made = (self.clock.now() - OFFICE_HOURS_BEHIND).replace(tzinfo=None)
        day, place = divmod(self.count, 8)
        start = datetime(2026, 3, 13, 9, 0) + timedelta(days=day, hours=place)
        new = NewOffer(
            clinic=0,
            kind=kind,
            number=500 + self.count,
            patient=100 + self.count,
            phone=f"{self.count:032x}",
            operatory=3,
            provider=1,
            start=start,
            end=start + timedelta(minutes=50),
            wave=1,
            opening=f"op3-{start:%Y%m%d-%H%M}",
            made=made,
        )
        enter = self.journal.begin if way[0] is State.INTENT else self.journal.wait
        offer = enter(new, check=lambda _: None)
        for state in way[1:]:
            self.clock.sleep(3)
            row = 900 + self.count if state in SENT_TO_A_ROW else None
            reason = "no_answer" if state is State.UNKNOWN else None
            self.journal.step(offer.id, state, reason, asapcomm=row, schedule=row)
        return offer.id


def record(folder: Path) -> str:
    """A state with every kind of offer, as SQL."""
    clock = SteppedClock(BEGINS)
    with open_store(folder, clock) as store:
        journal = Journal(store, "main-street")
        recorder = Recorder(journal, clock)
        given_up = [recorder.lead(State.INTENT, State.UNKNOWN, kind=kind) for kind in KINDS]
        clock.sleep(timedelta(days=1, minutes=1).total_seconds())
        for offer in given_up:
            journal.step(offer, State.UNSETTLED, "unsettled")
        unclear = {State.INTENT, State.UNKNOWN, State.UNSETTLED}
        for state, way in ways().items():
            if state not in unclear:
                recorder.lead(*way)
        journal.saw(range(901, 901 + recorder.count))
        looked_for = recorder.lead(State.INTENT, State.UNKNOWN)
        clock.sleep(75)
        journal.missing(looked_for)
        for kind in KINDS:
            recorder.lead(State.INTENT, State.UNKNOWN, kind=kind)
        record_tick(store, "main-street", 0, ok=True, requests=7, problems=())
        pause(store)
        for kind in KINDS:
            recorder.lead(State.INTENT, kind=kind)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return dumped(connection)


def main() -> int:
    """The command; returns its exit code."""
    target = FIXTURES / f"schema_{VERSION}_every_state.sql"
    if target.exists():
        print(f"{target} is there already: what was released is never written again.")
        return 1
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        dump = record(Path(name) / "state")
    target.parent.mkdir(exist_ok=True)
    target.write_text(dump, encoding="utf-8")
    print(f"{target}: {len(ways())} states, {len(dump) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
