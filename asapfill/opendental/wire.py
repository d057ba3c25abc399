"""One HTTP exchange: what httpx does, and the two limits that it lacks. The only module that imports httpx.

It knows which failures prove that a request did not arrive. Addresses, gates and retries are in ``connection``, what
an answer means in ``answers``.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import httpx

from asapfill.opendental.answers import Answer, Call
from asapfill.opendental.errors import NotOpenDental, Unknown, Unreachable

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

    httpx's timeouts are per operation, so a server that sends a byte now and then could hold us for ever. A timer
    therefore shuts the socket down at the deadline. It runs on real time on purpose: sockets do not follow an
    injected clock.
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
        if self._socket is not None:
            with suppress(OSError):  # closed already: nothing to cut
                # Not SSLSocket.shutdown: that changes the object which another thread is reading from.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def exchange(self, call: Call, url: str, content: bytes | None) -> Answer:
        """Send one request and read its whole answer.

        Raises Unreachable when not a byte of it was sent, NotOpenDental for an endless answer, Unknown for all else.
        """
        with self._watched() as late:
            try:
                with self._client.stream(
                    call.method, url, content=content, extensions={"trace": self._note_socket}
                ) as response:
                    body = self._body(response, call, late)
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
                raise _unknown(call, late, self._deadline, type(error).__name__) from error

    def _body(self, response: httpx.Response, call: Call, late: threading.Event) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise NotOpenDental(
                    f"{call}: the answer is larger than any that Open Dental gives ({LARGEST_ANSWER} bytes). "
                    "Check what runs at that address.",
                    status=response.status_code,
                )
            if late.is_set():
                raise _unknown(call, late, self._deadline, "too late")
        return bytes(body)

    @contextmanager
    def _watched(self) -> Iterator[threading.Event]:
        """Cut the line at the deadline; the event tells that it was cut."""
        late = threading.Event()
        timer = threading.Timer(self._deadline, self._cut, [late])
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            timer.join()  # so that it cannot cut the next exchange

    def _cut(self, late: threading.Event) -> None:
        late.set()
        self.cut()

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket in use (httpx calls this, see its "trace" extension); a kept one stays remembered."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")


@cache
def _tls() -> ssl.SSLContext:
    """One verifying context for all: making one takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


def _seconds(text: str) -> float | None:
    """A Retry-After in seconds; None for a date or anything else."""
    return float(text) if text.isascii() and text.isdigit() else None


def _unknown(call: Call, late: threading.Event, deadline: float, kind: str) -> Unknown:
    what = f"no complete answer within {deadline:g} seconds" if late.is_set() else f"the connection broke ({kind})"
    return Unknown(f"{call}: {what}. See that the server and the network to it are well.{call.doubt}")
