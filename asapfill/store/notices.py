"""Notices as the state keeps them: what there is to tell, whom it was told, and addresses that do not take it.

So a restart repeats nothing and forgets nothing. What there is to tell is found in ``notices.conditions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asapfill.store.database import Store, moment_of, moment_text
from asapfill.store.records import insert, read_row

Key = tuple[str, str, str]
"""Office, code and subject: there is one notice of each at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that needs a person. No names of patients, no phones, no texts, no words of an office's server.

    Attributes:
        office: the office's name in the settings; empty for the whole installation.
        code: what kind of thing it is; a stable word.
        subject: which one, where an office can have several of a kind: a policy's file, a reason; else empty.
        about: what makes it another thing to tell: a new value is told again, a new ``message`` alone is not.
        title: in a few words.
        message: what it means and what to do.
    """

    office: str
    code: str
    subject: str = ""
    about: str = ""
    title: str
    message: str

    @property
    def key(self) -> Key:
        """What there is only one of."""
        return (self.office, self.code, self.subject)

    @property
    def place(self) -> str:
        """Whose it is, for a list."""
        return self.office or "all offices"


@dataclass(frozen=True, slots=True)
class KeptNotice:
    """A notice with its times, aware. ``gone``: since when there is no reason for it any more; None: it stands.

    ``told``: by address, the ``about`` that it was last told.
    """

    notice: Notice
    since: datetime
    gone: datetime | None
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failing:
    """An address that does not take what it is told. ``name``: in a person's words; ``since``: aware."""

    address: str
    name: str
    since: datetime
    error: str


def keep_notices(store: Store, notices: Iterable[Notice]) -> tuple[list[Notice], list[Notice]]:
    """Make ``notices`` all that stand now; returns those that are to be told anew, and those that stand no more.

    The same again writes nothing.
    """
    standing = {notice.key: notice for notice in notices}
    kept = {row.notice.key: row for row in kept_notices(store)}
    news = [n for key, n in standing.items() if key not in kept or kept[key].notice != n or kept[key].gone is not None]
    gone = [row.notice for key, row in kept.items() if key not in standing and row.gone is None]
    if not news and not gone:
        return [], []
    now = moment_text(store.clock.now())
    with store.transaction() as database:
        database.conn.executemany(
            "INSERT INTO notices (office, code, subject, about, title, message, since) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET about = excluded.about, title = excluded.title, message = excluded.message, "
            "gone = NULL",
            [(*notice.key, notice.about, notice.title, notice.message, now) for notice in news],
        )
        database.conn.executemany(
            "UPDATE notices SET gone = ? WHERE office = ? AND code = ? AND subject = ?", [(now, *n.key) for n in gone]
        )
    anew = [n for n in news if n.key not in kept or kept[n.key].gone is not None or kept[n.key].notice.about != n.about]
    return anew, gone


def kept_notices(store: Store) -> tuple[KeptNotice, ...]:
    """Every notice that stands, or whose end is still to be told."""
    told: dict[Key, dict[str, str]] = {}
    for row in store.rows("SELECT * FROM notices_told"):
        told.setdefault(_key(row), {})[row["address"]] = row["about"]
    rows = store.rows("SELECT * FROM notices ORDER BY office, code, subject")
    return tuple(
        KeptNotice(
            read_row(Notice, row, {}),
            moment_of(row["since"]),
            None if row["gone"] is None else moment_of(row["gone"]),
            told.get(_key(row), {}),
        )
        for row in rows
    )


def note_told(store: Store, address: str, begun: Iterable[Notice], ended: Iterable[Notice]) -> None:
    """An address was told of ``begun`` notices and of the end of ``ended`` ones; it takes what it is told."""
    now = moment_text(store.clock.now())
    with store.transaction() as database:
        database.conn.executemany(
            "INSERT INTO notices_told (office, code, subject, address, about, at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET about = excluded.about, at = excluded.at",
            [(*notice.key, address, notice.about, now) for notice in begun],
        )
        database.conn.executemany(
            "DELETE FROM notices_told WHERE office = ? AND code = ? AND subject = ? AND address = ?",
            [(*notice.key, address) for notice in ended],
        )
        database.execute("DELETE FROM notice_addresses WHERE address = ?", [address])


def forget_notices(store: Store, keys: Sequence[Key]) -> None:
    """Forget notices that are over, and whom they were told."""
    if keys:
        with store.transaction() as database:
            for table in ("notices", "notices_told"):
                delete = f"DELETE FROM {table} WHERE office = ? AND code = ? AND subject = ?"  # noqa: S608  our words
                database.conn.executemany(delete, keys)


def note_failing(store: Store, address: str, name: str, error: str) -> None:
    """An address did not take what it was told; the first time is kept."""
    with store.transaction() as database:
        row = {"address": address, "name": name, "failing_since": moment_text(store.clock.now()), "error": error}
        known = "ON CONFLICT DO UPDATE SET name = excluded.name, error = excluded.error"
        insert(database, "notice_addresses", [row], known)


def keep_addresses(store: Store, addresses: Iterable[str]) -> None:
    """Forget the troubles of addresses that the settings do not have any more."""
    gone = {failing.address for failing in failing_addresses(store)} - set(addresses)
    if gone:
        with store.transaction() as database:
            database.conn.executemany(
                "DELETE FROM notice_addresses WHERE address = ?", [(address,) for address in sorted(gone)]
            )


def failing_addresses(store: Store) -> tuple[Failing, ...]:
    """Every address that did not take the last thing it was told."""
    return tuple(
        Failing(row["address"], row["name"], moment_of(row["failing_since"]), row["error"])
        for row in store.rows("SELECT * FROM notice_addresses ORDER BY name")
    )


def _key(row: Mapping[str, Any]) -> Key:
    return (row["office"], row["code"], row["subject"])
