"""Rows for tests, and an office with one dentist who works in one operatory on one Friday from 8 to 17."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from asapfill.core.candidates import Candidate, find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.office import Office
from asapfill.core.openings import find_openings
from asapfill.core.policy import CandidatesPolicy, OpeningsPolicy, Policy
from asapfill.core.rows import (
    Appointment,
    AppointmentType,
    Definition,
    Operatory,
    Patient,
    Provider,
    Recall,
    RecallType,
    Row,
    Schedule,
)

FRIDAY = date(2026, 11, 20)
PACIFIC = ZoneInfo("America/Los_Angeles")
MIDNIGHT_BEFORE = datetime(2026, 11, 20, 8, tzinfo=UTC)
"""Friday 00:00 at the office."""
LUNCH, HYGIENE = 100, 101


Made = TypeVar("Made", bound=Row)


def made(table: type[Made], **columns: Any) -> Made:
    """A row with some of its columns; ``unreadable`` names those that could not be read."""
    return table.model_validate(columns)


def clock(text: str) -> time:
    """``"8:00"`` or ``"23:59:59"``."""
    return time.fromisoformat(text.zfill(5) if text.count(":") == 1 else text.zfill(8))


def at(text: str, day: date = FRIDAY) -> datetime:
    """A time on the Friday."""
    return datetime.combine(day, clock(text))


def row(start: str, stop: str, kind: str = "Provider", **columns: Any) -> Schedule:
    """A schedule row on the Friday."""
    given = {"sched_date": FRIDAY, "sched_type": kind, "start_time": clock(start), "stop_time": clock(stop)}
    return Schedule.model_validate({**given, **columns})


def blockout(start: str, stop: str, **columns: Any) -> Schedule:
    """A lunch blockout in operatory 1."""
    return row(start, stop, "Blockout", **{"blockout_type": LUNCH, "operatories": (1,), **columns})


def visit(start: str, minutes: int = 60, **columns: Any) -> Appointment:
    """A scheduled appointment of provider 1 in operatory 1 for patient 1, provider time all along."""
    given = {"apt_num": 1, "pat_num": 1, "apt_status": "Scheduled", "pattern": "X" * (minutes // 5), "op": 1}
    return Appointment.model_validate({**given, "prov_num": 1, "apt_date_time": at(start), **columns})


def asap(minutes: int = 60, **columns: Any) -> Appointment:
    """An unscheduled ASAP appointment of patient 5 with provider 1."""
    given = {
        "apt_num": 50,
        "pat_num": 5,
        "apt_status": "UnschedList",
        "priority": "ASAP",
        "pattern": "X" * (minutes // 5),
    }
    return Appointment.model_validate({**given, "prov_num": 1, **columns})


def recall(**columns: Any) -> Recall:
    """A due ASAP recall of patient 5."""
    given = {"recall_num": 70, "pat_num": 5, "priority": "ASAP", "recall_type_num": 1, "date_due": date(2026, 8, 1)}
    return Recall.model_validate({**given, **columns})


def patient(**columns: Any) -> Patient:
    """An adult who takes texts, patient 5."""
    given = {"pat_num": 5, "pat_status": "Patient", "birthdate": date(1980, 1, 1), "wireless_phone": "503-555-0101"}
    return Patient.model_validate({**given, "txt_msg_ok": "Yes", **columns})


def office(**parts: Any) -> Office:
    """The office with parts exchanged."""
    whole = Office(
        first=FRIDAY,
        last=FRIDAY,
        operatories=(Operatory(operatory_num=1, prov_dentist=1),),
        providers=(Provider(prov_num=1), Provider(prov_num=2), Provider(prov_num=3, is_secondary=True)),
        schedules=(row("8:00", "17:00", prov_num=1, operatories=(1,)),),
        recall_types=(RecallType(recall_type_num=1, time_pattern="/XX/"),),
        appointment_types=(AppointmentType.read({"AppointmentTypeNum": 1, "BlockoutTypes": "Hygiene"}),),
        blockout_types=(
            Definition(def_num=LUNCH, item_name="Lunch", item_value="NS"),
            Definition(def_num=HYGIENE, item_name="Hygiene", item_value=""),
        ),
        patients={5: patient()},
        version=(25, 3, 1),
    )
    changes: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in parts.items()}
    return replace(whole, **changes)


def policy(candidates: CandidatesPolicy | None = None, clinic: int = 0, **openings: Any) -> Policy:
    """A policy that offers anything at once."""
    wide = {"notice": timedelta(0), "shortest": timedelta(minutes=5), **openings}
    return Policy(
        "office", PACIFIC, clinic, openings=OpeningsPolicy(**wide), candidates=candidates or CandidatesPolicy()
    )


def opened(an_office: Office, a_policy: Policy | None = None, now: datetime = MIDNIGHT_BEFORE) -> list[str]:
    """What may be offered, as ``operatory/provider from-to``."""
    found = find_openings(an_office, a_policy or policy(), now, {})
    return [f"{o.operatory}/{o.provider} {o.start:%H:%M}-{o.end:%H:%M}" for o in found.openings]


def only_candidate(an_office: Office, a_policy: Policy | None = None) -> Candidate:
    """The one candidate of an office."""
    candidates, passed = find_candidates(an_office, a_policy or policy(), at("0:00"))
    assert len(candidates) == 1, passed
    return candidates[0]


def starts(an_office: Office, a_policy: Policy | None = None) -> list[str]:
    """Where the one candidate may start, as ``operatory/provider time``."""
    a_policy = a_policy or policy()
    found = find_openings(an_office, a_policy, MIDNIGHT_BEFORE, {})
    places = fits(only_candidate(an_office, a_policy), prepare(an_office, a_policy, found))
    return [f"{fit.opening.operatory}/{fit.opening.provider} {fit.start:%H:%M}" for fit in places]
