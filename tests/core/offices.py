"""Small made-up offices of every setup that offices use, as Hypothesis strategies.

Times crowd into a few hours and numbers into a few values, so that rows meet, touch and overlap all the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from asapfill.core.office import Office
from asapfill.core.policy import CandidatesPolicy, Group, Hours, OpeningsPolicy, Policy
from asapfill.core.rows import (
    Appointment,
    AppointmentType,
    Clinic,
    Definition,
    LabCase,
    Operatory,
    Patient,
    Provider,
    Recall,
    RecallType,
    Schedule,
)
from tests.core.rows import made
from tests.core.twin import FIVE

PACIFIC = ZoneInfo("America/Los_Angeles")

FIRST_DAYS = st.sampled_from([date(2026, 11, 20), date(2026, 11, 22), date(2026, 3, 7), date(2026, 10, 31)])
"""A Friday, a Sunday, and the Saturdays before both daylight saving nights."""

NUMBERS = st.integers(1, 3)
MAYBE_NUMBER = st.integers(0, 3)
SELDOM = st.integers(0, 19).map(lambda number: number == 19)
OFTEN = SELDOM.map(lambda seldom: not seldom)
EVERYDAY_TIMES = st.integers(7 * 12, 14 * 12).map(lambda unit: time(unit // 12, unit % 12 * 5))
ODD_TIMES = st.sampled_from(
    [time(0), time(0, 5), time(9, 2), time(9, 58, 30), time(1, 30), time(23, 50), time(23, 59, 59)]
)
TIMES = st.one_of(EVERYDAY_TIMES, EVERYDAY_TIMES, EVERYDAY_TIMES, ODD_TIMES)
PATTERNS = st.one_of(
    st.integers(1, 14).map(lambda length: "X" * length),
    st.sampled_from(["//XX//", "/XXXX/", "XX//XX", "//////", "X", "/", "XXXXXXXX////", "XXX/XXX/"]),
)
ODD_PATTERNS = st.sampled_from(["", "30", "x/X", " XX ", "XX?XXXXXXX"])
ANY_PATTERN = st.one_of(PATTERNS, PATTERNS, PATTERNS, ODD_PATTERNS)

BLOCKOUT_TYPES = st.frozensets(st.integers(100, 104), max_size=4)
NO_TYPES = st.just(frozenset[int]())


def unreadable(*names: str) -> st.SearchStrategy[frozenset[str]]:
    """Mostly nothing; now and then one of these values could not be read."""
    return SELDOM.flatmap(
        lambda odd: st.sets(st.sampled_from(names), min_size=1, max_size=1) if odd else st.just(set())
    ).map(frozenset)


@dataclass(frozen=True)
class Case:
    """An office, a policy and a moment. ``settling``: OperatoryNum, ProvNum, from, to."""

    office: Office
    policy: Policy
    now: datetime
    settling: list[tuple[int, int, datetime, datetime]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any office at any moment."""
    first = draw(FIRST_DAYS)
    last = first + timedelta(days=draw(st.integers(0, 1)))
    policy = draw(policies())
    at = draw(st.one_of(st.just(time(6)), st.just(time(6)), TIMES))
    wall = datetime.combine(first, at) + timedelta(days=draw(st.sampled_from([0, 0, -1, 0, 0, 1])))
    now = wall.replace(tzinfo=policy.timezone, fold=draw(st.integers(0, 1))).astimezone(UTC)
    return Case(draw(offices(first, last)), policy, now, draw(st.lists(settling_stretches(first, last), max_size=3)))


