"""The sandbox as a whole, without its sockets: clock, office, API, throttle, faults and log around one lock.

Time: ``stepped`` stands still until the control moves it, ``speed`` runs as many times as fast as the machine's clock,
and ``system`` is the machine's clock. In the last two the office's life is caught up at each request.

The sandbox's own endpoints, for tests, the demo and people who look inside:

=========================  ==================================================================================
GET /sandbox/clock         ``{"now", "office_now", "mode", "speed", "monotonic"}``
POST /sandbox/clock        ``{"advance": seconds}`` or ``{"now": ISO moment with offset}``, in stepped mode
POST /sandbox/faults       ``{"faults": [fault, ...]}``: replaces all; see faults.py
GET /sandbox/log           writes, counts of requests, ``sent_twice``; texts really sent; what people did
GET /sandbox/office        the database, as an office file
POST /sandbox/staff        one staff action, done as asked; see life.py
POST /sandbox/events       ``{"producers": 0 | 1 | 2}``: how many of the office's programs send events
POST /sandbox/respond      ``{"AsapCommNum": 5, "action": "view" | "accept" | "decline" | "stop"}``
=========================  ==================================================================================
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from asapfill.clock import Clock, FastClock, SteppedClock, SystemClock, instant, office_now
from asapfill.sandbox.api.event_feed import Delivery, Feed
from asapfill.sandbox.api.routes import PREFIX, REMOTE_CAP, Api, Request, Response, error, read_body
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office import staff
from asapfill.sandbox.office.columns import Row, stamp
from asapfill.sandbox.office.life import Life
from asapfill.sandbox.office.people import People
from asapfill.sandbox.office.tables import OfficeFileError, Refusal, SimulatedOffice
from asapfill.sandbox.wire.faults import Fault, Faults, RequestLog

CONTROL = "/sandbox/"

START = datetime(2026, 4, 14, 7, 0)
"""When a generated office starts if nothing else is asked for: a Tuesday before opening."""

MODES = ("stepped", "speed", "system")
TOO_MANY_DIGITS = 20
"""Open Dental's keys are 64-bit numbers."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a sandbox can be told.

    Attributes:
        office: an office file's JSON; None generates an office.
        seed: of the generated office, its people, faults and ties.
        operatories: size of the generated office.
        days: how many days ahead the generated office has a schedule.
        clinics: how many clinics the generated office has; 0: the feature is off.
        timezone: IANA name, of the generated office.
        version: Open Dental's, of the generated office.
        start: office wall-clock "yyyy-MM-dd HH:mm:ss" at which a generated office starts; None: ``START``. In system
            mode every office stands in the present.
        mode: one of ``MODES``.
        speed: simulated seconds per real second, in mode "speed".
        page_cap: rows of one page: 100 on the remote API, 1000 in service mode.
        throttle: seconds between requests of one customer key, from the end of one to the start of the next; 0: none.
        unstable_ties: rows that a list's order leaves tied come in another order at each request.
        people: whether patients answer and staff work.
        eagerness: chance that a text is answered by an accept.
        called_off: how many more visits than usual fall through, as a factor.
        log_file: where to append writes as lines of JSON.
        port: of 127.0.0.1; 0: any free one.
    """

    office: Row | None = None
    seed: int = 1
    operatories: int = 5
    days: int = 15
    clinics: int = 0
    timezone: str = "America/Los_Angeles"
    version: str = "25.2.30.0"
    start: str | None = None
    mode: str = "stepped"
    speed: float = 60.0
    page_cap: int = REMOTE_CAP
    throttle: float = 0.0
    unstable_ties: bool = False
    people: bool = True
    eagerness: float = 0.2
    called_off: float = 1.0
    log_file: str | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, the fault that spoils its way back, and the customer key whose throttle it counts for."""

    answer: Response
    fault: Fault | None = None
    key: str = ""


