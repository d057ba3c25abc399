"""An office that sends events: the bench's sandbox, the real daemon, and a port for the deliveries."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon.bench import SETTINGS, Bench, bench_for

EVENTS = """
[events]
listen = "127.0.0.1:{events}"
url = "http://127.0.0.1:{events}/hooks"
"""


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def with_events(port: int) -> str:
    """The bench's settings with events on, for ``Bench.settings``."""
    return SETTINGS + EVENTS.format(events=port)


def without_events() -> str:
    """The bench's settings as they are without events."""
    return SETTINGS


@contextmanager
def eventful_bench(
    folder: Path, *, office: dict[str, Any] | None = None, speed: float = 10.0, **options: Any
) -> Iterator[tuple[Bench, int]]:
    """A bench with events on; nothing is sent to patients. ``speed``: simulated seconds per real one."""
    with bench_for(folder, office, mode="speed", speed=speed, **options) as bench:
        port = free_port()
        bench.settings(with_events(port))
        bench.policy(mode="preview", openings={"settle": "0 minutes"})
        yield bench, port
