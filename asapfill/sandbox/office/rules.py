"""The schedule: lengths, overlaps, blockouts, who would treat, and where the front desk sees free time.

Texts and their rules are in texting.py. Which routine is behind ``POST /asapcomms`` is not known for sure; this follows
``TryAdjustAppointment_HasOverlap``, and before sending and on acceptance ``ApptAvailabilityChecker``. Nothing of the
free time is shown by the API: staff plan with it what they do by hand.
All moments are naive office wall-clock; spans are half-open, so touching edges do not overlap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from asapfill.sandbox.office.columns import Row, day_of, moment
from asapfill.sandbox.office.tables import SimulatedOffice

NO_CHAIR = frozenset({"UnschedList", "Planned"})
"""Statuses of appointments that take up no chair."""

UNIT = timedelta(minutes=5)
"""One character of an appointment's Pattern, whatever AppointmentTimeIncrement says."""


def appointment_length(row: Row) -> timedelta:
    """How long an appointment takes: its Pattern, 5 minutes a character."""
    return len(row["Pattern"]) * UNIT


def recall_type(office: SimulatedOffice, recall: Row) -> Row | None:
    """The type of a recall; None when the type is gone."""
    return office.recalltypes.get(recall["RecallTypeNum"])


def recall_length(office: SimulatedOffice, recall: Row) -> timedelta:
    """The span that an offer for a recall takes up on the schedule.

    TimePatternOverride if there is one, else the type's TimePattern; one character is AppointmentTimeIncrement minutes.
    Without any pattern 30 minutes, 45 when the increment is 15.
    """
    kind = recall_type(office, recall)
    pattern = recall["TimePatternOverride"] or (kind["TimePattern"] if kind else "")
    if not pattern:
        return timedelta(minutes=45 if office.increment == 15 else 30)  # noqa: PLR2004 - Open Dental's own rule
    return timedelta(minutes=len(pattern) * office.increment)


def checked_length(office: SimulatedOffice, kind: str, row: Row) -> timedelta:
    """The span that ApptAvailabilityChecker looks at: it ignores TimePatternOverride and knows no default length."""
    if kind != "Recall":
        return appointment_length(row)
    found = recall_type(office, row)
    return timedelta(minutes=len(found["TimePattern"]) * office.increment if found else 0)


