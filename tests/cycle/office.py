"""A small office for exact expectations, as an office file.

It is Tuesday 2026-04-14, 10:00 in Los Angeles. Dentist 1 works in operatory 1 today 13:00-17:00 and next Monday
10:00-11:00; nobody else has hours. Visits 10 (13:00-14:00) and 15 (15:00-17:00) leave one hour free: 14:00-15:00.
On the ASAP list, 60 minutes each: 11 (patient 2, scheduled next Monday 10:00, which takes all of that day's hours),
12 (patient 3, unscheduled), 14 (patient 5, planned) and recall 21 (patient 6). Names, phones and keys are marked, so
that they can be looked for where they must not be.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

DEVELOPER, CUSTOMER = "Developer-Mark-4711", "Customer-Mark-0815"
LAST_NAME, FIRST_NAME, PHONES = "Lastnamemark", "Firstnamemark", "555010"
TODAY, MONDAY = "2026-04-14", "2026-04-20"
OPENING = "op1-20260414-1400"
START, END = f"{TODAY}T14:00:00", f"{TODAY}T15:00:00"
LUNCH, HOLD = 247, 248

ASAP_LIST = ((11, 2), (12, 3), (14, 5))
"""AptNum and PatNum."""


def appointment(number: int, patient: int, when: str, *, minutes: int = 60, op: int = 1, **more: Any) -> Row:
    row = {"AptNum": number, "PatNum": patient, "AptDateTime": when, "Op": op, "ProvNum": 1}
    return row | {"Pattern": "X" * (minutes // 5), "AptStatus": "Scheduled"} | more


def unscheduled(number: int, patient: int, **more: Any) -> Row:
    row = {"AptStatus": "UnschedList", "Priority": "ASAP"}
    return appointment(number, patient, "2026-03-02 10:00:00", op=0, **(row | more))


def hours(day: str, start: str, stop: str, *, provider: int = 1, op: int = 1, **more: Any) -> Row:
    times = {"SchedDate": day, "StartTime": f"{start}:00", "StopTime": f"{stop}:00"}
    return times | {"ProvNum": provider, "operatories": [op]} | more


def patient(number: int, **more: Any) -> Row:
    row = {"PatNum": number, "LName": f"{LAST_NAME}{number}", "FName": f"{FIRST_NAME}{number}", "TxtMsgOk": "Yes"}
    phone = f"(503){PHONES[:3]}-{PHONES[3:]}{number}"
    return row | {"WirelessPhone": phone, "Birthdate": "1980-05-05", "PriProv": 1} | more


def office_file(**changes: Any) -> Row:
    """The office; ``changes`` replace whole tables and settings, preferences are merged, ``more_X`` adds rows to X."""
    office: Row = {
        "now": f"{TODAY} 10:00:00",
        "timezone": "America/Los_Angeles",
        "version": "25.2.30.0",
        "keys": [[DEVELOPER, CUSTOMER]],
        "preferences": {},
        "operatories": [
            {"OperatoryNum": 1, "OpName": "Chair 1", "Abbrev": "OP1", "ProvDentist": 1},
            {"OperatoryNum": 2, "OpName": "Hygiene", "Abbrev": "HYG", "ProvHygienist": 2, "IsHygiene": True},
        ],
        "providers": [{"ProvNum": 1, "Abbr": "DOC1"}, {"ProvNum": 2, "Abbr": "HYG1", "IsSecondary": True}],
        "schedules": [hours(TODAY, "13:00", "17:00"), hours(MONDAY, "10:00", "11:00")],
        "definitions": [
            {"DefNum": LUNCH, "Category": 25, "ItemName": "Lunch", "ItemValue": "NS"},
            {"DefNum": HOLD, "Category": 25, "ItemName": "Hold"},
            {"DefNum": 235, "Category": 27, "ItemName": "ApptRelated", "ItemValue": "APPT"},
        ],
        # Patient 6, of the recall, has the hygienist as primary provider: the dentist's time is not theirs.
        "patients": [patient(number, **({"PriProv": 2} if number == 6 else {})) for number in range(1, 10)],
        "appointments": [
            appointment(10, 1, f"{TODAY} 13:00:00"),
            appointment(11, 2, f"{MONDAY} 10:00:00", Priority="ASAP"),
            unscheduled(12, 3),
            appointment(14, 5, "0001-01-01 00:00:00", op=0, AptStatus="Planned", Priority="ASAP"),
            appointment(15, 8, f"{TODAY} 15:00:00", minutes=120),
        ],
        "recalltypes": [{"RecallTypeNum": 1, "Description": "Prophy", "TimePattern": "/XXXX/"}],
        "recalls": [{"RecallNum": 21, "PatNum": 6, "RecallTypeNum": 1, "DateDue": "2026-03-01", "Priority": "ASAP"}],
    }
    preferences = office["preferences"] | changes.pop("preferences", {})
    for name in [name for name in changes if name.startswith("more_")]:
        table = name.removeprefix("more_")
        office[table] = [*office.get(table, []), *changes.pop(name)]
    return office | changes | {"preferences": preferences}
