"""``asapfill --help`` answers at once: what it would have to wait for is not imported. Times: ``bench_startup.py``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "apprise", "apscheduler", "asapfill.opendental", "asapfill.service", "asapfill.settings.settings", "asapfill.store",
    "filelock", "httpx", "jinja2", "pydantic", "ruamel", "sqlite3", "sqlite_utils", "ssl", "tenacity", "uvicorn",
}  # fmt: skip
LOOK = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from asapfill.cli import main
sys.argv = ["asapfill", *{arguments!r}]
main()
"""


def imported(*arguments: str) -> set[str]:
    """Every module that is there at the end of a command in a process of its own."""
    code = LOOK.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["status", "--help"]])
def test_help_imports_nothing_that_takes_time(arguments: list[str]) -> None:
    modules = imported(*arguments)
    assert {name for name in modules if name in HEAVY or name.split(".")[0] in HEAVY} == set()
    ours = {name for name in modules if name.startswith("asapfill.")}
    assert "asapfill.cli" in ours
    assert len(ours) <= 7
    nothing = subprocess.run(
        [sys.executable, "-c", "import sys; print(len(sys.modules))"], capture_output=True, check=True
    )
    assert len(modules) - int(nothing.stdout) < 120


def test_the_measure_sees_what_a_command_imports() -> None:
    assert "pydantic" in imported("policy", "schema")
