"""How the schedule changes, with the traces that each change leaves, and what staff can be told to do.

Every change of an appointment bumps its DateTStamp, writes a histappointments row with the state it left, and makes
signals for its provider and operatory; every change of a schedule row of today makes a signal. ``apply`` does what it
is told; ``sensible`` says whether a receptionist would. The actions are described at the top of life.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from asapfill.sandbox.office import rules
from asapfill.sandbox.office.columns import DEFAULTS, NO_MOMENT, Row, day_of, moment, stamp
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice

STAFF = "None"
"""ApptSource of what people at the office do."""

ECONNECTOR = "EConnector"
"""ApptSource of what patients do through the web page."""


def book(office: SimulatedOffice, values: Row, *, source: str = STAFF) -> Row:
    """Make a scheduled appointment; returns its row."""
    row = office.insert("appointments", {"SecDateTEntry": stamp(office.now), **values})
    _trace(office, row, "Created", source)
    return row


def change(office: SimulatedOffice, row: Row, values: Row, *, action: str = "Changed", source: str = STAFF) -> None:
    """Set columns of an appointment; its old place is signalled as well as the new one."""
    before = dict(row)
    row.update(values)
    if (before["Op"], before["AptDateTime"]) != (row["Op"], row["AptDateTime"]):
        _signal_appointment(office, before)
    _trace(office, row, action, source)


def add_schedule(office: SimulatedOffice, values: Row) -> Row:
    """Add a schedule row of any kind; returns it."""
    row = office.insert("schedules", values)
    touch_schedule(office, row)
    return row


def touch_schedule(office: SimulatedOffice, row: Row) -> None:
    """A schedule row changed: new time stamp, and a signal if it is of today (Open Dental signals only such)."""
    row["DateTStamp"] = stamp(office.now)
    if day_of(row["SchedDate"]) == office.now.date():
        _signal(office, "Schedules", row["SchedDate"], "Undefined", 0)


def forget_old_signals(office: SimulatedOffice) -> None:
    """Delete signals older than two days, as Open Dental's weekly job does: they are no durable log."""
    limit = stamp(office.now - timedelta(days=2))
    for number in [number for number, row in office.signalods.items() if row["SigDateTime"] < limit]:
        del office.signalods[number]


def _trace(office: SimulatedOffice, row: Row, action: str, source: str) -> None:
    """Time stamp, history and signals of a changed appointment."""
    row["DateTStamp"] = stamp(office.now)
    history = {"HistUserNum": 1 if source == STAFF else 0, "HistDateTStamp": stamp(office.now)}
    history |= {"HistApptAction": action, "ApptSource": source}
    office.insert("histappointments", {name: row[name] for name in DEFAULTS["appointments"]} | history)
    _signal_appointment(office, row)


def _signal_appointment(office: SimulatedOffice, row: Row) -> None:
    """Signals carry provider and operatory, never the AptNum, and only for the days that offices look at."""
    if row["AptDateTime"] == NO_MOMENT:
        return
    day = day_of(row["AptDateTime"])
    reach = office.preferred("ApptAutoRefreshRange", 4)
    today = office.now.date()
    if reach >= 0 and not today <= day <= today + timedelta(days=reach):
        return
    _signal(office, "Appointment", str(day), "Provider", rules.provider_of(row))
    _signal(office, "Appointment", str(day), "Operatory", row["Op"])


def _signal(office: SimulatedOffice, kind: str, day: str, key_type: str, key: int) -> None:
    signal = {"DateViewing": day, "SigDateTime": stamp(office.now), "IType": kind, "FKeyType": key_type, "FKey": key}
    office.insert("signalods", signal)


def apply(office: SimulatedOffice, action: Row) -> Row:
    """Do it now; returns the numbers of what was touched, such as ``{"AptNum": 7}``.

    Raises:
        Refusal: no such action or row, or a column that is not there.
    """
    name = action.get("action")
    doing = _ACTIONS.get(str(name))
    if doing is None:
        raise Refusal(400, f"Staff cannot {name!r}; they can {', '.join(sorted(_ACTIONS))}.")
    try:
        return doing(office, action)
    except KeyError as error:
        raise Refusal(400, f"The staff action {name!r} needs {error.args[0]!r}, or it names no row.") from error


def sensible(office: SimulatedOffice, action: Row) -> bool:
    """Whether a receptionist who planned this would still do it: the row is there, the new place free and ahead."""
    kind = action["action"]
    if "AptNum" in action:
        row = office.appointments.get(action["AptNum"])
        if row is None or (kind in {"cancel", "break", "complete", "move"} and row["AptStatus"] != "Scheduled"):
            return False
        if kind == "delete" and row["AptStatus"] == "Complete":
            return False
    if "RecallNum" in action and action["RecallNum"] not in office.recalls:
        return False
    if kind in {"move", "book"}:
        return _place_free(office, action)
    if kind == "blockout":
        return not _occupied(office, set(action["operatories"]), rules.schedule_span(action), None)
    return kind != "delete_schedule" or action["ScheduleNum"] in office.schedules


