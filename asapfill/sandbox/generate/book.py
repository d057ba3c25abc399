"""The patients of a generated office, and its appointment book: past, today and to come, with oddities of real books.

Names come from syllables, phones are 555-01xx (never assigned), social security numbers begin with 000 (never issued).
They are filled in so that tests can search logs and state for them. The ASAP list is in asap.py.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from asapfill.sandbox.generate.days import Calendar, Visit, blocks, bookable, pack_day, shifts, thin_out
from asapfill.sandbox.generate.practice import CONFIRMED, NOT_CALLED, Chair, Site
from asapfill.sandbox.office.columns import NO_MOMENT, Row, moment, stamp

_FIRST = ("Abu", "Bel", "Cori", "Dan", "Elo", "Fer", "Gila", "Hano", "Ira", "Jori", "Kel", "Lumi", "Mero", "Nila")
_FIRST_END = ("bert", "dina", "fina", "lou", "mar", "na", "ric", "ton", "vita", "wyn")
_LAST = ("Demo", "Example", "Fable", "Invented", "Mockup", "Pretend", "Sample", "Sandbox", "Specimen", "Test")
_LAST_END = ("by", "dale", "ford", "ham", "mere", "son", "stone", "well", "wick", "worth")
_HOUSEHOLD_SIZES = (1, 2, 3, 4, 5)
_HOUSEHOLD_WEIGHTS = (40, 25, 12, 15, 8)
_LINES_PER_AREA = 100  # 555-0100 to 555-0199
# North American numbering plan: no N11, no 9 in the middle, neither 37x nor 96x, and 555 is nobody's.
_AREAS = [
    area
    for area in range(201, 990)
    if area % 100 != 11 and area // 10 % 10 != 9 and area // 10 not in {37, 96} and area != 555  # noqa: PLR2004
]
ADULT_AGE = 18
CHILD_PROPHY_AGE = 12
_DAYS_PER_YEAR = 365.25


def make_patients(rng: random.Random, location: Site, first: int, count: int, today: date) -> list[list[Row]]:
    """Households of together ``count`` patients, numbered from ``first``; the first member is the guarantor."""
    households: list[list[Row]] = []
    number, last = first, first + count - 1
    while number <= last:
        size = min(rng.choices(_HOUSEHOLD_SIZES, _HOUSEHOLD_WEIGHTS)[0], last - number + 1)
        households.append(_household(rng, location, number, size, today))
        number += size
    return households


def _household(rng: random.Random, location: Site, number: int, size: int, today: date) -> list[Row]:
    """One or two adults, then children, at one address; some couples share a phone, many children have a parent's."""
    surname = rng.choice(_LAST) + rng.choice(_LAST_END)
    adults = 1 if size == 1 or rng.random() < 0.2 else 2  # noqa: PLR2004  one household in five has one parent
    oldest = rng.randint(25, 50 if size > adults else 85)
    shared = rng.random() < 0.25  # noqa: PLR2004  a quarter of couples
    street = f"{rng.randint(1, 999)} Fictional {rng.choice(('Ave', 'St', 'Ln', 'Blvd'))}"
    dentist = rng.choice(location.dentists)
    hygienist = rng.choice(location.hygienists) if location.hygienists else 0
    rows = []
    for member in range(size):
        is_adult = member < adults
        age = oldest - 3 * member if is_adult else rng.randint(2, min(17, oldest - 20) if oldest > 22 else 2)  # noqa: PLR2004
        phone = fictional_phone(number if shared or not is_adult else number + member)
        rows.append(
            {
                "PatNum": number + member,
                "LName": surname,
                "FName": rng.choice(_FIRST) + rng.choice(_FIRST_END),
                "PatStatus": _draw_status(rng, is_adult=is_adult),
                "Birthdate": _birthday(rng, today, age).isoformat(),
                "SSN": f"000{number + member:06d}",
                "Address": street,
                "City": "Nowhere",
                "State": "OR",
                "Zip": "00000",
                "WirelessPhone": "" if rng.random() < (0.04 if is_adult else 0.4) else phone,
                "TxtMsgOk": rng.choices(("Unknown", "Yes", "No"), (55, 38, 7))[0],
                "Guarantor": number,
                "Email": f"patient{number + member}@example.invalid",
                "PriProv": dentist,
                "SecProv": hygienist,
                "ClinicNum": location.clinic,
                "PreferContactMethod": "WirelessPh",
                "PreferRecallMethod": "TextMessage",
                "OptedOut": rng.random() < 0.01,  # noqa: PLR2004  one in a hundred, known to the server only
            }
        )
    return rows


def _draw_status(rng: random.Random, *, is_adult: bool) -> str:
    if not is_adult:
        return "Patient"
    return rng.choices(("Patient", "Inactive", "Archived", "NonPatient", "Deceased"), (945, 30, 12, 8, 5))[0]


def _birthday(rng: random.Random, today: date, age: int) -> date:
    """A day that makes somebody ``age`` years old today, whatever the leap years do."""
    return today - timedelta(days=int(age * _DAYS_PER_YEAR) + rng.randint(2, 360))


def fictional_phone(line: int) -> str:
    """The ``line``-th number: 100 fictional ones (555-0100 to 555-0199) in each area code that may be given out."""
    area, last = divmod(line, _LINES_PER_AREA)
    return f"({_AREAS[area % len(_AREAS)]})555-01{last:02d}"


def age_on(patient: Row, today: date) -> int:
    """Whole years, near enough for choosing a kind of visit."""
    return int((today - date.fromisoformat(patient["Birthdate"])).days / _DAYS_PER_YEAR)


class PatientQueue:
    """Gives out patients for visits: everybody in turn, nobody twice on one day, children for children's visits."""

    def __init__(self, patients: Iterable[Row], today: date) -> None:
        active = [patient for patient in patients if patient["PatStatus"] == "Patient"]
        self._children = deque(row for row in active if age_on(row, today) < CHILD_PROPHY_AGE)
        self._others = deque(row for row in active if age_on(row, today) >= CHILD_PROPHY_AGE)
        self._last_day: dict[int, date] = {}

    def next(self, day: date, *, child: bool) -> Row | None:
        """Somebody without a visit on ``day`` yet; None when there is nobody left."""
        line = self._children if child else self._others
        for _ in range(len(line)):
            patient = line[0]
            line.rotate(-1)
            if self._last_day.get(patient["PatNum"]) != day:
                self._last_day[patient["PatNum"]] = day
                return patient
        return None


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


def fill_book(rng: random.Random, book: Book, location: Site, rota: PatientQueue) -> None:
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


def add_oddities(rng: random.Random, book: Book, location: Site, overflow: int) -> None:
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
