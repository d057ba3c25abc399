"""Where Open Dental's deliveries arrive: HTTP on a port of its own, answered at once.

Whoever can reach the port may send anything. Nothing is read before the key is right, every connection has an end, and
there is a limit to how many, how much and how often. What a delivery means is told by ``deliveries``; what is done then
is the caller's business.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from weakref import WeakSet

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from asapfill.core.errors import AsapfillError
from asapfill.settings.settings import EventSettings
from asapfill.webhooks.deliveries import NOBODY, Hint, NotADelivery, Tally, read_delivery

log = logging.getLogger(__name__)

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of a delivery. Open Dental sends at most 1000 rows at a time (23.2.1), about 1 KB each without long notes."""

LIFE: Final = 15.0
"""Real seconds that a connection may last; each serves one delivery."""

MOST_AT_ONCE: Final = 8
MOST_OF_AN_OFFICE: Final = 4
"""Deliveries that are received and read at the same time: together at most 64 MB. Who comes meanwhile is told to come
again, as Open Dental does."""

MOST_CONNECTIONS: Final = 64
BACKLOG: Final = 64
"""Connections that wait to be let in."""

_LARGEST_HEADERS: Final = 16 * 1024
_STOPPING: Final = 1.0
"""Real seconds until connections are given up that do not end by themselves."""

Deliver = Callable[[str, Hint], None]


class CannotListen(AsapfillError):  # noqa: N818  the name says it
    """The port, the certificate or its key cannot be used. Says which, why, and what to do.

    ``code``: ``port`` or ``certificate``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LimitedSocket(socket.socket):
    """A listening socket that turns away who comes while MOST_CONNECTIONS are inside, in a TLS handshake or after it:
    the files that this process may open are needed for more important things.
    """

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401  socket's own
        super().__init__(*arguments)
        self._inside: WeakSet[socket.socket] = WeakSet()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises ConnectionAbortedError, which asyncio takes for a caller who has gone."""
        connection, address = super().accept()
        if sum(other.fileno() != -1 for other in self._inside) >= MOST_CONNECTIONS:
            connection.close()
            raise ConnectionAbortedError
        self._inside.add(connection)
        return connection, address


def try_out(where: EventSettings) -> None:
    """See whether asapfill could listen there, without doing so for longer than a moment. Raises CannotListen."""
    certificate_of(where)
    open_socket(where).close()


def open_socket(where: EventSettings) -> LimitedSocket:
    """The listening socket. Raises CannotListen."""
    host, port = where.host, where.port
    listening = LimitedSocket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(
            "port",
            f"asapfill cannot listen at {host}:{port}: {error.strerror or error}. Does another program use the port "
            "(`ss -ltnp`), and is the address one of this machine's? See `listen` below [events].",
        ) from None
    return listening


def certificate_of(where: EventSettings) -> ssl.SSLContext | None:
    """The certificate, read anew at each start, so that a reload takes a renewed one. Raises CannotListen."""
    certificate, key = where.certificate, where.certificate_key
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password="")  # or OpenSSL would ask the terminal
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise CannotListen(
            "certificate",
            f"The certificate {certificate} and its key cannot be used: {why}. Both must be PEM, belong together, "
            "have no password, and be readable for the user that runs asapfill.",
        ) from None
    return context


