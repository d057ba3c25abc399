"""The API's other writes: commlogs and subscriptions. Offers are in offers.py."""

from __future__ import annotations

import json
import sys

from asapfill.sandbox.office.columns import NO_MOMENT, Row, stamp
from asapfill.sandbox.office.offers import Refusal, read_moment
from asapfill.sandbox.office.tables import Office

COMM_TYPES = 27
"""The definition category of commlog types."""

_MODES = ("None", "Email", "Mail", "Phone", "In Person", "Text", "Email and Text", "Phone and Text")
_DIRECTIONS = ("Neither", "Sent", "Received")
_SUBSCRIPTION = ("EndPointUrl", "Workstation", "PollingSeconds", "DateTimeStart", "DateTimeStop", "Note")
"""What a subscription may be changed in; WatchTable and UiEventType are given once."""
_WATCHED_SINCE = {
    **dict.fromkeys(("Appointment", "PatField", "Patient", "ToothInitial"), (22, 1)),
    "AppointmentDeleted": (22, 4, 35),
    **dict.fromkeys(("Operatory", "Provider", "Schedule"), (24, 2, 11)),
}
"""The tables that can be watched, and since which version."""


def read_body(body: bytes) -> Row:
    """A request's JSON object. Raises Refusal when it is none."""
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Refusal(400, "The request body is not valid JSON.") from error
    if not isinstance(found, dict):
        raise Refusal(400, "The request body is not a JSON object.")
    return found


def create_commlog(office: Office, body: Row) -> Row:
    """A commlog for a patient. Raises Refusal."""
    if not isinstance(body.get("PatNum"), int):
        raise Refusal(400, "PatNum is required.")
    if not body.get("Note"):
        raise Refusal(400, "Note is required.")
    if body["PatNum"] not in office.patients:
        raise Refusal(404, "Patient not found")
    when = body.get("CommDateTime")
    now = stamp(office.now)
    return office.insert(
        "commlogs",
        {
            "PatNum": body["PatNum"],
            "Note": str(body["Note"]),
            "CommDateTime": stamp(read_moment(when, "CommDateTime")) if when else now,
            "CommType": _comm_type(office, body),
            "Mode_": _one_of(body, "Mode_", "Phone", _MODES),
            "SentOrReceived": _one_of(body, "SentOrReceived", "Sent", _DIRECTIONS),
            "DateTStamp": now,
            "DateTEntry": now,
        },
    )


def change_commlog(office: Office, number: int, body: Row) -> Row:
    """Replace the Note; returns the row. Raises Refusal."""
    row = office.commlogs.get(number)
    if row is None:
        raise Refusal(404, "Commlog not found")
    if body.get("Note"):
        row.update(Note=str(body["Note"]), DateTStamp=stamp(office.now))
    return row


def create_subscription(office: Office, body: Row, customer: str) -> Row:
    """A subscription of a customer key to events; one like an existing one is refused. Raises Refusal."""
    if not body.get("EndPointUrl"):
        raise Refusal(400, "EndPointUrl is required.")
    if not body.get("WatchTable") and not body.get("UiEventType"):
        raise Refusal(400, "WatchTable or UiEventType is required.")
    values = {"WatchTable": str(body.get("WatchTable", "")), "UiEventType": str(body.get("UiEventType", ""))}
    values |= {"CustomerKey": customer, "Workstation": ""}
    values |= _subscription_values(body)
    if values["WatchTable"] and not office.at_least(*_WATCHED_SINCE.get(values["WatchTable"], (sys.maxsize,))):
        raise Refusal(400, "WatchTable is invalid.")
    same = ("CustomerKey", "EndPointUrl", "Workstation", "WatchTable", "UiEventType")
    unexpired = [row for row in office.subscriptions.values() if not has_ended(office, row)]
    if any(all(row[name] == values[name] for name in same) for row in unexpired):
        raise Refusal(400, "A subscription like this already exists.")
    return office.insert("subscriptions", values)


def has_ended(office: Office, row: Row) -> bool:
    """Whether the DateTimeStop of a subscription has come."""
    stop = str(row["DateTimeStop"])
    return NO_MOMENT != stop <= stamp(office.now)


def change_subscription(office: Office, number: int, body: Row) -> None:
    """Change what may be changed; the rest of the body is ignored, as Open Dental ignores it. Raises Refusal."""
    row = office.subscriptions.get(number)
    if row is None:
        raise Refusal(404, "Subscription not found")
    row.update(_subscription_values(body))


def delete_subscription(office: Office, number: int) -> None:
    """End it. Raises Refusal."""
    if office.subscriptions.pop(number, None) is None:
        raise Refusal(404, "SubscriptionNum not found")


def _subscription_values(body: Row) -> Row:
    """The changeable columns of a body; a bare date gets the time 00:00:00."""
    values = {name: body[name] for name in _SUBSCRIPTION if name in body}
    for name in ("DateTimeStart", "DateTimeStop"):
        if name in values:
            text = str(values[name])
            values[name] = stamp(read_moment(text if " " in text else f"{text} 00:00:00", name))
    return values


def _comm_type(office: Office, body: Row) -> int:
    """The DefNum: commType (a name) wins over CommType (a number); default Miscellaneous."""
    kinds = [row for row in office.definitions.values() if row["Category"] == COMM_TYPES]
    if body.get("commType"):
        found = [row for row in kinds if row["ItemName"] == body["commType"]]
    elif body.get("CommType"):
        found = [row for row in kinds if str(row["DefNum"]) == str(body["CommType"])]
    else:
        found = [row for row in kinds if row["ItemValue"] == "MISC"] or kinds
        return int(found[0]["DefNum"]) if found else 0
    if not found:
        raise Refusal(400, "CommType is invalid.")
    return int(found[0]["DefNum"])


def _one_of(body: Row, name: str, default: str, names: tuple[str, ...]) -> str:
    value = str(body.get(name, default))
    if value not in names:
        raise Refusal(400, f"{name} is invalid.")
    return value
