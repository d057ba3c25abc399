"""How much asapfill asks of an office: counts that must not grow unnoticed (see ``benchmarks/bench_requests``)."""

from __future__ import annotations

from tests.mirror.figures import counted, first_cycle, quiet, restarted, until_the_first_text


def test_the_first_cycle_a_quiet_hour_and_a_restart() -> None:
    with counted() as (served, _):
        made, fewest = first_cycle(served)
        assert made.total() <= 1.15 * fewest.total(), (made, fewest)
        cycles = quiet(served, 45)
        # With a cycle each minute a day costs at most 3 × 1,440 = 4,320; the benchmark counts one.
        assert max(cycle.total() for cycle in cycles) <= 3
        assert restarted(served).total() <= 10


def test_from_a_cancellation_to_the_first_text() -> None:
    with counted() as (served, visit):
        first_cycle(served)
        asked = until_the_first_text(served, visit)
        assert len(asked) <= 5, asked
