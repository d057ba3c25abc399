"""Following the simulated clock of a sandbox, so that asapfill and the office it serves live in the same time."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from asapfill.clock import Clock, FastClock, SystemClock
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.settings.settings import Settings

_PATIENCE = 60.0


class SandboxClock:
    """A clock that stands still in the sandbox until somebody sleeps: every look and every wait asks there."""

    speed: float = 1.0

    def __init__(self, url: str) -> None:
        self._url = url
        self._kept = threading.local()

    def now(self) -> datetime:
        """The simulated moment, aware."""
        return datetime.fromisoformat(str(self._ask()["now"]))

    def monotonic(self) -> float:
        """Simulated seconds since the sandbox began."""
        return float(self._ask()["monotonic"])

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let simulated time pass, with everything that happens in it."""
        if seconds > 0 and not (stop is not None and stop.is_set()):
            self._ask({"advance": seconds})

    def _ask(self, body: dict[str, float] | None = None) -> dict[str, Any]:
        """Ask over a connection that each thread keeps: a command asks some hundred times."""
        connection = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = _Connection(self._url)
        return _ask(connection, self._url, body)


def clock_for(settings: Settings) -> Clock:
    """The clock that the settings ask for: the machine's own, or that of a sandbox on this machine.

    Raises:
        ConfigurationError: the sandbox does not answer.
    """
    if settings.clock is None:
        return SystemClock()
    try:
        with closing(_Connection(settings.clock)) as connection:
            state = _ask(connection, settings.clock)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ConfigurationError(
            [
                Problem(
                    settings.path,
                    f"The sandbox whose clock is to be followed does not answer ({type(error).__name__}).",
                    hint="Start `asapfill sandbox`, or remove the line `clock` from the settings.",
                )
            ]
        ) from None
    if state["mode"] == "speed":
        return FastClock(datetime.fromisoformat(str(state["now"])), float(state["speed"]))
    return SystemClock() if state["mode"] == "system" else SandboxClock(settings.clock)


class _Connection(http.client.HTTPConnection):
    """To the clock's address, which is on loopback: the settings accept no other. Closed with its last use."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        super().__init__(parts.hostname or "", parts.port or 80, timeout=_PATIENCE)

    def __del__(self) -> None:
        self.close()


def _ask(connection: _Connection, url: str, body: dict[str, float] | None = None) -> dict[str, Any]:
    """GET the clock, or POST to it."""
    try:
        method, payload = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection.request(method, urlsplit(url).path, payload)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except BaseException:
        connection.close()  # half an answer may be left in it
        raise
    if response.status != http.client.OK or not isinstance(answer, dict):
        raise ValueError(f"the sandbox's clock said no: {response.status}")
    return answer
