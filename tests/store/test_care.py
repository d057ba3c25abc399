"""Backups, restoring, verifying, forgetting."""

from __future__ import annotations

import gzip
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import NewOffer, State
from asapfill.offers.journal import Journal
from asapfill.store.care import KEPT, backup, forget_old, restore, verify
from asapfill.store.database import FILE_NAME, RESTORING, Store, StoreError, open_for_reading, open_store
from asapfill.store.lock import AlreadyRunning, only_one
from asapfill.store.offices import is_paused

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
SLOT = datetime(2026, 11, 20, 14, 0)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path, clock: SteppedClock) -> Iterator[Store]:
    with open_store(folder, clock) as opened:
        yield opened


@pytest.fixture
def send(store: Store) -> Callable[..., int]:
    """Puts an offer for a patient into the journal, in a state that may follow ``sent``; returns its id."""

    def put(patient: int, *steps: State, made: datetime = SLOT - timedelta(hours=5)) -> int:
        new: dict[str, Any] = {"clinic": 0, "kind": "appointment", "number": patient, "patient": patient, "phone": ""}
        new |= {"operatory": 3, "provider": 1, "start": made + timedelta(hours=5), "end": made + timedelta(hours=6)}
        journal = Journal(store, "main-street")
        offer = journal.begin(NewOffer(**new, wave=1, opening="3-14", made=made), check=lambda _: None)
        for state in steps:
            journal.step(offer.id, state)
        return offer.id

    return put


def test_a_backup_of_a_database_in_use_is_sound_and_for_its_owner_only(
    folder: Path, store: Store, send: Callable[..., int], tmp_path: Path
) -> None:
    send(1, State.SENT)
    with store.transaction():
        # Somebody writes just now: what is not committed is not in the copy.
        found = backup(folder, tmp_path / "copy.db")
    assert (found.usable, found.states) == (True, {"sent": 1})
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]


def test_a_backup_overwrites_nothing(folder: Path, store: Store, tmp_path: Path) -> None:
    assert store.path.exists()
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        backup(folder, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_restored_state_is_the_backup_and_sends_nothing_until_somebody_resumes(
    folder: Path, store: Store, send: Callable[..., int], tmp_path: Path, clock: SteppedClock
) -> None:
    send(1, State.SENT)
    backup(folder, tmp_path / "copy.db")
    send(2, State.SENT)
    store.close()
    found, replaced = restore(folder, tmp_path / "copy.db", clock)
    assert found.states == {"sent": 1}
    assert replaced is not None
    assert verify(replaced).states == {"sent": 2}
    with open_store(folder, clock) as opened:
        assert is_paused(opened, "main-street")


def test_a_state_in_use_is_not_replaced(folder: Path, store: Store, tmp_path: Path, clock: SteppedClock) -> None:
    backup(folder, tmp_path / "copy.db")
    before = store.path.read_bytes()
    with only_one(folder), pytest.raises(AlreadyRunning):
        restore(folder, tmp_path / "copy.db", clock)
    assert store.path.read_bytes() == before


NO_STATES = {
    "a policy": (b"office: main-street\n", "it is no SQLite database"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(5000), "it is no SQLite database"),
    "nothing": (b"", "it is empty"),
    "packed": (gzip.compress(b"SQLite format 3\0" + bytes(5000)), "it is packed (gzip); unpack it first"),
}


@pytest.mark.parametrize("what", NO_STATES)
def test_a_file_that_is_no_state_is_told_as_that_and_replaces_nothing(
    folder: Path, store: Store, send: Callable[..., int], tmp_path: Path, clock: SteppedClock, what: str
) -> None:
    send(1, State.SENT)
    store.close()
    content, told = NO_STATES[what]
    (tmp_path / "copy.db").write_bytes(content)
    for use in (lambda path: restore(folder, path, clock), verify):
        with pytest.raises(StoreError) as error:
            use(tmp_path / "copy.db")
        assert f"copy.db is no state of asapfill: {told}. Nothing was changed." in str(error.value)
        assert "damaged" not in str(error.value)
    assert verify(folder / FILE_NAME).states == {"sent": 1}


def test_a_database_of_another_program_is_no_state(
    folder: Path, store: Store, send: Callable[..., int], tmp_path: Path, clock: SteppedClock
) -> None:
    send(1, State.SENT)
    store.close()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as other:
        other.execute("CREATE TABLE offers (product TEXT)")
        other.commit()
    with pytest.raises(StoreError, match="cannot be used"):
        restore(folder, tmp_path / "copy.db", clock)
    assert verify(folder / FILE_NAME).states == {"sent": 1}


def test_a_newer_backup_replaces_nothing(folder: Path, store: Store, tmp_path: Path, clock: SteppedClock) -> None:
    backup(folder, tmp_path / "copy.db")
    store.close()
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer asapfill"):
        restore(folder, tmp_path / "copy.db", clock)


def test_a_restore_that_was_interrupted_keeps_everybody_away(folder: Path, store: Store, clock: SteppedClock) -> None:
    store.close()
    (folder / RESTORING).write_bytes(b"half")
    (folder / FILE_NAME).unlink()
    with pytest.raises(StoreError, match="interrupted"):
        open_store(folder, clock)
    with pytest.raises(StoreError, match="interrupted"):
        open_for_reading(folder, clock)
    assert not (folder / FILE_NAME).exists()


def test_verify_tells_a_row_that_refers_to_nothing(folder: Path, store: Store) -> None:
    store.close()
    with sqlite3.connect(folder / FILE_NAME) as connection:
        connection.execute("INSERT INTO offer_steps (offer, at, \"from\", \"to\") VALUES (77, 'x', '', 'sent')")
    connection.close()
    found = verify(folder / FILE_NAME)
    assert not found.usable
    assert "offers" in found.problems[0]


def test_what_is_old_and_over_is_forgotten_but_never_a_stop_nor_what_is_open(
    store: Store, send: Callable[..., int], clock: SteppedClock
) -> None:
    send(1, State.SENT, State.DECLINED)
    stopped = send(2, State.SENT, State.STOPPED)
    unclear = send(3, State.UNKNOWN)
    clock.sleep(KEPT.total_seconds() + 2 * 86_400)
    young = send(4, State.SENT, State.DECLINED, made=SLOT + KEPT)
    assert forget_old(store, "another-office") == 0
    assert forget_old(store, "main-street") == 1
    journal = Journal(store, "main-street")
    kept = {offer.id for patient in (1, 2, 3, 4) for offer in journal.by_patient(patient)}
    assert kept == {stopped, unclear, young}
    assert store.rows("PRAGMA foreign_key_check") == []


def test_a_torn_write_at_the_end_of_the_log_loses_nothing_that_was_committed(
    folder: Path, store: Store, send: Callable[..., int], tmp_path: Path, clock: SteppedClock
) -> None:
    """A power cut leaves what was synced, and perhaps a part of the next write."""
    send(1, State.SENT)
    assert store.rows("PRAGMA synchronous")[0]["synchronous"] == 2
    after = tmp_path / "after the power cut"
    after.mkdir()
    (after / FILE_NAME).write_bytes((folder / FILE_NAME).read_bytes())
    log = (folder / f"{FILE_NAME}-wal").read_bytes()
    (after / f"{FILE_NAME}-wal").write_bytes(log + log[32:3000])
    with open_store(after, clock) as opened:
        assert [offer.state for offer in Journal(opened, "main-street").by_patient(1)] == [State.SENT]
