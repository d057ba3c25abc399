"""Counts what asapfill asks of a simulated office in a working day: the table of requests in docs/measurements.md.

    python tests/docs/measure_requests.py

Not a test: it is run by hand when what a cycle reads has changed. A day of the demo's office is served once a minute,
as `asapfill run` does, first as from a server in the office, then as through the remote API (pages of 100 rows and a
second between requests, in simulated time).
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from asapfill.clock import instant
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.session import OfficeSession, sessions_to_send
from asapfill.demo.demo import DAY, OPENS, OPERATORIES, LinkedClock, sample_policy, write_settings
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import read_policy
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.wire.process import start
from asapfill.settings.settings import load_settings

SEED = 1
TICKS = 60 * 10
TICK = timedelta(minutes=1)


def main() -> None:
    """Measure both ways of reaching an office and write the table as Markdown."""
    near, near_texts = measure(page_cap=1000, throttle=0.0)
    remote, remote_texts = measure(page_cap=100, throttle=1.0)
    columns = [*near, *remote]
    day = near[-1] + remote[-1]
    heading = "| {} | {}: first cycle | quiet cycle | the day | {}: first cycle | quiet cycle | the day |"
    lines = [
        heading.format("purpose", "office's own address", "remote API"),
        "|---|--:|--:|--:|--:|--:|--:|",
        *(
            _line(purpose, [column[purpose] for column in columns])
            for purpose in sorted(day, key=lambda key: -day[key])
        ),
        _line("together", [column.total() for column in columns]),
        f"\n{TICKS} cycles from {OPENS:%H:%M}; {near_texts} and {remote_texts} texts.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _line(purpose: str, counts: Iterable[int]) -> str:
    return f"| {purpose} | {' | '.join(f'{count:,}' for count in counts)} |"


def measure(*, page_cap: int, throttle: float) -> tuple[tuple[Counter[str], ...], int]:
    """Requests by purpose of the first cycle, of the median cycle and of the whole day; and the day's texts."""
    opens = DAY.replace(hour=OPENS.hour, minute=OPENS.minute)
    office = make_office(SEED, start=opens, operatories=OPERATORIES, days=20)
    with (
        tempfile.TemporaryDirectory(prefix="asapfill-measure-") as folder,
        start(office, seed=SEED, page_cap=page_cap, throttle=throttle) as sandbox,
    ):
        path = write_settings(Path(folder), sandbox.port)
        path.write_text(path.read_text() + f"seconds_between_requests = {throttle}\n")
        settings = load_settings(path, {})
        policy = read_policy(sample_policy())
        clock = LinkedClock(instant(opens, policy.timezone), sandbox)
        with sessions_to_send(settings, (policy.office,), clock) as sessions:
            cycles = []
            for number in range(TICKS):
                clock.set(max(clock.now(), instant(opens, policy.timezone) + number * TICK))
                cycles.append(_one_cycle(sessions[0], policy))
        return (cycles[0], _median(cycles), sum(cycles, Counter())), int(sandbox.log()["texts"])


def _one_cycle(session: OfficeSession, policy: PolicyFile) -> Counter[str]:
    before = session.client.requests.copy()
    for result in run_cycle(session, [policy]):
        if result.errors:
            raise RuntimeError(f"a cycle had trouble: {result.errors[0].message}")
    return session.client.requests - before


def _median(cycles: list[Counter[str]]) -> Counter[str]:
    """The cycle in the middle when they are sorted by how much they asked."""
    return sorted(cycles, key=Counter.total)[len(cycles) // 2]


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    main()
