"""The API's resources: which exist in which version, what permission each needs, and what they answer.

From a request without its socket to an answer without one; the wire, and what may go wrong on it, is wire/server.py.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from asapfill.sandbox.api import event_feed, lists
from asapfill.sandbox.api.rendering import render
from asapfill.sandbox.office import web_sched
from asapfill.sandbox.office.columns import COMM_TYPES, Row, stamp
from asapfill.sandbox.office.life import Life
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice, read_moment

PREFIX = "/api/v1/"
REMOTE_CAP = 100
"""Rows of one page on the remote API; local and service mode give 1000."""


@dataclass(frozen=True, slots=True)
class Request:
    """``resource``: path after /api/v1/ without the number; ``number``: primary key in the path; ``customer``: key."""

    method: str
    resource: str
    number: int | None = None
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    customer: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """Status, body as on the wire, and further headers. ``key``: primary key of what a write made or changed."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    key: int | None = None


Act = Callable[["Api", Request], Response]
"""What a route does with a request."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one resource: since which version, with what permission."""

    since: tuple[int, ...]
    permission: str
    act: Act


class Api:
    """The API of one office. Not thread-safe: like Open Dental's own, it takes one request at a time.

    Args:
        life: The office and what happens in it.
        page_cap: Rows of a page; a larger Limit is cut to it silently.
        ties: Shuffles rows that a list's order leaves tied, differently at each request; None keeps them stable.
    """

    def __init__(self, life: Life, *, page_cap: int = REMOTE_CAP, ties: random.Random | None = None) -> None:
        self.life = life
        self.page_cap = page_cap
        self.ties = ties

    @property
    def office(self) -> SimulatedOffice:
        """The database."""
        return self.life.office

    def answer(self, request: Request) -> Response:
        """Answer a request whose keys are right. Never raises for what the request says."""
        try:
            route = self._route(request)
            if not self.office.securityperms.get(route.permission, False):
                return error(401, f"This customer key does not have the permission {route.permission}.")
            return route.act(self, request)
        except Refusal as refusal:
            return error(refusal.status, refusal.text)

    def _route(self, request: Request) -> Route:
        """The route, or the 404 and 400 of unknown resources and methods; both come before any row is looked up."""
        kind = "one" if request.number is not None else "many"
        route = ROUTES.get((request.resource, request.method, kind))
        if route is not None and self.office.at_least(*route.since):
            return route
        usable = {resource for (resource, _, _), other in ROUTES.items() if self.office.at_least(*other.since)}
        if request.resource not in usable:
            raise Refusal(404, f"{request.resource} is not a valid resource.")
        raise Refusal(400, f"{request.resource} {request.method}  is not a valid method.")

    def page(self, request: Request, rows: list[Row]) -> list[Row]:
        """The part of a list that Limit and Offset ask for."""
        limit = lists.number(request.query, "Limit")
        offset = max(0, lists.number(request.query, "Offset") or 0)
        size = self.page_cap if limit is None or limit <= 0 else min(limit, self.page_cap)
        return rows[offset : offset + size]


def error(status: int, text: str) -> Response:
    """A refusal: its body is a JSON string, not an object."""
    return Response(status, json.dumps(text).encode())


