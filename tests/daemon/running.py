"""``asapfill run`` as a process of its own, against a sandbox whose time runs fast."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon.bench import COMMAND, Bench, bench_for
from tests.processes.forked import popen

SPEED = 180.0
"""Simulated seconds per real one: three ticks a second."""
PATIENCE = 30.0
"""Real seconds until something that must happen counts as not happening."""


class Daemon:
    """A running ``asapfill run``; what it says goes to a file, so that its pipe never fills."""

    def __init__(self, bench: Bench, **environment: str) -> None:
        self.log = bench.folder / "run.log"
        with self.log.open("ab") as out:
            self.process = popen(
                [*COMMAND, "run", "--config", str(bench.config)],
                stdout=subprocess.PIPE,
                stderr=out,
                env=bench.environment(environment),
                cwd=bench.folder,
            )

    def said(self) -> str:
        """Everything on standard error so far, of this run and earlier ones."""
        return self.log.read_text()

    def end(self, sent: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit code, and how many real seconds the end took."""
        began = time.monotonic()
        self.process.send_signal(sent)
        code = self.process.wait(timeout=PATIENCE)
        return code, time.monotonic() - began

    def until(self, true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Wait for something that must happen soon."""
        deadline = time.monotonic() + patience
        while not true():
            assert time.monotonic() < deadline, f"did not happen: {what}. The log:\n{self.said()[-4000:]}"
            time.sleep(0.02)

    def close(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(bench: Bench, **environment: str) -> Iterator[Daemon]:
    """A daemon on the bench's office."""
    daemon = Daemon(bench, **environment)
    try:
        yield daemon
    finally:
        daemon.close()


@contextmanager
def fast_bench(folder: Path, office: dict[str, Any] | None = None, **options: Any) -> Iterator[Bench]:
    """A bench whose sandbox's time runs, and whose policy asks the next after four simulated minutes."""
    with bench_for(folder, office, **({"mode": "speed", "speed": SPEED} | options)) as bench:
        bench.policy(texts={"wave": 1, "wait": "4 minutes"}, openings={"notice": "1 hour"})
        yield bench
