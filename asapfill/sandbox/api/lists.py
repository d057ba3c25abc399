"""What the GET lists of the API return: filters, defaults and order of each, with the surprises of the real ones.

Each function takes the office and the query (names and texts as they came) and returns rows that are still unrendered
and unpaged. A filter that a list does not know is ignored silently.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby

from asapfill.sandbox.office import rules
from asapfill.sandbox.office.columns import NO_DAY, Row, day_of, stamp
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice, read_moment
from asapfill.sandbox.office.web_sched import ASAP_STATUSES

Query = dict[str, str]

_APT_STATUSES = frozenset(
    {"Scheduled", "Complete", "UnschedList", "ASAP", "Broken", "Planned", "PtNote", "PtNoteCompleted"}
)
_HIST_ACTIONS = frozenset({"Created", "Changed", "Missed", "Cancelled", "Deleted"})


def appointments(office: SimulatedOffice, query: Query) -> list[Row]:
    """All statuses; days inclusive; ordered by AptDateTime, AptNum."""
    rows = in_days(office.appointments.values(), "AptDateTime", *day_range(query))
    rows = by_number(rows, query, "ClinicNum")
    if office.at_least(21, 4):
        rows = by_number(rows, query, "PatNum")
    if office.at_least(22, 4, 28):
        rows = by_name(rows, query, "AptStatus", _APT_STATUSES)
    if office.at_least(23, 2, 27):
        rows = by_number(rows, query, "Op")
    if office.at_least(24, 4, 22):
        rows = by_number(rows, query, "AppointmentTypeNum")
    return sorted(since(rows, query), key=lambda row: (row["AptDateTime"], row["AptNum"]))


def asap(office: SimulatedOffice, query: Query, ties: random.Random | None) -> list[Row]:
    """The ASAP list; ordered by AptDateTime only, so that ``ties`` come in another order at every request.

    Past ones and patients of any status are included; planned ones that are scheduled are not. No recalls.
    """
    if office.clinics_on and "ClinicNum" not in query:
        raise Refusal(400, "ClinicNum is required.")
    scheduled = {row["NextAptNum"] for row in office.appointments.values()} - {0}
    rows: Iterable[Row] = (
        row
        for row in office.appointments.values()
        if row["Priority"] == "ASAP"
        and row["AptStatus"] in ASAP_STATUSES
        and not (row["AptStatus"] == "Planned" and row["AptNum"] in scheduled)
    )
    rows = by_number(rows, query, "ClinicNum") if office.clinics_on else rows
    provider = number(query, "ProvNum")
    found = [row for row in rows if provider is None or provider in {row["ProvNum"], row["ProvHyg"]}]
    return sorted(shuffled(found, ties), key=lambda row: row["AptDateTime"])


def web_sched(office: SimulatedOffice, query: Query) -> list[Row]:
    """Appointments that patients booked online, by the day on which they did."""
    rows = [row for row in office.appointments.values() if row["EServiceDate"] != NO_DAY]
    return list(in_days(rows, "EServiceDate", *day_range(query)))


def schedules(office: SimulatedOffice, query: Query, ties: random.Random | None) -> list[Row]:
    """Today only unless days are given; ordered by the time of day across days, and by nothing else."""
    first, last = day_range(query)
    if first is None and last is None:
        first = last = office.now.date()
    rows = in_days(office.schedules.values(), "SchedDate", first, last)
    rows = by_name(rows, query, "SchedType", {"Practice", "Provider", "Blockout", "Employee", "WebSchedASAP"})
    rows = by_number(rows, query, "BlockoutDefNum", "BlockoutType")
    rows = by_number(by_number(rows, query, "ProvNum"), query, "EmployeeNum")
    return sorted(shuffled(list(rows), ties), key=lambda row: row["StartTime"])


def schedule_ops(office: SimulatedOffice, query: Query) -> list[Row]:
    """Which schedule rows lie in which operatories; with both filters the list is empty, as the real one's."""
    schedule, operatory = number(query, "ScheduleNum"), number(query, "OperatoryNum")
    if schedule is not None and operatory is not None:
        return []
    return [
        {"ScheduleOpNum": row["ScheduleNum"] * 1000 + position, "ScheduleNum": row["ScheduleNum"], "OperatoryNum": op}
        for row in office.schedules.values()
        for position, op in enumerate(row["operatories"])
        if schedule in {None, row["ScheduleNum"]} and operatory in {None, op}
    ]


def operatories(office: SimulatedOffice, query: Query) -> list[Row]:
    """Hidden ones included."""
    return list(by_number(keyed(office.operatories), query, "ClinicNum"))


def definitions(office: SimulatedOffice, query: Query) -> list[Row]:
    """By ``Category`` (a number, capital C); hidden ones only with includeHidden."""
    hidden = query.get("includeHidden", "false").lower() == "true"
    rows = by_number(keyed(office.definitions), query, "Category")
    return [row for row in rows if hidden or not row["IsHidden"]]


