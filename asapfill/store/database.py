"""Opening the state database, one connection per thread, and transactions that are on disk when they return.

What the tables mean is not known here; see ``schema`` for their columns, and the modules named after them for the
rules.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from sqlite_utils import Database

from asapfill.clock import Clock
from asapfill.core.errors import AsapfillError
from asapfill.failpoints import reach
from asapfill.files import close_to_others, give_to_owner_of, open_file
from asapfill.store.schema import MIGRATIONS, PHONE_KEY, VERSION
from asapfill.store.soundness import ERRORS, damaged, explain, flaws

log = logging.getLogger(__name__)


class StoreError(AsapfillError):
    """The state database cannot be used as it is; the message says why and what to do. Nothing was sent."""


class Misread(StoreError):  # noqa: N818  reads as the fact it states
    """A value in the state is none that asapfill writes."""


@contextmanager
def as_written(what: str) -> Iterator[None]:
    """Around the reading of a value that the state keeps as text. ``what``: whose it is, for the message.

    Raises:
        Misread: in place of any error that such a text can cause.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        raise Misread(damaged(None, f"{what} is nothing that asapfill writes")) from error


def moment_text(moment: datetime) -> str:
    """An aware moment as UTC text with microseconds.

    Raises:
        ValueError: the moment is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment in the state is aware; office wall-clock times are kept by wall_text")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The aware moment that ``moment_text`` wrote.

    Raises:
        Misread: it did not.
    """
    with as_written("a moment"):
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else _refuse(text)


def wall_text(wall: datetime) -> str:
    """A naive office wall-clock time as text, to the second.

    Raises:
        ValueError: the time is aware.
    """
    if wall.tzinfo is not None:
        raise ValueError("office times are naive wall-clock times")
    return wall.isoformat(timespec="seconds")


def wall_of(text: str) -> datetime:
    """The naive office time that ``wall_text`` wrote.

    Raises:
        Misread: it did not.
    """
    with as_written("a time of an office"):
        wall = datetime.fromisoformat(text)
        return wall if wall.tzinfo is None else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"aware and naive times are told apart in the state: {text}")


FILE_NAME: Final = "asapfill.db"
RESTORING: Final = f"{FILE_NAME}.restoring"
"""A restored copy that is about to take the database's place; if it is still there, that was interrupted."""
BUSY_SECONDS: Final = 10.0
"""How long a writer waits for another one (``pause`` beside the daemon) before it gives up."""

CACHE_KIB: Final = 512
"""Of the file that each connection keeps in memory. The system keeps all of it anyway, and connections may be many."""

Parameters = Sequence[Any] | dict[str, Any]


class Store:
    """The state database. Safe to share between threads: each gets a connection of its own."""

    def __init__(self, path: Path, clock: Clock, *, read_only: bool = False) -> None:
        self.path = path
        self.clock = clock
        self.read_only = read_only
        self._local = threading.local()
        self._connections: list[Database] = []
        self._lock = threading.Lock()
        # SQLite lets whoever tries at the right moment write first; so many threads would let some wait too long.
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        """The store itself; it is closed at the end of the ``with``."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.close()

    def close(self) -> None:
        """Close every connection of every thread. Calling it again does nothing."""
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for database in connections:
            database.close()

    def release(self) -> None:
        """Close this thread's connection, if it has one; it is opened again when it is needed."""
        database: Database | None = getattr(self._local, "database", None)
        if database is None:
            return
        self._local.database = None
        with self._lock:
            if database in self._connections:
                self._connections.remove(database)
        database.close()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[dict[str, Any]]:
        """All rows of a query, in this thread's transaction if one is open.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._explained():
            # Not sqlite-utils' query(): it wraps each SELECT in a savepoint, which costs as much as the SELECT itself.
            cursor = self._database().conn.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def flaws(self) -> list[str]:
        """See ``soundness.flaws``.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._explained():
            return flaws(self._database().conn)

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """A transaction that may read and then write: BEGIN IMMEDIATE, durable when the block is left.

        An exception inside rolls everything back. An IntegrityError of SQLite passes through unchanged, so that callers
        can tell "exists already" apart.

        Raises:
            StoreError: the database is locked for too long, read-only, full or damaged.
        """
        with self._explained(), self._writing:
            database = self._database()
            database.conn.execute("BEGIN IMMEDIATE")
            try:
                yield database
                reach("store.commit.before")
                database.conn.execute("COMMIT")
            except BaseException:
                database.rollback()
                raise
        reach("store.commit.after")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors, but not violated constraints, into sentences."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except ERRORS as error:
            raise StoreError(explain(error, self.path)) from error

    def _connect(self) -> Database:
        """Another connection."""
        return _connect(
            f"{self.path.resolve().as_uri()}?mode={'ro' if self.read_only else 'rw'}", write=not self.read_only
        )

    def _database(self) -> Database:
        """This thread's connection."""
        database: Database | None = getattr(self._local, "database", None)
        if database is None:
            database = self._connect()
            with self._lock:
                self._connections.append(database)
            self._local.database = database
        return database


