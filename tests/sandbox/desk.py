"""A small office that a person can keep in mind, served in this process on real HTTP, and what tests do with it.

It is Tuesday 2026-04-14, 09:00 in Los Angeles. Operatory 1: dentist 1, operatory 2: hygienist 2; both work 08:00 to
17:00 through the week. Lunch (NS) is 12:00-13:00 in both. Patients 1 to 7 can all be texted. On the ASAP list:
appointments 11 (scheduled, next Monday, 40 minutes), 12 (unscheduled list, 30), 13 (broken, left on today's schedule at
15:00, 30), 14 (planned, 60) and recall 21 (60 minutes). Appointment 10 (today 10:00-11:00, operatory 1) is not.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asapfill.sandbox.office.life import Life
from asapfill.sandbox.office.tables import SimulatedOffice
from asapfill.sandbox.wire.server import HOST, SandboxServer
from asapfill.sandbox.wire.world import Options, World

Row = dict[str, Any]

AUTHORIZATION = "ODFHIR sandbox-developer/sandbox-customer"
LUNCH, PRODUCTION, HIDDEN_NS = 247, 248, 249
OPENING = "2026-04-14 13:00:00"
DAYS = [f"2026-04-{day}" for day in (14, 15, 16, 17, 20)]


def _appointment(number: int, patient: int, status: str, when: str, minutes: int, operatory: int, **more: Any) -> Row:
    row = {"AptNum": number, "PatNum": patient, "AptStatus": status, "AptDateTime": when, "Op": operatory}
    return row | {"Pattern": "X" * (minutes // 5), "ProvNum": 1, "Priority": "ASAP", "Confirmed": 20} | more


def _hours(day: str, provider: int) -> Row:
    times = {"StartTime": "08:00:00", "StopTime": "17:00:00"}
    return {"SchedDate": day, **times, "ProvNum": provider, "operatories": [provider]}


def _blockout(day: str, kind: int, start: str, stop: str, operatories: list[int]) -> Row:
    row = {"SchedDate": day, "StartTime": start, "StopTime": stop, "SchedType": "Blockout"}
    return row | {"BlockoutType": kind, "operatories": operatories}


def _definition(number: int, category: int, name: str, value: str = "", *, hidden: bool = False) -> Row:
    return {"DefNum": number, "Category": category, "ItemName": name, "ItemValue": value, "IsHidden": hidden}


def office_file(**changes: Any) -> Row:
    """The small office as an office file; ``changes`` replace whole tables and settings, preferences are merged."""
    office: Row = {
        "now": "2026-04-14 09:00:00",
        "timezone": "America/Los_Angeles",
        "version": "25.2.30.0",
        "preferences": {},
        "operatories": [
            {"OperatoryNum": 1, "OpName": "Chair 1", "Abbrev": "OP1", "ProvDentist": 1},
            {"OperatoryNum": 2, "OpName": "Hygiene", "Abbrev": "OP2", "ProvHygienist": 2, "IsHygiene": True},
        ],
        "providers": [
            {"ProvNum": 1, "Abbr": "DOC1"},
            {"ProvNum": 2, "Abbr": "HYG1", "IsSecondary": True},
            {"ProvNum": 3, "Abbr": "DOC3"},
        ],
        "schedules": [
            *(_hours(day, provider) for day in DAYS for provider in (1, 2)),
            *(_blockout(day, LUNCH, "12:00:00", "13:00:00", [1, 2]) for day in DAYS),
        ],
        "definitions": [
            _definition(LUNCH, 25, "Lunch", "NS,DC"),
            _definition(PRODUCTION, 25, "High Production"),
            _definition(HIDDEN_NS, 25, "Old Hold", "NS", hidden=True),
            _definition(19, 2, "Not Called"),
            _definition(20, 2, "Confirmed"),
            _definition(235, 27, "ApptRelated", "APPT"),
            _definition(239, 27, "Misc", "MISC"),
        ],
        "patients": [
            {"PatNum": number, "LName": f"Sample{number}", "FName": "Pat", "WirelessPhone": f"(555)555-010{number}"}
            | {"TxtMsgOk": "Yes", "Birthdate": "1980-05-05", "Zip": "97301", "PriProv": 1}
            for number in range(1, 8)
        ],
        "appointments": [
            _appointment(10, 1, "Scheduled", "2026-04-14 10:00:00", 60, 1, Priority="Normal"),
            _appointment(11, 2, "Scheduled", "2026-04-20 10:00:00", 40, 1),
            _appointment(12, 3, "UnschedList", "2026-03-02 10:00:00", 30, 0),
            _appointment(13, 4, "Broken", "2026-04-14 15:00:00", 30, 1),
            _appointment(14, 5, "Planned", "0001-01-01 00:00:00", 60, 0),
        ],
        "recalltypes": [{"RecallTypeNum": 1, "Description": "Prophy", "TimePattern": "/XXXX/"}],
        "recalls": [
            {"RecallNum": 21, "PatNum": 6, "RecallTypeNum": 1, "DateDue": "2026-03-01", "Priority": "ASAP"},
            {"RecallNum": 22, "PatNum": 7, "RecallTypeNum": 1, "DateDue": "2026-05-01"},
        ],
    }
    preferences = office["preferences"] | changes.pop("preferences", {})
    return office | changes | {"preferences": preferences}


def blockout(kind: int, start: str, stop: str, operatories: list[int]) -> Row:
    """A blockout of today."""
    return _blockout("2026-04-14", kind, start, stop, operatories)


def small_office(**changes: Any) -> SimulatedOffice:
    """The small office, loaded."""
    return SimulatedOffice.load(office_file(**changes))


def small_life(**changes: Any) -> Life:
    """The small office with time, but without people of its own."""
    return Life(small_office(**changes))


@dataclass(frozen=True)
class Reply:
    """An answer from the wire."""

    status: int
    body: Any
    headers: dict[str, str]


class Desk:
    """What tests do with a served office."""

    def __init__(self, server: SandboxServer) -> None:
        self.port = server.port

    def call(self, method: str, path: str, body: Any = None, authorization: str = AUTHORIZATION) -> Reply:
        """One request on a connection of its own; ``path`` as after /api/v1/, or from the root with a leading slash."""
        target = path if path.startswith("/") else f"/api/v1/{path}"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, target, data, {"Authorization": authorization, "Connection": "close"})
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        try:
            read = json.loads(raw) if raw else None
        except ValueError:
            read = raw.decode()
        return Reply(response.status, read, dict(response.getheaders()))

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        reply = self.call("GET", path)
        assert reply.status == 200, reply
        return reply.body

    def post(self, path: str, **body: Any) -> Reply:
        """A POST with a JSON body."""
        return self.call("POST", path, body)

    def offer(self, number: int, *, op: int = 1, start: str = OPENING, recall: bool = False) -> Reply:
        """POST /asapcomms."""
        return self.post("asapcomms", **{"recallNum" if recall else "aptNum": number}, op=op, dateTimeStart=start)

    def control(self, path: str, **body: Any) -> Any:
        """A control call: GET without a body, POST with one."""
        reply = self.call("POST" if body else "GET", f"/sandbox/{path}", body or None)
        assert reply.status == 200, reply
        return reply.body

    def staff(self, action: str, **columns: Any) -> Any:
        """Have staff do something."""
        return self.control("staff", action=action, **columns)

    def faults(self, *faults: Row) -> None:
        """Switch faults on."""
        self.control("faults", faults=list(faults))

    def advance(self, *, minutes: float = 0, seconds: float = 0) -> Any:
        """Let time pass."""
        return self.control("clock", advance=seconds + minutes * 60)

    def log(self) -> Any:
        """The sandbox's own log."""
        return self.control("log")


@contextmanager
def served(office: Row | None = None, **options: Any) -> Iterator[Desk]:
    """An office (default: the small one) served in this process, without people unless asked for."""
    options = {"people": False} | options
    server = SandboxServer(World(Options(office=office or office_file(), **options)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Desk(server)
    finally:
        server.stop()
        thread.join()
