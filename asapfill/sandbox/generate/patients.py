"""The people of a generated office: households with invented names, fictional phones, and every texting status.

Names come from syllables, phones are 555-01xx (never assigned), social security numbers begin with 000 (never issued).
They are filled in so that tests can search logs and state for them.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from datetime import date, timedelta

from asapfill.sandbox.generate.practice import Location
from asapfill.sandbox.office.columns import Row

_FIRST = ("Abu", "Bel", "Cori", "Dan", "Elo", "Fer", "Gila", "Hano", "Ira", "Jori", "Kel", "Lumi", "Mero", "Nila")
_FIRST_END = ("bert", "dina", "fina", "lou", "mar", "na", "ric", "ton", "vita", "wyn")
_LAST = ("Demo", "Example", "Fable", "Invented", "Mockup", "Pretend", "Sample", "Sandbox", "Specimen", "Test")
_LAST_END = ("by", "dale", "ford", "ham", "mere", "son", "stone", "well", "wick", "worth")
_HOUSEHOLD_SIZES = (1, 2, 3, 4, 5)
_HOUSEHOLD_WEIGHTS = (40, 25, 12, 15, 8)
_LINES_PER_AREA = 100  # 555-0100 to 555-0199
ADULT_AGE = 18
CHILD_PROPHY_AGE = 12
_DAYS_PER_YEAR = 365.25


def make_patients(rng: random.Random, location: Location, first: int, count: int, today: date) -> list[list[Row]]:
    """Households of together ``count`` patients, numbered from ``first``; the first member is the guarantor."""
    households: list[list[Row]] = []
    number, last = first, first + count - 1
    while number <= last:
        size = min(rng.choices(_HOUSEHOLD_SIZES, _HOUSEHOLD_WEIGHTS)[0], last - number + 1)
        households.append(_household(rng, location, number, size, today))
        number += size
    return households


def _household(rng: random.Random, location: Location, number: int, size: int, today: date) -> list[Row]:
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
    """The ``line``-th number: area codes from 201, and 100 fictional numbers (555-0100 to 555-0199) in each."""
    area, last = divmod(line, _LINES_PER_AREA)
    return f"({201 + area % 789})555-01{last:02d}"


def age_on(patient: Row, today: date) -> int:
    """Whole years, near enough for choosing a kind of visit."""
    return int((today - date.fromisoformat(patient["Birthdate"])).days / _DAYS_PER_YEAR)


class Rota:
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
