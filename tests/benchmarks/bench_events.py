"""How long a change at the office takes to reach the plan, with events.

    python tests/benchmarks/bench_events.py [--changes 12]

The real daemon with its interval of a minute, the simulated office in a process of its own that posts events every 5
seconds, all in real time. Staff delete and cancel visits at random moments; for each is measured how long until the
delivery arrived, and from there until a cycle that began after it had made its plan. Once at the office's own address,
once as through the remote API (a second between requests, pages of 100 rows).
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import argparse
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from asapfill.sandbox.generate.generator import make_office
from tests.cycle.office import CUSTOMER, DEVELOPER
from tests.daemon.bench import Bench
from tests.daemon.running import Daemon, running
from tests.webhooks.eventful import eventful_bench

PATIENCE = 240.0
DONE = re.compile(r"cycle\.done .* requests=(\d+) .* seconds=([0-9.]+)")


@dataclass(frozen=True)
class Change:
    """One change: real seconds until it was delivered, from there to the plan, and the requests of that cycle."""

    delivered: float
    planned: float
    requests: int


def wait(true: Callable[[], object], what: str) -> None:
    """Until something has happened."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"did not happen: {what}")
        time.sleep(0.01)


def one(bench: Bench, daemon: Daemon, number: int) -> Change:
    """Have staff delete or cancel a visit, and wait for the plan."""
    taken = bench.sandbox.log()["events"].get("taken", 0)
    seen = len(DONE.findall(daemon.said()))
    began = time.monotonic()
    if number % 2:
        bench.sandbox.staff(action="delete", AptNum=number)
    else:
        bench.sandbox.staff(action="cancel", AptNum=number)
    wait(lambda: bench.sandbox.log()["events"].get("taken", 0) > taken, "a delivery")
    delivered = time.monotonic()
    while True:
        wait(lambda seen=seen: len(DONE.findall(daemon.said())) > seen, "a cycle")  # type: ignore[misc]  # a default
        now = time.monotonic()
        requests, seconds = DONE.findall(daemon.said())[seen]
        seen += 1
        # Seconds are logged with one digit.
        if now - float(seconds) >= delivered - 0.1:
            return Change(delivered - began, now - delivered, int(requests))


def measure(changes: int, **options: Any) -> list[Change]:
    """All changes at one office."""
    draws = random.Random(1)
    office = make_office(1, start=datetime(2026, 4, 14, 9, 0), operatories=10) | {"keys": [[DEVELOPER, CUSTOMER]]}
    with (
        tempfile.TemporaryDirectory() as folder,
        eventful_bench(Path(folder), office=office, speed=1.0, **options) as (bench, _),
    ):
        if options:
            settings = bench.config.read_text()
            bench.config.write_text(settings.replace("[events]", "seconds_between_requests = 1.0\n\n[events]"))
        return serve(bench, changes, draws)


def serve(bench: Bench, changes: int, draws: random.Random) -> list[Change]:
    """Run the daemon and change things."""
    with running(bench) as daemon:
        wait(lambda: daemon.said().count("events.subscribed") >= 3, "subscriptions")
        visits = [
            row["AptNum"]
            for row in bench.sandbox.office()["appointments"]
            if row["AptStatus"] == "Scheduled" and row["AptDateTime"] > "2026-04-14 12"
        ]
        found = []
        for number in draws.sample(visits, changes):
            time.sleep(draws.uniform(0, 12))
            found.append(one(bench, daemon, number))
        return found


def tell(name: str, changes: list[Change]) -> None:
    """A row of the table."""
    planned = sorted(change.planned for change in changes)
    delivered = [change.delivered for change in changes]
    requests = statistics.median(change.requests for change in changes)
    print(
        f"| {name} | {len(changes)} | {statistics.median(delivered):.1f} s | {statistics.median(planned):.1f} s "
        f"| {planned[-1]:.1f} s | {requests:g} |"
    )


def main() -> None:
    """Measure both ways and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=12)
    changes = parser.parse_args().changes
    print("| way | changes | change to delivery, median | delivery to plan, median | slowest | requests, median |")
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    tell("office's own address", measure(changes))
    tell("remote API, a request a second", measure(changes, throttle=1.0, page_cap=100))


if __name__ == "__main__":
    main()
