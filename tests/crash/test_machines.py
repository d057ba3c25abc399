"""What a machine can do to asapfill: two of them, full and read-only disks, a locked state, clocks apart.

Each ends in words, and nothing is sent twice.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.session import sessions_to_send
from asapfill.policy.in_force import PolicyBook
from asapfill.sandbox.wire.process import Sandbox
from asapfill.settings.settings import load_settings
from asapfill.store import database
from asapfill.store.lock import is_held
from tests.daemon.bench import COMMAND, ENVIRONMENT, SETTINGS, Bench
from tests.processes.forked import popen

ENOUGH_TRIES = 400
MOUNT, UNMOUNT = (shutil.which(name) or f"/bin/{name}" for name in ("mount", "umount"))


def test_a_second_daemon_and_a_command_beside_the_first_end_with_75_and_send_nothing(bench: Bench) -> None:
    arguments = [*COMMAND, "run", "--config", str(bench.config)]
    with popen(arguments, env=bench.environment(), stderr=subprocess.DEVNULL) as first:
        try:
            for _ in range(ENOUGH_TRIES):
                if (bench.folder / "state").exists() and is_held(bench.folder / "state"):
                    break
                time.sleep(0.02)
            for command in ("run", "once"):
                second = bench.process(command)
                assert second.code == 75
                assert "Another asapfill already works on" in second.err
        finally:
            first.send_signal(signal.SIGTERM)
    assert first.returncode == 0
    assert bench.sandbox.log()["sent_twice"] == 0


class Machine(SteppedClock):
    """The clock of one of two machines, off by ``ahead``; the office's time passes with its own."""

    def __init__(self, sandbox: Sandbox, ahead: timedelta) -> None:
        self._sandbox, self._ahead = sandbox, ahead
        super().__init__(datetime.fromisoformat(sandbox.clock()["now"]) + ahead)

    def catch_up(self) -> None:
        self.set(datetime.fromisoformat(self._sandbox.clock()["now"]) + self._ahead)


@pytest.mark.parametrize("apart", [timedelta(minutes=4), timedelta(minutes=-4)])
def test_two_machines_with_their_own_states_and_clocks_ask_nobody_twice_and_keep_the_caps(
    bench: Bench, apart: timedelta
) -> None:
    bench.policy(texts={"wave": 1, "wait": "20 minutes", "per_opening": 3})
    other = bench.folder / "other.toml"
    other.write_text(
        SETTINGS.format(clock=bench.sandbox.port, port=bench.sandbox.port).replace('"state"', '"other state"')
    )
    mine, theirs = (load_settings(path, ENVIRONMENT) for path in (bench.config, other))
    here, there = Machine(bench.sandbox, timedelta(0)), Machine(bench.sandbox, apart)
    book = PolicyBook(bench.folder / "policies", ("main-street",))
    with (
        sessions_to_send(mine, ("main-street",), here) as ours,
        sessions_to_send(theirs, ("main-street",), there) as others,
    ):
        for _ in range(8):
            for session, clock in ((ours[0], here), (others[0], there)):
                clock.catch_up()
                run_cycle(session, book.read(session.store).files)
            bench.sandbox.advance(minutes=11)
    asked = Counter(bench.asked())
    assert len(asked) == 3
    assert set(asked.values()) == {1}
    assert bench.sandbox.log()["sent_twice"] == 0
    assert Counter(row["PatNum"] for row in bench.sandbox.log()["texts_sent"]).most_common(1)[0][1] == 1


def test_a_machine_whose_clock_is_an_hour_off_sends_nothing_and_says_so(bench: Bench) -> None:
    settings = load_settings(bench.config, ENVIRONMENT)
    clock = Machine(bench.sandbox, timedelta(hours=1))
    book = PolicyBook(bench.folder / "policies", ("main-street",))
    with sessions_to_send(settings, ("main-street",), clock) as sessions:
        (result,) = run_cycle(sessions[0], book.read(sessions[0].store).files)
    assert "60 minutes behind ours" in result.errors[0].message
    assert bench.posts() == []


def test_a_locked_state_ends_in_words_and_sends_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.cli("status").code == 1
    assert bench.cli("pause").code == 0
    assert bench.cli("resume").code == 0
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    blocker = sqlite3.connect(bench.folder / "state" / "asapfill.db", isolation_level=None)
    try:
        blocker.execute("BEGIN EXCLUSIVE")
        done = bench.cli("once")
    finally:
        blocker.close()
    assert done.code == 1
    assert "is locked by another program" in done.err
    assert bench.posts() == []
    assert bench.cli("once").code == 0
    assert len(bench.asked()) == 1


@contextmanager
def small_disk(folder: Path, size: str, *options: str) -> Iterator[None]:
    """A disk of that size in memory; needs a superuser who may mount."""
    folder.mkdir(exist_ok=True)
    mounting = [MOUNT, "-t", "tmpfs", "-o", ",".join((f"size={size}", *options)), "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk can be mounted by a superuser only")
    try:
        yield
    finally:
        subprocess.run([UNMOUNT, "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_at_any_moment_costs_no_second_text(bench: Bench) -> None:
    bench.policy(texts={"wave": 2, "wait": "20 minutes"})
    state = bench.folder / "state"
    with small_disk(state, "700k"):
        assert bench.cli("pause").code == 0
        assert bench.cli("resume").code == 0
        complaints = []
        for free in (0, 8_192, 16_384, 24_576, 32_768, 49_152, 65_536):
            fill(state / "ballast", free)
            done = bench.cli("once")
            if done.code:
                complaints.append(done.err)
            (state / "ballast").unlink()
            bench.pass_time(2)
        assert any("the disk is full" in text for text in complaints)
        assert all("Traceback" not in text for text in complaints)
        for _ in range(5):
            done = bench.cli("once")
            bench.pass_time(2)
        assert done.code == 0
        assert bench.sandbox.log()["sent_twice"] == 0
        assert max(Counter(row["PatNum"] for row in bench.sandbox.log()["texts_sent"]).values()) == 1
        assert bench.json("status")["offices"][0]["unclear"] == []
        assert bench.json("state", "verify")["usable"]


def fill(ballast: Path, free: int) -> None:
    """Leave about ``free`` bytes of the disk."""
    blocks = bytearray()
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                blocks += b"x"
        except OSError:
            pass
        file.truncate(max(0, len(blocks) * 4096 - free))


def test_a_disk_that_became_read_only_ends_in_words_and_sends_nothing(bench: Bench) -> None:
    state = bench.folder / "state"
    with small_disk(state, "700k"):
        assert bench.cli("pause").code == 0
        assert bench.cli("resume").code == 0
        subprocess.run([MOUNT, "-o", "remount,ro", str(state)], check=True)
        done = bench.cli("once")
        assert done.code == 1
        assert "cannot be" in done.err
        assert "Traceback" not in done.err
        assert bench.posts() == []
        subprocess.run([MOUNT, "-o", "remount,rw", str(state)], check=True)
        assert bench.cli("once").code == 0
        assert len(bench.asked()) == 1
