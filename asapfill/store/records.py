"""Rows written and read by their columns' names; and values that stand alone, each under a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlite_utils import Database

from asapfill.store.database import Store, as_written

Kept = TypeVar("Kept")


Readers = Mapping[str, Callable[[Any], Any]]


def insert(database: Database, table: str, rows: Iterable[Mapping[str, Any]], on_conflict: str = "") -> None:
    """Insert rows that all have the same columns. Names and ``on_conflict`` (an SQL clause) are always our own words.

    Not sqlite-utils' insert_all(): it asks SQLite for the table's definition first, and makes a table that is missing.
    """
    rows = list(rows)
    if rows:
        names, places = ", ".join(f'"{name}"' for name in rows[0]), ", ".join(f":{name}" for name in rows[0])
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) {on_conflict}"  # noqa: S608  our own words
        database.conn.executemany(sql, rows)


def upsert(database: Database, table: str, key: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns; one that is there, by the columns of ``key``, takes their values."""
    rows = list(rows)
    if rows:
        values = ", ".join(f'"{name}" = excluded."{name}"' for name in rows[0] if name not in key)
        insert(database, table, rows, f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {values}")


def read_row(kind: type[Kept], row: Mapping[str, Any], readers: Readers) -> Kept:
    """A row as a dataclass whose attributes are named as its columns. ``readers``: of columns not kept as they are.

    Raises:
        Misread: a column holds what asapfill does not write there.
    """
    values = {field.name: row[field.name] for field in fields(kind)}  # type: ignore[arg-type]  # always a dataclass
    for name in readers.keys() & values:
        if values[name] is not None:
            with as_written(f"“{name}” of a row"):
                values[name] = readers[name](values[name])
    return kind(**values)


def kept_value(store: Store, name: str) -> str | None:
    """What is kept under a name that stands alone; None: nothing."""
    rows = store.rows("SELECT value FROM meta WHERE name = ?", [name])
    return rows[0]["value"] if rows else None


def keep_value(store: Store, name: str, value: str | None) -> None:
    """Keep ``value`` under a name that stands alone; None: nothing any more. The same again writes nothing."""
    if value == kept_value(store, name):
        return
    with store.transaction() as database:
        if value is None:
            database.execute("DELETE FROM meta WHERE name = ?", [name])
        else:
            upsert(database, "meta", ["name"], [{"name": name, "value": value}])
