"""The office that every rule of the comparison is given: a full book, and people who wait.

The book is that of the generated office of the sandbox: two dentists with two chairs each, two hygienists. Nothing in
it is free at the beginning, so that there is nothing to fill but what is cancelled or left by a mover.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from asapfill.core.office import Office
from asapfill.core.policy import OpeningsPolicy, Policy
from asapfill.core.rows import (
    ASAP,
    Appointment,
    AppointmentType,
    AptStatus,
    Definition,
    Operatory,
    Patient,
    Provider,
    Recall,
    RecallType,
    SchedType,
    Schedule,
)
from asapfill.core.schedule import is_pattern, provider_of
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office.people import stable_random

FIRST_DAY = date(2026, 4, 13)
"""A Monday; no change to or from daylight saving time is near."""
DAYS = 57
"""Of a full book: five weeks, the look-ahead of the last of them, and where movers have their visits."""
OPERATORIES = 6
UNSCHEDULED, PLANNED, RECALLS = 0.40, 0.10, 0.15
"""Shares of the ASAP list; the rest has a visit already and would rather come sooner."""
NEAR = 0.25
"""Of these, the share whose visit is less than two weeks away, as in the sandbox's generated offices."""
BLOCKOUTS = 25
"""Category of the blockout types."""
FIRST_NEW = 100_000
"""AptNum, RecallNum and PatNum of those who are not in the generated book begin here."""

TIMEZONE = ZoneInfo("America/Los_Angeles")
POLICY = Policy("compare", TIMEZONE, mode="automatic", openings=OpeningsPolicy(hygiene_chairs=False))
"""The default policy, but that recalls may go into a dentist's chair: 0.2 knew no other way."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the ASAP list: an appointment or a recall, and who it is."""

    row: Appointment | Recall
    patient: Patient


@lru_cache(maxsize=2)
def full_book(seed: int) -> Office:
    """The office at the beginning, all of its days, without an ASAP list and without hours.

    The hours are added by what becomes free: see ``free_stretch``.
    """
    file = make_office(seed, start=datetime.combine(FIRST_DAY, time(0)), operatories=OPERATORIES, days=DAYS, booked=1.0)
    last = FIRST_DAY + timedelta(days=DAYS)
    return Office(
        first=FIRST_DAY,
        last=last,
        operatories=tuple(map(Operatory.read, file["operatories"])),
        providers=tuple(map(Provider.read, file["providers"])),
        appointments=tuple(_visits(file["appointments"], last)),
        recall_types=tuple(map(RecallType.read, file["recalltypes"])),
        appointment_types=tuple(map(AppointmentType.read, file["appointmenttypes"])),
        blockout_types=tuple(Definition.read(row) for row in file["definitions"] if row["Category"] == BLOCKOUTS),
        preferences={name: str(value) for name, value in file["preferences"].items()},
        version=(25, 2, 30),
    )


def _visits(rows: list[dict[str, Any]], last: date) -> list[Appointment]:
    """What lies on the schedule and is to come; nobody of these waits yet."""
    visits = [Appointment.read({**row, "Priority": "Normal"}) for row in rows]
    return [
        row
        for row in visits
        if row.op and row.apt_status == AptStatus.SCHEDULED and not row.unreadable and is_pattern(row.pattern)
        if row.apt_date_time is not None and FIRST_DAY <= row.apt_date_time.date() <= last
    ]


def free_stretch(row: Appointment, number: int) -> Schedule:
    """The place of a visit that is gone, as hours of its provider there: all else of the day is full."""
    assert row.apt_date_time is not None
    end = row.apt_date_time + timedelta(minutes=5 * len(row.pattern))
    return Schedule(
        schedule_num=number,
        sched_date=row.apt_date_time.date(),
        start_time=row.apt_date_time.time(),
        stop_time=end.time(),
        sched_type=SchedType.PROVIDER,
        prov_num=provider_of(row),
        operatories=(row.op,),
    )


def joins(seed: int, number: int, visits: Sequence[Appointment], today: date) -> Person:
    """The ``number``-th who comes onto the ASAP list, today. ``visits``: all in the book, by AptNum.

    Lengths, kinds of visit and providers are those of the book.
    """
    draws = stable_random(seed, "joins", number)
    kind, near = draws.random(), draws.random() < NEAR
    first, last = (3, 13) if near else (14, 42)
    days = (today + timedelta(days=first), today + timedelta(days=last))
    row = draws.choice([row for row in visits if row.apt_date_time and days[0] <= row.apt_date_time.date() <= days[1]])
    if kind >= UNSCHEDULED + PLANNED + RECALLS:
        return Person(row.model_copy(update={"priority": ASAP}), _patient(row.pat_num))
    new = FIRST_NEW + number
    if kind >= UNSCHEDULED + PLANNED:
        return Person(_recall(draws, new, today), _patient(new, row))
    planned = kind >= UNSCHEDULED
    before = datetime.combine(today - timedelta(days=draws.randint(2, 90)), time(10))
    other = {
        "apt_num": new,
        "pat_num": new,
        "op": 0,
        "priority": ASAP,
        "apt_status": AptStatus.PLANNED if planned else AptStatus.UNSCHEDULED,
        "apt_date_time": None if planned else before,
    }
    return Person(row.model_copy(update=other), _patient(new))


def _recall(draws: random.Random, number: int, today: date) -> Recall:
    due = today - timedelta(days=draws.randint(10, 180))
    return Recall(recall_num=number, pat_num=number, priority=ASAP, recall_type_num=1, date_due=due)


def _patient(number: int, model: Appointment | None = None) -> Patient:
    """An adult who takes texts, with a phone of their own."""
    return Patient(
        pat_num=number,
        pat_status="Patient",
        birthdate=date(1980, 1, 1),
        wireless_phone=f"503{2_000_000 + number}",
        txt_msg_ok="Yes",
        pri_prov=model.prov_num if model is not None else 0,
    )
