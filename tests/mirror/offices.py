"""The office by which requests are counted: 10 operatories, 14 days, 1,100 appointments, 120 of them ASAP, 3,000
recalls.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from asapfill.sandbox.generate.generator import make_office

Row = dict[str, Any]

START = datetime(2026, 4, 14, 10, 0)
LOOK_AHEAD = 14
APPOINTMENTS, ASAP, RECALLS = 1100, 120, 3000

POLICY = f"""\
office: main-street
timezone: America/Los_Angeles
mode: automatic
openings:
  look_ahead: {LOOK_AHEAD} days
  settle: 15 minutes
"""


def counted_office(seed: int = 1) -> Row:
    """The office, made by the sandbox's generator and brought to exactly these sizes."""
    office = make_office(seed, start=START, operatories=10, days=LOOK_AHEAD + 1)
    draws = random.Random(f"counted {seed}")
    _fit_appointments(office, draws)
    _fit_asap(office, draws)
    _fit_recalls(office, draws)
    return add_preferences(office)


def horizon(office: Row) -> tuple[str, str]:
    """The first and last day that asapfill reads: from yesterday to the end of the look-ahead."""
    today = date.fromisoformat(office["now"][:10])
    return str(today - timedelta(days=1)), str(today + timedelta(days=LOOK_AHEAD))


def within(office: Row, table: str, column: str) -> list[Row]:
    """The rows of a table that lie on the days that asapfill reads."""
    first, last = horizon(office)
    return [row for row in office[table] if first <= row.get(column, "")[:10] <= last]


def _fit_appointments(office: Row, draws: random.Random) -> None:
    """Short visits in the room without a provider, where they take nobody's time: on the days that have fewest."""
    rows = within(office, "appointments", "AptDateTime")
    first = date.fromisoformat(horizon(office)[0])
    counts = Counter({str(first + timedelta(days=day)): 0 for day in range(LOOK_AHEAD + 2)})
    counts.update(row["AptDateTime"][:10] for row in rows)
    room = max(row["OperatoryNum"] for row in office["operatories"] if not row.get("IsHidden"))
    for number in range(APPOINTMENTS - len(rows)):
        emptiest = min(counts, key=counts.__getitem__)
        counts[emptiest] += 1
        time = f"{6 + number % 60 // 6:02}:{number % 6 * 10:02}:00"
        office["appointments"].append(
            {
                "AptNum": len(office["appointments"]) + 1,
                "PatNum": draws.choice(office["patients"])["PatNum"],
                "AptStatus": "Scheduled",
                "Pattern": "//",
                "Op": room,
                "ProvNum": 1,
                "AptDateTime": f"{emptiest} {time}",
                "DateTStamp": "2026-03-02 09:00:00",
            }
        )


def _fit_asap(office: Row, draws: random.Random) -> None:
    """Far visits of patients who would like to come sooner."""
    listed = [row for row in office["appointments"] if row.get("Priority") == "ASAP"]
    far = [row for row in office["appointments"] if row["AptDateTime"][:10] > horizon(office)[1]]
    far = [row for row in far if row["AptStatus"] == "Scheduled" and row.get("Priority") != "ASAP"]
    for row in draws.sample(far, ASAP - len(listed)):
        row["Priority"] = "ASAP"


def _fit_recalls(office: Row, draws: random.Random) -> None:
    """Recalls of other kinds: most patients have several."""
    while len(office["recalls"]) < RECALLS:
        like = draws.choice(office["recalls"])
        patient = draws.choice(office["patients"])["PatNum"]
        number = len(office["recalls"]) + 1
        office["recalls"].append({**like, "RecallNum": number, "PatNum": patient, "Priority": "Normal"})


def add_preferences(office: Row, count: int = 950) -> Row:
    """As many preferences as a real office has; asapfill uses a dozen."""
    named = {f"Preference{number:04}": "x" for number in range(count - len(office["preferences"]))}
    office["preferences"] = {**office["preferences"], **named}
    return office


def book_up(office: Row, visit: Row) -> Row:
    """Block all time but that of ``visit``, days to come included: nothing is free until it is cancelled."""
    kind = next(row["DefNum"] for row in office["definitions"] if row["Category"] == 25 and "NS" in row["ItemValue"])
    rooms = [row["OperatoryNum"] for row in office["operatories"]]
    first, last = (date.fromisoformat(day) for day in horizon(office))
    start = datetime.fromisoformat(visit["AptDateTime"])
    end = start + timedelta(minutes=5 * len(visit["Pattern"]))
    blocks: list[tuple[str, str, str, list[int]]] = []
    for number in range((last - first).days + 4):
        day = first + timedelta(days=number)
        if day != start.date():
            blocks.append((str(day), "00:00:00", "23:59:00", rooms))
            continue
        blocks.append((str(day), "00:00:00", "23:59:00", [room for room in rooms if room != visit["Op"]]))
        blocks.append((str(day), "00:00:00", f"{start:%H:%M}:00", [visit["Op"]]))
        blocks.append((str(day), f"{end:%H:%M}:00", "23:59:00", [visit["Op"]]))
    number = max(row["ScheduleNum"] for row in office["schedules"])
    for position, (on, begins, ends, ops) in enumerate(blocks, number + 1):
        times = {"SchedDate": on, "StartTime": begins, "StopTime": ends}
        office["schedules"].append(
            {"ScheduleNum": position, "SchedType": "Blockout", "BlockoutType": kind, "operatories": ops, **times}
        )
    return office


def visits_in(office: Row, operatories: set[int]) -> list[Row]:
    """Scheduled visits of an hour or more in these operatories, from tomorrow on, the nearest first."""
    tomorrow = str(date.fromisoformat(office["now"][:10]) + timedelta(days=1))
    rows = [
        row
        for row in within(office, "appointments", "AptDateTime")
        if row["Op"] in operatories
        and row["AptStatus"] == "Scheduled"
        and row.get("Priority") != "ASAP"
        and row["AptDateTime"] >= tomorrow
        and len(row["Pattern"]) >= 12
    ]
    return sorted(rows, key=lambda row: (row["AptDateTime"], row["AptNum"]))
