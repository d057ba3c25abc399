"""A process that lives through small scenarios in which asapfill is killed: started by ``matrix``, not a test itself.

It has everything imported, so that it can fork what a scenario needs in milliseconds: a sandbox in a process of its
own, and one process for each run of asapfill. Reads one JSON object per line (see ``Spec``), lives through up to two
at a time, and prints what it found as one line of JSON each.
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from asapfill.clock import SteppedClock, SystemClock
from asapfill.core.offer import State
from asapfill.cycle.offices import run_offices
from asapfill.offers.decisions import answer_waiting
from asapfill.offers.journal import Journal
from asapfill.opendental.exchange import _tls
from asapfill.sandbox.wire.server import HOST, SandboxServer
from asapfill.sandbox.wire.world import CONTROL, Options, World
from asapfill.settings.settings import load_settings
from asapfill.store.database import EmptyStore, open_for_reading
from tests.cycle.office import DEVELOPER, office_file
from tests.daemon.bench import ENVIRONMENT, SETTINGS, finished, policy_text

Row = dict[str, Any]

MODES = ("automatic", "ask")
AT_ONCE = 2
SETTLED = 90
"""Seconds between two runs after a death: longer than the server's limit and than two readings must be apart."""
RUNS_TO_SETTLE = 3


@dataclass(frozen=True)
class Spec:
    """One scenario: in which run asapfill dies, and how.

    ``place``: a failpoint and its occurrence, ``name:2``. ``fault``: of the sandbox, for that run's first POST.
    ``kill_when_posted``: kill asapfill while it waits for the answer to a POST that the office has done.
    ``discover``: a dry run that tells the failpoints of each run.
    """

    mode: str = "automatic"
    run: int = -1
    place: str = ""
    fault: str = ""
    kill_when_posted: str = ""
    discover: bool = False


@dataclass
class Found:
    """What a scenario came to. ``wrong``: a sentence for each thing that should not be. ``reached``: per run."""

    spec: Row
    wrong: list[str] = field(default_factory=list)
    reached: list[list[str]] = field(default_factory=list)
    posts: int = 0


class SandboxTime(SteppedClock):
    """The sandbox's time, which stands still while asapfill works; asked once, because asking is what takes longest."""

    def __init__(self, now: datetime, let_pass: Callable[[float], None]) -> None:
        super().__init__(now)
        self._let_pass = let_pass

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        super().sleep(seconds, stop)
        if seconds > 0:
            self._let_pass(seconds)


