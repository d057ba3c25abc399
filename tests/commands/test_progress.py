"""Whatever takes longer than a second says so on a terminal, and nowhere else."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import threading
from pathlib import Path

import pytest

from asapfill.commands.progress import progress
from asapfill.opendental.requests import watched_requests
from tests.daemon.bench import COMMAND, Bench, bench_for
from tests.processes.forked import popen


class Terminal(io.StringIO):
    """One that tells when something was written."""

    encoding = "utf-8"

    def __init__(self, *, tty: bool = True) -> None:
        super().__init__()
        self._tty = tty
        self.written = threading.Event()

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def test_the_line_tells_what_for_how_long_and_is_taken_away() -> None:
    out = Terminal()
    with progress("Planning", out, patience=0.01):
        assert out.written.wait(10)
    lines = out.getvalue().split("\r")
    assert lines[1].rstrip() == "Planning … 0 s"
    assert (lines[-1], lines[-2].strip()) == ("", "")


def test_what_is_quick_or_no_terminal_says_nothing() -> None:
    out = Terminal()
    with progress("Planning", out, patience=60):
        pass
    assert out.getvalue() == ""
    out = Terminal(tty=False)
    with progress("Planning", out, patience=0):
        assert not out.written.wait(0.1)


def test_a_sentence_takes_the_place_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = Terminal()
    with progress("One cycle", out, patience=0.01) as tell:
        assert out.written.wait(10)
        tell("A policy was just changed.")
    assert capsys.readouterr().err == "A policy was just changed.\n"
    with progress("One cycle", Terminal(tty=False)) as tell:
        tell("The same without a terminal.")
    assert capsys.readouterr().err == "The same without a terminal.\n"


def fail_slowly(out: Terminal) -> None:
    with progress("Planning", out, patience=0.01):
        assert out.written.wait(10)
        raise KeyError


def test_an_error_passes_and_the_line_is_gone() -> None:
    out = Terminal()
    with pytest.raises(KeyError):
        fail_slowly(out)
    assert out.getvalue().endswith("\r")


def test_a_terminal_that_goes_away_ends_nothing() -> None:
    out = Terminal()
    with progress("Planning", out, patience=0.01):
        out.close()


def test_requests_are_told_of_as_they_are_made(bench: Bench) -> None:
    asked: list[str] = []
    with watched_requests(asked.append):
        clinic = bench.clinic("plan")
    assert asked == ["main-street"] * clinic["requests"]
    before = len(asked)
    bench.clinic("plan")
    assert len(asked) == before, "only in the block"


def on_a_terminal(bench: Bench, *arguments: str) -> tuple[int, str, str]:
    """A command whose standard error is a terminal: its exit code, its output, and what the terminal got."""
    ours, theirs = pty.openpty()
    with popen(
        [*COMMAND, *arguments, "--config", str(bench.config)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env=bench.environment(),
        cwd=bench.folder,
    ) as process:
        os.close(theirs)
        out, _ = process.communicate(timeout=60)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:
        pass  # the other side is closed
    os.close(ours)
    return process.returncode, out, seen.decode()


@pytest.mark.parametrize("command", [("plan", "--json"), ("check",), ("explain", "--appointment", "12")], ids=" ".join)
def test_a_slow_office_is_told_on_a_terminal(tmp_path: Path, command: tuple[str, ...]) -> None:
    with bench_for(tmp_path) as bench:
        bench.sandbox.faults([{"kind": "slow", "method": "GET", "path": "operatories", "seconds": 1.6}])
        code, out, seen = on_a_terminal(bench, *command)
        assert code == 0
        assert "… 1 s, " in seen
        assert "to main-street" in seen
        assert seen.endswith("\r"), "the line is taken away"
        assert "…" not in out
        done = bench.process(*command)
        assert (done.code, "…" in done.err) == (0, False), "no terminal"
