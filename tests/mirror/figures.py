"""Counts what asapfill asks of the counted office: the figures that ``bench_requests`` prints and a test watches."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from asapfill.mirror.names import LISTS
from asapfill.sandbox.api import lists
from asapfill.sandbox.office import staff
from tests.mirror.in_process import Served, in_process
from tests.mirror.offices import POLICY, book_up, counted_office, horizon, visits_in, within

CAP = 100
"""Rows of a page over the remote API."""

DOCTORS_ROOMS = {1, 2, 3, 4, 5}


@contextmanager
def counted() -> Iterator[tuple[Served, int]]:
    """The counted office without any free time, not served yet, and the visit whose cancellation frees some."""
    office = counted_office()
    visit = visits_in(office, DOCTORS_ROOMS)[0]
    with (
        TemporaryDirectory(prefix="asapfill-requests-") as folder,
        in_process(Path(folder), POLICY, book_up(office, visit), page_cap=CAP) as served,
    ):
        yield served, visit["AptNum"]


def floor(served: Served, patients: int) -> Counter[str]:
    """The fewest requests that bring what a first cycle needs: rows over the page's cap, and at least one for a list.

    ``patients``: how many were read, each alone, as were their lab cases: no list tells them.
    """
    office = served.world.office
    dump = office.dump()
    sizes = {
        "names": [len(office.preferences), *[1] * (len(LISTS) - 1)],
        "appointments": [len(within(dump, "appointments", "AptDateTime"))],
        "schedules": [len(within(dump, "schedules", "SchedDate"))],
        "asap": [len(lists.asap(office, {}, None))],
        "offers": [len(office.asapcomms)],
        "recalls": [len(office.recalls)],
        "deletions": [sum(_deleted_ahead(office.histappointments.values(), horizon(dump)))],
        # What changed lately, to know since when time is free.
        "history": [1],
    }
    pages = {purpose: sum(max(1, math.ceil(size / CAP)) for size in rows) for purpose, rows in sizes.items()}
    return Counter({**pages, "patients": 2 * patients})


def _deleted_ahead(rows: Iterable[Mapping[str, Any]], days: tuple[str, str]) -> Iterator[bool]:
    return (row["HistApptAction"] == "Deleted" and days[0] <= row["AptDateTime"][:10] <= days[1] for row in rows)


def first_cycle(served: Served) -> tuple[Counter[str], Counter[str]]:
    """The first cycle of all, and its floor."""
    served.start()
    made = served.tick()
    return made, floor(served, sum("/patients/" in asked for _, asked in served.transport.asked))


def quiet(served: Served, ticks: int) -> list[Counter[str]]:
    """Cycles, one a minute, in which nothing happens at the office."""
    return [served.tick() for _ in range(ticks)]


def restarted(served: Served) -> Counter[str]:
    """The first cycle after a restart."""
    served.restart()
    return served.tick()


def until_the_first_text(served: Served, visit: int) -> list[str]:
    """What is asked from when a cancelled visit's time has settled until the first text about it, without that POST.

    Raises RuntimeError: no text went out.
    """
    staff.apply(served.world.office, {"action": "cancel", "AptNum": visit})
    for _ in range(20):
        before = len(served.transport.asked)
        made = served.tick()
        if made["send"]:
            asked = [line for _, line in served.transport.asked[before:]]
            return asked[: next(position for position, line in enumerate(asked) if line.startswith("POST"))]
    raise RuntimeError("nobody was asked about the cancelled visit's time")


def total(cycles: Iterable[Counter[str]]) -> Counter[str]:
    """All cycles together."""
    return sum(cycles, Counter())


def most_in_a_minute(served: Served) -> int:
    """The most requests that began within any 60 seconds (less a microsecond, for the arithmetic of floats)."""
    moments = [moment for moment, _ in served.transport.asked]
    return max((sum(0 <= other - moment < 60 - 1e-6 for other in moments) for moment in moments), default=0)