class Scenario:
    """One office with one opening, served in several runs of asapfill, each a process of its own."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self.found = Found(asdict(spec))
        self.runs = 0
        self.sandbox, self.port = _fork_sandbox(folder / "sandbox.log")
        (folder / "policies").mkdir()
        (folder / "developer.key").write_text(DEVELOPER + "\n")
        (folder / "asapfill.toml").write_text(SETTINGS.format(clock=self.port, port=self.port))
        texts = {"wave": 2, "wait": "20 minutes", "per_opening": 4}
        policy = folder / "policies" / "main.yaml"
        policy.write_text(policy_text(mode=spec.mode, texts=texts))
        finished(policy)

    def live_through(self) -> Found:
        """The story: people are asked, one declines, the next are asked, one accepts; with one death in it."""
        try:
            self._work()
            self._pass(120)
            self._answer("decline")
            self._pass(25 * 60)
            self._work()
            self._pass(120)
            self._answer("accept")
            self._pass(600)
            self._work()
            self._pass(SETTLED)
            self._run_to_its_end(self._cycle)
            self._check()
        finally:
            self.end()
        return self.found

    def end(self) -> None:
        """End the sandbox."""
        os.kill(self.sandbox, signal.SIGKILL)
        os.waitpid(self.sandbox, 0)

    def _work(self) -> None:
        """What a run of asapfill does here: in mode ask, somebody says yes in between."""
        self._run(self._cycle)
        if self.spec.mode == "ask":
            self._run(self._approve)
            self._run(self._cycle)

    def _run(self, work: Callable[[], None]) -> None:
        """One run of asapfill, which may be the one that dies; then it is run again until all is clear."""
        number, self.runs = self.runs, self.runs + 1
        log = self.folder / f"failpoints.{number}"
        environment = {"ASAPFILL_FAILPOINTS_LOG": str(log)} if self.spec.discover else {}
        if number != self.spec.run:
            self._run_to_its_end(work, environment)
            self.found.reached.append(log.read_text().split() if log.exists() else [])
            return
        if self.spec.place:
            environment["ASAPFILL_FAILPOINT"] = self.spec.place
        self._set_fault()
        child = _fork(work, environment)
        if self.spec.kill_when_posted:
            self._kill_when_posted(child)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code not in {-signal.SIGKILL, 0} or (code == 0 and not self.spec.fault):
            self.found.wrong.append(f"run {number} did not die but ended with {code}")
        self._control("POST", "faults", {"faults": []})
        for _ in range(RUNS_TO_SETTLE):
            self._pass(SETTLED)
            self._run_to_its_end(work)

    def _run_to_its_end(self, work: Callable[[], None], environment: Row | None = None) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(_fork(work, environment or {}), 0)[1])
        if code != 0:
            self.found.wrong.append(f"a run ended with {code}")

    def _set_fault(self) -> None:
        kind = "slow" if self.spec.kill_when_posted else self.spec.fault
        if kind:
            path = self.spec.kill_when_posted or "asapcomms"
            fault = {"kind": kind, "method": "POST", "path": path, "count": 1, "seconds": 30}
            self._control("POST", "faults", {"faults": [fault]})

    def _kill_when_posted(self, child: int) -> None:
        """Kill -9 while the office has done it and holds its answer back."""
        for _ in range(400):
            writes = self._control("GET", "log")["writes"]
            if any(write["fault"] == "slow" for write in writes):
                os.kill(child, signal.SIGKILL)
                return
            time.sleep(0.01)
        self.found.wrong.append("nothing was posted that could be killed")

    # What asapfill does, in a child

    def _cycle(self) -> None:
        settings = load_settings(self.folder / "asapfill.toml", ENVIRONMENT)
        cycle = run_offices(settings, tuple(settings.offices), self._clock(), lambda _: None)
        troubles = [trouble.message for result in cycle.results for trouble in result.errors]
        if (troubles or cycle.problems) and not self.spec.fault:
            raise RuntimeError(f"{troubles} {cycle.problems}")

    def _approve(self) -> None:
        settings = load_settings(self.folder / "asapfill.toml", ENVIRONMENT)
        answer_waiting(settings, self._clock(), None, yes=True)

    def _clock(self) -> SandboxTime:
        return SandboxTime(datetime.fromisoformat(self._control("GET", "clock")["now"]), self._pass)

    # What happens at the office

    def _pass(self, seconds: float) -> None:
        self._control("POST", "clock", {"advance": seconds})

    def _answer(self, action: str) -> None:
        """The first patient whose link is open uses it."""
        for row in self._control("GET", "office")["asapcomms"]:
            if row["ResponseStatus"] in {"PendingRsvp", "Viewed"}:
                self._control("POST", "respond", {"AsapCommNum": row["AsapCommNum"], "action": action})
                return
        self.found.wrong.append(f"nobody could {action}: nothing had been sent")

    def _control(self, method: str, path: str, body: Row | None = None) -> Any:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, CONTROL + path, json.dumps(body or {}), {"Connection": "close"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != http.client.OK:
                raise RuntimeError(f"{method} {path}: {answer}")
            return answer
        finally:
            connection.close()

    # What came of it

    def _check(self) -> None:
        """The office's own record, and the state against it."""
        log, office = self._control("GET", "log"), self._control("GET", "office")
        rows = office["asapcomms"]
        self.found.posts = sum(write["path"] == "asapcomms" for write in log["writes"])
        wrong = self.found.wrong
        if log["sent_twice"]:
            wrong.append(f"{log['sent_twice']} candidates got the same slot twice")
        texted = Counter(row["PatNum"] for row in log["texts_sent"])
        wrong += [f"patient {patient} got {count} texts in a day" for patient, count in texted.items() if count > 1]
        if len(rows) > 4:
            wrong.append(f"{len(rows)} people were asked for one opening; the policy says 4")
        markers = Counter(row["Note"].split("]")[0] for row in office["commlogs"])
        wrong += [f"{marker}] was noted {count} times" for marker, count in markers.items() if count > 1]
        texts = {row["AsapCommNum"] for row in log["texts_sent"]}
        noted = {int(marker.rpartition("=")[2]) for marker in markers}
        if noted != texts:
            wrong.append(f"texts {sorted(texts)}, commlogs for {sorted(noted)}")
        if sum(row["ResponseStatus"] == "AcceptedAndMoved" for row in rows) != 1:
            wrong.append("nobody accepted")
        self._check_state(rows)

    def _check_state(self, rows: list[Row]) -> None:
        path = self.folder / "state" / "asapfill.db"
        with sqlite3.connect(path) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                self.found.wrong.append("the database is damaged")
        connection.close()
        with open_for_reading(path.parent, SystemClock()) as store:
            if isinstance(store, EmptyStore):
                self.found.wrong.append("there is no state")
                return
            journal = Journal(store, "main-street")
            states = {offer.asapcomm: offer.state for offer in journal.by_opening("op1-20260414-1400")}
            self.found.wrong += [f"offer {offer.id} is stuck: {offer.state}" for offer in journal.unknowns()]
        for row in rows:
            expected = {"AcceptedAndMoved": State.ACCEPTED, "Declined": State.DECLINED}.get(row["ResponseStatus"])
            state = states.get(row["AsapCommNum"])
            if state is None or (expected is not None and state is not expected):
                self.found.wrong.append(f"AsapComm {row['AsapCommNum']} is {row['ResponseStatus']}, journal: {state}")


