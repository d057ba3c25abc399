"""Policies for many offices: a cycle sees its own files as they are now, and does not read all the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.policy import reading
from asapfill.policy.for_cycles import PolicyReader
from asapfill.policy.in_force import PolicyBook
from asapfill.store.database import Store, open_store

NAMES = tuple(f"office-{number}" for number in range(30))
KEPT = 20.0


def write(folder: Path, office: str, mode: str = "preview", file: str = "") -> None:
    text = f"office: {office}\ntimezone: America/Los_Angeles\nmode: {mode}\n"
    (folder / f"{file or office}.yaml").write_text(text)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(datetime(2026, 11, 20, 17, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: SteppedClock) -> Iterator[Store]:
    with open_store(tmp_path / "state", clock) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in NAMES:
        write(folder, name)
    return folder


@pytest.fixture
def reader(folder: Path, store: Store, clock: SteppedClock) -> PolicyReader:
    reader = PolicyReader(PolicyBook(folder, NAMES), store, clock, KEPT)
    reader.read()
    return reader


def test_a_cycle_reads_its_own_file_and_no_other(reader: PolicyReader, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = reading.read_bytes

    def noting(path: Path) -> bytes:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr("asapfill.policy.in_force.read_bytes", noting)
    for name in NAMES:
        assert [file.mode for file in reader.for_cycle(name).of(name)] == ["preview"]
    assert sorted(read) == sorted(f"{name}.yaml" for name in NAMES), "one file for each cycle, not thirty"


def test_an_edit_is_in_force_in_the_very_next_cycle_of_its_office(reader: PolicyReader, folder: Path) -> None:
    write(folder, "office-7", "automatic")
    assert [file.mode for file in reader.for_cycle("office-7").of("office-7")] == ["automatic"]


def test_a_file_that_goes_away_is_noticed_in_the_very_next_cycle(reader: PolicyReader, folder: Path) -> None:
    (folder / "office-7.yaml").unlink()
    assert reader.for_cycle("office-7").of("office-7") == []


def test_a_new_file_and_a_second_claim_are_noticed_after_a_moment(
    reader: PolicyReader, folder: Path, clock: SteppedClock
) -> None:
    write(folder, "office-7", "automatic", file="another")
    assert len(reader.for_cycle("office-7").of("office-7")) == 1
    clock.sleep(KEPT + 1)
    assert reader.for_cycle("office-7").of("office-7") == [], "a clinic that two files claim is served by neither"
