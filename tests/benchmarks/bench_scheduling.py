"""How long openings and fits take in a large office, and how that grows.

Run: ``python tests/benchmarks/bench_scheduling.py`` (one core, no network). Goals for ×1, an office of 50 operatories,
14 days, 6,000 appointments and 500 candidates: openings within 150 ms, all fits within 1.5 s, 200 MB at most.
"""

from __future__ import annotations

import random
import resource
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import TypeVar
from zoneinfo import ZoneInfo

from asapfill.core.candidates import find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.office import Office
from asapfill.core.openings import find_openings
from asapfill.core.policy import CandidatesPolicy, OpeningsPolicy, Policy
from asapfill.core.rows import Appointment, Definition, Operatory, Provider, Schedule

FIRST = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 13, tzinfo=UTC)
OPERATORIES, DAYS, APPOINTMENTS, CANDIDATES = 50, 14, 6000, 500
REPEATS = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Figures:
    """One row of the table; times in milliseconds."""

    openings: int
    fits: int
    find: float
    candidates: float
    fit: float


def made_up_office(operatories: int, days: int, appointments: int) -> Office:
    """An office at work: every operatory with its provider each weekday, lunch blockouts, visits side by side."""
    chance = random.Random(7)
    rows = [
        Operatory(operatory_num=n, is_hygiene=n % 2 == 0, prov_dentist=n, prov_hygienist=n)
        for n in range(1, operatories + 1)
    ]
    workdays = [FIRST + timedelta(days=n) for n in range(days) if (FIRST + timedelta(days=n)).weekday() < 5]
    schedules: list[Schedule] = []
    for day in workdays:
        for n in range(1, operatories + 1):
            common = {"sched_date": day, "operatories": (n,)}
            hours = {"start_time": time_of_day(8), "stop_time": time_of_day(17)}
            lunch = {"start_time": time_of_day(12), "stop_time": time_of_day(13)}
            number = len(schedules)
            schedules.append(
                Schedule.model_validate(
                    {"schedule_num": number, "sched_type": "Provider", "prov_num": n, **hours, **common}
                )
            )
            schedules.append(
                Schedule.model_validate(
                    {"schedule_num": number + 1, "sched_type": "Blockout", "blockout_type": 100, **lunch, **common}
                )
            )
    return Office(
        first=FIRST,
        last=FIRST + timedelta(days=days - 1),
        operatories=tuple(rows),
        providers=tuple(Provider(prov_num=n, is_secondary=n % 2 == 0) for n in range(1, operatories + 1)),
        schedules=tuple(schedules),
        appointments=tuple(visits(chance, operatories, workdays, appointments)),
        asap=tuple(asap(chance, operatories)),
        blockout_types=(Definition(def_num=100, item_name="Lunch", item_value="NS", category=25),),
    )


def visits(chance: random.Random, operatories: int, workdays: list[date], appointments: int) -> list[Appointment]:
    """Visits of 20 to 60 minutes, one after the other with a gap here and there."""
    result: list[Appointment] = []
    per_column = appointments / (operatories * len(workdays))
    for day in workdays:
        for n in range(1, operatories + 1):
            at = datetime.combine(day, time_of_day(8))
            while at.hour < 17 and len(result) < per_column * (1 + workdays.index(day) * operatories + n - 1 + 1):
                length = chance.choice([4, 4, 6, 6, 8, 12])
                number = len(result) + 1
                result.append(
                    Appointment(
                        apt_num=number,
                        pat_num=number,
                        apt_status="Scheduled",
                        pattern="/" + "X" * (length - 2) + "/",
                        op=n,
                        prov_num=n,
                        prov_hyg=n,
                        is_hygiene=n % 2 == 0,
                        apt_date_time=at,
                    )
                )
                at += timedelta(minutes=5 * length + chance.choice([0, 0, 0, 10, 30, 40]))
    return result


def asap(chance: random.Random, operatories: int) -> list[Appointment]:
    """Visits of 20 to 90 minutes that wait for a time."""
    return [
        Appointment(
            apt_num=1_000_000 + n,
            pat_num=1_000_000 + n,
            apt_status="UnschedList",
            priority="ASAP",
            pattern="/" + "X" * chance.choice([2, 4, 6, 8, 10, 16]) + "/",
            prov_num=chance.randint(1, operatories),
        )
        for n in range(CANDIDATES)
    ]


def best(work: Callable[[], T]) -> tuple[float, T]:
    """The shortest of some runs, in milliseconds of this process's own time, and the result."""
    shortest = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        shortest = min(shortest, (time.process_time() - start) * 1000)
    return shortest, result


def measure(office: Office, days: int, *, same_provider: bool) -> Figures:
    """Openings, candidates and all fits of one office."""
    policy = Policy(
        "bench",
        ZoneInfo("America/Los_Angeles"),
        openings=OpeningsPolicy(look_ahead=timedelta(days=days)),
        candidates=CandidatesPolicy(same_provider=same_provider),
    )
    wall = datetime.combine(FIRST, time_of_day(5))
    find, found = best(lambda: find_openings(office, policy, NOW, {}))
    choose, (candidates, _) = best(lambda: find_candidates(office, policy, wall))

    def all_fits() -> int:
        ground = prepare(office, policy, found)
        kept = [fits(candidate, ground) for candidate in candidates]
        return sum(len(places) for places in kept)

    fit, count = best(all_fits)
    return Figures(len(found.openings), count, find, choose, fit)


def main() -> None:
    """Print the table."""
    print(f"{'office':34}{'openings':>9}{'fits':>10}{'openings':>15}{'candidates':>15}{'all fits':>15}")  # noqa: T201
    base: dict[bool, Figures] = {}
    for days_times, operatories_times in ((1, 1), (2, 1), (4, 1), (1, 2), (1, 4)):
        days, operatories = DAYS * days_times, OPERATORIES * operatories_times
        appointments = APPOINTMENTS * days_times * operatories_times
        office = made_up_office(operatories, days, appointments)
        for same_provider in (True, False):
            figures = measure(office, days, same_provider=same_provider)
            first = base.setdefault(same_provider, figures)
            name = (
                f"{operatories} op × {days} d × {len(office.appointments)} {'same' if same_provider else 'any'} prov."
            )
            cells = "".join(
                f"{value:>8.0f} ms ×{value / start:.1f}"
                for value, start in (
                    (figures.find, first.find),
                    (figures.candidates, first.candidates),
                    (figures.fit, first.fit),
                )
            )
            print(f"{name:34}{figures.openings:>9,}{figures.fits:>10,}{cells}")  # noqa: T201
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201
    office = made_up_office(OPERATORIES, DAYS, APPOINTMENTS)
    tracemalloc.start()
    measure(office, DAYS, same_provider=False)
    print(f"peak memory of openings and fits at ×1: {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
