"""How long ``asapfill --help`` takes to answer, beside a Python that does nothing.

Run: ``python tests/benchmarks/bench_startup.py`` (``make bench`` runs it too). Prints medians in ms, the ratio to
``python -c pass``, and how many modules each has imported.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 20
PROGRAM = "import sys; from asapfill.cli import main; sys.argv = ['asapfill', *{arguments!r}]; main()"
COUNT = "; import atexit, sys; atexit.register(lambda: print(len(sys.modules), file=sys.stderr))"
COMMANDS = {
    "python -c pass": "pass",
    "asapfill --help": PROGRAM.format(arguments=["--help"]),
    "asapfill run --help": PROGRAM.format(arguments=["run", "--help"]),
    "asapfill --version": PROGRAM.format(arguments=["--version"]),
}


def seconds(code: str) -> float:
    """One start, from outside."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def modules(code: str) -> int:
    """How many modules are there at its end."""
    counting = COUNT.removeprefix("; ") + "; " + code
    done = subprocess.run([sys.executable, "-c", counting], capture_output=True, text=True, check=True)
    return int(done.stderr)


def main() -> None:
    """Measure in turns, so that a busy moment of the machine meets every command."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, code in COMMANDS.items():
            taken[name].append(seconds(code))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    nothing = medians["python -c pass"]
    print(f"{'':22} {'ms':>6} {'ratio':>6} {'modules':>8}")
    for name, median in medians.items():
        print(f"{name:22} {median * 1000:6.0f} {median / nothing:6.1f} {modules(COMMANDS[name]):8}")


if __name__ == "__main__":
    main()
