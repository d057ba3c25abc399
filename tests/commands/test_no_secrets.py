"""Keys and people: in no output, no log and no file, whatever happens; the office file is full of marked ones."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cycle.office import CUSTOMER, DEVELOPER, FIRST_NAME, LAST_NAME, OPENING, PHONES, office_file, patient
from tests.daemon.bench import Bench, bench_for

COMMANDS = (
    ("plan",),
    ("plan", "--json"),
    ("openings",),
    ("explain", "--appointment", "12"),
    ("explain", "--recall", "21", "--json"),
    ("explain", "--opening", OPENING),
    ("check",),
    ("status",),
    ("status", "--json"),
    ("history",),
    ("history", "--json"),
    ("history", "--patient", "3"),
)
FORBIDDEN = (DEVELOPER, CUSTOMER, LAST_NAME, FIRST_NAME, "reserve it")
"""Keys, names, and words of the text that patients get."""


def told(text: str) -> list[str]:
    """What is forbidden and stands in a text all the same. Phones are looked for without their punctuation."""
    found = [mark for mark in FORBIDDEN if mark.lower() in text.lower()]
    return found + re.findall(rf"503{PHONES}\d", re.sub(r"[()\s.+-]", "", text))


def nothing_is_told(bench: Bench, outputs: list[str]) -> None:
    """Neither in what was printed, nor in any file of the state."""
    for text in outputs:
        assert told(text) == []
    files = [path for path in (bench.folder / "state").rglob("*") if path.is_file()]
    assert any(path.name == "asapfill.db" for path in files)
    for path in files:
        assert told(path.read_bytes().decode("latin-1")) == [], path.name


def printed(bench: Bench, *arguments: str) -> str:
    """Everything that a command of its own process prints, as talkative as it gets."""
    done = bench.process("--verbose", *arguments)
    return done.out + done.err


def test_the_marks_can_be_found() -> None:
    assert told(f"{LAST_NAME}3 has (503) 555-0103, key {CUSTOMER}") == [CUSTOMER, LAST_NAME, "5035550103"]


def test_no_output_and_no_file_of_a_good_day_tells_keys_or_people(bench: Bench) -> None:
    outputs = [printed(bench, "once")]
    bench.pass_time(2)
    bench.sandbox.respond(1, "accept")
    outputs.append(printed(bench, "once"))
    for command in COMMANDS:
        done = bench.cli(*command)
        outputs.append(done.out + done.err)
    assert "offer.sent" in outputs[0]
    nothing_is_told(bench, outputs)


def test_no_error_tells_them_either(bench: Bench) -> None:
    outputs = []
    for kind in ("401", "500", "garbage", "429", "truncated", "504_after"):
        bench.sandbox.faults([{"kind": kind, "count": 1}])
        done = bench.cli("once")
        outputs.append(done.out + done.err)
    bench.sandbox.faults([{"kind": "401"}])
    outputs.append(printed(bench, "check"))
    assert "does not accept the keys" in "".join(outputs)
    nothing_is_told(bench, outputs)


def test_odd_rows_are_told_by_their_numbers(tmp_path: Path) -> None:
    rows = office_file()
    odd = [row | {"Pattern": "X?X" if row["AptNum"] == 10 else row["Pattern"]} for row in rows["appointments"]]
    people = [patient(number, PatStatus="Somewhere") for number in range(1, 10)]
    with bench_for(tmp_path, rows | {"appointments": odd, "patients": people}) as bench:
        outputs = [printed(bench, "once", "--json"), bench.cli("plan").out, bench.cli("openings").out]
        assert "appointment 10: Pattern" in outputs[0]
        nothing_is_told(bench, outputs)
