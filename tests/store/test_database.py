from __future__ import annotations

import os
import re
import sqlite3
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import LIVE, NEVER_WAS
from asapfill.store import database, schema, soundness
from asapfill.store.database import EmptyStore, Store, StoreError, open_for_reading, open_store
from asapfill.store.lock import only_one

CLOCK = SteppedClock(datetime(2026, 11, 20, 17, 0, tzinfo=UTC))


def insert(store: Store, name: str) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", [name])


def insert_and_break(store: Store) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO meta (name, value) VALUES ('b', 'x')")
        raise LookupError


def insert_twice(store: Store, first: str, second: str) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", [first])
        db.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", [second])


def names(store: Store) -> list[str]:
    return [row["name"] for row in store.rows("SELECT name FROM meta WHERE name <> 'phone_key' ORDER BY name")]


def test_a_new_state_folder_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    with open_store(folder, CLOCK) as store:
        insert(store, "a")
        files = sorted(file.name for file in folder.iterdir())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert all(stat.S_IMODE((folder / file).stat().st_mode) == 0o600 for file in files)
    assert "asapfill.db" in files
    assert "asapfill.db-wal" in files


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_a_state_that_root_makes_in_the_service_s_folder_belongs_to_the_service(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with only_one(folder), open_store(folder, CLOCK) as store:
        insert(store, "a")
        owners = {path.name: path.stat().st_uid for path in folder.iterdir()}
    assert set(owners.values()) == {65534}, owners
    assert {"asapfill.db", "asapfill.lock"} <= set(owners)


def test_every_connection_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        settings: dict[str, list[object]] = {}

        def look(who: str) -> None:
            settings[who] = [
                next(iter(store.rows(f"PRAGMA {name}")[0].values()))
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]

        look("main")
        other = threading.Thread(target=look, args=("other",))
        other.start()
        other.join()
    assert settings == {"main": ["wal", 2, 1], "other": ["wal", 2, 1]}


def test_what_is_written_is_there_after_reopening(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        insert(store, "a")
    with open_store(tmp_path, CLOCK) as store:
        assert names(store) == ["a"]


def test_an_exception_inside_a_transaction_undoes_all_of_it(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        insert(store, "a")
        with pytest.raises(LookupError):
            insert_and_break(store)
        assert names(store) == ["a"]


def test_a_violated_constraint_undoes_its_transaction_and_stays_an_integrity_error(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        insert(store, "a")
        with pytest.raises(sqlite3.IntegrityError):
            insert_twice(store, "b", "a")
        assert names(store) == ["a"]


def test_two_threads_that_read_and_then_write_do_not_lose_a_write(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        insert(store, "0")

        def add() -> None:
            for _ in range(25):
                with store.transaction() as db:
                    count = next(iter(db.query("SELECT count(*) AS n FROM meta")))["n"]
                    db.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", [str(count)])

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(names(store)) == 101


def test_a_locked_database_says_who_to_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    with (
        open_store(tmp_path, CLOCK) as first,
        open_store(tmp_path, CLOCK) as second,
        first.transaction(),
        pytest.raises(StoreError, match="is locked by another program"),
    ):
        insert(second, "a")


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "asapfill.db"
    path.write_bytes(b"this is not a database, but somebody's notes" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is damaged.*Do not delete it.*state restore"):
        open_store(tmp_path, CLOCK)
    assert path.read_bytes() == before


def test_a_database_with_a_broken_page_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store, store.transaction() as db:
        for number in range(2000):
            db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", [f"{number:06d}", "x" * 50])
    path = tmp_path / "asapfill.db"
    content = bytearray(path.read_bytes())
    content[-12 * 4096 : -8 * 4096] = b"\xff" * (4 * 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        open_store(tmp_path, CLOCK)


def test_a_database_from_a_newer_asapfill_is_refused_unchanged(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store, store.transaction() as db:
        db.execute("PRAGMA user_version = 99")
    for opening in (open_store, open_for_reading):
        with pytest.raises(StoreError, match=r"newer asapfill \(schema 99.*do not delete"):
            opening(tmp_path, CLOCK)
    connection = sqlite3.connect(tmp_path / "asapfill.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path, CLOCK):
        pass
    broken = (*schema.MIGRATIONS, ("CREATE TABLE extra (a TEXT) STRICT", "CREATE NONSENSE"))
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    monkeypatch.setattr(database, "VERSION", len(broken))
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(tmp_path, CLOCK)
    monkeypatch.undo()
    with open_store(tmp_path, CLOCK) as store:
        assert not store.rows("SELECT 1 FROM sqlite_master WHERE name = 'extra'")


def test_an_older_database_is_brought_up_to_date_and_refused_for_reading_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path, CLOCK) as store:
        insert(store, "kept")
    monkeypatch.setattr(database, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE extra (a TEXT) STRICT",)))
    monkeypatch.setattr(database, "VERSION", schema.VERSION + 1)
    with pytest.raises(StoreError, match="older asapfill"):
        open_for_reading(tmp_path, CLOCK)
    with open_store(tmp_path, CLOCK) as store:
        assert names(store) == ["kept"]
        assert store.rows("SELECT * FROM extra") == []


def test_reading_where_nothing_is_yet_gives_nothing_and_makes_nothing(tmp_path: Path) -> None:
    with open_for_reading(tmp_path / "state", CLOCK) as store:
        assert isinstance(store, EmptyStore)
        assert names(store) == []
    assert not (tmp_path / "state").exists()


def test_a_store_opened_for_reading_cannot_write(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        insert(store, "a")
    with open_for_reading(tmp_path, CLOCK) as reader:
        assert names(reader) == ["a"]
        with pytest.raises(StoreError, match="cannot be opened or written"):
            insert(reader, "b")


def test_an_empty_store_has_every_table_in_every_thread_takes_nothing_and_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with EmptyStore(CLOCK) as store:
        assert store.read_only
        found: list[list[str]] = []
        threads = [threading.Thread(target=lambda: found.append(names(store))) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        assert [*found, names(store)] == [[], [], []]
        with pytest.raises(StoreError, match="cannot be opened or written"):
            insert(store, "a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written.*Nothing was sent.*does not know who was texted"):
        open_store(tmp_path / "state", CLOCK)


def test_a_symbolic_link_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "asapfill.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"asapfill\.db is a symbolic link.*Put the file itself there"):
        open_store(tmp_path, CLOCK)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("attempt to write a readonly database", "belongs to the user that runs asapfill"),
        ("database or disk is full", "Make room on that disk"),
        ("disk I/O error", "Look at the disk"),
        ("database disk image is malformed", "Do not delete it"),
        ("no such table: offers", "asapfill doctor"),
    ],
)
def test_each_fault_of_sqlite_says_what_to_do(words: str, expected: str) -> None:
    assert expected in soundness.explain(sqlite3.OperationalError(words), Path("/x/asapfill.db"))


def test_all_tables_are_strict(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        tables = store.rows(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'"
        )
    assert len(tables) > 5
    assert [table["name"] for table in tables if not table["strict"]] == []


def test_the_unique_indexes_name_exactly_the_states_that_the_state_machine_means(tmp_path: Path) -> None:
    with open_store(tmp_path, CLOCK) as store:
        indexes = store.rows("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%state%IN (%'")
    listed = {index["name"]: set(re.findall(r"'(\w+)'", index["sql"])) for index in indexes}
    assert listed == {"offers_once": set(NEVER_WAS), "offers_live_patient": set(LIVE), "offers_live_phone": set(LIVE)}
