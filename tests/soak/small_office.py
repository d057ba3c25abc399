"""A small office drawn from a seed, for simulated days: two chairs, two dozen patients, and all that may be odd about
them.

An office file as ``sandbox.office.tables`` describes it. Small, so that a day takes a second; the sandbox's own
generator makes life-sized ones.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from asapfill.sandbox.office.columns import stamp

Row = dict[str, Any]

DAYS = 5
PATIENTS = 26
LUNCH, HOLD, HELD_FOR_ASAP = 301, 302, 303
"""Blockout types: one that forbids scheduling, one that the policy keeps, one that it may fill over."""

STARTS = (
    "2026-03-07",  # the night after, clocks go forward
    "2026-10-31",  # the night after, clocks go back
    "2026-04-13",
    "2026-06-03",
    "2026-08-20",
    "2026-12-30",
)
TIMEZONES = ("America/Los_Angeles", "America/New_York", "America/Phoenix", "America/Chicago")


def draw_office(draws: random.Random) -> Row:
    """An office at seven in the morning of its first day."""
    first = date.fromisoformat(draws.choice(STARTS))
    days = [first + timedelta(days=number) for number in range(DAYS)]
    patients = [_patient(draws, number) for number in range(1, PATIENTS + 1)]
    visits = _Visits(draws)
    for day in days:
        for operatory in (1, 2):
            visits.fill(day, operatory)
    visits.add_asap_list(first)
    return {
        "now": f"{first} 07:00:00",
        "timezone": draws.choice(TIMEZONES),
        "version": draws.choice(["25.2.30.0", "25.2.30.0", "25.2.12.0"]),
        "preferences": _preferences(draws),
        "operatories": [
            {"OperatoryNum": 1, "OpName": "Chair 1", "Abbrev": "OP1", "ProvDentist": 1},
            {"OperatoryNum": 2, "OpName": "Hygiene", "Abbrev": "HYG", "ProvHygienist": 2, "IsHygiene": True},
            {"OperatoryNum": 3, "OpName": "Old", "Abbrev": "OLD", "ProvDentist": 1, "IsHidden": True},
        ],
        "providers": [{"ProvNum": 1, "Abbr": "DOC1"}, {"ProvNum": 2, "Abbr": "HYG1", "IsSecondary": True}],
        "definitions": [
            {"DefNum": LUNCH, "Category": 25, "ItemName": "Lunch", "ItemValue": "NS"},
            {"DefNum": HOLD, "Category": 25, "ItemName": "Hold"},
            {"DefNum": HELD_FOR_ASAP, "Category": 25, "ItemName": "Short notice"},
            {"DefNum": 235, "Category": 27, "ItemName": "ApptRelated", "ItemValue": "APPT"},
        ],
        "schedules": [row for day in days for row in _hours(draws, day)],
        "patients": patients,
        "appointments": visits.rows,
        "recalltypes": [{"RecallTypeNum": 1, "Description": "Prophy", "TimePattern": "/XXXX/"}],
        "recalls": [_recall(draws, number, first) for number in range(1, 6)],
    }


def _preferences(draws: random.Random) -> Row:
    opens, closes = draws.choice([("07:00:00", "22:00:00"), ("10:00:00", "16:00:00"), ("00:00:00", "00:00:00")])
    return {
        "WebSchedAsapTextLimit": draws.choice(["", "1", "2", "3"]),
        "AutomaticCommunicationTimeStart": f"01-01-0001 {opens}",
        "AutomaticCommunicationTimeEnd": f"01-01-0001 {closes}",
        "ApptsAllowOverlap": draws.choice(["0", "1"]),
        "TextMsgOkStatusTreatAsNo": draws.choice(["0", "0", "1"]),
    }


def _patient(draws: random.Random, number: int) -> Row:
    """Families share a phone; some may not be asked for one reason or another."""
    phone = f"(503)555-{1000 + (number // 3 if number % 4 == 0 else 100 + number):04d}"
    row = {"PatNum": number, "LName": f"L{number}", "FName": f"F{number}", "WirelessPhone": phone, "PriProv": 1}
    row |= {"TxtMsgOk": draws.choice(["Yes", "Yes", "Yes", "Unknown"]), "Birthdate": "1980-05-05"}
    odd = draws.random()
    if odd < 0.06:
        row["TxtMsgOk"] = "No"
    elif odd < 0.12:
        row["Birthdate"] = "2015-05-05"
    elif odd < 0.16:
        row["PatStatus"] = draws.choice(["Inactive", "Archived", "Deceased", "NonPatient"])
    elif odd < 0.20:
        row["WirelessPhone"] = draws.choice(["", "555-1234"])
    elif odd < 0.24:
        row["OptedOut"] = True
    elif odd < 0.28:
        row["SmsFails"] = True
    return row


def _recall(draws: random.Random, number: int, first: date) -> Row:
    due = first + timedelta(days=draws.randint(-60, 5))
    priority = draws.choice(["ASAP", "ASAP", "Normal"])
    return {"RecallNum": number, "PatNum": draws.randint(1, PATIENTS), "RecallTypeNum": 1, "DateDue": str(due),
            "Priority": priority, "IsDisabled": draws.random() < 0.1}  # fmt: skip


def _hours(draws: random.Random, day: date) -> list[Row]:
    """Who works where on a day, and its blockouts."""
    rows: list[Row] = [
        _schedule(day, "08:00", "12:00", ProvNum=1, operatories=[1], SchedType="Provider"),
        _schedule(day, "13:00", "17:00", ProvNum=1, operatories=[1], SchedType="Provider"),
        _schedule(day, "08:00", "16:00", ProvNum=2, operatories=[2], SchedType="Provider"),
        _schedule(day, "12:00", "13:00", BlockoutType=LUNCH, operatories=[1, 2], SchedType="Blockout"),
    ]
    if draws.random() < 0.4:
        kind = draws.choice([HOLD, HELD_FOR_ASAP])
        hour = draws.randint(8, 15)
        rows.append(
            _schedule(
                day,
                f"{hour:02d}:00",
                f"{hour + 1:02d}:00",
                BlockoutType=kind,
                operatories=[draws.randint(1, 2)],
                SchedType="Blockout",
            )
        )
    return rows


def _schedule(day: date, start: str, stop: str, **more: Any) -> Row:
    return {"SchedDate": str(day), "StartTime": f"{start}:00", "StopTime": f"{stop}:00", **more}


class _Visits:
    """Appointments as they are drawn."""

    def __init__(self, draws: random.Random) -> None:
        self.draws = draws
        self.rows: list[Row] = []

    def add(self, **columns: Any) -> None:
        minutes = self.draws.choice([30, 30, 50, 60])
        pattern = "/" + "X" * (minutes // 5 - 2) + "/"
        self.rows.append(
            {
                "AptNum": len(self.rows) + 1,
                "PatNum": self.draws.randint(1, PATIENTS),
                "Pattern": pattern,
                "ProvNum": 1,
                "ProvHyg": 0,
                "AptStatus": "Scheduled",
                "Priority": "Normal",
                **columns,
            }
        )

    def fill(self, day: date, operatory: int) -> None:
        """A chair's day: visits one after the other, with gaps."""
        moment = datetime.combine(day, datetime.min.time()) + timedelta(hours=8)
        while moment.hour < 16:
            if moment.hour == 12:
                moment += timedelta(hours=1)
                continue
            minutes = self.draws.choice([30, 50, 60])
            if self.draws.random() < 0.62:
                pattern = "/" + "X" * (minutes // 5 - 2) + "/"
                priority = self.draws.choice(["ASAP", "Normal", "Normal"])
                hygiene = {"ProvHyg": 2, "IsHygiene": True} if operatory == 2 else {}
                self.add(AptDateTime=stamp(moment), Op=operatory, Pattern=pattern, Priority=priority, **hygiene)
            moment += timedelta(minutes=minutes + self.draws.choice([0, 0, 10]))

    def add_asap_list(self, first: date) -> None:
        """Unscheduled, broken and planned visits that want to come soon."""
        before = stamp(datetime.combine(first, datetime.min.time()) - timedelta(days=9, hours=-10))
        for _ in range(self.draws.randint(3, 8)):
            hygiene = {"ProvHyg": 2, "IsHygiene": True} if self.draws.random() < 0.4 else {}
            self.add(AptDateTime=before, Op=0, AptStatus="UnschedList", Priority="ASAP", **hygiene)
        for _ in range(self.draws.randint(0, 3)):
            self.add(AptDateTime="0001-01-01 00:00:00", Op=0, AptStatus="Planned", Priority="ASAP")
        for _ in range(self.draws.randint(0, 2)):
            self.add(AptDateTime=before, Op=1, AptStatus="Broken", Priority="ASAP")
