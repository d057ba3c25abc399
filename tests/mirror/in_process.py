"""An office and the asapfill that serves it in one process and one simulated time, without sockets: cheap, countable.

The office is the sandbox's ``World``; asapfill is the real one, with settings, state and sessions as ``asapfill run``
has them. Every request is noted when it arrives.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from asapfill.cycle import session as session_module
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession, open_sessions, recover_sessions
from asapfill.opendental.client import OpenDental
from asapfill.opendental.exchange import Network
from asapfill.policy.in_force import PolicyBook
from asapfill.sandbox.wire.world import Options, World
from asapfill.settings.settings import load_settings
from asapfill.store.database import Store, open_store

SECONDS = 0.2
"""What a request takes in the office."""

SETTINGS = """\
policies = "policies"
state = "state"

[offices.main-street]
urls = ["http://127.0.0.1:9/api/v1"]
developer_key = "file:developer.key"
customer_key = "file:customer.key"
seconds_between_requests = 0.5
"""


class WorldClock:
    """asapfill's clock is the office's; sleeping takes the office along."""

    speed: float = 1.0

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """The moment, aware."""
        return self._world.clock.now().astimezone(UTC)

    def monotonic(self) -> float:
        """Simulated seconds."""
        return self._world.clock.monotonic()

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let time pass, with what happens in it."""
        if seconds > 0 and not (stop is not None and stop.is_set()):
            self._world.clock.sleep(seconds)
            self._world.catch_up()


@dataclass(slots=True)
class WorldTransport(httpx.BaseTransport):
    """httpx's way to the office. ``asked``: when (monotonic) what was asked, queries included.

    ``before`` is told of each request before the office sees it; ``spoil`` may put another answer in the place of the
    office's.
    """

    world: World
    asked: list[tuple[float, str]] = field(default_factory=list)
    before: Callable[[httpx.Request], None] = lambda _: None
    spoil: Callable[[httpx.Request, httpx.Response], httpx.Response] = lambda _, response: response

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        self.before(request)
        self.asked.append((self.world.clock.monotonic(), f"{request.method} {request.url.raw_path.decode()}"))
        self.world.clock.sleep(SECONDS)
        target, authorization = request.url.raw_path.decode("ascii"), request.headers.get("Authorization", "")
        outcome = self.world.handle(request.method, target, authorization, request.read())
        self.world.done(outcome.key)
        answer = outcome.answer
        headers = {"Content-Type": "application/json", **dict(answer.headers)}
        return self.spoil(request, httpx.Response(answer.status, headers=headers, content=answer.body, request=request))


@dataclass(slots=True)
class Served:
    """An office being served, process by process."""

    world: World
    folder: Path
    transport: WorldTransport
    clock: WorldClock
    session: OfficeSession | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def now(self) -> OfficeSession:
        """The session of the process that runs."""
        assert self.session is not None
        return self.session

    def policy(self, text: str) -> None:
        """Write the policy; it is in force from the next cycle on."""
        (self.folder / "policies" / "main.yaml").write_text(text)

    def start(self) -> None:
        """Start asapfill on the state as it is."""
        settings = load_settings(self.folder / "asapfill.toml", {})
        store: Store = self._stack.enter_context(open_store(settings.state, self.clock))
        opened = open_sessions(settings, ("main-street",), self.clock, store, remember=True)
        (self.session,) = self._stack.enter_context(opened)
        recover_sessions([self.session])

    def end(self) -> None:
        """End it, without a word to anybody."""
        self.session = None
        self._stack.close()

    def restart(self) -> None:
        """End it and start it again."""
        self.end()
        self.start()

    def cycle(self) -> ClinicResult:
        """One cycle; it must have served the office."""
        policies = PolicyBook(self.folder / "policies", ("main-street",)).read(self.now.store)
        (result,) = run_cycle(self.now, policies.files, still_valid=policies.still_valid)
        assert result.served, result.errors
        return result

    def tick(self, seconds: float = 60.0) -> Counter[str]:
        """Wait until ``seconds`` after the last tick's beginning, and run a cycle. Its requests by purpose."""
        began = self.clock.monotonic()
        before = self.now.client.requests.copy()
        self.cycle()
        self.clock.sleep(seconds - (self.clock.monotonic() - began))
        return self.now.client.requests - before


@contextmanager
def in_process(folder: Path, policy: str, office: dict[str, Any], **options: Any) -> Iterator[Served]:
    """Serve ``office`` with its state in ``folder``; nothing is started yet. ``options``: of the sandbox."""
    world = World(Options(office=office, **({"people": False} | options)))
    transport = WorldTransport(world)
    ((developer, customer),) = world.office.keys[:1]
    (folder / "policies").mkdir(parents=True)
    (folder / "asapfill.toml").write_text(SETTINGS)
    for name, key in (("developer.key", developer), ("customer.key", customer)):
        (folder / name).write_text(key + "\n")
        (folder / name).chmod(0o600)
    served = Served(world, folder, transport, WorldClock(world))
    served.policy(policy)

    def open_client(office: Any, clock: Any, stop: threading.Event, keys: tuple[str, str]) -> OpenDental:
        return OpenDental(
            office.name,
            office.urls,
            *keys,
            clock=clock,
            seconds_between_requests=office.seconds_between_requests,
            requests_per_minute=office.requests_per_minute,
            stop=stop,
            network=Network(transport=transport),
        )

    with patch.object(session_module, "open_client", open_client):
        try:
            yield served
        finally:
            served.end()
