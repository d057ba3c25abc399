"""What commands print reaches every terminal and every parser, and its reader may leave at any time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asapfill.commands.common import print_json, say
from tests.cycle.office import OPENING
from tests.daemon.bench import COMMAND, Bench, bench_for
from tests.processes.forked import popen

LOOKING = (
    ("plan",),
    ("plan", "--json"),
    ("openings",),
    ("explain", "--opening", OPENING),
    ("check",),
    ("check", "--offline"),
    ("doctor", "--offline"),
    ("status",),
    ("status", "--json"),
    ("history",),
    ("history", "--json"),
    ("report", "--json"),
    ("state", "verify"),
    ("policy", "diff", "--offline"),
    ("notify", "test"),
    ("approve", "77"),
    ("pause",),
    ("resume",),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An office with an offer; nothing of it is changed by looking."""
    with bench_for(tmp_path_factory.mktemp("output")) as bench:
        assert bench.cli("once").code == 0
        yield bench


def closed_pipe() -> int:
    """The writing end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def run(bench: Bench, *arguments: str, out: int, err: int, **environment: str) -> tuple[int, str]:
    """A command with these as its standard output and error: its exit code, and what went to a pipe of ours."""
    with popen(
        [*COMMAND, *arguments, "--config", str(bench.config)],
        stdout=out,
        stderr=err,
        text=True,
        env=bench.environment(environment),
        cwd=bench.folder,
    ) as process:
        _, said = process.communicate(timeout=60)
    return process.returncode, said or ""


@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
def test_a_reader_that_has_gone_ends_every_command_quietly_and_alike(served: Bench, arguments: tuple[str, ...]) -> None:
    pipe = closed_pipe()
    try:
        code, said = run(served, *arguments, out=pipe, err=subprocess.PIPE)
        # What a command tells on standard error only is not concerned.
        quiet = {("approve", "77"), ("pause",), ("resume",), ("notify", "test")}
        assert "Traceback" not in said
        assert "Exception ignored" not in said
        if arguments not in quiet:
            assert code == 1
            assert "Broken pipe" not in said
        both, _ = run(served, *arguments, out=pipe, err=pipe)
        assert both == 1
    finally:
        os.close(pipe)


@pytest.mark.parametrize("arguments", [("demo",), ("sandbox", "--port", "0"), ("--help",), ("policy", "schema")])
def test_so_it_is_with_commands_that_read_no_settings(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    pipe = closed_pipe()
    with popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, cwd=tmp_path, env=environment()) as process:
        assert process.wait(timeout=60) == 1
    os.close(pipe)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_full_disk_is_told_and_nothing_else(served: Bench) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    code, said = run(served, "history", out=full, err=subprocess.PIPE)
    os.close(full)
    assert (code, said) == (1, "There is no room for what was to be written. Make room on that disk, and try again.\n")


def test_a_terminal_of_another_encoding_gets_what_it_can_show(served: Bench) -> None:
    code, said = run(served, "status", out=subprocess.DEVNULL, err=subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (code, said) == (0, "")
    with popen(
        [*COMMAND, "plan", "--config", str(served.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=served.environment({"PYTHONIOENCODING": "ascii"}),
    ) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(b"main-street ? Tue 2026-04-14 10:00 ? mode automatic\n")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_document_can_be_read_whatever_is_in_it(encoding: str) -> None:
    program = (
        "from asapfill.commands.common import print_json\n"
        "print_json({'a': 'Zoë \\ud83d \\x1b[31m \\u202e \\x9b \\n “x” \\U0001f600', '\\udcff': 1})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env=environment() | {"PYTHONIOENCODING": encoding},
    )
    text = done.stdout.decode(encoding)
    assert json.loads(text) == {"a": "Zoë � \x1b[31m \u202e \x9b \n “x” \U0001f600", "�": 1}
    assert all(line.isprintable() for line in text.split("\n")[:-1]), "nothing that could steer a terminal"


def test_what_is_for_people_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2Jb \udcff\nc\u202ed")
    assert capsys.readouterr().out == "a [2Jb �\ncd\n"
    print_json({})
    assert capsys.readouterr().out == "{}\n"


def test_names_of_files_that_are_no_text_end_no_command_in_a_traceback(served: Bench) -> None:
    """Bytes that are no UTF-8 reach Python as halves of characters."""
    name = os.fsdecode(b"caf\xe9.db")
    for arguments in (("state", "verify", name), ("policy", "diff", name), ("status", "--office", name)):
        done = served.process(*arguments)
        assert done.code in {1, 2, 78}, done
        assert "Traceback" not in done.err, done.err
    done = served.process("state", "backup", name)
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert "caf�.db: sound" in done.out
    (served.folder / name).unlink()


def test_a_terminal_that_hung_up_leaves_no_traceback(served: Bench) -> None:
    """Standard output and error may be closed altogether."""
    line = " ".join([*map("'{}'".format, COMMAND), "history", "--config", str(served.config)])
    for ending in (">&-", ">&- 2>&-", "2>&-"):
        done = subprocess.run(  # noqa: S602  what a shell does is what is tried
            f"{line} {ending}", shell=True, capture_output=True, text=True, env=served.environment(), check=False
        )
        assert "Traceback" not in done.stderr, ending
