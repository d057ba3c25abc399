"""Requests by purpose, kept for two days in pieces of ten minutes, and what ``status`` tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.report.status import requests_document
from asapfill.report.status_text import requests_lines
from asapfill.store.cycles import record_requests, requests_since
from asapfill.store.database import Store, open_store
from tests.daemon.bench import Bench

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def store(tmp_path: Path, clock: SteppedClock) -> Iterator[Store]:
    with open_store(tmp_path / "state", clock) as opened:
        yield opened


def test_cycles_add_up_by_office_and_purpose(store: Store, clock: SteppedClock) -> None:
    for _ in range(3):
        record_requests(store, "main-street", {"appointments": 2, "offers": 1, "send": 0})
        record_requests(store, "elm-street", {"appointments": 5})
        clock.sleep(60)
    assert requests_since(store, "main-street", NOON) == Counter(appointments=6, offers=3)
    assert requests_since(store, "elm-street", NOON) == Counter(appointments=15)


def test_what_was_asked_before_does_not_count(store: Store, clock: SteppedClock) -> None:
    record_requests(store, "main-street", {"names": 9})
    clock.sleep(3 * 3600)
    record_requests(store, "main-street", {"names": 1})
    document = requests_document(store, "main-street", clock.now())
    assert document["last_hour"] == {"together": 1, "purposes": {"names": 1}}
    assert document["last_day"] == {"together": 10, "purposes": {"names": 10}}


def test_what_is_older_than_two_days_is_forgotten(store: Store, clock: SteppedClock) -> None:
    for _ in range(4 * 24 * 6):
        record_requests(store, "main-street", {"appointments": 1})
        clock.sleep(600)
    assert len(store.rows("SELECT * FROM requests")) <= 2 * 24 * 6 + 1


def test_a_person_reads_what_costs_most_first() -> None:
    counts = {"together": 1204, "purposes": {"appointments": 1100, "offers": 104}}
    lines = list(requests_lines({"last_hour": {"together": 34, "purposes": {}}, "last_day": counts}))
    assert lines == [
        "  Requests: 34 in the last hour, 1,204 in the last day, for",
        "    appointments 1,100, offers 104.",
    ]
    assert list(requests_lines({"last_hour": {"together": 0}, "last_day": {"together": 0}})) == []


def test_status_tells_requests_by_purpose(bench: Bench) -> None:
    bench.json("once")
    (office,) = bench.json("status")["offices"]
    purposes = office["requests"]["last_hour"]["purposes"]
    assert purposes["send"] == 1
    assert office["requests"]["last_hour"]["together"] == sum(purposes.values()) == office["ticks"][0]["requests"]
    assert "send 1" in bench.cli("status", "--requests").out
    assert "equests" not in bench.cli("status").out
