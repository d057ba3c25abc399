"""What ``doctor`` says of events."""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path

import pytest

from asapfill.checks.installation import check_events
from asapfill.clock import SteppedClock
from asapfill.settings.settings import load_settings
from asapfill.store.database import open_store
from asapfill.store.lock import only_one
from asapfill.store.offices import KeptEvents, keep_events
from tests.daemon.bench import SETTINGS
from tests.daemon.serving import PACIFIC
from tests.webhooks.eventful import EVENTS, free_port
from tests.webhooks.test_tls import TLS

NOW = datetime(2026, 4, 14, 9, tzinfo=PACIFIC)


def findings(folder: Path, events: str) -> list[tuple[str, str]]:
    path = folder / "asapfill.toml"
    path.write_text(SETTINGS.format(clock=1, port=1) + events)
    settings = load_settings(path, {}, with_secrets=False)
    return [(item.verdict, item.message) for item in check_events(settings, SteppedClock(NOW))]


def keep(folder: Path, kept: KeptEvents) -> None:
    with open_store(folder / "state", SteppedClock(NOW)) as store:
        keep_events(store, "main-street", kept)


def test_without_events_it_says_nothing(tmp_path: Path) -> None:
    assert findings(tmp_path, "") == []


def test_a_port_is_tried_unless_the_service_has_it(tmp_path: Path) -> None:
    port = free_port()
    events = EVENTS.format(events=port)
    assert findings(tmp_path, events) == [("ok", f"asapfill can listen at 127.0.0.1:{port}.")]
    with socket.create_server(("127.0.0.1", port)):
        ((verdict, message),) = findings(tmp_path, events)
        assert (verdict, "Address already in use" in message) == ("wrong", True)
        with only_one(tmp_path / "state"):
            assert findings(tmp_path, events) == []


@pytest.mark.parametrize(("key", "verdict"), [("made-up-key.pem", "ok"), ("with-password-key.pem", "wrong")])
def test_the_certificate_is_tried(tmp_path: Path, key: str, verdict: str) -> None:
    names = f'certificate = "{TLS}/made-up-cert.pem"\ncertificate_key = "{TLS}/{key}"\n'
    events = f'[events]\nlisten = "127.0.0.1:{free_port()}"\nurl = "https://127.0.0.1"\n{names}'
    assert [found for found, _ in findings(tmp_path, events)] == [verdict]


def test_what_came_and_what_is_wrong(tmp_path: Path) -> None:
    events = EVENTS.format(events=free_port())
    keep(tmp_path, KeptEvents(deliveries=7, since=NOW))
    assert findings(tmp_path, events)[1:] == [("ok", "main-street: 7 deliveries since 2026-04-14T16:00:00+00:00.")]
    keep(tmp_path, KeptEvents(since=NOW, problem="Nothing arrives."))
    assert findings(tmp_path, events)[1:] == [("look", "main-street: Nothing arrives.")]


def test_subscriptions_left_behind_are_told(tmp_path: Path) -> None:
    keep(tmp_path, KeptEvents(since=NOW, addresses=("https://a.example/main-street/",)))
    ((verdict, message),) = findings(tmp_path, "")
    assert (verdict, "still there" in message) == ("look", True)
