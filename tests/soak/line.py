"""Between a simulated asapfill and a simulated office: everything that goes wrong on a wire, without a wire.

The office is the sandbox's ``World``, asked in this process, in place of ``asapfill.opendental.exchange``. What its
faults do to an answer on a real socket (see ``sandbox.wire.server``) is done here in simulated time; the crash tests
use real sockets and processes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from asapfill.opendental.answers import Answer, Call
from asapfill.opendental.errors import Unknown, Unreachable
from asapfill.opendental.exchange import DEADLINE
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY
from asapfill.sandbox.wire.faults import Fault
from asapfill.sandbox.wire.world import Outcome, World
from tests.soak.witness import Rules, Witness

AUTHORIZATION = f"ODFHIR {DEVELOPER_KEY}/{CUSTOMER_KEY}"

RELAY_LIMIT = 60.0
"""Seconds that the relay waits for the office; what it was told may be done up to then, after the line broke."""


class Killed(BaseException):
    """The process is dead: as with a power cut, nothing of it runs any more."""


@dataclass(slots=True)
class Weather:
    """What goes wrong now. ``refused``: nobody listens. ``late``: chance that a write is done after its line broke.
    ``broken_off``: chance that asapfill dies between the office's work and the answer. ``seconds``: most that a request
    takes when all is well.
    """

    refused: bool = False
    late: float = 0.0
    broken_off: float = 0.0
    seconds: float = 0.4


@dataclass(frozen=True, slots=True)
class Request:
    """One request on its way. ``target``: path and query."""

    call: Call
    target: str
    content: bytes

    @property
    def path(self) -> str:
        """The path of the whole address, without its query."""
        return self.target.partition("?")[0]

    def unknown(self, what: str) -> Unknown:
        """The error for a line that broke after the request left."""
        return Unknown(f"{self.call}: {what}.{self.call.doubt}")


@dataclass(slots=True)
class Line:
    """The way to the office. ``before_request`` lets others act while asapfill is in the middle of something."""

    world: World
    witness: Witness
    draws: random.Random
    say: Callable[..., None]
    before_request: Callable[[], None]
    die: Callable[[str], None]
    weather: Weather = field(default_factory=Weather)
    _late: list[tuple[float, Request, datetime, Rules]] = field(default_factory=list)

    def exchange(self, call: Call, url: str, content: bytes | None) -> Answer:
        """One exchange, in simulated time. Raises what ``exchange.HttpClient.exchange`` does."""
        parts = urlsplit(url)
        request = Request(call, f"{parts.path}{'?' if parts.query else ''}{parts.query}", content or b"")
        asked, rules = self.world.office.now, self.witness.rules
        self.pass_time(self.draws.uniform(0.02, self.weather.seconds))
        self.before_request()
        if self.weather.refused:
            raise Unreachable(f"{call}: nobody listens.")
        if call.method == "POST" and self.draws.random() < self.weather.late:
            due = self.world.clock.monotonic() + self.draws.uniform(1, RELAY_LIMIT)
            self._late.append((due, request, asked, rules))
            self.say("fault", kind="late", path=request.path)
            raise request.unknown("the line broke")
        outcome = self._office(request, asked, rules)
        if call.method != "GET" and self.draws.random() < self.weather.broken_off:
            self.die(f"accepted {call.method} {request.path.rsplit('/', 1)[-1]}")
        if outcome.fault is not None:
            self.say("fault", kind=outcome.fault.kind, path=request.path)
        try:
            return self._delivered(request, outcome)
        finally:
            self.world.done(outcome.key)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in the office; what was told it late is done on the way."""
        end = self.world.clock.monotonic() + seconds
        while True:
            entry = min(self._late, key=lambda entry: entry[0], default=None)
            if entry is None or entry[0] > end:
                break
            self._late.remove(entry)
            due, request, asked, rules = entry
            self._sleep(max(0.0, due - self.world.clock.monotonic()))
            self._office(request, asked, rules)
        self._sleep(max(0.0, end - self.world.clock.monotonic()))

    def _sleep(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)
        self.world.catch_up()

    def _office(self, request: Request, asked: datetime, rules: Rules) -> Outcome:
        """Have the office do it, with the witness looking on."""
        with self.witness.looking_on(request.call.method, request.path, request.content, asked, rules):
            outcome = self.world.handle(request.call.method, request.target, AUTHORIZATION, request.content)
            self.witness.answered(outcome)
        return outcome

    def _delivered(self, request: Request, outcome: Outcome) -> Answer:
        """The answer as the fault lets it through."""
        answer, fault = outcome.answer, outcome.fault
        if fault is not None:
            self._spoil(request, fault)
        headers = {"Content-Type": "application/json", **dict(answer.headers)}
        retry_after = headers.get("Retry-After", "")
        wait = float(retry_after) if retry_after.isdigit() else None
        return Answer(answer.status, answer.body, headers["Content-Type"], wait)

    def _spoil(self, request: Request, fault: Fault) -> None:
        """Lose the answer, or let it take its time. Raises the error for a line that broke."""
        if fault.kind in {"drop_before", "drop_after", "truncated"}:
            raise request.unknown("the line broke")
        if fault.kind in {"drip", "slow"}:
            self.pass_time(min(fault.seconds, DEADLINE))
            if fault.seconds > DEADLINE:
                raise request.unknown("too late")
        if fault.kind.startswith("504"):
            self.pass_time(RELAY_LIMIT)
