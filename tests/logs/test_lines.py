"""What a log line looks like: for people, for the journal, for machines."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from asapfill.logs import JournalLines, JsonLines, TextLines, configure_logs, is_journal
from tests.daemon.bench import Bench


def record(
    message: str, *arguments: object, level: int = logging.WARNING, broken: bool = False, name: str = "asapfill.x"
) -> logging.LogRecord:
    error = ValueError("first\nsecond") if broken else None
    found = (ValueError, error, None) if error else None
    return logging.LogRecord(name, level, "x.py", 1, message, arguments, found)


def test_a_person_reads_time_level_and_event() -> None:
    line = TextLines().format(record("gate.held seconds=%.1f", 2.5))
    assert line[19:] == " warning gate.held seconds=2.5"


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)],
)
def test_the_journal_gets_syslogs_priorities(level: int, priority: int) -> None:
    assert JournalLines().format(record("daemon.stopped", level=level)) == f"<{priority}>daemon.stopped"


def test_every_line_of_a_traceback_has_its_priority_in_the_journal() -> None:
    lines = JournalLines().format(record("cycle.failed", level=logging.ERROR, broken=True)).split("\n")
    assert lines[0] == "<3>cycle.failed"
    assert len(lines) == 3
    assert all(line.startswith("<3>") for line in lines)


def test_a_machine_gets_an_object_with_values_of_their_own_kinds() -> None:
    line = JsonLines().format(
        record("cycle.done office=%s clinic=%d part=%.1f host=%s left=%s", "main-street", 3, 0.5, "10.0.0.5", None)
    )
    document = json.loads(line)
    assert (document["event"], document["level"]) == ("cycle.done", "warning")
    assert document["fields"] == {
        "office": "main-street", "clinic": 3, "part": 0.5, "host": "10.0.0.5", "left": None,
    }  # fmt: skip
    assert document["at"].endswith("+00:00")


def test_a_traceback_stays_inside_its_json_line() -> None:
    line = JsonLines().format(record("cycle.failed", broken=True))
    assert "\n" not in line
    assert "ValueError: first\nsecond" in json.loads(line)["traceback"]


@pytest.mark.parametrize("form", [TextLines(), JournalLines(), JsonLines()])
def test_what_an_office_answers_can_neither_forge_a_line_nor_steer_a_terminal(form: logging.Formatter) -> None:
    line = form.format(record("cycle.trouble %s", "no\n<2>offer.sent offer=1\r\x1b[2J\u2028end"))
    assert not {"\n", "\r", "\x1b", "\u2028"} & set(line)
    assert "cycle.trouble no | <2>offer.sent" in line


def test_what_a_library_tells_is_an_event_too() -> None:
    line = record("Error submitting %r\nfor ever", "it", name="apscheduler.scheduler", level=logging.ERROR)
    told = "library.trouble library=apscheduler.scheduler Error submitting 'it' | for ever"
    assert JournalLines().format(line) == f"<3>{told}"
    document = json.loads(JsonLines().format(line))
    assert (document["event"], document["message"]) == ("library.trouble", told)
    assert document["fields"]["library"] == "apscheduler.scheduler"


def test_only_our_own_stream_is_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as stream:
        there = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino + 1}"})
        assert not is_journal(stream, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:1"})


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """The root of all loggers without pytest's own handlers."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_program_that_embeds_asapfill_keeps_its_own_logging() -> None:
    theirs = logging.NullHandler()
    with bare_root() as root:
        root.addHandler(theirs)
        before = root.level
        configure_logs("json", verbose=False, environ={}, out=io.StringIO())
        assert (root.handlers, root.level) == ([theirs], before)


def test_quiet_tells_errors_only_and_verbose_tells_events() -> None:
    out = io.StringIO()
    with bare_root() as root:
        configure_logs("text", verbose=False, environ={}, out=out)
        logging.getLogger("asapfill.x").info("daemon.started")
        assert out.getvalue() == ""
        configure_logs("text", verbose=True, environ={}, out=out)
        logging.getLogger("asapfill.x").info("daemon.started")
        assert out.getvalue().endswith("info daemon.started\n")
        assert len(root.handlers) == 1


def test_a_cycle_logged_as_json_is_json_on_every_line(bench: Bench) -> None:
    done = bench.process("--verbose", "--log", "json", "once", "--json")
    documents = [json.loads(line) for line in done.err.splitlines()]
    (sent,) = [document["fields"] for document in documents if document["event"] == "offer.sent"]
    assert (sent["office"], sent["apt"], sent["op"], sent["start"]) == ("main-street", 12, 1, "2026-04-14T14:00")
    assert done.json["offices"][0]["offers"][0]["state"] == "sent"