def preferences(office: SimulatedOffice, query: Query) -> list[Row]:
    """All, or the one of exactly that name; an unknown name gives an empty list."""
    rows = (
        {"PrefNum": position, "PrefName": name, "ValueString": value}
        for position, (name, value) in enumerate(office.preferences.items(), 1)
    )
    return [row for row in rows if query.get("PrefName") in {None, row["PrefName"]}]


def clinics(office: SimulatedOffice, _query: Query) -> list[Row]:
    """The visible ones; none when clinics are off."""
    return [row for row in keyed(office.clinics) if office.clinics_on and not row["IsHidden"]]


def providers(office: SimulatedOffice, query: Query) -> list[Row]:
    """All, or with ClinicNum those who may work there and are not hidden."""
    clinic = number(query, "ClinicNum")
    rows = keyed(office.providers)
    if clinic is None:
        return list(since(rows, query)) if office.at_least(21, 3) else rows
    return [row for row in rows if not row["IsHidden"] and (not row["ClinicNums"] or clinic in row["ClinicNums"])]


def recalls(office: SimulatedOffice, query: Query) -> list[Row]:
    """All of them, or one patient's: no other filter exists."""
    return list(by_number(keyed(office.recalls), query, "PatNum"))


def patients(office: SimulatedOffice, query: Query) -> list[Row]:
    """The patient-select search: prefixes of names."""
    rows: Iterable[Row] = (row for row in keyed(office.patients) if row["PatStatus"] != "Deleted")
    for name in ("LName", "FName", "Birthdate"):
        if name in query:
            rows = [row for row in rows if row[name].lower().startswith(query[name].lower())]
    return list(rows)


def patients_simple(office: SimulatedOffice, query: Query) -> list[Row]:
    """All but the deleted, with exact filters and DateTStamp."""
    rows: Iterable[Row] = (row for row in keyed(office.patients) if row["PatStatus"] != "Deleted")
    for name in ("ClinicNum", "PriProv", "Guarantor"):
        rows = by_number(rows, query, name)
    for name in ("LName", "FName", "Birthdate", "PatStatus", "Gender"):
        if name in query:
            rows = [row for row in rows if row[name] == query[name]]
    return list(since(rows, query))


def commlogs(office: SimulatedOffice, query: Query) -> list[Row]:
    """One patient's; since 25.1.13 everybody's, and by DateTStamp."""
    newer = office.at_least(25, 1, 13)
    if not newer and "PatNum" not in query:
        raise Refusal(400, "PatNum is required.")
    rows = by_number(keyed(office.commlogs), query, "PatNum")
    return list(since(rows, query)) if newer else list(rows)


def asapcomms(office: SimulatedOffice, query: Query) -> list[Row]:
    """By the day of DateTimeEntry: the last 7 days, and *before* dateEnd, whose default hides today."""
    today = office.now.date()
    single = day(query, "date")
    first = single or day(query, "dateStart") or today - timedelta(days=7)
    before = single + timedelta(days=1) if single else day(query, "dateEnd") or today
    rows = in_days(keyed(office.asapcomms), "DateTimeEntry", first, before - timedelta(days=1))
    return list(by_number(rows, query, "ClinicNum"))


def hist_appointments(office: SimulatedOffice, query: Query) -> list[Row]:
    """Days filter the AptDateTime of the snapshot, not when the change happened."""
    rows = in_days(keyed(office.histappointments), "AptDateTime", *day_range(query))
    for name in ("AptNum", "PatNum", "ClinicNum"):
        rows = by_number(rows, query, name)
    rows = by_name(rows, query, "HistApptAction", _HIST_ACTIONS)
    return list(by_name(rows, query, "AptStatus", _APT_STATUSES - {"PtNote"}))


def signalods(office: SimulatedOffice, query: Query) -> list[Row]:
    """After SigDateTime and before now, both exclusive."""
    if "SigDateTime" not in query:
        raise Refusal(400, "SigDateTime is required.")
    after, now = str(read_moment(query["SigDateTime"], "SigDateTime")), str(office.now)
    return [row for row in keyed(office.signalods) if after < row["SigDateTime"] < now]


def lab_cases(office: SimulatedOffice, query: Query) -> list[Row]:
    """By patient or appointment."""
    rows: Iterable[Row] = keyed(office.labcases)
    for name in ("PatNum", "LaboratoryNum", "AptNum", "PlannedAptNum", "ProvNum"):
        rows = by_number(rows, query, name)
    return list(rows)


def keyed(table: dict[int, Row]) -> list[Row]:
    """A table in the order of its primary key."""
    return [table[key] for key in sorted(table)]


def shuffled(rows: list[Row], ties: random.Random | None) -> list[Row]:
    """The rows in another order, so that a sort with ties varies between requests; unchanged without ``ties``."""
    if ties is not None:
        ties.shuffle(rows)
    return rows


