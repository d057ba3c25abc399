from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.store.cycles import forget_ticks, last_ticks, record_tick
from asapfill.store.database import Store, open_for_reading, open_store
from asapfill.store.mirror import FreeTime, phone_hash, phone_key, read_free_time, replace_free_time
from asapfill.store.offices import (
    EVERY_OFFICE,
    forget_policies,
    is_paused,
    keep_policy,
    kept_policies,
    pause,
    paused,
    resume,
)

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: SteppedClock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


def test_the_ticks_of_clinics_that_are_served_no_more_are_forgotten(store: Store) -> None:
    for office, clinic in (("a", 0), ("a", 4), ("b", 0)):
        record_tick(store, office, clinic, ok=True, requests=1)
    forget_ticks(store, "a", [4])
    assert [(tick.office, tick.clinic) for tick in last_ticks(store)] == [("a", 4), ("b", 0)]


def test_a_pause_concerns_its_office_only(store: Store) -> None:
    pause(store, "main-street")
    assert is_paused(store, "main-street")
    assert not is_paused(store, "hill")


def test_a_pause_of_everything_concerns_every_office_until_it_is_lifted(store: Store) -> None:
    pause(store)
    assert is_paused(store, "main-street")
    assert resume(store)
    assert not is_paused(store, "main-street")


def test_resuming_everything_lifts_single_pauses_too(store: Store) -> None:
    pause(store, "main-street")
    resume(store)
    assert paused(store) == {}


def test_resuming_one_office_does_not_lift_the_pause_of_all(store: Store) -> None:
    pause(store)
    assert not resume(store, "main-street")
    assert is_paused(store, "main-street")


def test_pausing_again_keeps_the_first_time(store: Store, clock: SteppedClock) -> None:
    pause(store)
    clock.sleep(60)
    pause(store)
    assert paused(store) == {EVERY_OFFICE: START}


def test_a_pause_set_by_another_process_is_seen_at_once(store: Store, tmp_path: Path, clock: SteppedClock) -> None:
    assert not is_paused(store, "main-street")
    with open_store(tmp_path, clock) as other:
        pause(other, "main-street")
    assert is_paused(store, "main-street")


def test_the_last_tick_of_each_clinic_is_kept(store: Store, clock: SteppedClock) -> None:
    record_tick(store, "a", 0, ok=True, requests=9)
    clock.sleep(60)
    record_tick(store, "a", 0, ok=False, requests=3, problems=["wrong_key"])
    record_tick(store, "b", 2, ok=True, requests=1)
    first, second = last_ticks(store)
    assert (first.at, first.ok, first.requests, first.problems) == (
        START + timedelta(seconds=60),
        False,
        3,
        ("wrong_key",),
    )
    assert (second.office, second.clinic, second.problems) == ("b", 2, ())


def test_the_phone_key_is_made_once_and_survives_a_restart(store: Store, tmp_path: Path, clock: SteppedClock) -> None:
    key = phone_key(store)
    assert len(key) == 32
    assert phone_key(store) == key
    with open_for_reading(tmp_path, clock) as reader:
        assert phone_key(reader) == key


@pytest.mark.parametrize("written", ["(503) 555-0142", "503-555-0142", "+1 503 555 0142", "15035550142"])
def test_one_phone_written_in_many_ways_is_one_phone(written: str) -> None:
    assert phone_hash(b"k" * 32, written) == phone_hash(b"k" * 32, "5035550142")


def test_a_state_that_is_only_read_and_has_no_phone_key_gets_none(tmp_path: Path, clock: SteppedClock) -> None:
    """An earlier asapfill made the key later than the state."""
    with open_store(tmp_path, clock) as store, store.transaction() as database:
        database.execute("DELETE FROM meta")
    with open_for_reading(tmp_path, clock) as reader:
        assert len(phone_key(reader)) == 32
        assert phone_key(reader) != phone_key(reader)
        assert reader.rows("SELECT * FROM meta") == []


