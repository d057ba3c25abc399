"""Ctrl-C ends every command with 130 and a word, as the README says."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.bench import COMMAND, bench_for
from tests.processes.forked import popen

ASKING = (("plan",), ("plan", "--json"), ("openings", "--compare"), ("check",), ("doctor",), ("once",),
          ("explain", "--appointment", "12"), ("policy", "diff"))  # fmt: skip


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_ctrl_c_ends_a_command_that_waits_for_an_office(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with bench_for(tmp_path) as bench:
        bench.sandbox.faults([{"kind": "slow", "method": "GET", "path": "operatories", "seconds": 25}])
        with popen(
            [*COMMAND, *arguments, "--config", str(bench.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=bench.environment(),
        ) as process:
            until(lambda: bench.sandbox.log()["requests"].get("GET operatories"))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "Stopped.\n")


def test_ctrl_c_ends_the_demo(tmp_path: Path) -> None:
    with popen([*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("A simulated office")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("Stopped.\n")
    assert "Traceback" not in err