def _place_free(office: SimulatedOffice, action: Row) -> bool:
    """Whether a visit can be put there: not in the past, on no other visit, on no forbidding blockout."""
    own = office.appointments.get(action.get("AptNum", 0))
    pattern = own["Pattern"] if own else action["Pattern"]
    start = moment(action["AptDateTime"])
    end = start + len(pattern) * rules.UNIT
    if start <= office.now or rules.blockout_forbids(office, own, action["Op"], start, end):
        return False
    return not _occupied(office, {action["Op"]}, (start, end), own)


def _occupied(office: SimulatedOffice, operatories: set[int], span: tuple[datetime, datetime], own: Row | None) -> bool:
    return any(
        row is not own
        and row["Op"] in operatories
        and row["AptStatus"] not in rules.NO_CHAIR
        and rules.overlaps(*span, *rules.appointment_span(row))
        for row in office.appointments.values()
    )


def _change(office: SimulatedOffice, action: Row, values: Row, *, history: str = "Changed") -> Row:
    """Change the appointment that an action names, and its priority if the action says so."""
    row = office.appointments[action["AptNum"]]
    change(office, row, {"Priority": action.get("Priority") or row["Priority"], **values}, action=history)
    return {"AptNum": action["AptNum"]}


def _cancel(office: SimulatedOffice, action: Row) -> Row:
    """Onto the unscheduled list: operatory 0, the old time is kept (Open Dental does so)."""
    return _change(office, action, {"AptStatus": "UnschedList", "Op": 0})


def _break(office: SimulatedOffice, action: Row) -> Row:
    """Broken keeps operatory and time. ``charted``: the history action when staff chart D9986 or D9987."""
    return _change(office, action, {"AptStatus": "Broken"}, history=action.get("charted") or "Changed")


def _complete(office: SimulatedOffice, action: Row) -> Row:
    return _change(office, action, {"AptStatus": "Complete"})


def _move(office: SimulatedOffice, action: Row) -> Row:
    """From the unscheduled list or broken, it becomes scheduled."""
    row, op = office.appointments[action["AptNum"]], action["Op"]
    status = "Scheduled" if row["AptStatus"] in {"Broken", "UnschedList"} else row["AptStatus"]
    clinic = office.operatories.get(op, {}).get("ClinicNum", row["ClinicNum"])
    place = {"Op": op, "AptDateTime": action["AptDateTime"], "AptStatus": status, "ClinicNum": clinic}
    return _change(office, action, place)


def _delete(office: SimulatedOffice, action: Row) -> Row:
    """The row vanishes; only its history remains."""
    _trace(office, office.appointments.pop(action["AptNum"]), "Deleted", STAFF)
    return {"AptNum": action["AptNum"]}


def _book(office: SimulatedOffice, action: Row) -> Row:
    values = _columns("appointments", action)
    operatory = office.operatories[values["Op"]]
    providers = {"ProvNum": values.get("ProvNum", 0), "ProvHyg": 0}
    placed = rules.placed(office, operatory, moment(values["AptDateTime"]), providers)
    return {"AptNum": book(office, placed | {"Pattern": "//XX//"} | values)["AptNum"]}


def _priority(office: SimulatedOffice, action: Row) -> Row:
    """Put an appointment or a recall on the ASAP list, or take it off."""
    if "AptNum" in action:
        return _change(office, action, {"Priority": action["Priority"]})
    office.recalls[action["RecallNum"]].update(Priority=action["Priority"], DateTStamp=stamp(office.now))
    return {"RecallNum": action["RecallNum"]}


def _blockout(office: SimulatedOffice, action: Row) -> Row:
    values = _columns("schedules", action) | {"SchedType": "Blockout"}
    return {"ScheduleNum": add_schedule(office, values)["ScheduleNum"]}


def _delete_schedule(office: SimulatedOffice, action: Row) -> Row:
    """An offer that pointed to the row has lost its slot."""
    touch_schedule(office, office.schedules.pop(action["ScheduleNum"]))
    return {"ScheduleNum": action["ScheduleNum"]}


def _patient(office: SimulatedOffice, action: Row) -> Row:
    office.patients[action["PatNum"]].update(_columns("patients", action), DateTStamp=stamp(office.now))
    return {"PatNum": action["PatNum"]}


def _preference(office: SimulatedOffice, action: Row) -> Row:
    office.preferences[action["PrefName"]] = str(action["ValueString"])
    return {}


def _permission(office: SimulatedOffice, action: Row) -> Row:
    office.securityperms[action["Permission"]] = bool(action["HasPermission"])
    return {}


def _columns(table: str, action: Row) -> Row:
    """The columns that an action sets."""
    values = {name: value for name, value in action.items() if name != "action"}
    unknown = sorted(set(values) - set(DEFAULTS[table]))
    if unknown:
        raise Refusal(400, f"There is no column {unknown[0]!r} in {table}.")
    return values


_ACTIONS = {
    action.__name__.removeprefix("_"): action
    for action in (
        _cancel, _break, _complete, _move, _delete, _book, _priority, _blockout, _delete_schedule, _patient,
        _preference, _permission,
    )
}  # fmt: skip
