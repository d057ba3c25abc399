"""asapfill and its brute-force twin agree on every office: what may be offered, who may be asked, and every fit.

The number of offices: environment variable TWIN_CASES, otherwise that of ``tests.depth``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from hypothesis import HealthCheck, given, seed, settings

from asapfill.core.candidates import find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.openings import Found, find_openings
from asapfill.core.units import floor_unit
from tests.core.offices import Case, cases
from tests.core.twin import FIVE, Place, Twin
from tests.depth import DEPTH

CASES = int(os.environ.get("TWIN_CASES", DEPTH.twin_cases))
BATCH = 500


def moments(start: datetime, end: datetime) -> Iterable[datetime]:
    while start < end:
        yield start
        start += FIVE


def offerable(found: Found) -> set[Place]:
    return {
        (opening.operatory, opening.provider, moment)
        for opening in found.openings
        for moment in moments(opening.start, opening.end)
    }


def compare(case: Case, tally: Counter[str]) -> None:
    office, policy = case.office, case.policy
    twin = Twin(
        office,
        policy,
        case.now,
        frozenset((row[0], row[1], moment) for row in case.settling for moment in moments(row[2], row[3])),
    )
    settling: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for operatory, provider, start, end in case.settling:
        settling.setdefault((operatory, provider), []).append((floor_unit(start), floor_unit(end)))
    found = find_openings(office, policy, case.now, settling)
    assert offerable(found) == twin.offerable()

    wall = twin.wall()
    candidates, passed = find_candidates(office, policy, wall)
    visits = twin.visits()
    assert {(candidate.kind, candidate.number) for candidate in candidates} == visits.keys()
    ground = prepare(office, policy, found)
    for candidate in candidates:
        visit = visits[candidate.kind, candidate.number]
        assert candidate.pattern == visit.pattern
        places = fits(candidate, ground)
        expected = twin.fits(visit)
        assert {(fit.opening.operatory, fit.opening.provider, fit.start) for fit in places} == expected
        assert len(places) == len(expected)
        tally["candidates that fit somewhere"] += bool(expected)
        tally["fits"] += len(expected)
    tally["offices with openings"] += bool(found.openings)
    tally["five-minute units offered"] += len(offerable(found))
    tally["candidates"] += len(candidates)
    tally["candidates passed over"] += len(passed)


def test_asapfill_and_the_twin_agree_on_every_office() -> None:
    tally: Counter[str] = Counter()
    for batch in range(-(-CASES // BATCH)):
        compare_batch(batch, min(BATCH, CASES - batch * BATCH), tally)
    print("\n".join(f"{number:>12,} {name}" for name, number in tally.items()))  # noqa: T201  the figures of a long run
    # A comparison of nothing with nothing proves nothing.
    assert tally["offices with openings"] > tally["offices"] / 5
    assert tally["candidates that fit somewhere"] > tally["offices"] / 20


def compare_batch(number: int, size: int, tally: Counter[str]) -> None:
    """Compare ``size`` offices; the same number gives the same offices. Hypothesis remembers what it tried, so a long
    run goes in batches.
    """

    @seed(number)
    @settings(max_examples=size, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases())
    def agree(case: Case) -> None:
        tally["offices"] += 1
        compare(case, tally)

    agree()