class Listener:
    """Receives deliveries in a thread of its own, between ``start`` and ``stop``.

    Args:
        where: where to listen; port 0 means any free one.
        keys: the customer key of each office.
        tally: counts what comes.
        deliver: called in the listener's thread with the office and the hint; must return at once.
    """

    def __init__(self, where: EventSettings, keys: Mapping[str, str], tally: Tally, deliver: Deliver) -> None:
        self._where = where
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="event")
        self._receiver = _Receiver(where.prefix, keys, tally, deliver, self._reader)
        self._tally = tally
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = where.port

    @property
    def alive(self) -> bool:
        """Whether it is listening."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to listen. Raises CannotListen."""
        tls = certificate_of(self._where)
        listening = open_socket(self._where)
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(
            self._receiver,
            http=_protocol(self._tally),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level=logging.CRITICAL,  # it would write a line for every bad request that somebody sends
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=int(_STOPPING),
            h11_max_incomplete_event_size=_LARGEST_HEADERS,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        self._server = uvicorn.Server(config)
        # In a thread other than the main one uvicorn leaves the signals alone.
        self._thread = threading.Thread(target=self._serve, args=(self._server, listening), name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more; what is under way is broken off, and Open Dental sends it again."""
        if self._server is not None:
            self._server.force_exit = self._server.should_exit = True

    def wait(self) -> None:
        """After ``stop``: until the port is free, two seconds at most."""
        if self._thread is not None:
            self._thread.join(2 * _STOPPING)
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._server = self._thread = None

    def _serve(self, server: uvicorn.Server, listening: LimitedSocket) -> None:
        try:
            server.run(sockets=[listening])
        except (Exception, SystemExit) as error:  # uvicorn ends a start that fails with the latter
            log.exception("events.broken error=%s", type(error).__name__)
        finally:
            listening.close()


@dataclass(frozen=True, slots=True)
class _Receiver:
    """The ASGI application: checks from the cheapest to the dearest, then hands on what the delivery hints at."""

    prefix: str
    keys: Mapping[str, str] = field(repr=False)
    tally: Tally
    deliver: Deliver
    reader: Executor
    under_way: Counter[str] = field(default_factory=Counter)
    """Deliveries by office whose bodies are being received or read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is."""
        request = Request(scope, receive)
        try:
            await self._take(request)
            answer = _answer(HTTPStatus.OK)
        except RefusedDelivery as refused:
            self.tally.refused(refused.office, refused.reason)
            answer = refused.answer
        except ClientDisconnect:
            self.tally.refused(self._office(request) or NOBODY, "broken_off")
            return
        except Exception as error:  # noqa: BLE001  a mistake of ours; a traceback could hold what was sent
            log.error("events.bug error=%s", type(error).__name__)  # noqa: TRY400  as above
            answer = _answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        await answer(scope, receive, send)

    def _office(self, request: Request) -> str | None:
        """The office whose path it is: below the prefix or, where a proxy has taken that away, below the root.

        What stands behind the office does not matter: Open Dental's example shows a further part there.
        """
        path: str = request.scope["path"]
        for below in (path.removeprefix(self.prefix), path):
            name = below.removeprefix("/").partition("/")[0]
            if name in self.keys:
                return name
        return None

    async def _take(self, request: Request) -> None:
        """Take one delivery. Raises RefusedDelivery."""
        office = self._office(request)
        if office is None:
            raise RefusedDelivery(NOBODY, "no_office", HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            raise RefusedDelivery(office, "method", HTTPStatus.METHOD_NOT_ALLOWED, Allow="POST")
        # Open Dental sends the bare customer key, without a scheme.
        if not _same(request.headers.get("Authorization", ""), self.keys[office]):
            raise RefusedDelivery(office, "wrong_key", HTTPStatus.UNAUTHORIZED)
        if not self.tally.admit(office):
            raise RefusedDelivery(office, "too_many", HTTPStatus.TOO_MANY_REQUESTS, **{"Retry-After": "10"})
        if self.under_way.total() >= MOST_AT_ONCE or self.under_way[office] >= MOST_OF_AN_OFFICE:
            raise RefusedDelivery(office, "too_many", HTTPStatus.TOO_MANY_REQUESTS, **{"Retry-After": "10"})
        self.under_way[office] += 1
        try:
            hint = await self._read(request, office)
        finally:
            self.under_way[office] -= 1
        self.deliver(office, hint)

    async def _read(self, request: Request, office: str) -> Hint:
        """What the delivery hints at, found out beside the event loop. Raises RefusedDelivery."""
        body = await _body(request)
        if body is None:
            raise RefusedDelivery(office, "too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.reader, read_delivery, body)
        except NotADelivery as error:
            large = error.reason == "too_large"
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.BAD_REQUEST
            raise RefusedDelivery(office, error.reason, status) from None


class RefusedDelivery(AsapfillError):  # noqa: N818  nothing went wrong: it is an answer
    """A request that is not taken: whose path it had, a key of ``REASONS``, and the answer."""

    exit_code = None

    def __init__(self, office: str, reason: str, status: HTTPStatus, **headers: str) -> None:
        super().__init__(reason)
        self.office = office
        self.reason = reason
        self.answer = _answer(status, **headers)


def _same(given: str, key: str) -> bool:
    """Whether a header is the key, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), key.encode("latin-1", "replace"))


async def _body(request: Request) -> bytes | None:
    """The body; None when it is too large, as soon as that is known."""
    length = request.headers.get("Content-Length", "0")
    if not length.isdigit() or int(length) > LARGEST:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _answer(status: HTTPStatus, **headers: str) -> Response:
    """An answer without a body; each connection serves one request."""
    return Response(status_code=status, headers={"Connection": "close", **headers})


def _protocol(tally: Tally) -> type[asyncio.Protocol]:
    """The HTTP protocol of uvicorn, with an end to each connection and an eye on what is not HTTP."""

    class Connection(H11Protocol):
        """One connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
            super().connection_made(transport)
            self._end = self.loop.call_later(LIFE, transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            self._end.cancel()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            tally.refused(NOBODY, "garbage")
            if self.cycle is not None and self.cycle.response_started:  # type: ignore[redundant-expr]  # None at first
                self.transport.abort()  # there can be no second answer
            else:
                super().send_400_response(msg)

    return Connection