@st.composite
def settling_stretches(draw: st.DrawFn, first: date, last: date) -> tuple[int, int, datetime, datetime]:
    """Some time that became free just now."""
    start = datetime.combine(draw(st.sampled_from([first, last])), draw(EVERYDAY_TIMES))
    return draw(NUMBERS), draw(NUMBERS), start, start + draw(st.integers(1, 30)) * FIVE


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy; the hours and days are mostly wide, so that something is left to compare."""
    groups: list[Group] = ["unscheduled", "planned", "broken", "scheduled", "recalls"]
    hours = [
        Hours(time(8), time(17)),
        Hours(time(7, 30), time(13)),
        Hours(time(0), time(0)),
        Hours(time(9, 2), time(12, 3)),
    ]
    openings = OpeningsPolicy(
        look_ahead=timedelta(days=draw(st.integers(0, 3))),
        notice=timedelta(minutes=draw(st.sampled_from([0, 0, 1, 60, 60, 120, 120, 24 * 60]))),
        shortest=timedelta(minutes=draw(st.sampled_from([5, 10, 30, 30, 32, 60]))),
        operatories=draw(st.frozensets(NUMBERS)) if draw(SELDOM) else None,
        except_operatories=draw(st.frozensets(NUMBERS, max_size=1)) if draw(SELDOM) else frozenset(),
        except_providers=draw(st.frozensets(NUMBERS, max_size=1)) if draw(SELDOM) else frozenset(),
        blockouts_allowed=draw(BLOCKOUT_TYPES),
        hygiene_only_in=draw(st.one_of(NO_TYPES, NO_TYPES, BLOCKOUT_TYPES)),
        recalls_only_in=draw(st.one_of(NO_TYPES, NO_TYPES, BLOCKOUT_TYPES)),
        hygiene_chairs=draw(st.booleans()),
        days=draw(st.frozensets(st.integers(0, 6))) if draw(SELDOM) else frozenset(range(7)),
        hours=draw(st.sampled_from(hours)),
    )
    candidates = CandidatesPolicy(
        include=draw(st.frozensets(st.sampled_from(groups))) if draw(SELDOM) else frozenset(groups),
        gain=timedelta(minutes=draw(st.sampled_from([0, 0, 30, 24 * 60]))),
        same_provider=draw(st.booleans()),
        under_18="skip" if draw(st.booleans()) else "text",
        except_patients=frozenset({3}) if draw(SELDOM) else frozenset(),
    )
    return Policy("office", PACIFIC, clinic=draw(st.integers(0, 1)), openings=openings, candidates=candidates)


@st.composite
def offices(draw: st.DrawFn, first: date, last: date) -> Office:
    """Any office with up to three operatories."""
    days = st.sampled_from([first, first, last])
    appointments = draw(st.lists(appointments_on(days), max_size=7))
    asap = draw(st.lists(asap_appointments(days), max_size=3))
    rows = [*appointments, *asap]
    numbered = [row.model_copy(update={"apt_num": 1 + place}) for place, row in enumerate(rows)]
    known = numbered if draw(OFTEN) else numbered[: len(appointments)]
    schedules = [*draw(st.lists(long_hours(days), max_size=3)), *draw(st.lists(schedules_on(days), max_size=7))]
    return Office(
        first=first,
        last=last,
        operatories=tuple(draw(operatories(number)) for number in range(1, draw(NUMBERS) + 1)),
        providers=tuple(draw(providers(number)) for number in range(1, 4 if draw(OFTEN) else 3)),
        schedules=tuple(row.model_copy(update={"schedule_num": 1 + place}) for place, row in enumerate(schedules)),
        appointments=tuple(known),
        asap=tuple(numbered[len(appointments) :]),
        recalls=tuple(draw(recalls(number, days)) for number in range(draw(MAYBE_NUMBER))),
        recall_types=tuple(draw(recall_types(number)) for number in range(1, 4)),
        appointment_types=tuple(draw(appointment_types(number)) for number in range(1, 3)),
        blockout_types=tuple(draw(blockout_types(number)) for number in range(100, 104)),
        clinics=(Clinic(clinic_num=1),) if draw(SELDOM) else (),
        patients={number: draw(patients(number)) for number in draw(st.sets(NUMBERS))},
        lab_cases=tuple(draw(st.lists(lab_cases(), max_size=1))),
        preferences=draw(preferences()),
        version=draw(st.sampled_from([None, (25, 3, 1), (25, 2, 9), (24, 4, 30)])),
    )


@st.composite
def operatories(draw: st.DrawFn, number: int) -> Operatory:
    return made(
        Operatory,
        operatory_num=number,
        is_hidden=draw(SELDOM),
        prov_dentist=draw(MAYBE_NUMBER),
        prov_hygienist=draw(MAYBE_NUMBER),
        is_hygiene=draw(st.booleans()),
        clinic_num=1 if draw(SELDOM) else 0,
        set_prospective=draw(SELDOM),
        unreadable=draw(unreadable("IsHidden", "IsHygiene")),
    )


@st.composite
def providers(draw: st.DrawFn, number: int) -> Provider:
    return made(
        Provider,
        prov_num=number,
        is_secondary=draw(st.booleans()),
        is_hidden=draw(SELDOM),
        prov_status="Deleted" if draw(SELDOM) else "Active",
        unreadable=draw(unreadable("IsHidden", "IsHygiene")),
    )


@st.composite
def long_hours(draw: st.DrawFn, days: st.SearchStrategy[date]) -> Schedule:
    """A provider's working day."""
    return made(
        Schedule,
        sched_date=draw(days),
        start_time=draw(st.sampled_from([time(8), time(7, 45), time(10)])),
        stop_time=draw(st.sampled_from([time(15), time(17), time(23, 59, 59)])),
        sched_type="Provider",
        prov_num=draw(NUMBERS),
        operatories=tuple(draw(st.lists(NUMBERS, max_size=3, unique=True))),
    )


