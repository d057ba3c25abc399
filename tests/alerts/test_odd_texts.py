"""Half an emoji, control signs, bytes that are not UTF-8, from every side: no log, notice or state breaks over them."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asapfill.core.errors import Problem
from asapfill.logs import JournalLines, JsonLines, TextLines
from asapfill.store.database import FILE_NAME
from tests.alerts.receivers import webhook
from tests.cycle.office import office_file
from tests.daemon.bench import SETTINGS, Bench, bench_for
from tests.daemon.running import fast_bench, running

HALF, ESCAPE, HIDDEN = "\ud83d", "\x1b[31m", "\u202e"
ODD = f"Ch{HALF}air {ESCAPE}1{HIDDEN}"

ODD_OFFICE = {
    "operatories": [{"OperatoryNum": 1, "OpName": ODD, "Abbrev": f"O{HALF}", "ProvDentist": 1}],
    "providers": [{"ProvNum": 1, "Abbr": f"DO{HALF}C"}],
    "definitions": [{"DefNum": 1, "Category": 25, "ItemName": ODD, "ItemValue": "NS"}],
}


def is_fit(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def texts_of(state: Path) -> list[str]:
    """Every text in a state, those inside JSON included."""
    with closing(sqlite3.connect(state / FILE_NAME)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        values = [value for table in tables for row in connection.execute(f"SELECT * FROM {table}") for value in row]  # noqa: S608  its own names
    found = []
    for value in filter(lambda value: isinstance(value, str), values):
        try:
            found.append(json.dumps(json.loads(value), ensure_ascii=False))
        except ValueError:
            found.append(value)
    return found


def test_odd_texts_of_an_office_are_fit_in_the_log_the_notices_and_the_state(tmp_path: Path) -> None:
    with webhook() as hook, fast_bench(tmp_path, office_file(**ODD_OFFICE)) as bench:
        bench.settings(SETTINGS + '\n[notify]\nurls = ["env:TELL_IT"]\n')
        with running(bench, TELL_IT=hook.url) as daemon:
            daemon.until(lambda: bench.asked() == [12, 14], "two waves")
            bench.policy(openings={"except_operatories": f'["{ODD.encode("unicode_escape").decode()}", "Ch\\ud83d"]'})
            (bench.folder / "policies" / os.fsdecode(b"b\xe9d\x07\n.yaml")).write_text("office: main-street\n")
            daemon.until(lambda: hook.got, "a notice of the mistakes")
            before = daemon.said().count("cycle.done")
            daemon.until(lambda: daemon.said().count("cycle.done") > before + 2, "cycles go on")
            assert daemon.end()[0] == 0
        said = daemon.said()
        assert "Traceback" not in said
        assert "notifier.failed" not in said
        assert is_fit(said)
        assert all(is_fit(message["message"] + message["title"]) for message in hook.got)
        assert all(map(is_fit, texts_of(bench.folder / "state")))


@pytest.mark.parametrize("command", ["check", "plan", "once", "openings", "status", "history", "doctor"])
def test_a_policy_whose_name_or_content_is_half_a_sign_is_told_and_breaks_nothing(tmp_path: Path, command: str) -> None:
    with bench_for(tmp_path) as bench:
        assert bench.cli("once").code == 0
        bench.policy(openings={"except_operatories": '["Ch\\ud83dair\\e[31m"]'})
        (bench.folder / "policies" / os.fsdecode(b"b\xe9d.yaml")).write_text("office: main-street\n")
        for options in ((), ("--json",)):
            done = bench.cli(command, *options)
            assert is_fit(done.out + done.err), done
            assert done.code in {0, 1, 78}
        if command == "check":
            assert "b\N{REPLACEMENT CHARACTER}d.yaml: The file's name has signs that are no text" in done.err


def test_a_mistake_in_a_file_is_told_in_visible_signs_with_its_mark_at_the_right_place() -> None:
    problem = Problem(Path(os.fsdecode(b"\xe9.yaml")), f"“{ODD}” is unknown.\nReally.", 3, 4, f"{HALF}!", f"a: {ODD}")
    text = str(problem)
    assert is_fit(text)
    assert text.split("\n")[1] == "Really."
    first, mark = text.split("\n")[2:4]
    assert first.index("C") == mark.index("^")


@pytest.mark.parametrize("form", [TextLines, JournalLines, JsonLines])
def test_a_line_of_the_log_is_visible_signs_with_its_traceback(form: type[logging.Formatter]) -> None:
    broken = (ValueError, ValueError(ODD), None)
    record = logging.LogRecord("asapfill.x", logging.ERROR, __file__, 1, "a.thing text=%s", (ODD,), broken)
    line = form().format(record)
    assert is_fit(line)
    line.encode()
    if form is JsonLines:
        assert is_fit(json.loads(line)["traceback"])


def test_the_bench_would_see_an_odd_sign(bench: Bench) -> None:
    """The check of the state can fail."""
    bench.cli("once")
    with closing(sqlite3.connect(bench.folder / "state" / FILE_NAME)) as connection:
        connection.execute("INSERT INTO meta VALUES ('odd', ?)", [f'["{ESCAPE}"]'])
        connection.commit()
    assert not all(map(is_fit, texts_of(bench.folder / "state")))
