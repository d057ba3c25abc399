"""A short storm of signals, and whether the witness sees what should not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemon import counting, storm
from tests.daemon.notified import READY, RELOADING, STOPPING, WATCHDOG, misplaced
from tests.depth import DEPTH


def test_a_few_seconds_of_signals_at_random_leave_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storm, "LIFE", 0.5)
    account = storm.run(tmp_path, seed=3, seconds=DEPTH.storm_seconds, operatories=3)
    assert account.violations == {}
    assert account.lives >= 2
    assert account.offers > 0
    assert account.signals["SIGKILL"] + account.signals["SIGTERM"] >= 2


@pytest.mark.parametrize(
    ("words", "stopped", "wrong"),
    [
        ([READY, WATCHDOG, RELOADING, WATCHDOG, READY, WATCHDOG, STOPPING], True, []),
        ([], True, []),
        ([READY, RELOADING], False, []),
        ([WATCHDOG, READY], False, ["WATCHDOG=1 before READY=1"]),
        ([READY, READY], False, ["READY=1 that nobody asked for"]),
        ([READY, RELOADING, RELOADING], False, ["RELOADING=1 while reloading"]),
        ([READY, STOPPING, WATCHDOG], False, ["WATCHDOG=1 after STOPPING=1"]),
        ([READY, WATCHDOG], True, ["stopped without STOPPING=1"]),
    ],
)
def test_words_out_of_order_are_seen(words: list[str], *, stopped: bool, wrong: list[str]) -> None:
    assert list(misplaced(words, stopped=stopped)) == wrong


Row = dict[str, Any]


def offer(number: int, at: str) -> Row:
    body = {"aptNum": number, "op": 3, "dateTimeStart": "2026-04-15 10:00:00"}
    return {"path": "asapcomms", "status": 201, "key": number, "at": at, "body": body}


def row(number: int, at: str) -> Row:
    sent = {"SmsSendStatus": "SendSuccessful", "ResponseStatus": "PendingRsvp"}
    return {"AsapCommNum": number, "PatNum": number, "DateTimeEntry": at, **sent}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, {}),
        ({"sent_twice": 1}, {"sent twice": 1}),
        ({"at": "2026-04-14 19:06:00"}, {"outside the hours": 1}),
        ({"phone": "503 555 0101"}, {"per phone and day": 1}),
        ({"text": 1}, {"texted twice": 1}),
        ({"note": "[asapfill 7.1] Offered"}, {"commlog twice": 1}),
    ],
)
def test_what_should_not_be_is_counted(changes: Row, found: Row) -> None:
    first, second = "2026-04-14 10:00:00", changes.get("at", "2026-04-14 10:30:00")
    office = {
        "asapcomms": [row(1, first), row(2, second)],
        "patients": [
            {"PatNum": 1, "WirelessPhone": "(503)555-0101"},
            {"PatNum": 2, "WirelessPhone": changes.get("phone", "(503)555-0102")},
        ],
        "commlogs": [{"Note": "[asapfill 7.1] Offered"}, {"Note": changes.get("note", "[asapfill 8.1] Offered")}],
    }
    texts = [{"FKey": key, "FKeyType": "Planned", "op": 3, "dateTimeStart": "…"} for key in (1, changes.get("text", 2))]
    log = {"writes": [offer(1, first), offer(2, second)], "sent_twice": changes.get("sent_twice", 0)}
    assert counting.violations(office, log | {"texts_sent": texts}) == found
