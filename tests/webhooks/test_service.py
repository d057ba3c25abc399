"""Events of all offices together: who may send, what is taken, what is tried again; and nothing when they are off."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.office import Office
from asapfill.opendental.client import OpenDental
from asapfill.report.status import events_document
from asapfill.report.status_text import events_lines
from asapfill.settings.settings import Settings, load_settings
from asapfill.store.database import Store, open_store
from asapfill.store.offices import KeptEvents, ListenFailure, keep_events, keep_listen_failure, kept_listen_failure
from asapfill.webhooks.deliveries import Hint
from asapfill.webhooks.service import LISTEN_AGAIN, Webhooks
from tests.daemon.serving import PACIFIC
from tests.webhooks.eventful import free_port
from tests.webhooks.senders import until

KEYS = {"main-street": "key-of-main", "west": "key-of-west", "quiet": "key-of-quiet"}
OFFICE = """
[offices.{name}]
urls = ["http://127.0.0.1:1/api/v1"]
developer_key = "env:D"
customer_key = "env:C"
"""
NOW = datetime(2026, 4, 14, 9, tzinfo=PACIFIC)
DELIVERY = b'[{"AptNum": 18}]'


@dataclass
class Service:
    """Events being served, and what was received. ``west`` and ``main-street`` have them, ``quiet`` does not."""

    events: Webhooks
    settings: Settings
    store: Store
    clock: SteppedClock
    port: int
    received: list[tuple[str, Hint]] = field(default_factory=list)

    def post(self, office: str, key: str, body: bytes = DELIVERY) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", f"/hooks/{office}/", body, {"Authorization": key})
            return connection.getresponse().status
        finally:
            connection.close()

    def start(self) -> None:
        self.events.start(lambda office, hint: self.received.append((office, hint)))

    def maintain(self, office: str = "main-street") -> str:
        """As after a cycle, of an office that cannot be reached just now; what is wrong."""
        with OpenDental(office, ["http://127.0.0.1:1/api/v1"], "d", "c", clock=self.clock) as client:
            today = self.clock.now().date()
            wall = self.clock.now().astimezone(PACIFIC).replace(tzinfo=None)
            self.events.maintain(office, client, (25, 2, 30), wall, lambda: Office(today, today))
        document = events_document(self.settings, self.store, office)
        return "" if document is None else str(document["problem"])

    def told(self, office: str = "main-street") -> list[str]:
        document = events_document(self.settings, self.store, office)
        return list(events_lines(document, lambda moment: f"{moment.astimezone(PACIFIC):%H:%M}"))


@contextmanager
def service(folder: Path, events: str | None = None) -> Iterator[Service]:
    port = free_port()
    table = f'[events]\nlisten = "127.0.0.1:{port}"\nurl = "http://127.0.0.1:{port}/hooks/"\n'
    text = (table if events is None else events) + "".join(OFFICE.format(name=name) for name in KEYS)
    path = folder / "asapfill.toml"
    path.write_text(text + "events = false\n")
    settings = load_settings(path, {}, with_secrets=False)
    clock = SteppedClock(NOW)
    with open_store(folder / "state", clock) as store:
        found = Service(Webhooks(settings, KEYS, clock, store), settings, store, clock, port)
        try:
            yield found
        finally:
            found.events.close()


def test_each_office_is_heard_with_its_own_key_only(tmp_path: Path) -> None:
    with service(tmp_path) as served:
        served.start()
        for office in KEYS:
            for key in KEYS.values():
                served.post(office, key)
        assert served.received == [
            ("main-street", Hint(appointments=frozenset({18}), rows=1)),
            ("west", Hint(appointments=frozenset({18}), rows=1)),
        ]
        assert served.post("quiet", KEYS["quiet"]) == 404


def test_what_needs_no_look_is_taken_and_not_heard(tmp_path: Path) -> None:
    with service(tmp_path) as served:
        served.start()
        assert served.post("west", KEYS["west"], b'[{"ScheduleNum": 5, "SchedType": "WebSchedASAP"}]') == 200
        assert served.received == []


@pytest.mark.parametrize(("silence", "days"), [(timedelta(days=3), 0), (timedelta(days=3, seconds=1), 400)])
def test_after_more_than_three_days_of_silence_every_day_is_looked_at(
    tmp_path: Path, silence: timedelta, days: int
) -> None:
    with service(tmp_path) as served:
        keep_events(served.store, "west", KeptEvents(last=NOW))
        again = Webhooks(served.settings, KEYS, served.clock, served.store)
        served.events = again
        served.start()
        served.clock.sleep(silence.total_seconds())
        served.post("west", KEYS["west"])
        served.post("west", KEYS["west"])
        first, second = (hint for _, hint in served.received)
        assert (len(first.days), len(second.days)) == (days, 0)


def test_a_port_is_tried_again_every_minute_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with service(tmp_path) as served, socket.create_server(("127.0.0.1", served.port)) as taken:
        served.start()
        for _ in range(3):
            assert "Address already in use" in served.maintain()
            served.clock.sleep(LISTEN_AGAIN + 1)
        assert caplog.text.count("events.not_listening") == 1
        failure = kept_listen_failure(served.store)
        assert failure is not None
        assert failure.code == "port"
        taken.close()
        assert "Address" not in served.maintain()
        assert kept_listen_failure(served.store) is None
        assert served.post("west", KEYS["west"]) == 200


async def breaking(counter: int) -> bool:  # noqa: ARG001  uvicorn's own signature
    raise RuntimeError("made up")


def test_a_listener_that_broke_is_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service(tmp_path) as served:
        served.start()
        listener = served.events._listener
        assert listener is not None
        assert listener._server is not None
        monkeypatch.setattr(listener._server, "on_tick", breaking)
        until(lambda: not listener.alive, "its end")
        assert "events.broken error=RuntimeError" in caplog.text
        served.clock.sleep(LISTEN_AGAIN + 1)
        served.maintain()
        assert served.post("west", KEYS["west"]) == 200


def test_once_closed_it_does_not_come_back(tmp_path: Path) -> None:
    with service(tmp_path) as served:
        served.start()
        served.events.close()
        served.clock.sleep(LISTEN_AGAIN + 1)
        served.maintain()
        with pytest.raises(ConnectionRefusedError):
            served.post("west", KEYS["west"])


def test_status_tells_what_came_and_what_was_refused(tmp_path: Path) -> None:
    with service(tmp_path) as served:
        served.start()
        keep_events(served.store, "west", KeptEvents(problem="Nothing arrives."))
        assert served.told("quiet") == []
        for key in ("wrong", "wrong", KEYS["main-street"]):
            served.post("main-street", key)
        served.post("main-street", KEYS["main-street"], b"<html>")
        assert served.post("main-street", KEYS["main-street"]) == 200
        served.maintain()
        assert served.told("west") == ["    Events: Nothing arrives."]
        first, *refused = served.told()
        assert first == "  Events: 2 deliveries since 09:00, last 09:00."
        text = " ".join(line.strip() for line in refused)
        assert "Refused: 1 because it was not what Open Dental posts, 2 because the key was wrong." in text
        assert "Events: GET /subscriptions" in text


def test_a_port_that_is_needed_no_more_is_no_trouble(tmp_path: Path) -> None:
    with service(tmp_path) as served:
        keep_listen_failure(served.store, ListenFailure("port", "It is taken."))
        served.events = Webhooks(served.settings, {"quiet": KEYS["quiet"]}, served.clock, served.store)
        served.start()
        assert kept_listen_failure(served.store) is None


def test_off_nothing_listens_and_nothing_is_imported(tmp_path: Path) -> None:
    with service(tmp_path, events="") as served:
        served.start()
        with pytest.raises(ConnectionRefusedError):
            served.post("west", KEYS["west"])
        assert served.maintain() == ""
    code = "import sys, asapfill.daemon.daemon; sys.exit(bool({'uvicorn', 'starlette'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
