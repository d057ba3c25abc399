"""The sandbox on the wire: HTTP/1.1 with keep-alive on loopback, including answers that never come or come in pieces.

The standard library's server, because faults need the raw socket.
"""

from __future__ import annotations

import http.client
import logging
import re
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from asapfill.clock import SystemClock
from asapfill.sandbox.api.event_feed import Delivery
from asapfill.sandbox.api.routes import Response
from asapfill.sandbox.wire.faults import Fault
from asapfill.sandbox.wire.world import Outcome, World

log = logging.getLogger(__name__)

HOST = "127.0.0.1"

BODY_LIMIT = 16_800_000
"""Open Dental's limit of a body, in characters."""

PIECES = 20
"""Into how many pieces a dripping answer falls."""


class SandboxServer(ThreadingHTTPServer):
    """Serves one world on loopback. ``stop`` ends it with all its connections."""

    request_queue_size = 128  # with the default of 5, a few clients at once lose a second each
    daemon_threads = True
    block_on_close = False

    def __init__(self, world: World, port: int = 0) -> None:
        self.world = world
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._poster = Poster(world)
        super().__init__((HOST, port), Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the base class says so
        """Close a connection and forget it."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class says so
        """A connection broke; the sandbox lives on. That a client goes away is nothing to report."""
        del request
        reason = sys.exc_info()[1]
        if isinstance(reason, ConnectionError):
            log.debug("sandbox.connection_broken port=%s reason=%r", client_address[1], reason)
        else:
            log.warning("sandbox.connection_broken port=%s reason=%r", client_address[1], reason)

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Answer requests, and post events to subscribers, until ``stop``."""
        self._poster.start()
        super().serve_forever(poll_interval)

    def stop(self) -> None:
        """Stop serving; called from another thread than the serving one."""
        self._poster.stop()
        self.shutdown()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                _hang_up(connection)
        self.world.log.close()


class Handler(BaseHTTPRequestHandler):
    """One connection. Everything that is decided is decided in ``World``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SandboxServer

    def do_GET(self) -> None:
        """Any method: see ``_serve``."""
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base class says so
        """Requests are in the sandbox's own log; a line each is for debugging only."""
        log.debug("sandbox.request %s", format % args)

    def _serve(self) -> None:
        """Read the request, have it answered, send the answer unless a fault forbids."""
        length = self.headers.get("Content-Length") or "0"
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > BODY_LIMIT:
            self.close_connection = True
            self._send(Response(400, b'"The request body is too long, or its length is no number."'))
            return
        body = self.rfile.read(int(length))
        try:
            authorization = self.headers.get("Authorization", "")
            outcome = self.server.world.handle(self.command, self.path, authorization, body)
        except Exception:  # a bug in the sandbox must show as what it is, not as a hanging client
            log.exception("sandbox.bug method=%s path=%s", self.command, self.path)
            outcome = Outcome(Response(500, b'"The sandbox itself failed; its log says why."'))
        # Noted before the answer leaves: whoever has it may let a stepped clock move on before we come back here.
        self.server.world.done(outcome.key)
        try:
            self._deliver(outcome.answer, outcome.fault)
        except ConnectionError:  # the client gave up waiting; the office has done what it has done
            self.close_connection = True

    def _deliver(self, answer: Response, fault: Fault | None) -> None:
        """Send an answer the way the fault has it."""
        kind = fault.kind if fault else ""
        if kind in {"drop_before", "drop_after"}:
            self.close_connection = True
            _hang_up(self.connection)
        elif kind == "truncated":
            data = self._bytes(answer)
            self.close_connection = True
            self.wfile.write(data[: len(data) - max(1, len(answer.body) // 2)])
        elif fault and kind == "drip":
            data = self._bytes(answer)
            size = -(-len(data) // PIECES)
            for start in range(0, len(data), size):
                SystemClock().sleep(fault.seconds / PIECES)
                self.wfile.write(data[start : start + size])
        else:
            if fault and kind == "slow":
                SystemClock().sleep(fault.seconds)
            self._send(answer)

    def _send(self, answer: Response) -> None:
        self.wfile.write(self._bytes(answer))

    def _bytes(self, answer: Response) -> bytes:
        """The whole response, to be written at once: two writes would wait for each other's acknowledgement."""
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **dict(answer.headers)}
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


def _hang_up(connection: socket.socket) -> None:
    """End a connection without a word."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was faster
        log.debug("sandbox.already_closed")


PATIENCE = 10.0
"""Real seconds that a receiver has for its answer."""


_LOOK, _IDLE = 0.02, 0.2
"""Real seconds between looks for what is due, with and without subscriptions."""


class Poster:
    """Posts what is due, in a thread of its own, between ``start`` and ``stop``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sandbox events", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the delivery under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def _work(self) -> None:
        clock = SystemClock()
        while not self._stop.is_set():
            for delivery in self._world.events_due():
                if self._stop.is_set():
                    return
                self._world.event_done(delivery, taken=_post_all(delivery))
            clock.sleep(_LOOK if self._world.office.subscriptions else _IDLE, self._stop)


def _post_all(delivery: Delivery) -> bool:
    """Post every body; whether all of them were taken (2xx)."""
    url = urlsplit(delivery.url)
    if not _is_loopback(url.hostname or ""):
        log.warning("sandbox.event_not_sent subscription=%d", delivery.subscription)
        return False
    for body in delivery.bodies:
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=PATIENCE)
        try:
            connection.request("POST", url.path or "/", body, delivery.headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            log.debug("sandbox.event_failed subscription=%d reason=%s", delivery.subscription, type(error).__name__)
            return False
        finally:
            connection.close()
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return False
    return True


def _is_loopback(host: str) -> bool:
    """The simulated office posts to this machine only, whatever a subscription says."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
