"""Upgrades: a state as every released version wrote it becomes today's, whole or not at all.

``fixtures/schema_N….sql`` were recorded by the version that had schema N (see ``record_fixture`` and
``record_states``) and never change. What becomes of offers that were unclear then is in ``test_older_unclear``.
"""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import FINAL, NEVER_WAS, UNCLEAR, State
from asapfill.offers.journal import Held, Journal
from asapfill.store import database, schema
from asapfill.store.care import restore, verify
from asapfill.store.database import FILE_NAME, StoreError, open_for_reading, open_store
from asapfill.store.offices import is_paused
from tests.store.dumps import FIXTURES, dumped, filled_tables

CLOCK = SteppedClock(datetime(2026, 3, 9, 17, 0, tzinfo=UTC))
RECORDED = sorted(FIXTURES.glob("schema_*.sql"))
EVERY_STATE = "schema_1_every_state.sql"
ONE_MORE = (*schema.MIGRATIONS, ("CREATE TABLE later (a TEXT) STRICT", "ALTER TABLE offers ADD COLUMN later TEXT"))
UPGRADE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from asapfill.clock import SteppedClock
from asapfill.store import database
from tests.store.test_migrations import ONE_MORE
database.MIGRATIONS, database.VERSION = ONE_MORE, len(ONE_MORE)
database.open_store(Path(sys.argv[1]), SteppedClock(datetime(2026, 3, 9, tzinfo=UTC)))
"""


def put(recorded: Path, folder: Path) -> Path:
    """A recorded state, as that version of asapfill left it in ``folder``."""
    folder.mkdir()
    path = folder / FILE_NAME
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(recorded.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def rows(path: Path, like: Path | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a state by table, with the tables and columns that ``like`` has."""
    with closing(sqlite3.connect(like or path)) as other:
        tables = [row[0] for row in other.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        columns = {table: [f'"{row[1]}"' for row in other.execute(f"PRAGMA table_info({table})")] for table in tables}
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {', '.join(columns[table])} FROM {table}"), key=repr)  # noqa: S608  the file's own
            for table in tables
        }


def made_of(path: Path) -> set[str]:
    """The statements that make a database's tables and indexes, without regard to line breaks."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        return {re.sub(r"\s+", " ", row[0]).strip() for row in found}


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> Path:
    path = request.param
    assert isinstance(path, Path)
    return path


def test_there_is_a_recorded_state_of_the_first_version() -> None:
    assert RECORDED[0].name == "schema_1.sql"
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(RECORDED[0].read_text(encoding="utf-8"))
        states = {row[0] for row in connection.execute("SELECT DISTINCT state FROM offers")}
        filled = set(filled_tables(connection))
    assert len(states) >= 14
    assert filled >= {"offers", "offer_steps", "commlogs", "asapcomms_seen", "free_time", "paused", "ticks", "meta"}


def test_there_is_an_offer_in_every_state_of_the_first_version() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((FIXTURES / EVERY_STATE).read_text(encoding="utf-8"))
        states = {State(row[0]) for row in connection.execute("SELECT DISTINCT state FROM offers")}
    assert len(states) == 22
    assert states > UNCLEAR


def test_a_released_migration_is_never_edited(recorded: Path, tmp_path: Path) -> None:
    version = int(recorded.stem.split("_")[1])
    with closing(sqlite3.connect(tmp_path / "made.db")) as connection:
        for migration in schema.MIGRATIONS[:version]:
            for statement in migration:
                connection.execute(statement)
    assert made_of(tmp_path / "made.db") == made_of(put(recorded, tmp_path / "state"))


def test_every_recorded_state_becomes_todays_with_nothing_lost(recorded: Path, tmp_path: Path) -> None:
    before = put(recorded, tmp_path / "before")
    after = put(recorded, tmp_path / "state")
    with open_store(after.parent, CLOCK) as store:
        offers = Journal(store, "main-street").since(date.min)
        assert is_paused(store, "main-street")
    kept, had = rows(after, like=before), rows(before)
    assert set(kept.pop("meta")) >= set(had.pop("meta")), "the key of the hashes is as it was, or made now"
    assert kept == had
    found = verify(after)
    assert (found.usable, found.version) == (True, schema.VERSION)
    assert len(offers) == len(rows(before)["offers"])
    open_for_reading(after.parent, CLOCK).close()


def test_what_an_older_version_sent_is_not_sent_again(recorded: Path, tmp_path: Path) -> None:
    path = put(recorded, tmp_path / "state")
    with open_store(path.parent, CLOCK) as store:
        journal = Journal(store, "main-street")
        to_be_sent = NEVER_WAS | {State.APPROVED}
        offers = [offer for offer in journal.since(date.min) if offer.state not in to_be_sent]
        assert len(offers) > 20
        for offer in offers:
            with pytest.raises(Held):
                journal.begin(offer.again(offer.made + timedelta(hours=1)), check=lambda _: None)


def test_offers_of_an_older_version_go_on(recorded: Path, tmp_path: Path) -> None:
    path = put(recorded, tmp_path / "state")
    with open_store(path.parent, CLOCK) as store:
        journal = Journal(store, "main-street")
        (viewed,) = (offer for offer in journal.since(date.min) if offer.state is State.VIEWED)
        assert journal.step(viewed.id, State.ACCEPTED).state in FINAL


def test_an_upgrade_that_fails_in_the_middle_leaves_the_state_as_it_was(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(recorded, tmp_path / "state")
    broken = (*schema.MIGRATIONS, (*ONE_MORE[-1], "CREATE NONSENSE"))
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    monkeypatch.setattr(database, "VERSION", len(broken))
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(path.parent, CLOCK)
    with closing(sqlite3.connect(path)) as connection:
        assert dumped(connection) == recorded.read_text(encoding="utf-8")


def test_killed_in_the_middle_of_an_upgrade_it_is_done_at_the_next_start(recorded: Path, tmp_path: Path) -> None:
    path = put(recorded, tmp_path / "state")
    command = [sys.executable, "-c", UPGRADE, str(path.parent)]
    root = str(Path(__file__).parents[2])
    environment = {"PYTHONPATH": root, "ASAPFILL_FAILPOINT": "store.commit.before"}
    killed = subprocess.run(command, env=environment, check=False, capture_output=True, cwd=root)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with closing(sqlite3.connect(path)) as connection:
        assert dumped(connection) == recorded.read_text(encoding="utf-8")
    subprocess.run(command, env={"PYTHONPATH": root}, check=True, cwd=root)
    assert verify(path).version == len(ONE_MORE)
    assert "later" in verify(path).counts


def test_a_backup_of_an_older_version_is_restored_and_brought_up_to_date(recorded: Path, tmp_path: Path) -> None:
    copy = put(recorded, tmp_path / "older")
    found, replaced = restore(tmp_path / "state", copy, CLOCK)
    assert (found.usable, found.version, replaced) == (True, schema.VERSION, None)
    with closing(sqlite3.connect(copy)) as connection:
        assert dumped(connection) == recorded.read_text(encoding="utf-8"), "the backup itself is left alone"


def test_a_state_of_a_newer_version_is_refused_with_what_to_do(recorded: Path, tmp_path: Path) -> None:
    path = put(recorded, tmp_path / "state")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        before = dumped(connection)
    with pytest.raises(StoreError, match=r"newer asapfill.*Install that version again; do not delete the file"):
        open_store(path.parent, CLOCK)
    with pytest.raises(StoreError, match="newer asapfill"):
        restore(tmp_path / "elsewhere", path, CLOCK)
    with closing(sqlite3.connect(path)) as connection:
        assert dumped(connection) == before
