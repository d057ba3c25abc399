"""Looking after the state database: backups, restoring one, verifying, and forgetting what protects nobody any more."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from asapfill.clock import Clock
from asapfill.files import read_file
from asapfill.store.cycles import forget_figures
from asapfill.store.database import FILE_NAME, RESTORING, Store, StoreError, moment_text, open_store, wall_text
from asapfill.store.lock import only_one
from asapfill.store.offices import pause
from asapfill.store.schema import VERSION
from asapfill.store.soundness import ERRORS, explain, flaws

KEPT: Final = timedelta(days=400)
"""Offers are kept a year and a month: caps need a week, an offered time its own day, reports a year to compare with."""

_SQLITE: Final = b"SQLite format 3\0"
"""How each of SQLite's databases begins."""
_PACKED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"PK": "zip"}
_STAMP: Final = "%Y%m%d-%H%M%S"


@dataclass(frozen=True, slots=True)
class Verified:
    """What ``verify`` found. ``problems``: sentences of SQLite; empty when the file is sound.

    ``counts``: rows by table; ``states``: offers by state.
    """

    path: Path
    version: int
    problems: tuple[str, ...]
    counts: dict[str, int]
    states: dict[str, int]

    @property
    def usable(self) -> bool:
        """Whether this asapfill can work with it."""
        return not self.problems and self.version <= VERSION


def verify(path: Path) -> Verified:
    """Look at a state database, or a backup of one, without changing it.

    Raises:
        StoreError: there is no such file, or SQLite cannot read it at all.
    """
    with _reading(path) as connection:
        problems = flaws(connection)
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        # Names of tables come from the file itself; a quote in one cannot end the name.
        names = {name: '"' + name.replace('"', '""') + '"' for name in sorted(tables)}
        counts = {
            name: int(connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0])  # noqa: S608  see above
            for name, quoted in names.items()
            if not name.startswith("sqlite_")
        }
        states = {}
        if not problems:
            states = dict(connection.execute("SELECT state, count(*) FROM offers GROUP BY state ORDER BY state"))
    return Verified(path, version, tuple(problems), counts, states)


def backup(folder: Path, target: Path) -> Verified:
    """Copy the state database to ``target`` while it may be in use (SQLite's online backup), and verify the copy.

    Raises:
        StoreError: there is no state, ``target`` exists already, or it cannot be written.
    """
    source = folder / FILE_NAME
    with _reading(source) as connection:
        _copy(connection, target)
    return verify(target)


def restore(folder: Path, backup_file: Path, clock: Clock) -> tuple[Verified, Path | None]:
    """Put a backup in the place of the state database; what was there is kept beside it.

    Sending is paused for every office afterwards: what was sent since the backup is not in it. asapfill counts those
    offers as somebody else's as far as the offices still tell; a person resumes when that is right.

    Returns:
        What was found in the restored state, and where the replaced file lies now (None: there was none).

    Raises:
        AlreadyRunning: an asapfill works on this state; nothing was changed.
        StoreError: the backup is damaged, from a newer asapfill or unreadable; nothing was changed.
    """
    found = verify(backup_file)
    if not found.usable:
        what = "; ".join(found.problems) or f"it was written by a newer asapfill (schema {found.version})"
        raise StoreError(f"The backup {backup_file} cannot be used: {what}. Nothing was changed. Try an older one.")
    with only_one(folder):
        path = folder / FILE_NAME
        # Its name keeps every asapfill away until it has taken the database's place.
        fresh = folder / RESTORING
        fresh.unlink(missing_ok=True)
        with _reading(backup_file) as connection:
            _copy(connection, fresh)
        replaced = _set_aside(path, clock)
        fresh.replace(path)
        _sync_folder(folder)
        with open_store(folder, clock) as store:
            pause(store)
    return verify(path), replaced


def forget_old(store: Store, office: str) -> int:
    """Delete an office's offers that protect nobody any more, with their steps and commlogs; returns how many.

    Only when our clock was found to agree with the office's: a clock that is years ahead would make all of them old.
    Gone is what was made and what lay more than ``KEPT`` ago and is over. A patient's stop stays for ever, and so does
    whatever is not settled.
    """
    now = store.clock.now() - KEPT
    old = {"office": office, "wall": wall_text(now.replace(tzinfo=None)), "moment": moment_text(now)}
    over = (
        "SELECT id FROM offers WHERE office = :office AND made < :wall AND start < :wall AND changed < :moment "
        "AND settled IS NOT NULL AND state <> 'stopped'"
    )
    with store.transaction() as database:
        database.execute(f"DELETE FROM offer_steps WHERE offer IN ({over})", old)  # noqa: S608  our own words
        database.execute(f"DELETE FROM commlogs WHERE offer IN ({over})", old)  # noqa: S608  our own words
        gone = database.execute(f"DELETE FROM offers WHERE id IN ({over})", old).rowcount  # noqa: S608  our own words
        database.execute("DELETE FROM asapcomms_seen WHERE office = :office AND at < :moment", old)
        forget_figures(database, office, old["wall"], old["moment"])
    return gone


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads.

    Raises:
        StoreError: there is no such file, it is no state, or SQLite cannot read it.
    """
    try:
        begins = read_file(path, len(_SQLITE))
    except FileNotFoundError:
        raise StoreError(f"There is no state database at {path}.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. Nothing was changed.") from error
    _refuse_other_files(path, begins)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        yield connection
    except ERRORS as error:
        raise StoreError(explain(error, path)) from error
    finally:
        connection.close()


def _refuse_other_files(path: Path, begins: bytes) -> None:
    """Tell a file that was never a state from a damaged one: a slip of the finger needs other advice.

    ``begins``: its first bytes.

    Raises:
        StoreError: it is something else.
    """
    if begins == _SQLITE or path.name == FILE_NAME:  # the state itself, if it begins in another way, is damaged
        return
    what = "it is empty" if not begins else "it is no SQLite database"
    if packed := next((name for sign, name in _PACKED.items() if begins.startswith(sign)), None):
        what = f"it is packed ({packed}); unpack it first"
    raise StoreError(
        f"{path} is no state of asapfill: {what}. Nothing was changed. `asapfill state backup` makes such files; they "
        f"lie beside the state and are called {FILE_NAME}.backup-DATE."
    )


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """SQLite's online backup into a new file that only its owner may read."""
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except FileExistsError as error:
        raise StoreError(f"{target} exists already and is not overwritten. Name another file.") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror}). Nothing was changed.") from error
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
        # A backup is one file: no journal beside it that could be forgotten.
        copy.execute("PRAGMA journal_mode = DELETE")
    except ERRORS as error:
        target.unlink()
        raise StoreError(explain(error, target)) from error
    finally:
        copy.close()


def _set_aside(path: Path, clock: Clock) -> Path | None:
    """Keep the present database, with what SQLite keeps beside it, under another name."""
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.replaced-{clock.now().strftime(_STAMP)}")
    for ending in ("", "-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + ending))
    return kept


def _sync_folder(folder: Path) -> None:
    """Have the new names on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
