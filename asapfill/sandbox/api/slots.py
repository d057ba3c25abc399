"""``GET /appointments/Slots`` as Open Dental's helper finds them: one provider; blockouts and now are ignored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from asapfill.sandbox.api import lists
from asapfill.sandbox.office import rules
from asapfill.sandbox.office.columns import Row, day_of, stamp
from asapfill.sandbox.office.offers import Refusal
from asapfill.sandbox.office.tables import Office

UNITS = 288
"""5-minute units of a day."""

DAYS = 14
"""How far Slots looks when no dates are given."""


def slots(office: Office, query: lists.Query) -> list[Row]:
    """Whole free gaps of one provider (default: the practice's default provider), today or later."""
    provider = lists.number(query, "ProvNum")
    if provider is None:
        provider = int(office.preferences.get("PracticeDefaultProv") or 0)
    operatory = lists.number(query, "OpNum") if office.at_least(22, 1) else None
    shortest = lists.number(query, "lengthMinutes") or 5
    today = office.now.date()
    first, last = lists.day_range(query)
    first = today if first is None else first
    last = first + timedelta(days=DAYS) if last is None else last
    if first < today:
        raise Refusal(400, "Date must be today or later.")
    found = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for start, end in _gaps(office, provider, operatory, day):
            if end - start >= timedelta(minutes=shortest):
                found.append(
                    {
                        "DateTimeStart": stamp(start),
                        "DateTimeEnd": stamp(end),
                        "ProvNum": provider,
                        "OpNum": operatory or _any_operatory(office, provider, day),
                    }
                )
    return found


def _gaps(office: Office, provider: int, operatory: int | None, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Runs of free units; one that reaches 24:00 is dropped, as Open Dental drops it."""
    free = [False] * (UNITS + 1)
    for row in _hours(office, provider, day):
        if operatory is None or operatory in row["operatories"]:
            _mark(free, rules.schedule_span(row), day, value=True)
    for row in office.appointments.values():
        mine = provider in {row["ProvNum"], row["ProvHyg"]}
        if mine and row["AptStatus"] not in {"UnschedList", "Planned"} and day_of(row["AptDateTime"]) == day:
            _mark(free, rules.appointment_span(row), day, value=False)
    midnight = datetime.combine(day, datetime.min.time())
    start: int | None = None
    for unit, is_free in enumerate(free):
        if is_free and start is None:
            start = unit
        elif not is_free and start is not None:
            if unit < UNITS:
                yield midnight + start * rules.UNIT, midnight + unit * rules.UNIT
            start = None


def _mark(free: list[bool], span: tuple[datetime, datetime], day: date, *, value: bool) -> None:
    """Set the units that a span touches."""
    midnight = datetime.combine(day, datetime.min.time())
    first = max(0, (span[0] - midnight) // rules.UNIT)
    last = min(UNITS, -((midnight - span[1]) // rules.UNIT))
    free[first:last] = [value] * max(0, last - first)


def _hours(office: Office, provider: int, day: date) -> Iterator[Row]:
    return (
        row
        for row in office.schedules.values()
        if row["SchedType"] == "Provider" and row["ProvNum"] == provider and row["SchedDate"] == str(day)
    )


def _any_operatory(office: Office, provider: int, day: date) -> int:
    """Without OpNum some operatory is reported: the provider's own, else one of the day's rows, else 0."""
    for number, row in sorted(office.operatories.items()):
        if provider in {row["ProvDentist"], row["ProvHygienist"]}:
            return number
    return next((row["operatories"][0] for row in _hours(office, provider, day) if row["operatories"]), 0)
