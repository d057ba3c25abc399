"""The mirror of an office as it was last written, so that a restart need not read everything again.

What the rows mean is for ``asapfill.mirror``; here they are texts by kind and number. Losing them costs requests only.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from asapfill.core.values import local_digits
from asapfill.store.database import Store, as_written, moment_of, moment_text, wall_of, wall_text
from asapfill.store.records import insert, kept_value, read_row, upsert
from asapfill.store.schema import PHONE_KEY


def phone_key(store: Store) -> bytes:
    """The random key of this state's phone hashes, made with it and never changed.

    A state that is only read and has none (of an earlier asapfill, that made it later) holds no hash either: any key
    serves this process.
    """
    found = kept_value(store, PHONE_KEY)
    fresh = secrets.token_hex(32)
    if found is None and not store.read_only:
        with store.transaction() as database:
            insert(database, "meta", [{"name": PHONE_KEY, "value": fresh}], "ON CONFLICT DO NOTHING")
        # Another process may have been first.
        found = kept_value(store, PHONE_KEY)
    with as_written("the key of phones"):
        return bytes.fromhex(found or fresh)


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
    there = [
        {"office": office, "kind": kind, "number": number, "content": text}
        for kind, rows in changes.items()
        for number, text in rows.items()
        if text
    ]
    with store.transaction() as database:
        if anew:
            database.execute("DELETE FROM mirror_rows WHERE office = ?", [office])
        database.conn.executemany("DELETE FROM mirror_rows WHERE office = ? AND kind = ? AND number = ?", gone)
        upsert(database, "mirror_rows", ["office", "kind", "number"], there)
        upsert(database, "mirror_marks", ["office"], [{"office": office, "marks": marks}])


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
    return tuple(read_row(FreeTime, row, {"start": wall_of, "end": wall_of, "since": moment_of}) for row in rows)


def replace_free_time(store: Store, office: str, clinic: int, free: Iterable[FreeTime]) -> None:
    """Keep ``free`` as all that is free for this clinic; what was there is forgotten. One transaction, if any.

    From one cycle to the next it is mostly the same, and then nothing is written.
    """
    free = list(free)
    if set(free) == set(read_free_time(store, office, clinic)):
        return
    rows = [
        {
            "office": office,
            "clinic": clinic,
            "operatory": stretch.operatory,
            "provider": stretch.provider,
            "start": wall_text(stretch.start),
            "end": wall_text(stretch.end),
            "since": moment_text(stretch.since),
        }
        for stretch in free
    ]
    with store.transaction() as database:
        database.execute("DELETE FROM free_time WHERE office = ? AND clinic = ?", [office, clinic])
        insert(database, "free_time", rows)
