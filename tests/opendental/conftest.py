"""An office that answers as each test says, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from asapfill.clock import SteppedClock
from asapfill.opendental.client import OpenDental
from asapfill.opendental.exchange import Network

SAMPLES = Path(__file__).parent / "samples"
START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """A JSON sample of Open Dental's documentation by name."""
    return lambda name: json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.fixture
def connect(clock: SteppedClock) -> Iterator[Callable[..., OpenDental]]:
    """Make a client whose requests go to a function; closed at the end."""
    clients: list[OpenDental] = []

    def make(handler: Handler, *urls: str, **options: Any) -> OpenDental:
        client = OpenDental(
            "main-street",
            urls or ("https://api.opendental.com/api/v1",),
            "developer-1234",
            "customer-5678",
            clock=options.pop("clock", clock),
            network=Network(transport=httpx.MockTransport(handler)),
            **options,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