class World:
    """One simulated office with everything around it. All methods may be called from several threads.

    Raises:
        OfficeFileError: the office file is not usable.
    """

    def __init__(self, options: Options) -> None:
        if options.mode not in MODES:
            raise ValueError(f"A sandbox's mode is one of {', '.join(MODES)}, not {options.mode!r}.")
        self.mode = options.mode
        self.speed = options.speed if options.mode == "speed" else None
        office = SimulatedOffice.load(office_file(options))
        self.clock = _clock(options, office)
        if options.mode == "system":
            office.now = office_now(self.clock.now(), office.timezone)
        people = (
            People(options.seed, eagerness=options.eagerness, called_off=options.called_off) if options.people else None
        )
        self.life = Life(office, people)
        ties = random.Random(f"ties {options.seed}") if options.unstable_ties else None
        self.api = Api(self.life, page_cap=options.page_cap, ties=ties)
        self.faults = Faults(options.seed)
        self.feed = Feed()
        self.log = RequestLog(Path(options.log_file) if options.log_file else None)
        self._throttle = options.throttle
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def office(self) -> SimulatedOffice:
        """The database."""
        return self.life.office

    def handle(self, method: str, target: str, authorization: str, body: bytes) -> Outcome:
        """Answer one request, of the API or of the control."""
        url = urlsplit(target)
        with self._lock:
            self.catch_up()
            if url.path.startswith(CONTROL):
                return Outcome(answer(self, method, url.path.removeprefix(CONTROL), body))
            if not url.path.startswith(PREFIX):
                return Outcome(error(404, f"{url.path} is not a valid resource."))
            path = url.path.removeprefix(PREFIX)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            if re.search(f"/[0-9]{{{TOO_MANY_DIGITS},}}/?$", path):
                return Outcome(error(400, "The number at the end of the path is too large."))
            return self._request(_request(method, path, query, body), path, authorization)

    def done(self, key: str) -> None:
        """An answer to this customer key is on its way: the throttle counts from its end."""
        if key:
            self._last[key] = self.clock.monotonic()

    def catch_up(self) -> None:
        """Let everything happen in the office that is due."""
        self.life.advance(office_now(self.clock.now(), self.office.timezone))

    def events_due(self) -> list[Delivery]:
        """What is to be posted to subscribers now."""
        with self._lock:
            if not self.office.subscriptions:
                return []
            self.catch_up()
            return self.feed.due(self.office, self.clock.monotonic())

    def event_done(self, delivery: Delivery, *, taken: bool) -> None:
        """A delivery was posted, and taken or not."""
        with self._lock:
            self.feed.done(self.office, delivery, taken=taken)

    def _request(self, request: Request, path: str, authorization: str) -> Outcome:
        """A request of the API: fault, throttle, keys, then the API itself; and the log."""
        self.log.requests[f"{request.method} {request.resource}"] += 1
        fault = self.faults.pick(request.method, path)
        if fault and not fault.commits:
            self._record(request, path, None, fault)
            return Outcome(_spoiled(fault), fault)
        key = self._customer(authorization)
        if key is None:
            return Outcome(self._counted(error(401, "The developer key or the customer key is not valid.")), fault)
        wait = self._wait(key)
        if wait > 0:
            retry = (("Retry-After", str(math.ceil(wait))),)
            return Outcome(self._counted(Response(429, b"Too many requests", retry)), fault)
        self._last[key] = self.clock.monotonic()
        answer = self._counted(self.api.answer(replace(request, customer=key)))
        self._record(request, path, answer, fault)
        return Outcome(_spoiled(fault) if fault and _replaces(fault) else answer, fault, key)

    def _customer(self, authorization: str) -> str | None:
        """The customer key of an Authorization header; None when the pair is not accepted."""
        scheme, _, pair = authorization.partition(" ")
        developer, _, customer = pair.strip().partition("/")
        return customer if scheme == "ODFHIR" and (developer, customer) in self.office.keys else None

    def _wait(self, key: str) -> float:
        """Simulated seconds that this key must still wait."""
        if key not in self._last:
            return 0.0
        return self._throttle - (self.clock.monotonic() - self._last[key])

    def _counted(self, answer: Response) -> Response:
        self.log.statuses[str(answer.status)] += 1
        return answer

    def _record(self, request: Request, path: str, answer: Response | None, fault: Fault | None) -> None:
        """Log a write that arrived, whatever came of it."""
        if request.method == "GET":
            return
        try:
            body = json.loads(request.body) if request.body else None
        except (ValueError, RecursionError):  # the office refuses it; the log keeps that something came
            body = request.body.decode(errors="replace")
        self.log.write(
            {
                "at": stamp(self.office.now),
                "method": request.method,
                "path": path,
                "body": body,
                "status": answer.status if answer else None,
                "key": answer.key if answer else None,
                "fault": fault.kind if fault else None,
            }
        )


def _clock(options: Options, office: SimulatedOffice) -> Clock:
    """The clock of the mode, standing at the office's own start."""
    start = instant(office.now, office.timezone)
    if options.mode == "system":
        return SystemClock()
    return FastClock(start, options.speed) if options.mode == "speed" else SteppedClock(start)


def _request(method: str, path: str, query: dict[str, str], body: bytes) -> Request:
    """Split a path into resource and primary key."""
    resource, _, last = path.rstrip("/").rpartition("/")
    if resource and re.fullmatch("[0-9]+", last):
        return Request(method, resource, int(last), query, body)
    return Request(method, path.rstrip("/"), None, query, body)


