"""Open Dental's API events: what is posted to whom, and when.

The producer is a program at the office that looks at the database every PollingSeconds: rows changed since the
subscription's DateTimeStart are posted to its EndPointUrl, a thousand at a time, and only when all of them were taken
does DateTimeStart move on. So a row may come more than once, only its last state comes, and what was deleted from a
watched table never does. Nothing is sent while no producer runs.

What Open Dental leaves open is decided here against the client: DateTimeStart stands still while there is nothing to
deliver, rows of schedules have no operatories, and two producers send everything twice. Events of Open Dental's windows
(UiEventType) are never sent: nobody opens windows here.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from asapfill.sandbox.api.rendering import render
from asapfill.sandbox.office.columns import NO_MOMENT, Row, moment, stamp
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice, read_moment

log = logging.getLogger(__name__)

PRODUCER = "SANDBOX"
"""The computer on which the producer runs; a subscription for another one is not served."""

BATCH = 1000
CATCH_UP = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one poll of one subscription has to post: several bodies when there are many rows."""

    subscription: int
    url: str
    headers: dict[str, str]
    bodies: tuple[bytes, ...]
    rows: int
    until: str


class Feed:
    """The producers of one office. Not thread-safe: ``World`` sees to that.

    ``producers``: how many run, 0 to 2. ``counts``: polls that were taken and not taken, and rows that were taken.
    """

    def __init__(self) -> None:
        self.producers = 1
        self.counts: Counter[str] = Counter()
        self._polled: dict[int, float] = {}

    def due(self, office: SimulatedOffice, monotonic: float) -> list[Delivery]:
        """What is to be posted now."""
        found = []
        for number, row in office.subscriptions.items():
            last = self._polled.get(number)
            if last is not None and monotonic - last < max(1, int(row["PollingSeconds"] or 0)):
                continue
            self._polled[number] = monotonic
            if self.producers and _is_served(office, row):
                found += [_poll(office, row)] * self.producers
        return [delivery for delivery in found if delivery.bodies]

    def done(self, office: SimulatedOffice, delivery: Delivery, *, taken: bool) -> None:
        """A delivery was taken, or not: then all of it comes again."""
        self.counts["taken" if taken else "failed"] += 1
        row = office.subscriptions.get(delivery.subscription)
        if taken:
            self.counts["rows"] += delivery.rows
        if taken and row is not None:
            row["DateTimeStart"] = max(row["DateTimeStart"], delivery.until)


def _is_served(office: SimulatedOffice, row: Row) -> bool:
    """Whether the producer here serves this subscription now."""
    return not has_ended(office, row) and row["Workstation"] in {"", PRODUCER} and row["WatchTable"] in _CHANGED


def _poll(office: SimulatedOffice, row: Row) -> Delivery:
    """The rows changed at or after DateTimeStart and before now, in the order of their changes."""
    now = stamp(office.now)
    since = stamp(max(moment(row["DateTimeStart"]), office.now - CATCH_UP))
    changed = sorted(
        (found for found in _CHANGED[row["WatchTable"]](office) if since <= found[0] < now), key=lambda pair: pair[0]
    )
    shown = [shown for _, shown in changed]
    bodies = [json.dumps(shown[at : at + BATCH]).encode() for at in range(0, len(shown), BATCH)]
    headers = {"Authorization": row["CustomerKey"], "Content-Type": "application/json"}
    if office.at_least(22, 4, 28):
        headers["Workstation"] = PRODUCER
    if office.at_least(22, 4, 35):
        headers["Event-Type"] = f"WatchTable: {row['WatchTable']}"
    return Delivery(row["SubscriptionNum"], row["EndPointUrl"], headers, tuple(bodies), len(shown), now)


def _appointments(office: SimulatedOffice) -> list[tuple[str, Row]]:
    return [(row["DateTStamp"], _shown(office, "appointments", row)) for row in office.appointments.values()]


def _deleted(office: SimulatedOffice) -> list[tuple[str, Row]]:
    """Rows of the history: the shape is not documented, the source selects them."""
    return [
        (row["HistDateTStamp"], _shown(office, "histappointments", row))
        for row in office.histappointments.values()
        if row["HistApptAction"] == "Deleted"
    ]


def _schedules(office: SimulatedOffice) -> list[tuple[str, Row]]:
    """As a bare SELECT of the table gives them: the operatories stand in another one."""
    return [
        (row["DateTStamp"], {k: v for k, v in _shown(office, "schedules", row).items() if k != "operatories"})
        for row in office.schedules.values()
    ]


def _shown(office: SimulatedOffice, shape: str, row: Row) -> Row:
    """A row as a GET shows it, without serverDateTime."""
    return {name: value for name, value in render(office, shape, row).items() if name != "serverDateTime"}


_CHANGED: dict[str, Callable[[SimulatedOffice], list[tuple[str, Row]]]] = {
    "Appointment": _appointments,
    "AppointmentDeleted": _deleted,
    "Schedule": _schedules,
}
"""The watched tables that the simulated office has: each row with the time of its last change."""


_SUBSCRIPTION = ("EndPointUrl", "Workstation", "PollingSeconds", "DateTimeStart", "DateTimeStop", "Note")
"""What a subscription may be changed in; WatchTable and UiEventType are given once."""


_WATCHED_SINCE = {
    **dict.fromkeys(("Appointment", "PatField", "Patient", "ToothInitial"), (22, 1)),
    "AppointmentDeleted": (22, 4, 35),
    **dict.fromkeys(("Operatory", "Provider", "Schedule"), (24, 2, 11)),
}
"""The tables that can be watched, and since which version."""


def create_subscription(office: SimulatedOffice, body: Row, customer: str) -> Row:
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


def has_ended(office: SimulatedOffice, row: Row) -> bool:
    """Whether the DateTimeStop of a subscription has come."""
    stop = str(row["DateTimeStop"])
    return NO_MOMENT != stop <= stamp(office.now)


def change_subscription(office: SimulatedOffice, number: int, body: Row) -> None:
    """Change what may be changed; the rest of the body is ignored, as Open Dental ignores it. Raises Refusal."""
    row = office.subscriptions.get(number)
    if row is None:
        raise Refusal(404, "Subscription not found")
    row.update(_subscription_values(body))


def delete_subscription(office: SimulatedOffice, number: int) -> None:
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