def booked_recall_pattern(office: SimulatedOffice, recall: Row, day: date) -> str:
    """The Pattern (5-minute characters) of the appointment that an accepted recall offer makes.

    Override, else the child prophy's pattern for a child, else the type's; the patient's other recalls whose type is
    AppendToSpecial are merged into a special recall; each character then stands for AppointmentTimeIncrement minutes.
    """
    kind = recall_type(office, recall)
    pattern = recall["TimePatternOverride"]
    special = _special_types(office)
    if not pattern and kind is not None:
        pattern = kind["TimePattern"]
        child = office.recalltypes.get(special.get("RecallTypeSpecialChildProphy", 0))
        prophy = special.get("RecallTypeSpecialProphy", 0)
        if child and kind["RecallTypeNum"] == prophy and is_child(office, recall["PatNum"], day):
            pattern = child["TimePattern"] or pattern
    if recall["RecallTypeNum"] in special.values():
        pattern += "".join(_appended_patterns(office, recall))
    pattern = pattern or "X" * round(recall_length(office, recall).total_seconds() / 60 / office.increment)
    return "".join(character * (office.increment // 5) for character in pattern)


def is_child(office: SimulatedOffice, patient: int, day: date) -> bool:
    """Whether the patient is younger than preference RecallAgeAdult on that day."""
    born = day_of(office.patients[patient]["Birthdate"]) if patient in office.patients else date.min
    if born == date.min:
        return False
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return age < office.preferred("RecallAgeAdult", 12)


def overlaps(start: datetime, end: datetime, other_start: datetime, other_end: datetime) -> bool:
    """Open Dental's test: touching edges do not overlap."""
    return end > other_start and start < other_end


def blockout_forbids(
    office: SimulatedOffice, appointment: Row | None, operatory: int, start: datetime, end: datetime
) -> bool:
    """Whether a blockout in that operatory forbids the span.

    A type with NS always does, and a type that has no definition. If the appointment's type lists permitted blockout
    types, every type that is not in the list does too. Hidden definitions count. A blockout without operatories is
    nowhere.
    """
    permitted = _permitted_blockouts(office, appointment)
    for row in schedules_on(office, start.date(), "Blockout"):
        if operatory not in row["operatories"] or not overlaps(start, end, *schedule_span(row)):
            continue
        kind = office.definitions.get(row["BlockoutType"])
        if kind is None or "NS" in kind["ItemValue"] or (permitted and row["BlockoutType"] not in permitted):
            return True
    return False


def appointment_forbids(
    office: SimulatedOffice, appointment: Row | None, operatory: int, start: datetime, end: datetime
) -> bool:
    """Whether another appointment forbids the span for ``POST /asapcomms``: only when ApptsAllowOverlap is off.

    Every status but UnschedList counts, with Broken, Complete, notes, and Planned ones that have an operatory.
    The offered appointment itself does not.
    """
    if office.preferences.get("ApptsAllowOverlap", "1") == "1":
        return False
    return any(
        row is not appointment and overlaps(start, end, *appointment_span(row))
        for row in _appointments(office, operatory, start.date(), {"UnschedList"})
    )


def slot_taken(office: SimulatedOffice, kind: str, row: Row, slot: Row) -> bool:
    """ApptAvailabilityChecker, asked before a text goes out and when a patient accepts.

    Args:
        office: The database.
        kind: The offer's FKeyType.
        row: The offered appointment or recall.
        slot: The WebSchedASAP schedule row of the offer.

    Every appointment in the operatory on that date counts but UnschedList and Planned ones, the offered appointment
    itself included. Blockouts and providers are not looked at. The span ends with the schedule row at the latest.
    """
    start, stop = schedule_span(slot)
    end = min(start + checked_length(office, kind, row), stop)
    return any(
        overlaps(start, end, *appointment_span(other))
        for operatory in slot["operatories"]
        for other in _appointments(office, operatory, start.date(), NO_CHAIR)
    )


def schedule_span(row: Row) -> tuple[datetime, datetime]:
    """Start and end of a schedule row; both on its SchedDate."""
    return moment(f"{row['SchedDate']} {row['StartTime']}"), moment(f"{row['SchedDate']} {row['StopTime']}")


def appointment_span(row: Row) -> tuple[datetime, datetime]:
    """Start and end of an appointment; the end may lie on the next day."""
    start = moment(row["AptDateTime"])
    return start, start + appointment_length(row)


def assigned_provider(office: SimulatedOffice, operatory: Row, when: datetime, *, hygienist: bool) -> int:
    """GetAssignedProvNumForSpot: who is scheduled in that very operatory then, else the operatory's own; 0: nobody."""
    for row in schedules_on(office, when.date(), "Provider"):
        start, stop = schedule_span(row)
        provider = office.providers.get(row["ProvNum"])
        if provider is None or provider["IsSecondary"] is not hygienist:
            continue
        if operatory["OperatoryNum"] in row["operatories"] and start <= when < stop:
            return int(row["ProvNum"])
    return int(operatory["ProvHygienist" if hygienist else "ProvDentist"])


def placed(office: SimulatedOffice, operatory: Row, when: datetime, appointment: Row) -> Row:
    """The columns that an appointment gets when the web page puts it into an operatory at a time.

    Nobody assigned there: the appointment keeps its providers, for it must have one.
    """
    dentist = assigned_provider(office, operatory, when, hygienist=False)
    hygienist = assigned_provider(office, operatory, when, hygienist=True)
    return {
        "Op": operatory["OperatoryNum"],
        "ProvNum": dentist or appointment["ProvNum"],
        "ProvHyg": hygienist if dentist or hygienist else appointment["ProvHyg"],
        "IsHygiene": operatory["IsHygiene"],
        "ClinicNum": operatory["ClinicNum"],
    }


def _special_types(office: SimulatedOffice) -> dict[str, int]:
    """The recall types that preferences name as special: prophy, child prophy, perio."""
    names = ("RecallTypeSpecialProphy", "RecallTypeSpecialChildProphy", "RecallTypeSpecialPerio")
    return {name: number for name in names if (number := office.preferred(name))}


def _appended_patterns(office: SimulatedOffice, recall: Row) -> Iterator[str]:
    """Patterns of the patient's other recalls that are done together with a special one."""
    for other in office.recalls.values():
        if other is recall or other["PatNum"] != recall["PatNum"] or other["IsDisabled"]:
            continue
        kind = recall_type(office, other)
        if kind is not None and kind["AppendToSpecial"]:
            yield other["TimePatternOverride"] or kind["TimePattern"]


def _permitted_blockouts(office: SimulatedOffice, appointment: Row | None) -> set[int]:
    """The blockout types that the appointment's type may lie on; empty: no such list."""
    kind = office.appointmenttypes.get(appointment["AppointmentTypeNum"]) if appointment else None
    return {int(number) for number in kind["BlockoutTypes"].split(",") if number.strip()} if kind else set()


def schedules_on(office: SimulatedOffice, day: date, kind: str) -> Iterator[Row]:
    """The schedule rows of a day and SchedType."""
    text = str(day)
    return (row for row in office.schedules.values() if row["SchedType"] == kind and row["SchedDate"] == text)


def _appointments(office: SimulatedOffice, operatory: int, day: date, without: Collection[str]) -> Iterator[Row]:
    """Appointments that begin in that operatory on that day (Open Dental takes no care of midnight)."""
    text = str(day)
    return (
        row
        for row in office.appointments.values()
        if row["Op"] == operatory and row["AptDateTime"].startswith(text) and row["AptStatus"] not in without
    )


GRID = timedelta(minutes=10)


@dataclass(frozen=True)
class Gap:
    """A free stretch of a chair during the hours of ``provider``."""

    op: int
    provider: int
    start: datetime
    stop: datetime


def is_open(office: SimulatedOffice, day: date) -> bool:
    """Whether anybody works: a provider has hours and it is no holiday."""
    holiday = any(row["Status"] == "Holiday" for row in schedules_on(office, day, "Practice"))
    return not holiday and any(schedules_on(office, day, "Provider"))


def provider_of(row: Row) -> int:
    """Whose time the X units of an appointment are: the hygienist's on a hygiene visit, else the dentist's."""
    return int(row["ProvHyg"] if row["IsHygiene"] and row["ProvHyg"] else row["ProvNum"])


def gaps(office: SimulatedOffice, day: date, also: Sequence[Row] = ()) -> list[Gap]:
    """The free stretches of all visible chairs on a day, by operatory and time.

    Free: within a provider's hours there, without an appointment and without a blockout of any type. ``also``:
    appointment rows that are planned but not made yet; they count too.
    """
    if not is_open(office, day):
        return []
    hours, blockouts = list(schedules_on(office, day, "Provider")), list(schedules_on(office, day, "Blockout"))
    visits = _occupying(office, day, also)
    found: list[Gap] = []
    for op, chair in office.operatories.items():
        if chair["IsHidden"]:
            continue
        own = chair["ProvHygienist" if chair["IsHygiene"] else "ProvDentist"]
        taken = [appointment_span(row) for row in visits if row["Op"] == op]
        taken += [schedule_span(row) for row in blockouts if op in row["operatories"]]
        for row in hours:
            if op in row["operatories"] or (not row["operatories"] and row["ProvNum"] == own):
                start, stop = schedule_span(row)
                found += [Gap(op, row["ProvNum"], *free) for free in _without(start, stop, taken)]
    return found


def _without(
    start: datetime, stop: datetime, taken: list[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """What is left of a stretch, in time order."""
    for other_start, other_stop in sorted(taken):
        if other_start < stop and other_stop > start:
            if other_start > start:
                yield start, other_start
            start = other_stop
    if start < stop:
        yield start, stop


def find_place(
    office: SimulatedOffice,
    day: date,
    pattern: str,
    *,
    ops: Collection[int] = (),
    provider: int = 0,
    after: datetime = datetime.min,
    also: Sequence[Row] = (),
) -> Gap | None:
    """The first place on a day for a visit, as a Gap of its length; None when there is none.

    ``ops`` and ``provider`` narrow the search (none and 0: any), ``also`` is as in ``gaps``. No X unit
    of the provider may lie elsewhere at the same time.
    """
    length = len(pattern) * UNIT
    if not length:
        return None
    visits = _occupying(office, day, also)
    for gap in gaps(office, day, also):
        if (ops and gap.op not in ops) or (provider and gap.provider != provider):
            continue
        busy = {
            unit
            for row in visits
            if provider_of(row) == gap.provider
            for unit in _x_units(moment(row["AptDateTime"]), row)
        }
        start = gap.start
        while start + length <= gap.stop:
            if start > after and not busy & _x_units(start, {"Pattern": pattern}):
                return Gap(gap.op, gap.provider, start, start + length)
            start += GRID
    return None


def _x_units(start: datetime, row: Row) -> set[datetime]:
    """The beginnings of the 5-minute units in which a visit needs its provider."""
    return {start + place * UNIT for place, mark in enumerate(row["Pattern"]) if mark == "X"}


def _occupying(office: SimulatedOffice, day: date, also: Sequence[Row]) -> list[Row]:
    """What takes up chairs on a day: everything but UnschedList and Planned, as Open Dental judges."""
    text = str(day)
    return [
        row
        for row in [*office.appointments.values(), *also]
        if row["AptDateTime"].startswith(text) and row["AptStatus"] not in NO_CHAIR
    ]
