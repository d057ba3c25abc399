"""Makes a whole simulated office out of a seed: the office file that the sandbox serves.

A pure function of its arguments: no clock, no dependence on hash order. The parts are in the modules beside it.
"""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from typing import Any

from asapfill.sandbox.generate.asap import Reserve, Wishes, add_asap_list, add_recalls, number_recalls
from asapfill.sandbox.generate.book import Book, PatientQueue, add_oddities, fill_book, make_patients
from asapfill.sandbox.generate.days import make_calendar, schedule_rows
from asapfill.sandbox.generate.practice import (
    Site,
    appointment_type_rows,
    clinic_rows,
    definition_rows,
    make_locations,
    operatory_rows,
    overflow_op,
    permissions,
    preferences,
    provider_rows,
    recall_type_rows,
)
from asapfill.sandbox.office.columns import Row, stamp

PATIENTS_PER_CHAIR = 190
_SHARE_IN_RESERVE = 6
"""One household in six has no visit in the book."""

USUAL_WISHES = Wishes()


def make_office(  # noqa: PLR0913  each says one thing about the office
    seed: int,
    *,
    start: datetime,
    operatories: int = 5,
    days: int = 15,
    clinics: int = 0,
    timezone: str = "America/Los_Angeles",
    version: str = "25.2.30.0",
    wishes: Wishes = USUAL_WISHES,
    booked: float | None = None,
) -> dict[str, Any]:
    """Make an office file (see tables.py) as it stands at ``start``.

    Args:
        seed: the same arguments give an identical office.
        start: naive office wall-clock; what is over by then is Complete.
        operatories: chairs in use; an overflow room without provider and a hidden room come on top.
        days: how many days from ``start`` are booked up; eight weeks are open in any case, ever emptier.
        clinics: over how many clinics the chairs are spread; 0: the office does not use clinics.
        timezone: IANA name.
        version: Open Dental's ProgramVersion.
        wishes: how many visits that have a time are on the ASAP list to come sooner.
        booked: how much of the next ``days`` days is booked, 0 to 1; None: 83 to 93 %, today quite full.

    Raises:
        ValueError: ``start`` has a time zone, or a size makes no sense.
    """
    _check(start, operatories, days, clinics)
    locations = make_locations(operatories, clinics)
    book = Book(start=start, calendar=make_calendar(start.date(), days), days=days, booked=booked)
    patients: list[Row] = []
    for location in locations:
        rng = random.Random(f"asapfill office {seed} {location.clinic}")
        overflow = overflow_op(locations) if location is locations[0] else 0
        patients += _populate(rng, book, location, len(patients) + 1, overflow, wishes)
    number_recalls(random.Random(f"asapfill office {seed} recalls"), book)
    texting_since = (start.date() - timedelta(days=900)).isoformat()
    office = {
        "now": stamp(start),
        "timezone": timezone,
        "version": version,
        "preferences": preferences(locations, version, texting_since),
        "securityperms": permissions(),
        "subscribed": True,
        "operatories": operatory_rows(locations),
        "providers": provider_rows(locations),
        "clinics": clinic_rows(locations, texting_since),
        "definitions": definition_rows(),
        "recalltypes": recall_type_rows(),
        "appointmenttypes": appointment_type_rows(),
        "schedules": _schedules(locations, book, start),
        "patients": patients,
        "appointments": book.appointments,
        "recalls": book.recalls,
        "labcases": book.labcases,
    }
    _add_earlier_offer(office, book)
    return office


def _schedules(locations: list[Site], book: Book, start: datetime) -> list[Row]:
    rows = schedule_rows(locations, book.calendar, book.all_days())
    for number, row in enumerate(rows, start=1):
        row |= {"ScheduleNum": number, "DateTStamp": stamp(start - timedelta(days=40))}
    return rows


def _check(start: datetime, operatories: int, days: int, clinics: int) -> None:
    if start.tzinfo is not None:
        raise ValueError("the start of an office is an office wall-clock time, without a zone")
    if operatories < 1 or days < 1 or clinics < 0 or clinics > operatories:
        raise ValueError("an office needs at least one operatory and one day, and an operatory for each clinic")


def _populate(rng: random.Random, book: Book, location: Site, first: int, overflow: int, wishes: Wishes) -> list[Row]:
    """Give a location its patients, visits, ASAP list and recalls; returns the patients."""
    households = make_patients(rng, location, first, PATIENTS_PER_CHAIR * len(location.chairs), book.today)
    waiting = len(households) // _SHARE_IN_RESERVE
    rota = PatientQueue((row for household in households[waiting:] for row in household), book.today)
    fill_book(rng, book, location, rota)
    patients = [row for household in households for row in household]
    by_number = {row["PatNum"]: row for row in patients}
    add_asap_list(rng, book, location, Reserve(households[:waiting], book.today), by_number, wishes)
    add_recalls(rng, book, location, [row for row in patients if row["PatStatus"] == "Patient"])
    add_oddities(rng, book, location, overflow)
    return patients


def _add_earlier_offer(office: dict[str, Any], book: Book) -> None:
    """An offer that staff made by hand on the last working day, declined: asapfill is not the only one."""
    row = next(
        (row for row in book.appointments if row["Priority"] == "ASAP" and row["AptStatus"] == "UnschedList"), None
    )
    if row is None:
        return
    day = next(day for day in reversed(book.all_days()) if day < book.today and book.calendar.is_open(day))
    entered, slot = datetime.combine(day, time(9, 12, 40)), datetime.combine(day, time(14))
    number = len(office["schedules"]) + 1
    office["schedules"].append(
        {
            "ScheduleNum": number,
            "SchedDate": slot.date().isoformat(),
            "StartTime": "14:00:00",
            "StopTime": "14:50:00",
            "SchedType": "WebSchedASAP",
            "Note": "1 text sent, 0 texts to be sent\r\n0 emails sent\r\n0 emails to be sent",
            "operatories": [1],
            "DateTStamp": stamp(entered),
        }
    )
    office["asapcomms"] = [
        {
            "AsapCommNum": 1,
            "FKey": row["AptNum"],
            "FKeyType": "UnscheduledAppt",
            "ScheduleNum": number,
            "PatNum": row["PatNum"],
            "ClinicNum": office["operatories"][0]["ClinicNum"],
            "DateTimeEntry": stamp(entered),
            "DateTimeExpire": stamp(slot + timedelta(days=7)),
            "DateTimeSmsScheduled": stamp(entered),
            "SmsSendStatus": "SendSuccessful",
            "DateTimeSmsSent": stamp(entered + timedelta(minutes=1)),
            "ResponseStatus": "Declined",
            "DateTimeOrig": row["AptDateTime"],
        }
    ]
