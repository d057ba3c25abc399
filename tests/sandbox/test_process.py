"""The sandbox as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from asapfill.sandbox.office.tables import OfficeFileError
from asapfill.sandbox.wire import process
from asapfill.sandbox.wire.process import SandboxError
from asapfill.sandbox.wire.world import Options, read_office_file
from tests.sandbox.desk import AUTHORIZATION, OPENING, office_file


def get(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": AUTHORIZATION})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Authorization": AUTHORIZATION})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


def gone(number: int) -> bool:
    """Whether a process has ended."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until_gone(number: int) -> None:
    deadline = time.monotonic() + 10
    while not gone(number):
        assert time.monotonic() < deadline, "the sandbox outlived its parent"
        time.sleep(0.01)


def test_a_sandbox_is_steered_from_outside(tmp_path: Path) -> None:
    log_file = tmp_path / "writes.jsonl"
    with process.start(office_file(), people=False, log_file=str(log_file)) as sandbox:
        assert len(get(f"{sandbox.url}/appointments/ASAP")) == 4
        made = post(f"{sandbox.url}/asapcomms", {"op": 1, "aptNum": 11, "dateTimeStart": OPENING})
        assert sandbox.advance(minutes=1)["office_now"] == "2026-04-14 09:01:00"
        assert sandbox.respond(made["AsapCommNum"], "accept") == "AcceptedAndMoved"
        assert sandbox.staff(action="cancel", AptNum=11) == {"AptNum": 11}
        sandbox.faults([{"kind": "500"}])
        sandbox.faults([])
        assert (sandbox.log()["texts"], sandbox.log()["sent_twice"]) == (1, 0)
        assert sandbox.office()["asapcomms"][0]["ResponseStatus"] == "AcceptedAndMoved"
        assert sandbox.clock()["mode"] == "stepped"
        with pytest.raises(SandboxError, match="dance"):
            sandbox.staff(action="dance")
    assert len(log_file.read_text().splitlines()) == 1
    sandbox.stop()


def test_without_an_office_one_is_generated_with_people_in_it() -> None:
    with process.start(seed=4, operatories=4) as sandbox:
        operatories = [row for row in get(f"{sandbox.url}/operatories") if row["IsHidden"] == "false"]
        assert len(operatories) >= 4
        sandbox.advance(minutes=12 * 60)
        assert any(event["who"] == "staff" for event in sandbox.log()["happened"])


def test_the_same_seed_and_requests_give_the_same_log() -> None:
    def run() -> Any:
        with process.start(seed=9, operatories=4, eagerness=0.5, unstable_ties=True) as sandbox:
            for row in get(f"{sandbox.url}/appointments/ASAP"):
                wanted = {"op": row["Op"] or 1, "aptNum": row["AptNum"], "dateTimeStart": "2026-04-16 11:30:00"}
                with contextlib.suppress(urllib.error.HTTPError):  # some places are blocked out
                    post(f"{sandbox.url}/asapcomms", wanted)
                sandbox.advance(minutes=7)
            sandbox.advance(minutes=12 * 60)
            return sandbox.log(), sandbox.office()

    one, two = run(), run()
    assert one == two
    assert one[0]["writes"]
    assert one[0]["happened"]


@pytest.mark.parametrize(
    ("office", "options", "words"),
    [({"now": "soon"}, {}, "'now'"), (office_file(), {"mode": "backwards"}, "backwards")],
)
def test_a_sandbox_that_cannot_start_says_why(office: dict[str, Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(SandboxError, match=words):
        process.start(office, **options)


def test_the_sandbox_ends_with_its_parent_even_when_that_is_killed() -> None:
    code = (
        "import asapfill.sandbox.wire.process as p, time\n"
        "s = p.start(operatories=3)\n"
        "print(s._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.send_signal(signal.SIGKILL)
    wait_until_gone(child)


def test_serving_in_the_foreground_ends_with_a_signal() -> None:
    code = (
        "from asapfill.sandbox.wire import process\n"
        "from asapfill.sandbox.wire.world import Options\n"
        "process.serve(Options(operatories=3, mode='system'), lambda server: print(server.port, flush=True))\n"
        "print('ended', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        port = int(running.stdout.readline())
        assert get(f"http://127.0.0.1:{port}/api/v1/clinics") == []
        running.send_signal(signal.SIGTERM)
        assert running.stdout.read() == "ended\n"
    assert running.returncode == 0


def test_serving_passes_a_taken_port_on() -> None:
    before = threading.active_count()
    with process.start(office_file()) as sandbox, pytest.raises(OSError, match="in use"):
        process.serve(Options(office=office_file(), port=sandbox.port), lambda _server: None)
    assert threading.active_count() == before


@pytest.mark.parametrize(("text", "words"), [("[1]", "one JSON object"), ("{", "not JSON"), (None, "cannot be read")])
def test_an_office_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "office.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(OfficeFileError, match=words):
        read_office_file(file)


def test_an_office_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "office.json"
    file.write_text(json.dumps(office_file()))
    assert read_office_file(file) == office_file()
