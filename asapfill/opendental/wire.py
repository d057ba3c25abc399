"""One HTTP exchange: what httpx does, and the two limits that it lacks. The only module that imports httpx.

It knows which failures prove that a request did not arrive. Addresses, gates and retries are in ``connection``, what
an answer means in ``answers``.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx

from asapfill.clock import SystemClock
from asapfill.opendental.answers import Answer, Call
from asapfill.opendental.errors import NotOpenDental, Unknown, Unreachable


class Alarm:
    """Something that is to be done unless it is cancelled before."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action


class Alarms:
    """Does what is due, in a thread of its own that is started with the first alarm and never keeps the process alive.

    Actions are short and do not raise: they are run under the lock, so that one which was cancelled is over.
    """

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._waiting: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def set(self, seconds: float, action: Callable[[], None]) -> Alarm:
        """Have ``action`` done ``seconds`` from now."""
        alarm = Alarm(action)
        due = self._clock.monotonic() + seconds
        with self._changed:
            earliest = not self._waiting or due < self._waiting[0][0]
            heapq.heappush(self._waiting, (due, next(self._order), alarm))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="alarms", daemon=True)
                self._thread.start()
            elif earliest:
                self._changed.notify()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Have it not done any more; when this returns, it is not being done either."""
        with self._changed:
            alarm.action = None
            while self._waiting and self._waiting[0][2].action is None:
                heapq.heappop(self._waiting)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = self._clock.monotonic()
                while self._waiting and self._waiting[0][0] <= now:
                    alarm = heapq.heappop(self._waiting)[2]
                    if alarm.action is not None:
                        alarm.action()
                self._changed.wait(self._waiting[0][0] - now if self._waiting else None)


ALARMS = Alarms()
"""Those of the process."""


logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and patients' numbers stand in queries

Transport = httpx.BaseTransport
"""What a test may put in place of the network."""

DEADLINE = 75.0
"""Seconds for a whole request; the server itself gives up on an office after 60 and says so with a 504."""

LARGEST_ANSWER = 20_000_000
"""Bytes. Open Dental's own limit is 16.8 million characters."""

_CONNECT_SECONDS = 5.0

# No connection, so not a byte of the request was sent. Everything else that may go wrong leaves that open.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Line:
    """An httpx client with the two limits that httpx lacks: time for the whole exchange, and size of the answer.

    httpx's timeouts are per operation, so a server that sends a byte now and then could hold us for ever. An alarm
    therefore shuts the socket down at the deadline. It runs on real time on purpose: sockets do not follow an
    injected clock. An exchange that is cut while it connects ends as soon as it has: nothing is sent.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        deadline: float,
        transport: Transport | None,
        *,
        keep_open: bool = True,
    ) -> None:
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(deadline, connect=min(_CONNECT_SECONDS, deadline)),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1 if keep_open else 0),
            follow_redirects=False,  # a redirect is no Open Dental answer, and keys must not follow it
            trust_env=False,
            verify=_tls(),
            transport=transport,
        )

    def close(self) -> None:
        """Close the socket that is kept open, if any."""
        self._client.close()

    def cut(self) -> None:
        """Break off the exchange under way, if there is one; any thread may call it."""
        self._is_cut = True
        if self._socket is not None:
            with suppress(OSError):  # closed already: nothing to cut
                # Not SSLSocket.shutdown: that changes the object which another thread is reading from.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def exchange(self, call: Call, url: str, content: bytes | None, deadline: float = math.inf) -> Answer:
        """Send one request and read its whole answer. ``deadline``: seconds, when there are fewer than usual.

        Raises Unreachable when not a byte of it was sent, NotOpenDental for an endless answer, Unknown for all else.
        """
        deadline = min(deadline, self._deadline)
        self._is_cut = False
        with self._watched(deadline) as late:
            try:
                with self._client.stream(
                    call.method,
                    url,
                    content=content,
                    timeout=httpx.Timeout(deadline, connect=min(_CONNECT_SECONDS, deadline)),
                    extensions={"trace": self._note_socket},
                ) as response:
                    body = self._body(response, call)
                    return Answer(
                        response.status_code,
                        body,
                        response.headers.get("Content-Type", ""),
                        _seconds(response.headers.get("Retry-After", "")),
                    )
            except _NOT_SENT as error:
                raise Unreachable(
                    f"{call}: no connection ({str(error) or type(error).__name__}). "
                    "Check that the server runs, its address in the settings, and the firewall between."
                ) from error
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                raise _unknown(call, deadline, late(), type(error).__name__) from error

    def _body(self, response: httpx.Response, call: Call) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise NotOpenDental(
                    f"{call}: the answer is larger than any that Open Dental gives ({LARGEST_ANSWER} bytes). "
                    "Check what runs at that address.",
                    status=response.status_code,
                )
            if self._is_cut:
                raise httpx.ReadError("cut")
        return bytes(body)

    @contextmanager
    def _watched(self, deadline: float) -> Iterator[Callable[[], bool]]:
        """Cut the line at the deadline; what is handed out tells whether that has happened."""
        late = False

        def cut() -> None:
            nonlocal late
            late = True
            self.cut()

        alarm = ALARMS.set(deadline, cut)
        try:
            yield lambda: late
        finally:
            ALARMS.cancel(alarm)  # from here on it cannot cut the next exchange

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket in use (httpx calls this, see its "trace" extension); a kept one stays remembered."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            stream = info["return_value"]
            self._socket = stream.get_extra_info("socket")
            if self._is_cut:
                stream.close()
                raise httpx.ConnectError("broken off while it connected")


@cache
def _tls() -> ssl.SSLContext:
    """One verifying context for all: making one takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


def _seconds(text: str) -> float | None:
    """A Retry-After in seconds; None for a date or anything else."""
    return float(text) if text.isascii() and text.isdigit() else None


def _unknown(call: Call, deadline: float, late: bool, kind: str) -> Unknown:  # noqa: FBT001  told apart by the caller
    what = f"no complete answer within {deadline:g} seconds" if late else f"the connection broke ({kind})"
    return Unknown(f"{call}: {what}. See that the server and the network to it are well.{call.doubt}")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the requests of one cycle, or of one command, may take.

    Attributes:
        first: for the first read to be answered. Until then nothing is asked twice, if this is a ``probe``.
        answer: for each read after that. A write always has ``wire.DEADLINE``: breaking it off leaves a doubt.
        retrying: no further retry of a read once so much has gone into it.
        waiting: for a gate that the office had us shut.
        cycle: no request begins after so long. One that has begun may end.
        probe: whether the office failed lately, so that one request is to find out whether it answers again.
    """

    first: float = DEADLINE
    answer: float = DEADLINE
    retrying: float = 120.0
    waiting: float = math.inf
    cycle: float = math.inf
    probe: bool = False


AMPLE: Final = Patience()
"""For a command that a person waits for."""

PROMPT: Final = Patience(first=20.0, answer=20.0, retrying=20.0, waiting=20.0, cycle=120.0)
"""For an office whose last cycle was a quick one."""

SLOW: Final = Patience(first=30.0, waiting=75.0, cycle=600.0)
"""For an office that was never served, or whose last cycle took long."""

PROBE: Final = Patience(first=30.0, waiting=75.0, cycle=600.0, probe=True)
"""For an office that did not answer as it should."""
