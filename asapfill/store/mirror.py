"""The mirror of an office as it was last written, so that a restart need not read everything again.

What the rows mean is for ``asapfill.mirror``; here they are texts by kind and number. Losing them costs requests only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

from asapfill.store.database import Store

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
