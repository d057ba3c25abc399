"""Runs simulated days by the seed and reports what came of them: ``python -m tests.soak.soak --seeds 1-1000 --jobs 2``.

Ends with 0 only if there was no violation. Ctrl-C ends it early, with the account of what was run.
``--log FOLDER`` keeps each day's log; the same seed writes the same log.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import argparse
import gc
import hashlib
import logging
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from tests.soak.day import Account, Day

TELL_EVERY = 100
"""Seeds from one account of the progress to the next."""

RAM = Path("/dev/shm")  # noqa: S108  only where it is to be had, and a folder of our own in it


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for one day's state; in memory where possible, for speed."""
    folder = Path(tempfile.mkdtemp(prefix="asapfill-soak-", dir=RAM if RAM.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_seed(seed: int, logs: Path | None = None) -> Account:
    """Live through one seed's day. A crash of the simulation itself counts as a violation."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    with _scratch() as folder:
        try:
            return Day(seed, folder, None if logs is None else logs / f"{seed}.log").run()
        except Exception:  # noqa: BLE001  whatever ends a cycle that should not is what is looked for
            account = Account(seed)
            account.violations["ended by an exception"] += 1
            account.details.append(traceback.format_exc())
            return account
        finally:
            logging.disable(before)


def summary(accounts: Iterable[Account], seconds: float) -> str:
    """What it came to, for people."""
    found = list(accounts)
    faults, events, violations = Counter[str](), Counter[str](), Counter[str]()
    for account in found:
        faults += account.faults
        events += account.events
        violations += account.violations
    lines = [
        f"seeds            {len(found)}",
        f"days simulated   {sum(account.days for account in found):.1f}",
        f"cycles           {sum(account.cycles for account in found)}",
        f"offers made      {sum(account.offers for account in found)}",
        f"texts sent       {sum(account.texts for account in found)} (staff's included)",
        f"accepted         {sum(account.accepted for account in found)}",
        f"kills            {sum(account.kills for account in found)}",
        f"faults           {faults.total()}: {_counts(faults)}",
        f"events           {events.total()}: {_counts(events)}",
        f"violations       {violations.total()}{': ' + _counts(violations) if violations else ''}",
        f"digest           {_digest(found)}",
        f"seconds          {seconds:.0f}",
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="soak", description="Simulated days with everything that may go wrong.")
    parser.add_argument("--seeds", default="1-40", help="FIRST-LAST, or one seed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log", type=Path, help="a folder for the days' logs")
    given = parser.parse_args(arguments)
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if given.log is not None:
        given.log.mkdir(parents=True, exist_ok=True)
    # Also in the background, where a shell has these ignored.
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, signal.default_int_handler)
    began = time.monotonic()
    accounts: list[Account] = []
    with Pool(given.jobs, _prepare_worker) as pool, suppress(KeyboardInterrupt):
        for account in pool.imap_unordered(partial(run_seed, logs=given.log), seeds):
            accounts.append(account)
            for detail in account.details:
                print(f"seed {account.seed}: {detail}", flush=True)
            if len(accounts) % TELL_EVERY == 0:
                print(summary(accounts, time.monotonic() - began) + "\n", file=sys.stderr, flush=True)
    print(summary(accounts, time.monotonic() - began))
    return 1 if any(account.violations for account in accounts) else 0


def _prepare_worker() -> None:
    """Interrupts are the parent's; what stays for ever is not looked through for garbage again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the pool ends its workers with it


def _digest(accounts: list[Account]) -> str:
    """Of all logs, whichever day was over first: the same seeds have the same."""
    told = sorted(f"{account.seed} {account.digest}" for account in accounts)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
