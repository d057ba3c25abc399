"""How large the state of a busy office becomes, and what its journal costs each cycle.

Run: ``python tests/benchmarks/bench_state.py`` (no network; a few minutes).

The office: ten operatories with eight visits a day each, of which one in eight is called off or missed: ten openings a
working day. Ten people are asked for each, more than published experience (2.8 for each freed time), so the figures
are an upper end: a hundred offers a working day, 26,000 a year. Each goes through the real journal: intent, sent,
then viewed, declined, accepted, closed or passed; a commlog is written for each, and staff make one offer for ten of
ours. Every day the state forgets what is older than 400 days, as the daemon does.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from asapfill.clock import SteppedClock  # noqa: E402  the path is set above
from asapfill.core.offer import (  # noqa: E402
    NewOffer,
    Offer,
    State,
)
from asapfill.offers.journal import Journal  # noqa: E402
from asapfill.store.care import forget_old  # noqa: E402
from asapfill.store.commlogs import FIRST, CommlogTable  # noqa: E402
from asapfill.store.database import FILE_NAME, Store, open_store  # noqa: E402
from asapfill.store.schema import CommlogState  # noqa: E402

FIRST_DAY = date(2026, 1, 5)
OPENINGS, ASKED = 10, 10
PATIENTS = 6000
OUTCOMES = {State.ACCEPTED: 9, State.DECLINED: 15, State.CLOSED: 40, State.PASSED: 36}
"""Where offers end, in hundredths: about one in eleven is accepted, as published."""


class BusyOffice:
    """One office's journal, lived through day by day."""

    def __init__(self, store: Store, clock: SteppedClock, openings: int) -> None:
        self.store = store
        self.clock = clock
        self.journal = Journal(store, "main-street")
        self.openings = openings
        self.draws = random.Random(7)
        self.asapcomm = 0

    def day(self, day: date) -> None:
        """A working day: its openings, ten people asked for each."""
        self.clock.set(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=17))
        patients = self.draws.sample(range(1, PATIENTS), self.openings * ASKED)
        for place in range(self.openings):
            start = datetime.combine(day, datetime.min.time()) + timedelta(days=1, hours=8 + place % 8)
            for number, patient in enumerate(patients[place * ASKED : (place + 1) * ASKED]):
                self.offer(patient, place + 1, start, 1 + number // 3)
        self.journal.saw(self.number() for _ in range(self.openings * ASKED // 10))
        forget_old(self.store, "main-street")

    def number(self) -> int:
        """The next AsapCommNum of the office."""
        self.asapcomm += 1
        return self.asapcomm

    def offer(self, patient: int, operatory: int, start: datetime, wave: int) -> None:
        """One offer and its whole life."""
        new = NewOffer(
            clinic=0,
            kind="appointment",
            number=patient,
            patient=patient,
            phone=f"{patient:064x}",
            operatory=operatory,
            provider=1,
            start=start,
            end=start + timedelta(minutes=60),
            wave=wave,
            opening=f"op{operatory}-{start:%Y%m%d-%H%M}",
            made=start - timedelta(hours=23),
        )
        offer = self.journal.begin(new, check=lambda _: None)
        offer = self.journal.step(offer.id, State.SENT, asapcomm=self.number(), schedule=self.asapcomm)
        self.journal.saw([self.asapcomm])
        self.note(offer)
        if self.draws.random() < 0.5:
            self.journal.step(offer.id, State.VIEWED)
        end = self.draws.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        self.journal.step(offer.id, end)

    def note(self, offer: Offer) -> None:
        """The commlog of an offer."""
        commlogs = CommlogTable(self.journal.store, self.journal.office)
        commlogs.intend(offer, FIRST, f"Offered {offer.start:%Y-%m-%d %H:%M}.")
        commlogs.step(offer.id, FIRST, CommlogState.WRITTEN, commlog=offer.id)


def milliseconds(work: Callable[[], object]) -> float:
    """The shortest of five runs, in this process's own time."""
    shortest = float("inf")
    for _ in range(5):
        began = time.process_time()
        work()
        shortest = min(shortest, (time.process_time() - began) * 1000)
    return shortest


def report(office: BusyOffice, days: int, folder: Path) -> None:
    """What there is after so many days."""
    store, journal = office.store, office.journal
    wall = office.clock.now().replace(tzinfo=None)
    offers = store.rows("SELECT count(*) AS n FROM offers")[0]["n"]
    file = (folder / FILE_NAME).stat().st_size / 2**20
    free = store.rows("PRAGMA freelist_count")[0]["freelist_count"] * 4096 / 2**20
    limits = milliseconds(lambda: journal.since((wall - timedelta(days=31)).date()))
    follow = milliseconds(lambda: journal.followed(wall))
    print(  # noqa: T201
        f"{days:>4} days {offers:>7,} offers  file {file:>6.1f} MB, of which free {free:>4.1f} MB;  "
        f"offers for limits {limits:>5.1f} ms, to follow {follow:>5.2f} ms"
    )


def tables(store: Store) -> None:
    """Bytes of each table with its indexes."""
    rows = store.rows(
        "SELECT s.tbl_name AS name, sum(d.pgsize) AS bytes FROM dbstat d JOIN sqlite_schema s ON s.name = d.name "
        "GROUP BY 1 HAVING bytes > 8192 ORDER BY 2 DESC"
    )
    for row in rows:
        count = store.rows(f'SELECT count(*) AS n FROM "{row["name"]}"')[0]["n"]  # noqa: S608  names of our own tables
        print(f"     {row['name']:<16} {count:>8,} rows {row['bytes'] / 2**20:>7.1f} MB")  # noqa: T201


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=830)
    parser.add_argument("--openings", type=int, default=OPENINGS, help="a working day")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    memory = Path("/dev/shm")  # noqa: S108  to measure the work, not the disk
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as temporary:
        folder = Path(temporary)
        clock = SteppedClock(datetime.combine(FIRST_DAY, datetime.min.time(), UTC))
        with open_store(folder, clock) as store:
            office = BusyOffice(store, clock, wanted.openings)
            for number in range(1, wanted.days + 1):
                day = FIRST_DAY + timedelta(days=number - 1)
                if day.weekday() < 5:
                    office.day(day)
                if number in {30, 182, 365, 400, 600, wanted.days}:
                    report(office, number, folder)
                if number == 365:
                    tables(store)


if __name__ == "__main__":
    main()
