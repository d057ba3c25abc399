"""The few ways in which the schedule of the simulated office changes, with the traces that each leaves.

Every change of an appointment bumps its DateTStamp, writes a histappointments row with the state it left, and makes
signals for its provider and operatory; every change of a schedule row of today makes a signal. Whether a change makes
sense is for the caller to judge: staff may do what they like.
"""

from __future__ import annotations

from datetime import timedelta

from asapfill.sandbox.office.columns import DEFAULTS, NO_DAY, NO_MOMENT, Row, day_of, stamp
from asapfill.sandbox.office.tables import Office

STAFF = "None"
"""ApptSource of what people at the office do."""

ECONNECTOR = "EConnector"
"""ApptSource of what patients do through the web page."""


def book(office: Office, values: Row, *, source: str = STAFF) -> Row:
    """Make a scheduled appointment; returns its row."""
    row = office.insert("appointments", {"SecDateTEntry": stamp(office.now), **values})
    _trace(office, row, "Created", source)
    return row


def change(office: Office, row: Row, values: Row, *, action: str = "Changed", source: str = STAFF) -> None:
    """Set columns of an appointment; its old place is signalled as well as the new one."""
    before = dict(row)
    row.update(values)
    if (before["Op"], before["AptDateTime"]) != (row["Op"], row["AptDateTime"]):
        _signal_appointment(office, before)
    _trace(office, row, action, source)


def move(office: Office, row: Row, operatory: int, when: str) -> None:
    """Put an appointment elsewhere; from the unscheduled list or broken, it becomes scheduled."""
    status = "Scheduled" if row["AptStatus"] in {"Broken", "UnschedList"} else row["AptStatus"]
    clinic = office.operatories.get(operatory, {}).get("ClinicNum", row["ClinicNum"])
    change(office, row, {"Op": operatory, "AptDateTime": when, "AptStatus": status, "ClinicNum": clinic})


def break_appointment(office: Office, row: Row, *, priority: str = "", charted: str = "") -> None:
    """Break it and leave it on the schedule: Broken keeps operatory and time.

    ``charted``: "Missed" or "Cancelled", the history action when staff chart D9986 or D9987; otherwise "Changed".
    """
    change(
        office,
        row,
        {"AptStatus": "Broken", "Priority": priority or row["Priority"]},
        action=charted or "Changed",
    )


def unschedule(office: Office, row: Row, *, priority: str = "") -> None:
    """Send it to the unscheduled list: operatory 0, the old time is kept (Open Dental does so)."""
    change(office, row, {"AptStatus": "UnschedList", "Op": 0, "Priority": priority or row["Priority"]})


def complete(office: Office, row: Row) -> None:
    """The visit took place."""
    change(office, row, {"AptStatus": "Complete"})


def delete_appointment(office: Office, row: Row) -> None:
    """The row vanishes; only its history remains."""
    del office.appointments[row["AptNum"]]
    _trace(office, row, "Deleted", STAFF)


def set_priority(office: Office, row: Row, priority: str) -> None:
    """Put an appointment or a recall on the ASAP list, or take it off."""
    if "AptNum" in row:
        change(office, row, {"Priority": priority})
    else:
        row.update(Priority=priority, DateTStamp=stamp(office.now))


def add_schedule(office: Office, values: Row) -> Row:
    """Add a schedule row of any kind; returns it."""
    row = office.insert("schedules", values)
    touch_schedule(office, row)
    return row


def touch_schedule(office: Office, row: Row) -> None:
    """A schedule row changed: new time stamp, and a signal if it is of today (Open Dental signals only such)."""
    row["DateTStamp"] = stamp(office.now)
    if day_of(row["SchedDate"]) == office.now.date():
        _signal(office, "Schedules", row["SchedDate"], "Undefined", 0)


def delete_schedule(office: Office, row: Row) -> None:
    """A schedule row vanishes; an offer that pointed to it has lost its slot."""
    touch_schedule(office, row)
    del office.schedules[row["ScheduleNum"]]


def forget_old_signals(office: Office) -> None:
    """Delete signals older than two days, as Open Dental's weekly job does: they are no durable log."""
    limit = stamp(office.now - timedelta(days=2))
    for number in [number for number, row in office.signalods.items() if row["SigDateTime"] < limit]:
        del office.signalods[number]


def _trace(office: Office, row: Row, action: str, source: str) -> None:
    """Time stamp, history and signals of a changed appointment."""
    row["DateTStamp"] = stamp(office.now)
    columns = {name: row[name] for name in DEFAULTS["appointments"]}
    office.insert(
        "histappointments",
        {
            **columns,
            "HistUserNum": 1 if source == STAFF else 0,
            "HistDateTStamp": stamp(office.now),
            "HistApptAction": action,
            "ApptSource": source,
        },
    )
    _signal_appointment(office, row)


def _signal_appointment(office: Office, row: Row) -> None:
    """Signals carry provider and operatory, never the AptNum, and only for the days that offices look at."""
    if row["AptDateTime"] == NO_MOMENT:
        return
    day = day_of(row["AptDateTime"])
    reach = int(office.preferences.get("ApptAutoRefreshRange") or 4)
    today = office.now.date()
    if reach >= 0 and not today <= day <= today + timedelta(days=reach):
        return
    provider = row["ProvHyg"] if row["IsHygiene"] and row["ProvHyg"] else row["ProvNum"]
    _signal(office, "Appointment", str(day), "Provider", provider)
    _signal(office, "Appointment", str(day), "Operatory", row["Op"])


def _signal(office: Office, kind: str, day: str, key_type: str, key: int) -> None:
    office.insert(
        "signalods",
        {
            "DateViewing": day or NO_DAY,
            "SigDateTime": stamp(office.now),
            "IType": kind,
            "FKeyType": key_type,
            "FKey": key,
        },
    )