def _fork(work: Callable[[], None], environment: Row) -> int:
    """A child that does ``work`` and ends with 0, or with 1 and a traceback."""
    child = os.fork()
    if child == 0:
        os.environ.update(environment)
        try:
            work()
        except BaseException:  # noqa: BLE001  the parent must not see this process go on
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def _fork_sandbox(log: Path) -> tuple[int, int]:
    """A sandbox in a process of its own; its process id and port."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server = SandboxServer(World(Options(office=office_file(), people=False, log_file=str(log))))
        os.write(writing, str(server.port).encode())
        os.close(writing)
        server.serve_forever(poll_interval=60)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return child, int(pipe.read())


def _live(spec: Spec) -> Found:
    folder = Path(tempfile.mkdtemp(prefix="asapfill-crash-"))
    try:
        return Scenario(spec, folder).live_through()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _warm_up() -> None:
    """One cycle in this process: what is imported, compiled and read with the first one is there for all children."""
    folder = Path(tempfile.mkdtemp(prefix="asapfill-crash-"))
    try:
        scenario = Scenario(Spec(), folder)
        try:
            scenario._cycle()
        finally:
            scenario.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fork_scenario(spec: Spec) -> None:
    """Live through one scenario in a child, which prints what it found in one write."""
    if os.fork() == 0:
        try:
            found = _live(spec)
        except BaseException:  # noqa: BLE001  told to the test
            found = Found(asdict(spec), wrong=[traceback.format_exc()])
        os.write(sys.stdout.fileno(), (json.dumps(asdict(found)) + "\n").encode())
        os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    _tls()  # read once, before any fork
    _warm_up()
    gc.collect()
    gc.freeze()  # no child looks through what is ours, which would copy it
    busy = 0
    for line in sys.stdin:
        if busy >= AT_ONCE:
            os.wait()
            busy -= 1
        _fork_scenario(Spec(**json.loads(line)))
        busy += 1
    for _ in range(busy):
        os.wait()


if __name__ == "__main__":
    main()
