"""A listener on loopback, and senders of all kinds, on real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from asapfill.clock import Clock, SystemClock
from asapfill.settings.settings import EventSettings
from asapfill.webhooks.deliveries import Hint, Tally
from asapfill.webhooks.listener import Listener

KEY = "Customer-Mark-0815"
APPOINTMENT = {"AptNum": 18, "AptDateTime": "2026-04-14 09:00:00", "LName": "Lastnamemark"}
PATIENCE = 10.0


@dataclass
class Hooks:
    """A running listener, and what it was told."""

    listener: Listener
    tally: Tally
    received: list[tuple[str, Hint]] = field(default_factory=list)

    def post(
        self,
        body: bytes | str | None = None,
        *,
        path: str = "/main-street/",
        key: str | None = KEY,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Send one request; the status of its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.listener.port, timeout=PATIENCE)
        sent = json.dumps([APPOINTMENT]) if body is None else body
        try:
            connection.request(method, path, sent, {**({"Authorization": key} if key else {}), **(headers or {})})
            answer = connection.getresponse()
            answer.read()
            assert answer.getheader("Connection") == "close"
            return answer.status
        finally:
            connection.close()

    def raw(self) -> socket.socket:
        """A connection to do with as one likes."""
        return socket.create_connection(("127.0.0.1", self.listener.port), timeout=PATIENCE)

    def refused(self, office: str = "main-street") -> dict[str, int]:
        return self.tally.counts(office).refused


@contextmanager
def listening(
    where: EventSettings | None = None,
    *,
    clock: Clock | None = None,
    deliver: Callable[[str, Hint], None] | None = None,
) -> Iterator[Hooks]:
    """A listener for two offices."""
    keys = {"main-street": KEY, "west": "another-key"}
    tally = Tally(keys, clock or SystemClock())
    hooks: list[Hooks] = []

    def note(office: str, hint: Hint) -> None:
        hooks[0].received.append((office, hint))

    listener = Listener(where or EventSettings("127.0.0.1", 0, ""), keys, tally, deliver or note)
    listener.start()
    hooks.append(Hooks(listener, tally))
    try:
        yield hooks[0]
    finally:
        listener.stop()
        listener.wait()


def until(true: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    """Wait for something that must happen soon."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.005)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended a connection; reads what is left."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    return True
