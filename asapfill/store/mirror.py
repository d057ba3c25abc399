"""The mirror of an office as it was last written, so that a restart need not read everything again.

What the rows mean is for ``asapfill.mirror``; here they are texts by kind and number. Losing them costs requests only.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asapfill.core.values import local_digits
from asapfill.store.database import Store, moment_of, moment_text, wall_of, wall_text

_KEY: Final = "phone_key"


def phone_key(store: Store) -> bytes:
    """The random key of this state's phone hashes, made once and never changed.

    A state that is only read and has none holds no hash either: any key serves this process.
    """
    found = store.rows("SELECT value FROM meta WHERE name = ?", [_KEY])
    if not found and store.read_only:
        return secrets.token_bytes(32)
    if not found:
        with store.transaction() as database:
            database.execute(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                [_KEY, secrets.token_hex(32)],
            )
        found = store.rows("SELECT value FROM meta WHERE name = ?", [_KEY])
    return bytes.fromhex(found[0]["value"])


def phone_hash(key: bytes, phone: str) -> str:
    """The hash of a phone number however it is written (``local_digits``); empty for a number without digits."""
    digits = local_digits(phone)
    if not digits:
        return ""
    return hashlib.blake2b(digits.encode("ascii"), key=key, digest_size=16).hexdigest()


Rows = Mapping[str, Mapping[int, str]]
"""Contents by kind and number."""


def read_mirror(store: Store, office: str) -> tuple[str, dict[str, dict[int, str]]] | None:
    """Marks and rows of an office, both of the same moment; None when nothing was written.

    Raises:
        StoreError: the state cannot be read.
    """
    marks = store.rows("SELECT marks FROM mirror_marks WHERE office = ?", [office])
    if not marks:
        return None
    rows: dict[str, dict[int, str]] = {}
    for row in store.rows("SELECT kind, number, content FROM mirror_rows WHERE office = ?", [office]):
        rows.setdefault(row["kind"], {})[row["number"]] = row["content"]
    return marks[0]["marks"], rows


def write_mirror(
    store: Store, office: str, marks: str, changes: Mapping[str, Mapping[int, str | None]], *, anew: bool
) -> None:
    """Write what changed and when it was read, in one transaction. A content of None: the row is gone.

    ``anew``: what was written before does not count any more.

    Raises:
        StoreError: the state cannot be written.
    """
    gone = [(office, kind, number) for kind, rows in changes.items() for number, text in rows.items() if text is None]
    there = [(office, kind, number, text) for kind, rows in changes.items() for number, text in rows.items() if text]
    with store.transaction() as database:
        if anew:
            database.execute("DELETE FROM mirror_rows WHERE office = ?", [office])
        database.conn.executemany("DELETE FROM mirror_rows WHERE office = ? AND kind = ? AND number = ?", gone)
        database.conn.executemany(
            "INSERT INTO mirror_rows (office, kind, number, content) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (office, kind, number) DO UPDATE SET content = excluded.content",
            there,
        )
        database.execute(
            "INSERT INTO mirror_marks (office, marks) VALUES (?, ?) "
            "ON CONFLICT (office) DO UPDATE SET marks = excluded.marks",
            [office, marks],
        )


def forget_mirrors(store: Store, offices: Collection[str]) -> None:
    """Forget the mirrors of all offices but these: what an office had is not kept when it is served no more.

    Raises:
        StoreError: the state cannot be written.
    """
    known = [row["office"] for row in store.rows("SELECT office FROM mirror_marks")]
    gone = [(office,) for office in known if office not in offices]
    if gone:
        with store.transaction() as database:
            database.conn.executemany("DELETE FROM mirror_rows WHERE office = ?", gone)
            database.conn.executemany("DELETE FROM mirror_marks WHERE office = ?", gone)


def office_mark(key: bytes, parts: Iterable[str]) -> str:
    """A keyed mark of how an office is reached: other keys or addresses may lead to another office's database.

    ``key``: the random one of this state. Nothing can be found out from the mark.
    """
    return hashlib.blake2b("\n".join(parts).encode(), key=key, digest_size=8).hexdigest()


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
