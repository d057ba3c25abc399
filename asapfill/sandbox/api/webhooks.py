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

import http.client
import json
import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from asapfill.clock import SystemClock
from asapfill.sandbox.api import shapes
from asapfill.sandbox.api.writes import has_ended
from asapfill.sandbox.office.columns import Row, moment, stamp
from asapfill.sandbox.office.tables import Office

if TYPE_CHECKING:
    from asapfill.sandbox.wire.world import World

log = logging.getLogger(__name__)

PRODUCER = "SANDBOX"
"""The computer on which the producer runs; a subscription for another one is not served."""

BATCH = 1000
CATCH_UP = timedelta(days=3)
PATIENCE = 10.0
"""Real seconds that a receiver has for its answer."""

_LOOK, _IDLE = 0.02, 0.2
"""Real seconds between looks for what is due, with and without subscriptions."""


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

    def due(self, office: Office, monotonic: float) -> list[Delivery]:
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

    def done(self, office: Office, delivery: Delivery, *, taken: bool) -> None:
        """A delivery was taken, or not: then all of it comes again."""
        self.counts["taken" if taken else "failed"] += 1
        row = office.subscriptions.get(delivery.subscription)
        if taken:
            self.counts["rows"] += delivery.rows
        if taken and row is not None:
            row["DateTimeStart"] = max(row["DateTimeStart"], delivery.until)


class Poster:
    """Posts what is due, in a thread of its own, between ``start`` and ``stop``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sandbox events", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the delivery under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def _work(self) -> None:
        clock = SystemClock()
        while not self._stop.is_set():
            for delivery in self._world.events_due():
                if self._stop.is_set():
                    return
                self._world.event_done(delivery, taken=_post_all(delivery))
            clock.sleep(_LOOK if self._world.office.subscriptions else _IDLE, self._stop)


def _is_served(office: Office, row: Row) -> bool:
    """Whether the producer here serves this subscription now."""
    return not has_ended(office, row) and row["Workstation"] in {"", PRODUCER} and row["WatchTable"] in _CHANGED


def _poll(office: Office, row: Row) -> Delivery:
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


def _appointments(office: Office) -> list[tuple[str, Row]]:
    return [(row["DateTStamp"], _shown(office, "appointments", row)) for row in office.appointments.values()]


def _deleted(office: Office) -> list[tuple[str, Row]]:
    """Rows of the history: the shape is not documented, the source selects them."""
    return [
        (row["HistDateTStamp"], _shown(office, "histappointments", row))
        for row in office.histappointments.values()
        if row["HistApptAction"] == "Deleted"
    ]


def _schedules(office: Office) -> list[tuple[str, Row]]:
    """As a bare SELECT of the table gives them: the operatories stand in another one."""
    return [
        (row["DateTStamp"], {k: v for k, v in _shown(office, "schedules", row).items() if k != "operatories"})
        for row in office.schedules.values()
    ]


def _shown(office: Office, shape: str, row: Row) -> Row:
    """A row as a GET shows it, without serverDateTime."""
    return {name: value for name, value in shapes.render(office, shape, row).items() if name != "serverDateTime"}


_CHANGED: dict[str, Callable[[Office], list[tuple[str, Row]]]] = {
    "Appointment": _appointments,
    "AppointmentDeleted": _deleted,
    "Schedule": _schedules,
}
"""The watched tables that the simulated office has: each row with the time of its last change."""


def _post_all(delivery: Delivery) -> bool:
    """Post every body; whether all of them were taken (2xx)."""
    url = urlsplit(delivery.url)
    if not _is_loopback(url.hostname or ""):
        log.warning("sandbox.event_not_sent subscription=%d", delivery.subscription)
        return False
    for body in delivery.bodies:
        connection = (
            http.client.HTTPSConnection(
                url.hostname or "", url.port, timeout=PATIENCE, context=ssl.create_default_context()
            )
            if url.scheme == "https"
            else http.client.HTTPConnection(url.hostname or "", url.port, timeout=PATIENCE)
        )
        try:
            connection.request("POST", url.path or "/", body, delivery.headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            log.debug("sandbox.event_failed subscription=%d reason=%s", delivery.subscription, type(error).__name__)
            return False
        finally:
            connection.close()
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return False
    return True


def _is_loopback(host: str) -> bool:
    """The simulated office posts to this machine only, whatever a subscription says."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
