"""The last tick of each clinic, so that ``status`` can tell whether the daemon is alive and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from asapfill.store.database import Store
from asapfill.store.times import moment_of, moment_text


@dataclass(frozen=True, slots=True)
class Tick:
    """One finished tick. ``at`` is aware; ``problems`` are codes or plain sentences without people's data."""

    office: str
    clinic: int
    at: datetime
    ok: bool
    requests: int
    problems: tuple[str, ...]


def record_tick(
    store: Store, office: str, clinic: int, *, ok: bool, requests: int, problems: Sequence[str] = ()
) -> None:
    """Keep the tick that ends now as the clinic's last."""
    with store.transaction() as database:
        database.execute(
            "INSERT INTO ticks (office, clinic, at, ok, requests, problems) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (office, clinic) DO UPDATE SET "
            "at = excluded.at, ok = excluded.ok, requests = excluded.requests, problems = excluded.problems",
            [office, clinic, moment_text(store.clock.now()), int(ok), requests, json.dumps(list(problems))],
        )


def forget_ticks(store: Store, office: str, served: Collection[int]) -> None:
    """Forget the ticks of an office's clinics that are not ``served`` any more: they would look late for ever."""
    gone = {row["clinic"] for row in store.rows("SELECT clinic FROM ticks WHERE office = ?", [office])} - set(served)
    if gone:
        with store.transaction() as database:
            for clinic in gone:
                database.execute("DELETE FROM ticks WHERE office = ? AND clinic = ?", [office, clinic])


def last_ticks(store: Store) -> tuple[Tick, ...]:
    """The last tick of every clinic that ever had one."""
    return tuple(
        Tick(
            office=row["office"],
            clinic=row["clinic"],
            at=moment_of(row["at"]),
            ok=bool(row["ok"]),
            requests=row["requests"],
            problems=tuple(json.loads(row["problems"])),
        )
        for row in store.rows("SELECT * FROM ticks ORDER BY office, clinic")
    )