@st.composite
def schedules_on(draw: st.DrawFn, days: st.SearchStrategy[date]) -> Schedule:
    """A row of any sort: long ones for providers mostly, split, overlapping, of no length, over midnight."""
    kinds = ["Provider"] * 4 + ["Blockout"] * 3 + ["Practice", "Employee", "WebSchedASAP", "Leave"]
    start = draw(TIMES)
    stop = draw(st.one_of(TIMES, st.just(time(15)), st.just(time(23, 59, 59)), st.just(start)))
    return made(
        Schedule,
        sched_date=draw(st.one_of(days, days, days, days, days, st.none())) if draw(SELDOM) else draw(days),
        start_time=start,
        stop_time=stop,
        sched_type=draw(st.sampled_from(kinds)),
        prov_num=draw(NUMBERS) if draw(OFTEN) else 0,
        blockout_type=draw(st.integers(100, 104)),
        operatories=tuple(draw(st.lists(NUMBERS, max_size=3, unique=True))),
        unreadable=draw(unreadable("SchedDate", "StartTime", "StopTime", "SchedType", "operatories", "ProvNum")),
    )


@st.composite
def appointments_on(draw: st.DrawFn, days: st.SearchStrategy[date]) -> Appointment:
    """An appointment of any status, now and then on the day before, over midnight, or without a time."""
    statuses = ["Scheduled"] * 5 + [
        "Complete",
        "Broken",
        "PtNote",
        "PtNoteCompleted",
        "UnschedList",
        "Planned",
        "",
        "New",
    ]
    at: datetime | None = datetime.combine(draw(days), draw(TIMES)) - timedelta(days=1 if draw(SELDOM) else 0)
    return made(
        Appointment,
        pat_num=draw(NUMBERS),
        apt_status=draw(st.sampled_from(statuses)),
        pattern=draw(ANY_PATTERN),
        op=draw(NUMBERS) if draw(OFTEN) else 0,
        prov_num=draw(NUMBERS),
        prov_hyg=draw(MAYBE_NUMBER),
        is_hygiene=draw(st.booleans()),
        apt_date_time=None if draw(SELDOM) else at,
        next_apt_num=draw(st.integers(0, 12)) if draw(SELDOM) else 0,
        clinic_num=1 if draw(SELDOM) else 0,
        appointment_type_num=draw(MAYBE_NUMBER),
        unreadable=draw(unreadable("Op", "AptDateTime", "ProvNum", "IsHygiene", "Pattern", "AptStatus", "PatNum")),
    )


@st.composite
def asap_appointments(draw: st.DrawFn, days: st.SearchStrategy[date]) -> Appointment:
    """An appointment that is probably on the ASAP list, today, later, or never yet."""
    row = draw(appointments_on(days))
    return row.model_copy(
        update={
            "apt_status": draw(st.sampled_from(["Scheduled", "UnschedList", "Broken", "Planned", row.apt_status])),
            "pattern": draw(PATTERNS) if draw(OFTEN) else row.pattern,
            "priority": "ASAP" if draw(OFTEN) else "Normal",
            "apt_date_time": row.apt_date_time
            and row.apt_date_time + timedelta(days=draw(st.sampled_from([0, 1, 2, 30]))),
            "unreadable": row.unreadable if draw(SELDOM) else frozenset(),
        }
    )


