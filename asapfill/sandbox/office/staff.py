"""What people at the front desk do; the actions are described at the top of life.py."""

from __future__ import annotations

from datetime import datetime

from asapfill.sandbox.office import changes, rules
from asapfill.sandbox.office.columns import DEFAULTS, Row, moment, stamp
from asapfill.sandbox.office.offers import Refusal
from asapfill.sandbox.office.tables import Office

_FREE = frozenset({"UnschedList", "Planned"})
"""Statuses of appointments that take up no chair."""


def apply(office: Office, action: Row) -> Row:
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


def sensible(office: Office, action: Row) -> bool:
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
        return _blockout_free(office, action)
    return kind != "delete_schedule" or action["ScheduleNum"] in office.schedules


def _place_free(office: Office, action: Row) -> bool:
    """Whether a visit can be put there: not in the past, on no other visit, on no forbidding blockout."""
    own = office.appointments.get(action.get("AptNum", 0))
    pattern = own["Pattern"] if own else action["Pattern"]
    start = moment(action["AptDateTime"])
    end = start + len(pattern) * rules.UNIT
    if start <= office.now or rules.blockout_forbids(office, own, action["Op"], start, end):
        return False
    return not _occupied(office, {action["Op"]}, (start, end), own)


def _blockout_free(office: Office, action: Row) -> bool:
    """Whether nobody sits where the blockout is to go."""
    return not _occupied(office, set(action["operatories"]), rules.schedule_span(action), None)


def _occupied(office: Office, operatories: set[int], span: tuple[datetime, datetime], own: Row | None) -> bool:
    return any(
        row is not own
        and row["Op"] in operatories
        and row["AptStatus"] not in _FREE
        and rules.overlaps(*span, *rules.appointment_span(row))
        for row in office.appointments.values()
    )


def _cancel(office: Office, action: Row) -> Row:
    changes.unschedule(office, office.appointments[action["AptNum"]], priority=action.get("Priority", ""))
    return {"AptNum": action["AptNum"]}


def _break(office: Office, action: Row) -> Row:
    row = office.appointments[action["AptNum"]]
    changes.break_appointment(office, row, priority=action.get("Priority", ""), charted=action.get("charted", ""))
    return {"AptNum": action["AptNum"]}


def _delete(office: Office, action: Row) -> Row:
    changes.delete_appointment(office, office.appointments[action["AptNum"]])
    return {"AptNum": action["AptNum"]}


def _move(office: Office, action: Row) -> Row:
    changes.move(office, office.appointments[action["AptNum"]], action["Op"], action["AptDateTime"])
    return {"AptNum": action["AptNum"]}


def _book(office: Office, action: Row) -> Row:
    values = _columns("appointments", action)
    operatory = office.operatories[values["Op"]]
    start = moment(values["AptDateTime"])
    placed = rules.placed(office, operatory, start, {"ProvNum": values.get("ProvNum", 0), "ProvHyg": 0})
    return {"AptNum": changes.book(office, placed | {"Pattern": "//XX//"} | values)["AptNum"]}


def _complete(office: Office, action: Row) -> Row:
    changes.complete(office, office.appointments[action["AptNum"]])
    return {"AptNum": action["AptNum"]}


def _priority(office: Office, action: Row) -> Row:
    key = "AptNum" if "AptNum" in action else "RecallNum"
    table = office.appointments if key == "AptNum" else office.recalls
    changes.set_priority(office, table[action[key]], action["Priority"])
    return {key: action[key]}


def _blockout(office: Office, action: Row) -> Row:
    values = _columns("schedules", action) | {"SchedType": "Blockout"}
    return {"ScheduleNum": changes.add_schedule(office, values)["ScheduleNum"]}


def _delete_schedule(office: Office, action: Row) -> Row:
    changes.delete_schedule(office, office.schedules[action["ScheduleNum"]])
    return {"ScheduleNum": action["ScheduleNum"]}


def _patient(office: Office, action: Row) -> Row:
    office.patients[action["PatNum"]].update(_columns("patients", action), DateTStamp=stamp(office.now))
    return {"PatNum": action["PatNum"]}


def _preference(office: Office, action: Row) -> Row:
    office.preferences[action["PrefName"]] = str(action["ValueString"])
    return {}


def _permission(office: Office, action: Row) -> Row:
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
    "cancel": _cancel,
    "break": _break,
    "delete": _delete,
    "move": _move,
    "book": _book,
    "complete": _complete,
    "priority": _priority,
    "blockout": _blockout,
    "delete_schedule": _delete_schedule,
    "patient": _patient,
    "preference": _preference,
    "permission": _permission,
}