def number(query: Query, name: str) -> int | None:
    """A whole number of the query; None when absent. Raises Refusal when it is something else."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise Refusal(400, f"{name} is invalid.") from error


def day(query: Query, name: str) -> date | None:
    """A day of the query; None when absent. Raises Refusal when it is something else."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, f"{name} format must be yyyy-MM-dd.") from error


def day_range(query: Query) -> tuple[date | None, date | None]:
    """First and last day, inclusive, of ``date`` or ``dateStart``/``dateEnd``."""
    single = day(query, "date")
    return (single, single) if single else (day(query, "dateStart"), day(query, "dateEnd"))


def in_days(rows: Iterable[Row], column: str, first: date | None, last: date | None) -> Iterable[Row]:
    """Rows whose day lies between two days, inclusive; None is open."""
    low, high = str(first or ""), f"{last} 99" if last else "~"
    return (row for row in rows if low <= row[column] <= high)


def since(rows: Iterable[Row], query: Query) -> Iterable[Row]:
    """Rows changed at or after ``DateTStamp`` (inclusive, although Open Dental's documentation says after)."""
    if "DateTStamp" not in query:
        return rows
    from_then = str(read_moment(query["DateTStamp"], "DateTStamp"))
    return [row for row in rows if row["DateTStamp"] >= from_then]


def by_number(rows: Iterable[Row], query: Query, name: str, column: str = "") -> Iterable[Row]:
    """Rows whose column is the number asked for, if one was."""
    wanted = number(query, name)
    return rows if wanted is None else [row for row in rows if row[column or name] == wanted]


def by_name(rows: Iterable[Row], query: Query, name: str, names: Iterable[str]) -> Iterable[Row]:
    """Rows with the enumeration value asked for, if one was; numbers and unknown names are refused."""
    wanted = query.get(name)
    if wanted is None:
        return rows
    if wanted not in names:
        raise Refusal(400, f"{name} is invalid")
    return [row for row in rows if row[name] == wanted]


List = Callable[[SimulatedOffice, Query], list[Row]]


UNITS = 288
"""5-minute units of a day."""

DAYS = 14
"""How far Slots looks when no dates are given."""


def slots(office: SimulatedOffice, query: Query) -> list[Row]:
    """Whole free gaps of one provider (default: the practice's default provider), today or later."""
    provider = number(query, "ProvNum")
    if provider is None:
        provider = office.preferred("PracticeDefaultProv")
    operatory = number(query, "OpNum") if office.at_least(22, 1) else None
    shortest = number(query, "lengthMinutes") or 5
    today = office.now.date()
    first, last = day_range(query)
    first = today if first is None else first
    last = first + timedelta(days=DAYS) if last is None else last
    if first < today:
        raise Refusal(400, "Date must be today or later.")
    found = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for start, end in _gaps(office, provider, operatory, day):
            if end - start >= timedelta(minutes=shortest):
                op = operatory or _any_operatory(office, provider, day)
                slot = {"DateTimeStart": stamp(start), "DateTimeEnd": stamp(end), "ProvNum": provider, "OpNum": op}
                found.append(slot)
    return found


def _gaps(
    office: SimulatedOffice, provider: int, operatory: int | None, day: date
) -> Iterator[tuple[datetime, datetime]]:
    """Runs of free units; one that reaches 24:00 is dropped, as Open Dental drops it."""
    free = [False] * (UNITS + 1)
    for row in _hours(office, provider, day):
        if operatory is None or operatory in row["operatories"]:
            _mark(free, rules.schedule_span(row), day, value=True)
    for row in office.appointments.values():
        mine = provider in {row["ProvNum"], row["ProvHyg"]}
        if mine and row["AptStatus"] not in rules.NO_CHAIR and day_of(row["AptDateTime"]) == day:
            _mark(free, rules.appointment_span(row), day, value=False)
    midnight = datetime.combine(day, datetime.min.time())
    first = 0
    for is_free, units in groupby(free):
        last = first + len(list(units))
        if is_free and last < UNITS:
            yield midnight + first * rules.UNIT, midnight + last * rules.UNIT
        first = last


def _mark(free: list[bool], span: tuple[datetime, datetime], day: date, *, value: bool) -> None:
    """Set the units that a span touches."""
    midnight = datetime.combine(day, datetime.min.time())
    first = max(0, (span[0] - midnight) // rules.UNIT)
    last = min(UNITS, -((midnight - span[1]) // rules.UNIT))
    free[first:last] = [value] * max(0, last - first)


def _hours(office: SimulatedOffice, provider: int, day: date) -> Iterator[Row]:
    return (row for row in rules.schedules_on(office, day, "Provider") if row["ProvNum"] == provider)


def _any_operatory(office: SimulatedOffice, provider: int, day: date) -> int:
    """Without OpNum some operatory is reported: the provider's own, else one of the day's rows, else 0."""
    for number, row in sorted(office.operatories.items()):
        if provider in {row["ProvDentist"], row["ProvHygienist"]}:
            return number
    return next((row["operatories"][0] for row in _hours(office, provider, day) if row["operatories"]), 0)
