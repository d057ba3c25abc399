"""How long a whole plan takes, and how near it comes to what no plan can exceed.

Run: ``python -m tests.benchmarks.bench_planning`` (one core, no network). Goals: 50 operatories, 14 days, 300 openings
and 800 candidates within 2 s of one core and 1 % of the bound; a typical office (6 operatories, 60 candidates) within
50 ms; 300 MB. Each line is a fresh plan: what was solved before is forgotten.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

from asapfill.core.candidates import find_candidates
from asapfill.core.draft import Situation
from asapfill.core.fits import prepare
from asapfill.core.limits import verdict
from asapfill.core.offer import Contact, NewOffer
from asapfill.core.office import Office
from asapfill.core.openings import find_openings
from asapfill.core.packing import Packing, pack
from asapfill.core.packing_greedy import pack_greedily
from asapfill.core.packing_solver import forget
from asapfill.core.packing_task import Task, value
from asapfill.core.plan import make_plan
from asapfill.core.policy import CandidatesPolicy, OpeningsPolicy, Policy, TextsPolicy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Appointment, Operatory, Patient, Provider, Schedule

FIRST: Final = date(2026, 11, 23)
NOW: Final = datetime(2026, 11, 23, 13, tzinfo=UTC)
DAYS: Final = 14
OPENS, CLOSES = time_of_day(8), time_of_day(17)
TOLD: Final = "{:44}{:>9}{:>11}{:>8.0f} ms{:>9.0f} ms{:>9.2f} %{:>8.2f}"


def made_up_office(operatories: int, openings: int, candidates: int, rooms: int) -> Office:
    """An office that is booked but for so many gaps of 30 to 120 minutes. ``rooms``: operatories of each provider."""
    chance = random.Random(7)
    days = [FIRST + timedelta(days=n) for n in range(DAYS) if (FIRST + timedelta(days=n)).weekday() < 5]
    columns = [(day, operatory) for day in days for operatory in range(1, operatories + 1)]
    gaps = set(chance.sample(columns, min(openings, len(columns))))
    providers = range(1, 1 + -(-operatories // rooms))
    visits: list[Appointment] = []
    for day, operatory in columns:
        opens, closes = datetime.combine(day, OPENS), datetime.combine(day, CLOSES)
        length = timedelta(minutes=10 * chance.choice([3, 4, 5, 6, 6, 8, 9, 12])) if (day, operatory) in gaps else None
        begins = opens + timedelta(minutes=10 * chance.randint(0, 40)) if length else closes
        for start, end in ((opens, begins), (begins + (length or timedelta(0)), closes)):
            if start < end:
                visits.append(
                    Appointment(
                        apt_num=len(visits) + 1,
                        pat_num=len(visits) + 1,
                        apt_status="Scheduled",
                        # Assistant's time, so that who works in two rooms is free for the gap in the other.
                        pattern="/" * ((end - start) // timedelta(minutes=5)),
                        op=operatory,
                        prov_num=1 + (operatory - 1) // rooms,
                        apt_date_time=start,
                    )
                )
    asap = [
        Appointment(
            apt_num=1_000_000 + n,
            pat_num=1_000_000 + n,
            apt_status="UnschedList",
            priority="ASAP",
            pattern="/" + "X" * chance.choice([2, 4, 6, 8, 10, 16]) + "/",
            prov_num=chance.choice(providers),
        )
        for n in range(candidates)
    ]
    return Office(
        first=FIRST,
        last=FIRST + timedelta(days=DAYS - 1),
        operatories=tuple(
            Operatory(operatory_num=n, prov_dentist=1 + (n - 1) // rooms) for n in range(1, operatories + 1)
        ),
        providers=tuple(Provider(prov_num=n) for n in providers),
        schedules=tuple(
            Schedule.model_validate(
                {
                    "schedule_num": place,
                    "sched_date": day,
                    "sched_type": "Provider",
                    "prov_num": 1 + (operatory - 1) // rooms,
                    "start_time": OPENS,
                    "stop_time": CLOSES,
                    "operatories": (operatory,),
                }
            )
            for place, (day, operatory) in enumerate(columns)
        ),
        appointments=tuple(visits),
        asap=tuple(asap),
        patients={
            row.pat_num: Patient(
                pat_num=row.pat_num,
                pat_status="Patient",
                birthdate=date(1980, 1, 1),
                wireless_phone=f"503-{chance.randint(200, 999)}-{row.pat_num % 10_000:04}",
                txt_msg_ok="Yes",
            )
            for row in asap
        },
        version=(25, 3, 1),
    )


def situation(office: Office, *, same_provider: bool) -> Situation:
    """What is planned with. One in ten shares a phone with another."""
    policy = Policy(
        "bench",
        ZoneInfo("America/Los_Angeles"),
        openings=OpeningsPolicy(look_ahead=timedelta(days=DAYS), notice=timedelta(0)),
        candidates=CandidatesPolicy(same_provider=same_provider),
        texts=TextsPolicy(wave=1),
    )
    wall = datetime.combine(FIRST, time_of_day(5))
    found = find_openings(office, policy, NOW, {})
    candidates, passed = find_candidates(office, policy, wall)

    def limits(new: NewOffer, texted: Sequence[Contact]) -> Reason | None:
        return verdict(new, texted, policy.texts, wall)

    return Situation(
        policy=policy,
        office_now=wall,
        found=found,
        ground=prepare(office, policy, found),
        candidates=tuple(candidates),
        passed=tuple(passed),
        contacts=(),
        phones={row.pat_num: f"phone {row.pat_num - row.pat_num % 10 // 9}" for row in office.asap},
        judge=limits,
    )


def measured(given: Situation, packer: Callable[[Task], Packing]) -> tuple[float, float, Task, Packing]:
    """Milliseconds of one plan, those that packing took, and the first packing."""
    spent, packed = [0.0], list[tuple[Task, Packing]]()

    def timed(task: Task) -> Packing:
        start = time.process_time()
        packing = packer(task)
        spent[0] += time.process_time() - start
        packed.append((task, packing))
        return packing

    forget()
    given = replace(given, ground=replace(given.ground, masks={}, clashes={}, places={}))
    with patch("asapfill.core.placing.pack", timed):
        start = time.process_time()
        make_plan(given)
        taken = time.process_time() - start
    return taken * 1000, spent[0] * 1000, *packed[0]


def main() -> None:
    """Print the table."""
    print(f"{'office':44}{'openings':>9}{'candidates':>11}{'plan':>11}{'packing':>12}{'gap':>11}{'greedy':>8}")  # noqa: T201
    measured(situation(made_up_office(2, 6, 10, 1), same_provider=True), pack)  # imports
    for operatories, openings, candidates in ((6, 12, 60), (50, 300, 800), (100, 600, 1600), (200, 1200, 3200)):
        for rooms in (1, 2):
            for same in (True, False):
                given = situation(made_up_office(operatories, openings, candidates, rooms), same_provider=same)
                plan, packing, task, packed = measured(given, pack)
                name = f"{operatories} op, {rooms} a provider, {'same' if same else 'any'} provider"
                gap = 100 * (packed.bound - packed.value) / packed.bound
                greedy = value(task, pack_greedily(task)) / packed.value
                numbers = len(given.found.openings), len(given.candidates)
                print(TOLD.format(name, *numbers, plan, packing, gap, greedy), flush=True)  # noqa: T201
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
