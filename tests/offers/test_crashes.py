"""Kill the sender at every failpoint; afterwards nothing was sent twice and nothing is stuck."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import State
from asapfill.offers.journal import Journal
from asapfill.store.database import open_for_reading

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
RESTART = timedelta(minutes=10)


class Office(ThreadingHTTPServer):
    """A tiny office on loopback that keeps what it was told and never de-duplicates. Its patient accepts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asapcomms: list[dict[str, Any]] = []
        self.commlogs: dict[int, dict[str, Any]] = {}
        self.now = START
        self.kill_after_commit = ""
        self.accepts = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Office

    def do_GET(self) -> None:
        if self.path.startswith("/asapcomms"):
            status = "AcceptedAndMoved" if self.server.accepts else "PendingRsvp"
            self._answer([{**row, "ResponseStatus": status} for row in self.server.asapcomms])
        elif self.path.startswith("/schedules"):
            self._answer({"ScheduleNum": "9", "SchedDate": "2026-11-20", "StartTime": "14:00:00", "operatories": "3"})
        elif self.path.startswith("/commlogs/"):
            self._answer(self.server.commlogs[int(self.path.rsplit("/", 1)[1])])
        else:
            self._answer(list(self.server.commlogs.values()))

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/asapcomms":
            entry = self.server.now.replace(tzinfo=None) - timedelta(hours=8)
            row = {
                "AsapCommNum": len(self.server.asapcomms) + 1,
                "FKey": body["aptNum"],
                "FKeyType": "ScheduledAppt",
                "PatNum": 6522,
                "ScheduleNum": 9,
                "DateTimeEntry": str(entry),
                "DateTimeExpire": "2026-11-27 14:00:00",
                "SmsSendStatus": "SendNotAttempted",
                "ResponseStatus": "AwaitingTransmit",
            }
            self.server.asapcomms.append(row)
            self._answer(row)
        else:
            row = {"CommlogNum": len(self.server.commlogs) + 1, **body}
            self.server.commlogs[row["CommlogNum"]] = row
            self._answer(row)

    def do_PUT(self) -> None:
        self.server.commlogs[int(self.path.rsplit("/", 1)[1])].update(self._body())
        self._answer({})

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def _answer(self, value: object) -> None:
        if self.command != "GET" and self.server.kill_after_commit == f"{self.command} {self.path.split('/')[1]}":
            os.kill(int(self.headers["X-Pid"]), signal.SIGKILL)
            return
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def office() -> Iterator[Office]:
    with Office() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def sender() -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("sender.py")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(script.parents[2])},
    ) as process:
        yield process
        pipe(process.stdin).close()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


class Day:
    """One state folder and one office; each run is a process of its own, ten minutes after the one before."""

    def __init__(self, sender: subprocess.Popen[str], office: Office, folder: Path) -> None:
        self.sender, self.office, self.folder = sender, office, folder
        self.runs = 0

    def run(self, **env: str) -> int:
        start = START + RESTART * self.runs
        self.runs += 1
        # When the POST comes, three rounds of reconciling have taken place.
        self.office.now = start + timedelta(seconds=225)
        command = {"url": self.office.url, "folder": str(self.folder), "start": start.isoformat(), "env": env}
        stdin = pipe(self.sender.stdin)
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        return int(pipe(self.sender.stdout).readline())

    def names(self, log: Path) -> list[str]:
        """The failpoints that a run reaches, in order, each once."""
        assert self.run(ASAPFILL_FAILPOINTS_LOG=str(log)) == 0
        # Every commit is a place too; tests/crash kills at those.
        return list(dict.fromkeys(name for name in log.read_text().split() if not name.startswith("store.")))

    def is_sound(self) -> None:
        """One text, one commlog with its outcome, nothing open: whatever happened on the way."""
        with open_for_reading(self.folder, SteppedClock(START)) as store:
            journal = Journal(store, "main-street")
            offers = [offer for offer in journal.by_patient(6522) if offer.state is not State.UNSENT]
            assert [(offer.state, offer.asapcomm) for offer in offers] == [(State.ACCEPTED, 1)]
            assert journal.live() == ()
        assert len(self.office.asapcomms) == 1
        assert [row["Note"].endswith("Outcome: accepted.") for row in self.office.commlogs.values()] == [True]


@pytest.fixture
def day(sender: subprocess.Popen[str], office: Office, tmp_path: Path) -> Day:
    return Day(sender, office, tmp_path / "state")


SENDING = (
    "offers.intent.before",
    "offers.intent.committed",
    "offers.post.before",
    "offers.post.answered",
    "offers.answer.recorded",
    "offers.outcome.before",
    "offers.outcome.recorded",
    "commlogs.intent.committed",
    "commlogs.post.answered",
)
AFTER_A_DEATH = ("offers.recover.stepped", "offers.reconcile.read", "offers.reconcile.settled")
UPDATING = ("commlogs.update.before", "commlogs.update.answered")


def test_the_failpoints_of_a_whole_send_are_those_that_the_matrix_kills_at(day: Day, tmp_path: Path) -> None:
    assert day.names(tmp_path / "log") == list(SENDING)
    day.is_sound()


def test_the_failpoints_after_a_death_are_those_that_the_matrix_kills_at(day: Day, tmp_path: Path) -> None:
    assert day.run(ASAPFILL_FAILPOINT="offers.post.answered") == -signal.SIGKILL
    assert day.names(tmp_path / "log")[:3] == list(AFTER_A_DEATH)
    day.is_sound()


@pytest.mark.parametrize("place", SENDING)
def test_a_sender_killed_anywhere_sends_once(day: Day, place: str) -> None:
    assert day.run(ASAPFILL_FAILPOINT=place) == -signal.SIGKILL
    assert day.run() == 0
    assert day.run() == 0
    day.is_sound()


@pytest.mark.parametrize("death", ["offers.post.before", "offers.post.answered"])
@pytest.mark.parametrize("place", AFTER_A_DEATH)
def test_a_sender_killed_again_while_it_recovers_sends_once(day: Day, death: str, place: str) -> None:
    assert day.run(ASAPFILL_FAILPOINT=death) == -signal.SIGKILL
    assert day.run(ASAPFILL_FAILPOINT=place) == -signal.SIGKILL
    assert day.run() == 0
    assert day.run() == 0
    day.is_sound()


@pytest.mark.parametrize("request_killed", ["POST asapcomms", "POST commlogs"])
def test_a_sender_killed_between_accepted_and_answered_sends_once(
    day: Day, office: Office, request_killed: str
) -> None:
    office.kill_after_commit = request_killed
    assert day.run() == -signal.SIGKILL
    office.kill_after_commit = ""
    assert day.run() == 0
    assert day.run() == 0
    day.is_sound()


@pytest.mark.parametrize("death", [*UPDATING, "PUT commlogs"])
def test_a_sender_killed_while_it_notes_the_outcome_notes_it_once(day: Day, office: Office, death: str) -> None:
    office.accepts = False
    assert day.run() == 0
    office.accepts, office.kill_after_commit = True, death
    assert day.run(ASAPFILL_FAILPOINT=death) == -signal.SIGKILL
    office.kill_after_commit = ""
    assert day.run() == 0
    day.is_sound()
