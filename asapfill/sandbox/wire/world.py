"""The sandbox as a whole, without its sockets: clock, office, API, throttle, faults and log around one lock.

Time: ``stepped`` stands still until the control moves it, ``speed`` runs as many times as fast as the machine's clock,
and ``system`` is the machine's clock. In the last two the office's life is caught up at each request.
"""

from __future__ import annotations

import json
import math
import random
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from asapfill.clock import Clock, FastClock, SteppedClock, SystemClock, instant, office_now
from asapfill.sandbox.api.routes import PREFIX, Answer, Api, Request, error
from asapfill.sandbox.api.webhooks import Delivery, Feed
from asapfill.sandbox.office.columns import stamp
from asapfill.sandbox.office.life import Life
from asapfill.sandbox.office.people import People
from asapfill.sandbox.office.tables import Office
from asapfill.sandbox.wire import control
from asapfill.sandbox.wire.faults import Fault, Faults, RequestLog
from asapfill.sandbox.wire.options import MODES, Options, office_file

CONTROL = "/sandbox/"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, the fault that spoils its way back, and the customer key whose throttle it counts for."""

    answer: Answer
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
        office = Office.load(office_file(options))
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
    def office(self) -> Office:
        """The database."""
        return self.life.office

    def handle(self, method: str, target: str, authorization: str, body: bytes) -> Outcome:
        """Answer one request, of the API or of the control."""
        url = urlsplit(target)
        with self._lock:
            self.catch_up()
            if url.path.startswith(CONTROL):
                return Outcome(control.answer(self, method, url.path.removeprefix(CONTROL), body))
            if not url.path.startswith(PREFIX):
                return Outcome(error(404, f"{url.path} is not a valid resource."))
            path = url.path.removeprefix(PREFIX)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
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
            return Outcome(self._counted(Answer(429, b"Too many requests", retry)), fault)
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

    def _counted(self, answer: Answer) -> Answer:
        self.log.statuses[str(answer.status)] += 1
        return answer

    def _record(self, request: Request, path: str, answer: Answer | None, fault: Fault | None) -> None:
        """Log a write that arrived, whatever came of it."""
        if request.method == "GET":
            return
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:  # the office refuses it; the log keeps that something came
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


def _clock(options: Options, office: Office) -> Clock:
    """The clock of the mode, standing at the office's own start."""
    start = instant(office.now, office.timezone)
    if options.mode == "system":
        return SystemClock()
    return FastClock(start, options.speed) if options.mode == "speed" else SteppedClock(start)


def _request(method: str, path: str, query: dict[str, str], body: bytes) -> Request:
    """Split a path into resource and primary key."""
    resource, _, last = path.rstrip("/").rpartition("/")
    if resource and last.isdigit():
        return Request(method, resource, int(last), query, body)
    return Request(method, path.rstrip("/"), None, query, body)


def _replaces(fault: Fault) -> bool:
    """Whether a fault after the work puts another answer in the place of the office's."""
    return fault.kind in {"504_after", "garbage_after"}


def _spoiled(fault: Fault) -> Answer:
    """The answer that a fault gives in the office's place; a dropped connection gives none."""
    if fault.kind.startswith("504"):
        return error(504, "The office did not answer in time.")
    if fault.kind.startswith("garbage"):
        page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
        return Answer(200, page, (("Content-Type", "text/html"),))
    if fault.kind == "429":
        return Answer(429, b"Too many requests", (("Retry-After", "1"),))
    if fault.kind == "401":
        return error(401, "The developer key or the customer key is not valid.")
    return error(500, "An internal error occurred.")
