"""The sandbox in a process of its own, so that its record outlives whoever talks to it.

::

    with process.start(seed=7, mode="stepped") as sandbox:
        client = make_client(sandbox.url)
        sandbox.staff(action="cancel", AptNum=7)
        sandbox.advance(minutes=15)
        assert sandbox.log()["sent_twice"] == 0

The child reads its options as one line of JSON, answers with one line ``{"port": …}`` and ends when its input is
closed, which the operating system does for us even when we are killed.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TextIO

from asapfill.sandbox.api.routes import PREFIX
from asapfill.sandbox.office.columns import Row
from asapfill.sandbox.office.tables import OfficeFileError
from asapfill.sandbox.wire.server import HOST, SandboxServer
from asapfill.sandbox.wire.world import CONTROL, Options, World

PATIENCE = 30.0
"""Real seconds that the control waits for an answer."""


class SandboxError(RuntimeError):
    """The sandbox could not be started, or said no to its control."""


class Sandbox:
    """A running sandbox process. ``url`` is what a client's settings need."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        self.url = f"http://{HOST}:{port}{PREFIX.rstrip('/')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def control(self, method: str, path: str, body: Row | None = None) -> Any:  # noqa: ANN401 - a JSON value
        """Call ``/sandbox/<path>``.

        Raises:
            SandboxError: the sandbox said no.
        """
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        try:
            connection.request(method, CONTROL + path, json.dumps(body or {}), {"Connection": "close"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise SandboxError(f"The sandbox refused {method} {CONTROL}{path}: {answer}")
        return answer

    def _row(self, method: str, path: str, body: Row | None = None) -> Row:
        found: Row = self.control(method, path, body)
        return found

    def clock(self) -> Row:
        """``{"now": aware ISO moment, "office_now", "mode", "speed", "monotonic"}``."""
        return self._row("GET", "clock")

    def advance(self, seconds: float = 0, *, minutes: float = 0) -> Row:
        """Let time pass in stepped mode, with everything that happens in it; returns the clock."""
        return self._row("POST", "clock", {"advance": seconds + 60 * minutes})

    def faults(self, faults: Sequence[Row]) -> None:
        """Replace the faults that are switched on; see ``faults.Fault``."""
        self.control("POST", "faults", {"faults": list(faults)})

    def log(self) -> Row:
        """What clients asked, what was sent, what happened; see ``faults.RequestLog`` and ``life.Life``."""
        return self._row("GET", "log")

    def office(self) -> Row:
        """The whole database as an office file."""
        return self._row("GET", "office")

    def staff(self, **action: Any) -> Row:  # noqa: ANN401 - JSON values
        """Have staff do something now; actions are in life.py."""
        return self._row("POST", "staff", action)

    def respond(self, asap_comm_num: int, action: str) -> str:
        """Have a patient use the link of an offer; returns the ResponseStatus."""
        return str(self.control("POST", "respond", {"AsapCommNum": asap_comm_num, "action": action})["ResponseStatus"])

    def events(self, producers: int) -> None:
        """How many of the office's programs send events to subscribers: 0 (none runs) to 2."""
        self.control("POST", "events", {"producers": producers})

    def stop(self) -> None:
        """End the process; calling it again does nothing."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                pipe.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start(office: Row | None = None, **options: Any) -> Sandbox:  # noqa: ANN401 - fields of Options
    """Start a sandbox process and wait until it listens.

    Args:
        office: an office file's JSON; None generates one.
        options: the other fields of ``world.Options``.

    Raises:
        SandboxError: the process did not start; its own words are on standard error.
    """
    wanted = Options(office=office, **options)
    process = subprocess.Popen(
        [sys.executable, "-m", "asapfill.sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    sandbox = Sandbox(process, 0)
    if process.stdin is None or process.stdout is None:
        raise SandboxError("The sandbox process has no pipes.")
    try:
        process.stdin.write(json.dumps(asdict(wanted)) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    answer: Row = json.loads(line) if line else {"error": "it ended at once"}
    if "port" not in answer:
        sandbox.stop()
        raise SandboxError(f"The sandbox did not start: {answer['error']}")
    return Sandbox(process, answer["port"])


def serve(options: Options, announce: Callable[[SandboxServer], None]) -> None:
    """Serve a sandbox in this process until SIGTERM or Ctrl-C; for ``asapfill sandbox``.

    Args:
        options: What to serve.
        announce: Called once when the sandbox listens; ``server.port`` says where.

    Raises:
        OfficeFileError: the office file is not usable.
        OSError: the port is taken.
        KeyboardInterrupt: Ctrl-C ended it.
    """
    server = SandboxServer(World(options), options.port)
    signals = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with _serving(server):
            announce(server)
            received = signal.sigwait(signals)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if received == signal.SIGINT:
        raise KeyboardInterrupt


@contextmanager
def _serving(server: SandboxServer) -> Iterator[None]:
    """Serve in a thread of its own until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox")
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join()


def serve_child(commands: TextIO, answers: TextIO) -> int:
    """The child's side of ``start``: options in, port out, and the end with the input's end; returns the exit code."""
    try:
        options = Options(**json.loads(commands.readline()))
        server = SandboxServer(World(options), options.port)
    except (OfficeFileError, OSError, TypeError, ValueError) as problem:
        print(json.dumps({"error": str(problem)}), file=answers, flush=True)
        return 1
    with _serving(server):
        print(json.dumps({"port": server.port}), file=answers, flush=True)
        commands.read()
    return 0
