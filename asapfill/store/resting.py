"""Which offices rest because they did not answer, so that ``status`` can tell: written by the daemon only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asapfill.store.database import Store
from asapfill.store.times import moment_of, moment_text


@dataclass(frozen=True, slots=True)
class Rest:
    """``failures``: cycles in a row that the office did not answer; ``until``: when it is tried again (aware)."""

    failures: int
    until: datetime


def keep_rest(store: Store, office: str, failures: int, until: datetime) -> None:
    """Remember that an office rests."""
    with store.transaction() as database:
        database.execute(
            "INSERT INTO resting (office, failures, until) VALUES (?, ?, ?) "
            "ON CONFLICT (office) DO UPDATE SET failures = excluded.failures, until = excluded.until",
            [office, failures, moment_text(until)],
        )


def end_rest(store: Store, office: str | None = None) -> None:
    """An office answers again; None: whatever an earlier daemon kept means nothing any more."""
    if resting(store):
        with store.transaction() as database:
            database.execute("DELETE FROM resting WHERE office = ?1 OR ?1 IS NULL", [office])


def resting(store: Store) -> dict[str, Rest]:
    """Every office that rests."""
    rows = store.rows("SELECT * FROM resting ORDER BY office")
    return {row["office"]: Rest(row["failures"], moment_of(row["until"])) for row in rows}