def _json(value: Any, status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - a JSON value
    return Response(status, json.dumps(value).encode(), **more)


def _listed(shape: str | None, find: lists.List) -> Act:
    """A GET of a list; ``shape`` None: the rows are already as the API shows them."""

    def act(api: Api, request: Request) -> Response:
        rows = api.page(request, find(api.office, request.query))
        return _json([render(api.office, shape, row) if shape else row for row in rows])

    return act


def _tied(shape: str, find: Callable[[SimulatedOffice, lists.Query, random.Random | None], list[Row]]) -> Act:
    """A GET of a list whose order leaves ties."""
    return lambda api, request: _listed(shape, lambda office, query: find(office, query, api.ties))(api, request)


def _table(name: str) -> Act:
    """A GET of a whole table."""
    return _listed(name, lambda office, _query: lists.keyed(office.table(name)))


def _providers(office: SimulatedOffice, query: lists.Query) -> list[Row]:
    """With ClinicNum the serverDateTime is empty, as the real API's."""
    rows = [render(office, "providers", row) for row in lists.providers(office, query)]
    return [row | {"serverDateTime": ""} for row in rows] if "ClinicNum" in query else rows


def _permissions(office: SimulatedOffice, _query: lists.Query) -> list[Row]:
    return [{"Permission": name, "HasPermission": str(has).lower()} for name, has in office.securityperms.items()]


def _subscriptions(api: Api, request: Request) -> Response:
    """Only those of the customer key that asks."""
    rows = [row for row in lists.keyed(api.office.subscriptions) if row["CustomerKey"] == request.customer]
    return _json([render(api.office, "subscriptions", row) for row in api.page(request, rows)])


def _single(table: str, word: str, shape: str = "") -> Act:
    """A GET of one row; a deleted one is 404."""

    def act(api: Api, request: Request) -> Response:
        row = api.office.table(table).get(request.number or 0)
        if row is None:
            raise Refusal(404, f"{word} not found")
        return _json(render(api.office, shape or table, row))

    return act


def _post_asapcomm(api: Api, request: Request) -> Response:
    row = web_sched.create(api.office, read_body(request.body))
    api.life.offered(row)
    return _created(api, "asapcomms", row, row["AsapCommNum"])


def _post_commlog(api: Api, request: Request) -> Response:
    row = create_commlog(api.office, read_body(request.body))
    answer = _created(api, "commlogs", row, row["CommlogNum"])
    if api.office.at_least(23, 3, 7):
        return answer
    return Response(answer.status, b"", answer.headers, answer.key)  # the object came with 23.3.7


def _put_commlog(api: Api, request: Request) -> Response:
    row = change_commlog(api.office, request.number or 0, read_body(request.body))
    return _json(render(api.office, "commlogs", row), key=request.number)


def _post_subscription(api: Api, request: Request) -> Response:
    row = event_feed.create_subscription(api.office, read_body(request.body), request.customer)
    return _created(api, "subscriptions", row, row["SubscriptionNum"])


def _put_subscription(api: Api, request: Request) -> Response:
    event_feed.change_subscription(api.office, request.number or 0, read_body(request.body))
    return Response(200, key=request.number)


def _delete_subscription(api: Api, request: Request) -> Response:
    event_feed.delete_subscription(api.office, request.number or 0)
    return Response(200, key=request.number)


def _created(api: Api, shape: str, row: Row, key: int) -> Response:
    """201 with the object and its address."""
    location = (("Location", f"{PREFIX}{shape}/{key}"),)
    return _json(render(api.office, shape, row), 201, headers=location, key=key)


_READ, _COMM, _OTHERS, _TEXTING = "ApiReadAll", "ApiComm", "ApiAllOthers", "ApiTextingASAP"


_MANY: dict[str, tuple[tuple[int, ...], Act]] = {
    "appointments": ((21, 1), _listed("appointments", lists.appointments)),
    "appointments/ASAP": ((21, 1), _tied("appointments", lists.asap)),
    "appointments/Slots": ((21, 1), _listed(None, lists.slots)),
    "appointments/WebSched": ((21, 3), _listed("websched", lists.web_sched)),
    "schedules": ((22, 1), _tied("schedules", lists.schedules)),
    "scheduleops": ((23, 2, 27), _listed(None, lists.schedule_ops)),
    "operatories": ((21, 1), _listed("operatories", lists.operatories)),
    "definitions": ((21, 1), _listed("definitions", lists.definitions)),
    "preferences": ((21, 1), _listed(None, lists.preferences)),
    "clinics": ((21, 1), _listed("clinics", lists.clinics)),
    "providers": ((21, 1), _listed(None, _providers)),
    "recalls": ((22, 4, 40), _listed("recalls", lists.recalls)),
    "recalltypes": ((24, 1, 44), _table("recalltypes")),
    "appointmenttypes": ((22, 4, 10), _table("appointmenttypes")),
    "patients": ((21, 1), _listed("patients", lists.patients)),
    "patients/Simple": ((21, 2), _listed("patients simple", lists.patients_simple)),
    "commlogs": ((21, 1), _listed("commlogs", lists.commlogs)),
    "asapcomms": ((23, 3, 3), _listed("asapcomms", lists.asapcomms)),
    "histappointments": ((23, 1, 30), _listed("histappointments", lists.hist_appointments)),
    "signalods": ((21, 2), _listed("signalods", lists.signalods)),
    "labcases": ((24, 2, 28), _listed("labcases", lists.lab_cases)),
    "securityperms": ((22, 2), _listed(None, _permissions)),
    "subscriptions": ((22, 1), _subscriptions),
}
"""GETs of lists: since which version, and what they do."""

_ONE: dict[str, tuple[tuple[int, ...], Act]] = {
    "appointments": ((21, 1), _single("appointments", "Appointment")),
    "schedules": ((22, 1), _single("schedules", "Schedule")),
    "operatories": ((24, 1, 10), _single("operatories", "Operatory")),
    "clinics": ((21, 1), _single("clinics", "Clinic")),
    "providers": ((24, 4, 17), _single("providers", "Provider")),
    "recalltypes": ((24, 1, 44), _single("recalltypes", "RecallType")),
    "patients": ((21, 1), _single("patients", "Patient", shape="patient")),
    "commlogs": ((25, 1, 13), _single("commlogs", "Commlog")),
    "asapcomms": ((23, 3, 3), _single("asapcomms", "AsapComm")),
    "labcases": ((24, 2, 28), _single("labcases", "LabCase")),
}
"""GETs of single rows."""

ROUTES: dict[tuple[str, str, str], Route] = {
    **{(name, "GET", "many"): Route(since, _READ, act) for name, (since, act) in _MANY.items()},
    **{(name, "GET", "one"): Route(since, _READ, act) for name, (since, act) in _ONE.items()},
    ("asapcomms", "POST", "many"): Route((23, 3, 3), _TEXTING, _post_asapcomm),
    ("commlogs", "POST", "many"): Route((21, 1), _COMM, _post_commlog),
    ("commlogs", "PUT", "one"): Route((25, 2, 21), _OTHERS, _put_commlog),
    ("subscriptions", "POST", "many"): Route((22, 1), _READ, _post_subscription),
    ("subscriptions", "PUT", "one"): Route((22, 1), _READ, _put_subscription),
    ("subscriptions", "DELETE", "one"): Route((22, 1), _OTHERS, _delete_subscription),
}
"""By resource, method, and whether the path names one row or many."""


_MODES = ("None", "Email", "Mail", "Phone", "In Person", "Text", "Email and Text", "Phone and Text")
_DIRECTIONS = ("Neither", "Sent", "Received")


def read_body(body: bytes) -> Row:
    """A request's JSON object. Raises Refusal when it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "The request body is not valid JSON.") from error
    if not isinstance(found, dict):
        raise Refusal(400, "The request body is not a JSON object.")
    return found


def create_commlog(office: SimulatedOffice, body: Row) -> Row:
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


def change_commlog(office: SimulatedOffice, number: int, body: Row) -> Row:
    """Replace the Note; returns the row. Raises Refusal."""
    row = office.commlogs.get(number)
    if row is None:
        raise Refusal(404, "Commlog not found")
    if body.get("Note"):
        row.update(Note=str(body["Note"]), DateTStamp=stamp(office.now))
    return row


def _comm_type(office: SimulatedOffice, body: Row) -> int:
    """The DefNum: commType (a name) wins over CommType (a number); default Miscellaneous."""
    kinds = office.definitions_of(COMM_TYPES)
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
