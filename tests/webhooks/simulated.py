"""A simulated office in this process, with one clock for it and for us, and its real deliveries on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from asapfill.clock import SteppedClock, office_now
from asapfill.opendental.client import OpenDental
from asapfill.sandbox.office import staff
from asapfill.sandbox.wire.server import SandboxServer
from asapfill.sandbox.wire.world import Options, World
from asapfill.store.database import Store, open_store
from tests.cycle.office import CUSTOMER, DEVELOPER, office_file

Row = dict[str, Any]


@dataclass
class Simulated:
    """The office's world, a client of it, and our state."""

    world: World
    client: OpenDental
    store: Store
    clock: SteppedClock

    @property
    def subscriptions(self) -> list[Row]:
        """As the database has them, in the order of their numbers."""
        return [row for _, row in sorted(self.world.office.subscriptions.items())]

    def subscribe(self, **columns: Any) -> Row:
        """A subscription that somebody made by hand."""
        row = {"CustomerKey": CUSTOMER, "PollingSeconds": 5, "WatchTable": "Appointment"} | columns
        return self.world.office.insert("subscriptions", row)

    def staff(self, **action: Any) -> Row:
        """Staff do something now."""
        self.world.catch_up()
        return staff.apply(self.world.office, action)

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.clock.sleep(timedelta(**time).total_seconds())
        self.world.catch_up()

    def asked(self, method: str) -> int:
        """How often the office's subscriptions were asked about."""
        return self.world.log.requests[f"{method} subscriptions"]

    def without(self, permission: str) -> None:
        """The key has not got this permission."""
        self.world.office.securityperms[permission] = False


@contextmanager
def simulated(folder: Path, **changes: Any) -> Iterator[Simulated]:
    """The small office of the service's tests. ``changes``: of its file."""
    world = World(Options(office=office_file(**changes), people=False))
    assert isinstance(world.clock, SteppedClock)
    server = SandboxServer(world)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    url = f"http://127.0.0.1:{server.port}/api/v1"
    try:
        with (
            open_store(folder / "state", world.clock) as store,
            OpenDental("main-street", [url], DEVELOPER, CUSTOMER, clock=world.clock) as client,
        ):
            yield Simulated(world, client, store, world.clock)
    finally:
        server.stop()
        serving.join()


def wall_clock(office: Simulated) -> Any:
    """The office's wall clock."""
    return office_now(office.clock.now(), office.world.office.timezone)
