"""What asapfill asks of an office, by purpose, against the fewest requests that could bring the same.

    python -m tests.benchmarks.bench_requests

The office: 10 operatories, 14 days ahead, 1,100 appointments on these days, 120 people on the ASAP list, 3,000 recalls,
950 preferences, pages of 100 rows, a cycle every 60 seconds. All time is taken until a visit is cancelled, so that
nothing is sent before. Counts, not times: they are the same on any machine.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterable

from tests.mirror.figures import counted, first_cycle, quiet, restarted, total, until_the_first_text

DAY = 24 * 60


def main() -> None:
    """Measure, and write the tables as Markdown."""
    with counted() as (served, visit):
        cold, fewest = first_cycle(served)
        day = quiet(served, DAY)
        warm = restarted(served)
    with counted() as (served, visit):
        first_cycle(served)
        quiet(served, 3)
        asked = until_the_first_text(served, visit)
    _write("| purpose | first cycle | at least | quiet day |")
    _write("|---|--:|--:|--:|")
    together = total(day)
    for purpose in sorted({*cold, *together}, key=lambda name: -cold[name] - together[name]):
        _write(f"| {purpose} | {cold[purpose]:,} | {fewest[purpose]:,} | {together[purpose]:,} |")
    _write(f"| together | {cold.total():,} | {fewest.total():,} | {together.total():,} |\n")
    _write("| figure | limit | counted |")
    _write("|---|--:|--:|")
    ratio = cold.total() / fewest.total()
    _write(f"| first cycle of all, over the fewest possible | 1.15 | {ratio:.2f} ({_told(cold)}) |")
    _write(f"| first cycle after a restart | 10 | {warm.total()} ({_told(warm)}) |")
    most = max(cycle.total() for cycle in day)
    _write(f"| cycle in which nothing changed: most / average | 3 | {most} / {together.total() / DAY:.2f} |")
    _write(f"| from a cancellation that has settled to the first text | 5 | {len(asked)} |")
    _write(f"| quiet day, a cycle every 60 seconds | 5,000 | {together.total():,} |\n")
    _write("Before the first text:")
    for line in asked:
        _write(f"- {line.split('?')[0].replace('/api/v1', '')}")
    _write(f"\nQuiet cycles by requests: {_spread(cycle.total() for cycle in day)}")


def _told(made: Counter[str]) -> str:
    return f"{made.total():,} requests"


def _spread(totals: Iterable[int]) -> str:
    return ", ".join(f"{count} cycles of {size}" for size, count in sorted(Counter(totals).items()))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    main()
