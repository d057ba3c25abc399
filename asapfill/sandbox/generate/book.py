"""The appointment book of a generated office: past, today and to come, with the oddities that real books have.

What stands on the ASAP list is decided in generate_asap.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from asapfill.sandbox.generate.hours import Calendar, blocks, bookable, shifts
from asapfill.sandbox.generate.patients import Rota
from asapfill.sandbox.generate.practice import CONFIRMED, NOT_CALLED, Chair, Location
from asapfill.sandbox.generate.visits import UNIT, Visit, pack_day, thin_out
from asapfill.sandbox.office.columns import NO_MOMENT, Row, moment, stamp

PAST_DAYS = 7
FAR_DAYS = 56
"""The book goes on, ever emptier, for eight weeks: long after the days that asapfill looks at."""
TODAY_BOOKED = 0.92


@dataclass
class Book:
    """An office under construction. ``start`` is the wall-clock moment at which it begins to live.

    ``booked``: how full the next ``days`` days are, 0 to 1; None: as usual.
    """

    start: datetime
    calendar: Calendar
    days: int
    booked: float | None = None
    appointments: list[Row] = field(default_factory=list)
    recalls: list[Row] = field(default_factory=list)
    labcases: list[Row] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The day on which the office begins to live."""
        return self.start.date()

    def all_days(self) -> list[date]:
        """Every day that has hours, from last week to eight weeks ahead or ``days``, whichever is later."""
        last = max(self.days, FAR_DAYS) + 1
        return [self.today + timedelta(days=offset) for offset in range(-PAST_DAYS, last)]

    def add(self, row: Row) -> Row:
        """Put an appointment into the book under the next AptNum."""
        row["AptNum"] = len(self.appointments) + 1
        self.appointments.append(row)
        return row


def fill_book(rng: random.Random, book: Book, location: Location, rota: Rota) -> None:
    """Book a location's visits on all open days.

    The first ``days`` days are 83 to 93 % booked, today quite full, later days ever less.
    """
    chairs = {chair.op: chair for chair in location.chairs}
    for day in book.all_days():
        if not book.calendar.is_open(day):
            continue
        parts = bookable(shifts(location, day), blocks(location, day))
        open_minutes = sum(part.stop - part.start for part in parts)
        packed = pack_day(rng, chairs, parts)
        for visit in thin_out(rng, packed, open_minutes, _share_booked(rng, book, day)):
            patient = rota.next(day, child=visit.kind.name.startswith("ChPro"))
            if patient is not None:
                book.add(_booked(rng, book, chairs[visit.op], patient, day, visit))


def _share_booked(rng: random.Random, book: Book, day: date) -> float:
    """How much of a day's bookable time is to be booked, 0 to 1."""
    ahead = (day - book.today).days
    if book.booked is not None and 0 <= ahead < book.days:
        return book.booked
    if ahead == 0:
        return TODAY_BOOKED
    if ahead < book.days:
        return rng.uniform(0.85, 0.92)
    return max(0.08, 0.5 - 0.008 * ahead)


def _booked(rng: random.Random, book: Book, chair: Chair, patient: Row, day: date, visit: Visit) -> Row:
    """An appointment row for a visit: Complete when it is over by the start, else Scheduled."""
    begins = datetime.combine(day, time(visit.start // 60, visit.start % 60))
    ends = begins + timedelta(minutes=visit.minutes)
    row = appointment(rng, book, patient, chair, visit.pattern)
    row |= {
        "Op": visit.op,
        "AptDateTime": stamp(begins),
        "ProcDescript": visit.kind.name,
        "AppointmentTypeNum": visit.kind.appointment_type,
    }
    row["ProvHyg" if chair.is_hygiene else "ProvNum"] = visit.provider
    if begins - book.start < timedelta(days=2):
        row["Confirmed"] = CONFIRMED
    if ends <= book.start:
        row["AptStatus"] = "Complete"
        row["DateTimeArrived"] = stamp(begins - timedelta(minutes=rng.randint(1, 15)))
        row["DateTimeSeated"] = stamp(begins)
        row["DateTimeDismissed"] = stamp(ends)
    return row


def appointment(rng: random.Random, book: Book, patient: Row, chair: Chair, pattern: str) -> Row:
    """A Scheduled row without place and time, made some days before the start by the front desk.

    A hygiene visit names the dentist who looks in as ProvNum; its X units belong to ProvHyg.
    """
    entered = book.start - timedelta(days=rng.randint(3, 180), minutes=rng.randint(0, 480))
    return {
        "PatNum": patient["PatNum"],
        "AptStatus": "Scheduled",
        "Pattern": pattern,
        "Confirmed": NOT_CALLED,
        "Op": 0,
        "ProvNum": chair.dentist,
        "ProvHyg": chair.hygienist if chair.is_hygiene else 0,
        "AptDateTime": NO_MOMENT,
        "ClinicNum": chair.clinic,
        "IsHygiene": chair.is_hygiene,
        "DateTStamp": stamp(entered + timedelta(days=rng.randint(0, 2))),
        "SecDateTEntry": stamp(entered),
        "Priority": "Normal",
    }


def ends_at(row: Row) -> datetime:
    """When an appointment's pattern is over."""
    return moment(row["AptDateTime"]) + timedelta(minutes=UNIT * len(row["Pattern"]))


def add_oddities(rng: random.Random, book: Book, location: Location, overflow: int) -> None:
    """What books carry besides visits: no-shows left standing, a note, unreadable rows, a visit past midnight.

    ``overflow``: the room without provider, where the night visit is; 0: not at this location.
    """
    mine = [row for row in book.appointments if row["ClinicNum"] == location.clinic]
    past = [row for row in mine if row["AptStatus"] == "Complete"]
    for row in rng.sample(past, min(2, len(past))):
        row["AptStatus"] = "Broken"
    ahead = [row for row in mine if _is_ordinary(row) and _within(book, row, 1, 9)]
    odd = rng.sample(ahead, min(5, len(ahead)))
    for row in odd[:1]:
        row |= {"AptStatus": "Broken", "Note": "Called off, left on the schedule"}
    for row in odd[1:2]:
        row |= {"Pattern": "", "Note": "Imported without a pattern"}
    for row in odd[2:3]:
        row["Pattern"] = row["Pattern"][:-2] + "?o"
    for row in odd[3:4]:
        row |= {"AptStatus": "PtNote", "Pattern": "//", "Note": "Pick up night guard", "AppointmentTypeNum": 0}
    for row in odd[4:5] if overflow else []:
        late = datetime.combine(moment(row["AptDateTime"]).date(), time(23, 30))
        row |= {"Op": overflow, "AptDateTime": stamp(late), "ProcDescript": "Emergency", "IsHygiene": False}


def _is_ordinary(row: Row) -> bool:
    """A scheduled visit that nothing else refers to."""
    return row["AptStatus"] == "Scheduled" and row["Priority"] == "Normal" and "NextAptNum" not in row


def _within(book: Book, row: Row, first: int, last: int) -> bool:
    """Whether a row's day is ``first`` to ``last`` days after the start."""
    return first <= (moment(row["AptDateTime"]).date() - book.today).days <= last