@st.composite
def recalls(draw: st.DrawFn, number: int, days: st.SearchStrategy[date]) -> Recall:
    due = draw(days) + timedelta(days=draw(st.sampled_from([-90, -90, -1, 0, 1])))
    return made(
        Recall,
        recall_num=number + 1,
        pat_num=draw(NUMBERS),
        date_due=None if draw(SELDOM) else due,
        is_disabled=draw(SELDOM),
        recall_type_num=draw(NUMBERS) if draw(OFTEN) else 9,
        disable_until_balance=1.5 if draw(SELDOM) else 0.0,
        disable_until_date=draw(days) if draw(SELDOM) else None,
        date_scheduled=draw(days) if draw(SELDOM) else None,
        priority="ASAP" if draw(OFTEN) else "Normal",
        time_pattern_override=draw(st.one_of(st.just(""), st.just(""), ANY_PATTERN)),
        unreadable=draw(unreadable("DateDue", "RecallTypeNum")),
    )


@st.composite
def recall_types(draw: st.DrawFn, number: int) -> RecallType:
    return made(
        RecallType,
        recall_type_num=number,
        time_pattern=draw(st.one_of(st.just(""), st.just("/XX/"), ANY_PATTERN)),
        append_to_special=draw(st.booleans()),
        unreadable=draw(unreadable("TimePattern")),
    )


@st.composite
def appointment_types(draw: st.DrawFn, number: int) -> AppointmentType:
    names = st.sampled_from(["100", "101", "hygiene", "Production", "nonsense"])
    return AppointmentType.read(
        {"AppointmentTypeNum": number, "BlockoutTypes": draw(st.lists(names, max_size=2).map(",".join))}
    ).model_copy(update={"unreadable": draw(unreadable("BlockoutTypes"))})


@st.composite
def blockout_types(draw: st.DrawFn, number: int) -> Definition:
    return made(
        Definition,
        def_num=number,
        item_name=draw(st.sampled_from(["Hygiene", "Production", "Lunch ", "Emergency"])),
        item_value=draw(st.sampled_from(["", "", "", "DC", "NS", "NS,DC", "dc, ns"])),
        category=25,
        is_hidden=draw(SELDOM),
        unreadable=draw(unreadable("ItemValue")),
    )


@st.composite
def patients(draw: st.DrawFn, number: int) -> Patient:
    return made(
        Patient,
        pat_num=number,
        pat_status=draw(st.sampled_from(["Patient"] * 8 + ["Inactive", "Deceased", ""])),
        birthdate=draw(st.sampled_from([date(1980, 5, 1)] * 5 + [date(2008, 11, 21), date(2014, 11, 21), None])),
        wireless_phone=draw(
            st.sampled_from(["(503)555-0101"] * 5 + ["1 503 555 0101", "", "555-0101", "+44 20 7946 0958"])
        ),
        txt_msg_ok=draw(st.sampled_from(["Yes", "Yes", "Yes", "Unknown", "No", ""])),
        clinic_num=1 if draw(SELDOM) else 0,
        pri_prov=draw(MAYBE_NUMBER),
        sec_prov=draw(MAYBE_NUMBER),
        unreadable=draw(unreadable("TxtMsgOk")),
    )


@st.composite
def lab_cases(draw: st.DrawFn) -> LabCase:
    return made(
        LabCase,
        lab_case_num=1,
        pat_num=draw(NUMBERS),
        apt_num=draw(st.integers(0, 10)),
        planned_apt_num=draw(st.integers(0, 10)),
        date_time_recd=None if draw(st.booleans()) else datetime(2026, 1, 1),
        unreadable=draw(unreadable("AptNum", "DateTimeRecd")),
    )


def preferences() -> st.SearchStrategy[dict[str, str]]:
    """The preferences that scheduling reads, some missing or odd."""
    return st.fixed_dictionaries(
        {},
        optional={
            "AppointmentTimeIncrement": st.sampled_from(["5", "10", "15", "15", "7", ""]),
            "ScheduleProvUnassigned": st.sampled_from(["1", "2", "0", "many"]),
            "AppointmentWithoutProcsDefaultLength": st.sampled_from(["30", "60", "0", "45"]),
            "RecallTypeSpecialChildProphy": st.sampled_from(["2", "0"]),
            "TextMsgOkStatusTreatAsNo": st.sampled_from(["0", "1"]),
        },
    )
