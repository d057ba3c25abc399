"""A state database as SQL text, as the fixtures keep it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

FIXTURES = Path(__file__).with_name("fixtures")


def filled_tables(connection: sqlite3.Connection) -> list[str]:
    """The tables that have rows."""
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [name for name in names if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]  # noqa: S608  ours


def dumped(connection: sqlite3.Connection) -> str:
    """A database as SQL, its schema version included."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return "\n".join([*connection.iterdump(), f"PRAGMA user_version = {version};", ""])
