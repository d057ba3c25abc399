"""Free time as it was last seen, with the moment since when each stretch has been free.

Kept so that the settle rule holds over a restart; how a moment is carried over is in ``scheduling.settling``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asapfill.store.database import Store
from asapfill.store.times import moment_of, moment_text, wall_of, wall_text


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A stretch in one operatory with one provider. ``start``, ``end``: office wall clock; ``since``: aware."""

    operatory: int
    provider: int
    start: datetime
    end: datetime
    since: datetime


def read_free_time(store: Store, office: str, clinic: int) -> tuple[FreeTime, ...]:
    """What was free at the last look, by operatory and start."""
    rows = store.rows(
        'SELECT * FROM free_time WHERE office = ? AND clinic = ? ORDER BY operatory, start, "end", provider',
        [office, clinic],
    )
    return tuple(
        FreeTime(
            operatory=row["operatory"],
            provider=row["provider"],
            start=wall_of(row["start"]),
            end=wall_of(row["end"]),
            since=moment_of(row["since"]),
        )
        for row in rows
    )


def replace_free_time(store: Store, office: str, clinic: int, free: Iterable[FreeTime]) -> None:
    """Keep ``free`` as all that is free for this clinic; what was there is forgotten. One transaction, if any.

    From one cycle to the next it is mostly the same, and then nothing is written.
    """
    free = list(free)
    if set(free) == set(read_free_time(store, office, clinic)):
        return
    rows = [
        (
            office,
            clinic,
            stretch.operatory,
            stretch.provider,
            wall_text(stretch.start),
            wall_text(stretch.end),
            moment_text(stretch.since),
        )
        for stretch in free
    ]
    with store.transaction() as database:
        database.execute("DELETE FROM free_time WHERE office = ? AND clinic = ?", [office, clinic])
        database.conn.executemany(
            'INSERT INTO free_time (office, clinic, operatory, provider, start, "end", since) '
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