def test_phone_hashes_depend_on_the_key_and_the_number_and_do_not_contain_it() -> None:
    one = phone_hash(b"k" * 32, "5035550142")
    assert one != phone_hash(b"q" * 32, "5035550142")
    assert one != phone_hash(b"k" * 32, "5035550143")
    assert "5550142" not in one


def test_no_phone_has_no_hash_so_that_people_without_one_are_not_taken_for_relatives() -> None:
    assert phone_hash(b"k" * 32, " -- ") == ""


def test_the_last_good_policy_is_kept_per_clinic_and_per_file(store: Store) -> None:
    assert kept_policies(store) == ()
    keep_policy(store, "a", 0, "main.yaml", "mode: ask")
    keep_policy(store, "a", 1, "north.yaml", "mode: preview")
    keep_policy(store, "a", 0, "main.yaml", "mode: automatic")
    assert [(row.clinic, row.file, row.text) for row in kept_policies(store)] == [
        (0, "main.yaml", "mode: automatic"),
        (1, "north.yaml", "mode: preview"),
    ]
    # The file is for another clinic now: the clinic it was for has no policy any more.
    keep_policy(store, "a", 2, "north.yaml", "mode: preview")
    assert [(row.clinic, row.file) for row in kept_policies(store)] == [(0, "main.yaml"), (2, "north.yaml")]
    # The file was renamed: there is still one for the clinic.
    keep_policy(store, "a", 0, "renamed.yaml", "mode: automatic")
    assert [(row.clinic, row.file) for row in kept_policies(store)] == [(0, "renamed.yaml"), (2, "north.yaml")]


def test_the_same_policy_again_keeps_the_time_since_which_it_is_served(store: Store, clock: SteppedClock) -> None:
    keep_policy(store, "a", 0, "main.yaml", "mode: ask")
    (before,) = kept_policies(store)
    clock.sleep(60)
    keep_policy(store, "a", 0, "main.yaml", "mode: ask")
    assert kept_policies(store) == (before,)


def test_the_policy_of_a_file_that_was_taken_away_is_forgotten(store: Store) -> None:
    keep_policy(store, "a", 0, "main.yaml", "mode: ask")
    forget_policies(store, ["other.yaml"])
    assert len(kept_policies(store)) == 1
    forget_policies(store, ["main.yaml"])
    assert kept_policies(store) == ()


def test_free_time_is_replaced_as_a_whole_for_its_clinic_only(store: Store) -> None:
    def free(operatory: int, hour: int) -> FreeTime:
        return FreeTime(operatory, 1, datetime(2026, 11, 20, hour), datetime(2026, 11, 20, hour + 1), START)

    replace_free_time(store, "a", 0, [free(2, 9), free(1, 11), free(1, 9)])
    replace_free_time(store, "a", 1, [free(7, 9)])
    assert read_free_time(store, "a", 0) == (free(1, 9), free(1, 11), free(2, 9))
    replace_free_time(store, "a", 0, [free(3, 9)])
    assert read_free_time(store, "a", 0) == (free(3, 9),)
    assert read_free_time(store, "a", 1) == (free(7, 9),)


def test_free_time_that_is_the_same_again_is_not_written_again(store: Store, clock: SteppedClock) -> None:
    free = [FreeTime(1, 1, datetime(2026, 11, 20, 14), datetime(2026, 11, 20, 15), clock.now())]
    replace_free_time(store, "a", 0, free)
    changes = store._database().conn.total_changes
    replace_free_time(store, "a", 0, free)
    assert store._database().conn.total_changes == changes
    replace_free_time(store, "a", 0, [])
    assert read_free_time(store, "a", 0) == ()


def test_what_is_asked_for_one_office_is_of_that_office_only(store: Store) -> None:
    for office in ("a", "b"):
        record_tick(store, office, 0, ok=True, requests=1)
        keep_policy(store, office, 0, f"{office}.yaml", "text")
    assert [tick.office for tick in last_ticks(store, "b")] == ["b"]
    assert [row.file for row in kept_policies(store, "b")] == ["b.yaml"]
    assert len(last_ticks(store)) == len(kept_policies(store)) == 2
