"""Whether a state database is what asapfill made of it: sound for SQLite, with its tables, indexes and words.

A byte that was changed on the disk need not break SQLite's structure: it may rename an index that keeps a text from
going out twice, or a state. A trigger that somebody added could undo what is written. Nothing is repaired here.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final, get_args

from asapfill.core.offer import Kind, State
from asapfill.core.values import fit
from asapfill.store.schema import MIGRATIONS, PHONE_KEY, VERSION, CommlogState

MOST: Final = 20
"""Flaws that are told."""

ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises; the second where its own words quote bytes of a damaged file."""

_Made = tuple[str, str]
"""Kind (table, index, trigger, view) and name."""


def flaws(connection: sqlite3.Connection) -> list[str]:
    """What is wrong, in sentences' ends; empty when nothing is. A database of a newer asapfill is not compared.

    Raises:
        sqlite3.Error: it cannot be read at all.
    """
    found = [fit(str(row[0])) for row in connection.execute(f"PRAGMA integrity_check({MOST})") if row[0] != "ok"]
    if found:
        return found
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        found.append(f"row {row} of {fit(table)} refers to a row of {fit(parent)} that is not there")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        return found[:MOST]
    if version < 0:
        return [*found, f"its schema version is {version}"][:MOST]
    changed = list(_differences(connection, version))
    if not changed and version:
        found += _unknown_words(connection)
    return [*found, *changed][:MOST]


def _differences(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    """How the schema differs from what asapfill made for this version. Tables and views of others harm nothing."""
    wanted, there = _made(version), _schema(connection)
    if wanted and ("table", "offers") not in there:
        yield "it has no table of offers: this is not a state database of asapfill"
        return
    for (kind, name), statement in wanted.items():
        if (kind, name) not in there:
            yield f"it has no {kind} {name}"
        elif there[kind, name] != statement:
            yield f"the {kind} {name} is not as asapfill made it"
    for kind, name in there.keys() - wanted.keys():
        if kind in {"trigger", "index"}:
            yield f"it has a {kind} that asapfill did not make: {fit(name)}"


@cache
def _made(version: int) -> dict[_Made, str]:
    """The schema that the first migrations make."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in chain.from_iterable(MIGRATIONS[:version]):
            connection.execute(statement)
        return _schema(connection)


def _schema(connection: sqlite3.Connection) -> dict[_Made, str]:
    """The statement of each table, index, trigger and view, without regard to line breaks; not SQLite's own."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    return {(kind, name): re.sub(r"\s+", " ", sql or "").strip() for kind, name, sql in rows}


def _unknown_words(connection: sqlite3.Connection) -> Iterator[str]:
    """Words on which it depends whether somebody is texted, and that asapfill never writes."""
    for table, column, known in (
        ("offers", "state", frozenset(map(str, State))),
        ("offers", "kind", frozenset(get_args(Kind))),
        ("commlogs", "state", frozenset(map(str, CommlogState))),
    ):
        there = {row[0] for row in connection.execute(f"SELECT DISTINCT {column} FROM {table}")}  # noqa: S608  our own
        for word in sorted(there - known):
            yield f"a row of {table} has a {column} that asapfill does not know: {fit(word)}"
    for (key,) in connection.execute("SELECT value FROM meta WHERE name = ?", [PHONE_KEY]):
        if not re.fullmatch("[0-9a-f]{64}", key):
            yield "the key of its phones is none"


def explain(error: Exception, path: Path) -> str:
    """What one of ``ERRORS`` means to the person who looks after this machine, and what to do."""
    if isinstance(error, UnicodeDecodeError):
        return damaged(path)
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        what = "is locked by another program"
        remedy = "Find what else has the file open (a backup, a viewer, a second machine), close it and try again."
    elif "readonly" in text or "read-only" in text or "unable to open" in text:
        what = "cannot be opened or written"
        remedy = "Check that the folder exists, is on a writable disk and belongs to the user that runs asapfill."
    elif "full" in text:
        what = "cannot grow: the disk is full"
        remedy = "Make room on that disk; asapfill goes on by itself."
    elif "disk i/o" in text:
        what = "cannot be read or written: the disk, or the network behind it, reports an error"
        remedy = (
            "Look at the disk and the machine's log (`journalctl -k`). Do not delete the file: it may well be whole, "
            "which `asapfill state verify` tells as soon as the disk works again."
        )
    elif any(word in text for word in ("malformed", "not a database", "encrypted", "could not decode", "too big")):
        return damaged(path)
    else:
        what = "cannot be used"
        remedy = "Run `asapfill doctor`; if it does not help, restore a backup with `asapfill state restore`."
    return f"The state database {path} {what} (SQLite: {error}). {remedy}"


def damaged(path: Path | None, what: str = "") -> str:
    """What to do about a damaged database: never delete it, it is what keeps texts from being sent twice.

    ``path`` None: of the state that is in use. ``what``: the end of a sentence, when more is known.
    """
    return (
        f"The state database{f' {path}' if path else ''} is damaged{f': {what}' if what else ''}. Nothing was sent and "
        "nothing was changed. Do not delete it: it keeps patients from being texted twice. Restore the latest backup "
        "with `asapfill state restore`, and keep the damaged file for `asapfill state verify`."
    )
