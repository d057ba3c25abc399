"""Which offices a person has paused. Written by ``asapfill pause`` beside a running daemon, read between two POSTs."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from asapfill.store.database import Store
from asapfill.store.times import moment_of, moment_text

EVERY_OFFICE: Final = "*"


def pause(store: Store, office: str = EVERY_OFFICE) -> None:
    """Stop sending for one office, or for all. Pausing again keeps the first time."""
    with store.transaction() as database:
        database.execute(
            "INSERT INTO paused (office, at) VALUES (?, ?) ON CONFLICT (office) DO NOTHING",
            [office, moment_text(store.clock.now())],
        )


def resume(store: Store, office: str = EVERY_OFFICE) -> bool:
    """Let one office send again; ``EVERY_OFFICE`` lifts every pause. Returns whether anything was paused."""
    with store.transaction() as database:
        cursor = database.execute("DELETE FROM paused WHERE office = ?1 OR ?1 = '*'", [office])
        return cursor.rowcount > 0


def is_paused(store: Store, office: str) -> bool:
    """Whether ``office`` must not send now, on its own or because all are paused."""
    return bool(store.rows("SELECT 1 FROM paused WHERE office IN (?, ?)", [office, EVERY_OFFICE]))


def paused(store: Store) -> dict[str, datetime]:
    """Every pause in force and since when (aware); ``EVERY_OFFICE`` is one of its keys if all are paused."""
    return {row["office"]: moment_of(row["at"]) for row in store.rows("SELECT * FROM paused ORDER BY office")}