class EmptyStore(Store):
    """What commands that only look read where there is no state yet: nothing. It lives in memory; no file is made."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Path(":memory:"), clock, read_only=True)

    def _connect(self) -> Database:
        """Every thread has a database of its own, which stays as empty as the others."""
        database = _connect("file::memory:", write=False)
        for statement in chain.from_iterable(MIGRATIONS):
            database.conn.execute(statement)
        database.conn.execute("PRAGMA query_only = ON")
        return database


def open_store(folder: Path, clock: Clock) -> Store:
    """Open the state database in ``folder`` for reading and writing, made or brought up to date if need be.

    The folder is made with mode 0700, the file with 0600; one that is open to every user is closed.

    Raises:
        StoreError: damaged, from a newer asapfill, not writable or locked. Nothing is deleted or repaired.
    """
    path = folder / FILE_NAME
    _refuse_half_restored(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_file(path)
        for place in filter(close_to_others, (folder, path)):
            log.warning("state.closed path=%s", place)
    except OSError as error:
        raise cannot_write(f"The state database {path}", path, error) from error
    store = Store(path, clock)
    try:
        _check(store)
        _migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def _make_file(path: Path) -> None:
    """Have the file there, for its owner only.

    Raises:
        OSError: it cannot be made or opened for writing.
    """
    there = path.exists()
    descriptor = open_file(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_nlink > 1:
            # SQLite keeps what is not yet in the file beside the name by which it was opened.
            raise OSError(errno.EMLINK, "it has a second name, a hard link, by which others may write it", str(path))
        if not there:
            give_to_owner_of(path.parent, descriptor)
    finally:
        os.close(descriptor)


def cannot_write(what: str, file: Path, error: OSError) -> StoreError:
    """Why the state cannot be written, and what to do about it; ``file`` was to be opened."""
    if error.errno == errno.ELOOP:
        # It could lead to any file that the service may write.
        return StoreError(
            f"{file} is a symbolic link, which asapfill refuses to write. Nothing was sent. Put the file itself there."
        )
    return StoreError(
        f"{what} cannot be written ({error.strerror}). Nothing was sent. "
        "Make the folder writable for the user that runs asapfill. Do not name another one as `state`, unless this one "
        "is moved there with all that is in it: a new one does not know who was texted."
    )


def open_for_reading(folder: Path, clock: Clock) -> Store:
    """Open the state database without changing anything; an ``EmptyStore`` where there is none yet.

    Raises:
        StoreError: damaged, or of another schema version than this asapfill reads.
    """
    path = folder / FILE_NAME
    _refuse_half_restored(folder)
    if not path.exists():
        return EmptyStore(clock)
    try:
        os.close(open_file(path))
    except OSError as error:
        raise StoreError(f"The state database {path} cannot be read: {error.strerror}.") from error
    store = Store(path, clock, read_only=True)
    try:
        _check(store)
        _check_not_older(store)
    except BaseException:
        store.close()
        raise
    return store


def _refuse_half_restored(folder: Path) -> None:
    """A state of which only a part may be in its place must not be worked on, and no empty one be made beside it.

    Raises:
        StoreError: with what to do.
    """
    if (folder / RESTORING).exists():
        raise StoreError(
            f"Restoring the state in {folder} was interrupted, or is under way. Nothing was sent. "
            "Run `asapfill state restore` with the backup again."
        )


def _connect(uri: str, *, write: bool) -> Database:
    """A connection set up as every one must be: autocommit, so that only ``transaction`` begins one."""
    # Each thread uses its own; only close() reaches over, when the others have stopped.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB:d}")
        connection.execute("PRAGMA foreign_keys = ON")
        return Database(connection, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


def _version(store: Store) -> int:
    """The schema version of the file; 0 for an empty one."""
    return int(store.rows("PRAGMA user_version")[0]["user_version"])


def _check(store: Store) -> None:
    """Refuse a file that is damaged or was changed by others, and one that a newer asapfill has written.

    Raises:
        StoreError: with what to do.
    """
    if found := store.flaws():
        raise StoreError(damaged(store.path, found[0]))
    version = _version(store)
    if version > VERSION:
        raise StoreError(
            f"The state database {store.path} was written by a newer asapfill (schema {version}, this one knows "
            f"{VERSION}). Nothing was sent. Install that version again; do not delete the file."
        )


def _check_not_older(store: Store) -> None:
    """Refuse to read a database whose migrations are still to be applied.

    Raises:
        StoreError: with what to do.
    """
    if _version(store) < VERSION:
        raise StoreError(
            f"The state database {store.path} was written by an older asapfill. "
            "Start `asapfill run` or `asapfill once` of this version; it brings the database up to date."
        )


def _migrate(store: Store) -> None:
    """Apply the migrations that are missing, all in one transaction."""
    if _version(store) == VERSION:
        return
    with store.transaction() as database:
        # Read again: another process may have done it while this one waited for the lock.
        for migration in MIGRATIONS[_version(store) :]:
            for statement in migration:
                database.conn.execute(statement)
        # Whoever makes a state makes all of it: commands that only look find it whole, whichever was the first.
        database.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", [PHONE_KEY, secrets.token_hex(32)])
        database.conn.execute(f"PRAGMA user_version = {VERSION:d}")
