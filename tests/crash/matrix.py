"""The crash matrix: discovers every failpoint in a dry run, and has asapfill killed at each.

``python -m tests.crash.matrix`` kills at every occurrence and tells how many; the suite takes the first ones of each.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.crash.scenarios import MODES, Found, Spec
from tests.processes.forked import popen

ROOT = Path(__file__).parents[2]
FAULTS = ("drop_after", "504_after", "garbage_after", "truncated", "drop_before", "504_before")


def live(specs: Sequence[Spec]) -> list[Found]:
    """Live through scenarios, several at a time, in processes of their own."""
    lines = "".join(json.dumps(asdict(spec)) + "\n" for spec in specs)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASAPFILL")}
    command = [sys.executable, "-m", "tests.crash.scenarios"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with popen(command, text=True, cwd=ROOT, env=environment, **pipes) as process:
        out, _ = process.communicate(lines)
    assert process.returncode == 0
    return [Found(**json.loads(line)) for line in out.splitlines()]


def discover(modes: Iterable[str] = MODES) -> dict[str, list[Counter[str]]]:
    """Per mode, for each run of the story, how often each failpoint is reached."""
    found = live([Spec(mode=mode, discover=True) for mode in modes])
    for one in found:
        if one.wrong:
            raise AssertionError(f"without any death: {one.wrong}")
    return {one.spec["mode"]: [Counter(names) for names in one.reached] for one in found}


def deaths(
    reached: dict[str, list[Counter[str]]], most: int, *, last: bool = True, every_run: bool = True
) -> Iterator[Spec]:
    """A death at the first ``most`` occurrences of each failpoint, and at its ``last``, in each run.

    Not ``every_run``: only in the first that reaches it.
    """
    for mode, runs in reached.items():
        before: set[str] = set()
        for run, names in enumerate(runs):
            for name, count in names.items():
                if name in before:
                    continue
                for occurrence in sorted({*range(1, min(count, most) + 1), *([count] if last else [])}):
                    yield Spec(mode=mode, run=run, place=f"{name}:{occurrence}")
            if not every_run:
                before |= names.keys()


def between(*, every_run: bool = True) -> Iterator[Spec]:
    """Deaths and broken lines between the office's work and the answer, in the first two runs or only in the first."""
    for path in ("asapcomms", "commlogs"):
        yield Spec(run=0, kill_when_posted=path)
    for run in (0, 1) if every_run else (0,):
        yield from (Spec(run=run, fault=fault) for fault in FAULTS)


def main() -> int:
    """Everything, for the record."""
    began = time.monotonic()
    reached = discover()
    names = sorted({name for runs in reached.values() for run in runs for name in run})
    specs = [*deaths(reached, most=1000), *between()]
    found = live(specs)
    wrong = [one for one in found if one.wrong]
    print(f"failpoints {len(names)}: {', '.join(names)}")
    print(f"scenarios {len(found)}, of these with something wrong {len(wrong)}, {time.monotonic() - began:.0f} seconds")
    for one in wrong:
        print(one.spec, *one.wrong, sep="\n  ")
    return 1 if wrong or len(found) != len(specs) else 0


if __name__ == "__main__":
    sys.exit(main())
