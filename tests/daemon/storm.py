"""Signals at random: ``python -m tests.daemon.storm --minutes 60``.

The real daemon, one process after another on the same state, serves an office in a process of its own whose time runs
fast and where staff work and patients answer. Each life gets SIGHUP now and then (with settings that are right or
wrong) and ends by SIGTERM or SIGKILL at a random moment, some before it is ready. The office's answers to POSTs come a
little late, so that many of them are under way then; a few are lost. A stand-in for systemd keeps what each life tells.

In the end there is a calm while, and then it counts (see ``counting``). Ends with 0 only if there was no violation.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from asapfill.sandbox.generate.asap import Wishes
from asapfill.sandbox.generate.generator import make_office
from tests.cycle.office import CUSTOMER, DEVELOPER
from tests.daemon import counting
from tests.daemon.bench import SETTINGS, Bench
from tests.daemon.notified import READY, WATCHDOG, misplaced
from tests.daemon.running import Daemon
from tests.daemon.systemd import Listener, listening
from tests.processes.forked import start_sandbox

SPEED = 240.0
"""Simulated seconds per real second: an hour of storm is ten days."""
START = datetime(2026, 4, 14, 10, 0)
"""A Tuesday; texts may go out."""
WITHIN = 5.0
"""Real seconds in which a stopped daemon has ended."""
PATIENCE = 60.0
"""Real seconds until something that must happen counts as a violation; the machine may be busy."""
LIFE = 4.0
"""Real seconds that a life lasts on the average."""
WAVE = 3

FAULTS = (
    {"kind": "504_after", "method": "POST", "path": "asapcomms", "probability": 0.04},
    {"kind": "drop_after", "method": "POST", "path": "asapcomms", "probability": 0.04},
    {"kind": "drop_before", "method": "POST", "path": "asapcomms", "probability": 0.04},
    {"kind": "drop_after", "method": "POST", "path": "commlogs", "probability": 0.04},
    {"kind": "slow", "method": "POST", "probability": 0.7, "seconds": 0.25},
    {"kind": "500", "probability": 0.003},
)
WRONG = SETTINGS + "colour = 1\n"


@dataclass(slots=True)
class Account:
    """What a storm came to."""

    seconds: float = 0.0
    days: float = 0.0
    lives: int = 0
    signals: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    offers: int = 0
    texts: int = 0
    accepted: int = 0
    unknown: int = 0
    longest_end: float = 0.0
    violations: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        """For people."""
        return "\n".join(
            [
                f"seconds            {self.seconds:.0f}",
                f"days simulated     {self.days:.1f}",
                f"lives              {self.lives}",
                f"signals            {self.signals.total()}: {_counts(self.signals)}",
                f"told to systemd    {self.told.total()}: {_counts(self.told)}",
                f"offers made        {self.offers}",
                f"texts sent         {self.texts}",
                f"accepted           {self.accepted}",
                f"without an answer  {self.unknown}: asapfill died or the line broke while they were sent",
                f"longest end        {self.longest_end:.1f} s after SIGTERM, once ready",
                f"violations         {self.violations.total()}: {_counts(self.violations) or 'none'}",
            ]
        )


class Storm:
    """One office, one state, many lives. ``seconds``: real ones until the calm."""

    def __init__(self, bench: Bench, seed: int, seconds: float) -> None:
        self.bench = bench
        self.draws = random.Random(f"storm {seed}")
        self.ends = time.monotonic() + seconds
        self.account = Account()

    def rage(self) -> None:
        """Life after life until the time is over."""
        self.bench.sandbox.faults(list(FAULTS))
        while time.monotonic() < self.ends:
            self.bench.settings()
            self.bench.policy(**policy(wait=self.draws.choice([5, 10, 20])))
            with self._born() as (daemon, systemd):
                self._live(daemon, systemd)
                self._die(daemon, systemd)
            time.sleep(self.draws.choice([0, 0, 0.1, 0.5, 1]))

    def calm_down(self) -> None:
        """No faults and no signals: what is unclear becomes clear; then the count."""
        bench, account = self.bench, self.account
        bench.sandbox.faults([])
        bench.settings()
        with self._born() as (daemon, systemd):
            self._cycles(daemon, 2)
            self._until(lambda: counting.unclear(bench) == 0, "everything found out", daemon)
            office, log = bench.sandbox.office(), bench.sandbox.log()
            self._cycles(daemon, 2)
            self._until(lambda: WATCHDOG in systemd.words(), "a finished round", daemon)
            self._end(daemon, systemd, signal.SIGTERM)
        account.violations += counting.violations(bench.sandbox.office(), bench.sandbox.log())
        account.violations += counting.state_violations(bench, office, log)
        account.offers, account.texts = len(counting.made_offers(log)), log["texts"]
        account.accepted = sum(row["ResponseStatus"] == "AcceptedAndMoved" for row in office["asapcomms"])
        account.days = counting.office_days(bench.sandbox, START)
        said = (bench.folder / "run.log").read_text()
        account.unknown = said.count(" offer.unknown ")
        account.violations["traceback"] = said.count("Traceback")
        account.violations["cycle ended by an exception"] = said.count("cycle.failed")
        account.violations = +account.violations

    @contextmanager
    def _born(self) -> Iterator[tuple[Daemon, Listener]]:
        self.account.lives += 1
        with listening(f"@asapfill-storm-{os.getpid()}-{self.account.lives}") as systemd:
            daemon = Daemon(self.bench, NOTIFY_SOCKET=systemd.address)
            try:
                yield daemon, systemd
            finally:
                daemon.close()

    def _live(self, daemon: Daemon, systemd: Listener) -> None:
        """Until a random moment, with a reload now and then."""
        if self.draws.random() < 0.1:
            time.sleep(self.draws.uniform(0, 1.5))  # death may come before it is ready
            return
        if not self._until(lambda: READY in systemd.words(), "ready", daemon):
            if not self.account.told[READY]:
                # None ever was: there is nothing to be learned from an hour of this.
                raise RuntimeError(f"asapfill does not start here:\n{daemon.said()}")
            return
        ends = time.monotonic() + min(5 * LIFE, self.draws.expovariate(1 / LIFE))
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, self.draws.expovariate(1 / 2)))
            if daemon.process.poll() is None and self.draws.random() < 0.5:
                self.bench.settings(self.draws.choice([SETTINGS, SETTINGS, WRONG]))
                self._send(daemon, signal.SIGHUP)

    def _die(self, daemon: Daemon, systemd: Listener) -> None:
        code = daemon.process.poll()
        if code is not None:
            self.account.violations[f"ended by itself with {code}"] += 1
            return
        if self.draws.random() < 0.6:
            self._until_a_post(daemon)
        self._end(daemon, systemd, self.draws.choice([signal.SIGTERM, signal.SIGKILL, signal.SIGKILL]))

    def _until_a_post(self, daemon: Daemon) -> None:
        """Until an offer is on its way, if there is one soon."""
        said = daemon.log.stat().st_size
        for _ in range(100):
            with daemon.log.open("rb") as log:
                log.seek(said)
                if b"offer.intent" in log.read():
                    time.sleep(self.draws.uniform(0, 0.3))
                    return
            time.sleep(0.02)

    def _end(self, daemon: Daemon, systemd: Listener, sent: signal.Signals) -> None:
        """End a life and judge it."""
        was_ready = READY in systemd.words()
        began = time.monotonic()
        self._send(daemon, sent)
        if sent is signal.SIGTERM and self.draws.random() < 0.1:
            time.sleep(self.draws.uniform(0, 0.5))
            self._send(daemon, signal.SIGKILL)
        code = daemon.process.wait(timeout=PATIENCE)
        seconds = time.monotonic() - began
        if code not in {0, -signal.SIGKILL} and (was_ready or code != -signal.SIGTERM):
            self.account.violations[f"ended with {code} after {sent.name}"] += 1
        if code == 0 and was_ready:
            self.account.longest_end = max(self.account.longest_end, seconds)
            self.account.violations["took too long to end"] += seconds > WITHIN
        words = systemd.words()
        self.account.told.update(words)
        for sentence in misplaced(words, stopped=code == 0):
            self.account.violations[f"told systemd {sentence}"] += 1

    def _send(self, daemon: Daemon, sent: signal.Signals) -> None:
        if daemon.process.poll() is None:
            daemon.process.send_signal(sent)
            self.account.signals[sent.name] += 1

    def _cycles(self, daemon: Daemon, count: int) -> None:
        """Wait for so many whole cycles from now on; the first to end may have begun before."""
        before = daemon.said().count("cycle.done")
        self._until(lambda: daemon.said().count("cycle.done") > before + count, "cycles", daemon)

    def _until(self, true: Callable[[], object], what: str, daemon: Daemon) -> bool:
        """Wait for what must happen; count it when it does not."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > deadline or daemon.process.poll() is not None:
                self.account.violations[f"did not happen: {what}"] += 1
                return False
            time.sleep(0.05)
        return True