def _replaces(fault: Fault) -> bool:
    """Whether a fault after the work puts another answer in the place of the office's."""
    return fault.kind in {"504_after", "garbage_after"}


def _spoiled(fault: Fault) -> Response:
    """The answer that a fault gives in the office's place; a dropped connection gives none."""
    if fault.kind.startswith("504"):
        return error(504, "The office did not answer in time.")
    if fault.kind.startswith("garbage"):
        page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
        return Response(200, page, (("Content-Type", "text/html"),))
    if fault.kind == "429":
        return Response(429, b"Too many requests", (("Retry-After", "1"),))
    if fault.kind == "401":
        return error(401, "The developer key or the customer key is not valid.")
    return error(500, "An internal error occurred.")


def answer(world: World, method: str, path: str, body: bytes) -> Response:
    """Answer a request to ``/sandbox/<path>``; 400 and 404 with a sentence when it makes no sense."""
    act = _ENDPOINTS.get((method, path))
    if act is None:
        return error(404, f"{method} /sandbox/{path} is not one of the sandbox's controls.")
    try:
        return Response(200, json.dumps(act(world, read_body(body) if method == "POST" else {})).encode())
    except Refusal as refusal:
        return error(refusal.status, refusal.text)
    except (TypeError, ValueError, OverflowError) as problem:
        return error(400, str(problem))


def _show_clock(world: World, _wanted: Row) -> Row:
    return {
        "now": world.clock.now().isoformat(),
        "office_now": stamp(world.office.now),
        "mode": world.mode,
        "speed": world.speed,
        "monotonic": world.clock.monotonic(),
    }


def _move_clock(world: World, wanted: Row) -> Row:
    if not isinstance(world.clock, SteppedClock):
        raise Refusal(400, f"Time runs by itself in mode {world.mode}.")
    if "advance" in wanted:
        world.clock.sleep(float(wanted["advance"]))
    else:
        moment = datetime.fromisoformat(str(wanted.get("now")))
        if moment.tzinfo is None:
            raise Refusal(400, "The clock is set to a moment with an offset, such as 2026-04-14T07:00:00-07:00.")
        world.clock.set(moment)
    world.catch_up()
    return _show_clock(world, wanted)


def _set_faults(world: World, wanted: Row) -> Row:
    world.faults.replace(wanted.get("faults"))
    return {}


def _show_log(world: World, _wanted: Row) -> Row:
    return world.log.dump() | {
        "texts": len(world.life.sent),
        "texts_sent": world.life.sent,
        "happened": world.life.happened,
        "skipped": dict(world.life.skipped),
        "events": dict(world.feed.counts),
    }


def _set_events(world: World, wanted: Row) -> Row:
    world.feed.producers = max(0, min(2, int(wanted.get("producers", 1))))
    return {"producers": world.feed.producers}


def _respond(world: World, wanted: Row) -> Row:
    status = world.life.respond(int(wanted.get("AsapCommNum", 0)), str(wanted.get("action")))
    return {"ResponseStatus": status}


_ENDPOINTS: dict[tuple[str, str], Callable[[World, Row], Row]] = {
    ("GET", "clock"): _show_clock,
    ("POST", "clock"): _move_clock,
    ("POST", "faults"): _set_faults,
    ("GET", "log"): _show_log,
    ("GET", "office"): lambda world, _wanted: world.office.dump(),
    ("POST", "staff"): lambda world, wanted: staff.apply(world.office, wanted),
    ("POST", "events"): _set_events,
    ("POST", "respond"): _respond,
}


def read_office_file(path: Path) -> Row:
    """The JSON of an office file; Office.load checks what it says.

    Raises:
        OfficeFileError: it cannot be read as JSON.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise OfficeFileError(f"The office file {path} cannot be read: {problem}.") from problem
    except ValueError as problem:
        raise OfficeFileError(f"The office file {path} is not JSON: {problem}.") from problem
    if not isinstance(found, dict):
        raise OfficeFileError(f"The office file {path} must be one JSON object with the tables of an office.")
    return found


def office_file(options: Options) -> Row:
    """The office file of the options, or a generated one; in system mode that starts now."""
    if options.office is not None:
        return options.office
    start = datetime.fromisoformat(options.start) if options.start else START
    if options.mode == "system":
        start = office_now(SystemClock().now(), ZoneInfo(options.timezone)).replace(microsecond=0)
    return make_office(
        options.seed,
        start=start,
        operatories=options.operatories,
        days=options.days,
        clinics=options.clinics,
        timezone=options.timezone,
        version=options.version,
    )