def policy(wait: int) -> dict[str, object]:
    """A policy that texts a good deal, with the caps that ``counting`` knows."""
    texts = {
        "between": '"{:%H:%M}-{:%H:%M}"'.format(*counting.BETWEEN),
        "days": "[Mon, Tue, Wed, Thu, Fri, Sat, Sun]",
        "per_patient_per_day": counting.PER_DAY,
        "per_patient_per_week": counting.PER_WEEK,
        "wave": WAVE,
        "wait": f"{wait} minutes",
    }
    return {"texts": texts, "openings": {"settle": "0 minutes", "notice": "1 hour"}}


def run(folder: Path, seed: int, seconds: float, *, speed: float = SPEED, operatories: int = 6) -> Account:
    """A storm of so many real seconds, and the calm after it."""
    began = time.monotonic()
    days = int(seconds * speed / 86_400) + 15
    office = make_office(
        seed, start=START, operatories=operatories, days=days, wishes=Wishes(per_chair=30, near=0.6), booked=0.93
    )
    office |= {"keys": [[DEVELOPER, CUSTOMER]]}
    sandbox = start_sandbox(office, seed=seed, mode="speed", speed=speed, page_cap=1000, eagerness=0.3, called_off=4)
    try:
        storm = Storm(Bench(sandbox, folder / "bench"), seed, seconds)
        storm.rage()
        storm.calm_down()
    finally:
        sandbox.stop()
    storm.account.seconds = time.monotonic() - began
    return storm.account


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="storm", description="The daemon under signals at random.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=SPEED, help="simulated seconds per real second")
    parser.add_argument("--keep", type=Path, help="a new folder in which state and log are kept")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="asapfill-storm-") as name:
        account = run(given.keep or Path(name), given.seed, given.minutes * 60, speed=given.speed)
    print(account.text())
    return 1 if account.violations else 0


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
