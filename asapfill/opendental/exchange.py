"""One HTTP exchange: what httpx does, and the limits that it lacks. The only module that imports httpx.

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
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import httpx

from asapfill.clock import SystemClock
from asapfill.core.addresses import is_near
from asapfill.core.values import fit
from asapfill.opendental.answers import Answer, Call
from asapfill.opendental.errors import NotOpenDental, Unknown, Unreachable


class Timer:
    """Something that is to be done unless it is cancelled before."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action


class Timers:
    """Does what is due, in a thread of its own that is started with the first timer and never keeps the process alive.

    Actions are short and do not raise: they are run under the lock, so that one which was cancelled is over.
    """

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._waiting: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def set(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have ``action`` done ``seconds`` from now."""
        timer = Timer(action)
        due = self._clock.monotonic() + seconds
        with self._changed:
            earliest = not self._waiting or due < self._waiting[0][0]
            heapq.heappush(self._waiting, (due, next(self._order), timer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="timers", daemon=True)
                self._thread.start()
            elif earliest:
                self._changed.notify()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Have it not done any more; when this returns, it is not being done either."""
        with self._changed:
            timer.action = None
            while self._waiting and self._waiting[0][2].action is None:
                heapq.heappop(self._waiting)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = self._clock.monotonic()
                while self._waiting and self._waiting[0][0] <= now:
                    timer = heapq.heappop(self._waiting)[2]
                    if timer.action is not None:
                        timer.action()
                self._changed.wait(self._waiting[0][0] - now if self._waiting else None)


TIMERS = Timers()
"""Those of the process."""


log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and patients' numbers stand in queries

DEADLINE = 75.0
"""Seconds for a whole request; the server itself gives up on an office after 60 and says so with a 504."""

LARGEST_ANSWER = 8_000_000
"""Bytes. A page of 1,000 rows has one or two million; the rest is room for notes."""

_CONNECT_SECONDS = 5.0

# No connection, so not a byte of the request was sent. Everything else that may go wrong leaves that open.
# A proxy's no is one to our wish for a connection: it is asked for https only.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

SYSTEM = "system"
"""In place of a PEM file: the authorities that this machine trusts."""

_GZIP_OR_ZLIB = 47
_MOST_DIGITS = 6
_BEYOND = "lies beyond the local network, and the request is not encrypted"


@dataclass(frozen=True, slots=True)
class Network:
    """The way to an office's addresses.

    Attributes:
        plain_http: whether addresses beyond this machine and the local network may be asked unencrypted.
        ca: a PEM file of authorities that are trusted beside the public ones, or ``system`` for this machine's.
        proxy: the address of an HTTP proxy through which https addresses are asked; None for none.
        deadline: seconds for a whole request.
        transport: what a test puts in place of the network.
    """

    plain_http: bool = False
    ca: str | None = None
    proxy: str | None = None
    deadline: float = DEADLINE
    transport: httpx.BaseTransport | None = None


class HttpClient:
    """An httpx client with the limits that httpx lacks: time for the whole exchange, and size of the answer.

    httpx's timeouts are per operation, so a server that sends a byte now and then could hold us for ever. A timer
    therefore shuts the socket down at the deadline. It runs on real time on purpose: sockets do not follow an
    injected clock. An exchange that is cut while it connects ends as soon as it has: nothing is sent. Nothing that an
    answer brings is kept for the next one: no cookies, no redirects.
    """

    def __init__(self, headers: Mapping[str, str], network: Network, *, keep_open: bool = True) -> None:
        self._network = network
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._encrypted = True
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1 if keep_open else 0)
        self._client = httpx.Client(
            headers={**headers, "Accept-Encoding": "identity"},
            limits=limits,
            follow_redirects=False,  # a redirect is no Open Dental answer, and keys must not follow it
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            verify=_tls(network.ca),
            transport=network.transport,
            mounts=_by_proxy(network, limits),
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

        Raises Unreachable when not a byte of it was sent, NotOpenDental for an answer without bounds, Unknown for all
        else.
        """
        deadline = min(deadline, self._network.deadline)
        self._is_cut = False
        self._encrypted = url.startswith("https:")
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
                raise Unreachable(f"{call}: no connection ({_reason(error)}") from error
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                raise _unknown(call, deadline, late(), type(error).__name__) from error

    def _body(self, response: httpx.Response, call: Call) -> bytes:
        """The answer's bytes; one that is packed although that was not asked for is unpacked within the same bounds."""
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        body = bytearray()
        # httpx would unpack without a bound.
        for chunk in response.iter_raw() if packing else response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise _not_open_dental(call, response, f"is larger than any of Open Dental's ({LARGEST_ANSWER} bytes)")
            if self._is_cut:
                raise httpx.ReadError("cut")
        if packing in {"", "identity"}:
            return bytes(body)
        unpacker = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
        try:
            unpacked = unpacker.decompress(body, LARGEST_ANSWER)
        except zlib.error:
            unpacked = b""
        if packing not in {"gzip", "x-gzip", "deflate"} or not unpacker.eof:
            raise _not_open_dental(call, response, "is packed in a way that was not asked for")
        return unpacked

    @contextmanager
    def _watched(self, deadline: float) -> Iterator[Callable[[], bool]]:
        """Cut the exchange at the deadline; what is handed out tells whether that has happened."""
        late = False

        def cut() -> None:
            nonlocal late
            late = True
            self.cut()

        timer = TIMERS.set(deadline, cut)
        try:
            yield lambda: late
        finally:
            TIMERS.cancel(timer)  # from here on it cannot cut the next exchange

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket in use (httpx calls this, see its "trace" extension); a kept one stays remembered.

        What is not encrypted goes to a near address only, whatever name it was reached by: a name may move.
        """
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            self._socket = stream.get_extra_info("socket")
            if self._is_cut:
                stream.close()
                raise httpx.ConnectError("broken off while it connected")
            if not self._encrypted and not self._network.plain_http:
                address = str(stream.get_extra_info("server_addr")[0])
                if not is_near(address):
                    stream.close()
                    raise httpx.ConnectError(f"{address} {_BEYOND}")


def _by_proxy(network: Network, limits: httpx.Limits) -> dict[str, httpx.BaseTransport]:
    """The proxy is for https only: what is not encrypted would pass it in the clear."""
    if network.proxy is None or network.transport is not None:
        return {}
    verify = _tls(network.ca)
    return {"https://": httpx.HTTPTransport(proxy=network.proxy, verify=verify, limits=limits, trust_env=False)}


def _tls(ca: str | None = None) -> ssl.SSLContext:
    """The verifying context for an authority; that of a file is made anew when the file was written since."""
    try:
        written = Path(ca).stat().st_mtime_ns if ca and ca != SYSTEM else 0
    except OSError:
        written = 0
    return _context(ca, written)


@cache
def _context(ca: str | None, written: int) -> ssl.SSLContext:  # noqa: ARG001  another time of writing, another context
    """One for all that trust the same: making one takes longer than a request."""
    context = httpx.create_ssl_context(trust_env=False)
    try:
        if ca == SYSTEM:
            context.load_default_certs()
        elif ca:
            context.load_verify_locations(cafile=ca)
    except OSError as error:  # ssl.SSLError, too. Servers that it vouches for are refused then, and told so.
        log.warning("office.ca_unreadable path=%s reason=%s", ca, type(error).__name__)
    return context


_CERTIFICATE: Final = {
    9: ("is not valid yet", "See whether the clocks here and there are right."),
    10: ("has expired", "Whoever runs that server must renew it."),
    62: ("is for another name", "Write the address in the settings with the name that the certificate has."),
    64: ("is for another name", "Write the address in the settings with the name that the certificate has."),
}
"""What is wrong with a certificate by OpenSSL's number (X509_V_ERR_…), and what to do; see ``_STRANGER`` for others."""
_STRANGER: Final = (
    "is not from an authority that is known here",
    "If the office has an authority of its own, name its PEM file as `ca` in the settings.",
)
_REASONS: Final[dict[type[BaseException], str]] = {
    ssl.SSLError: "no TLS at that port). Check the port, and whether the address begins with http:// or https://.",
    socket.gaierror: "no such name). Check the address in the settings, and this machine's name service (DNS).",
    ConnectionRefusedError: "refused: nobody listens at that port). Check that the server's program runs, and the port "
    "in the settings.",
    httpx.TimeoutException: f"nobody answered within {_CONNECT_SECONDS:g} seconds). Check that the machine is on, its "
    "address in the settings, and the firewall between.",
}
"""Why there is no connection, the end of a bracket, and what to do, by what stands behind the error."""


def _reason(error: BaseException) -> str:
    """Why there is no connection, the end of a bracket, and what to do."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            what, advice = _CERTIFICATE.get(cause.verify_code, _STRANGER)
            return f"the server's certificate {what}: {cause.verify_message}). {advice}"
    for kind, reason in _REASONS.items():
        if any(isinstance(cause, kind) for cause in causes):
            return reason
    words = fit(str(error))[:200] or type(error).__name__
    if isinstance(error, httpx.ProxyError):
        return f"the proxy says: {words}). Check `proxy` in the settings, and what the proxy allows."
    if _BEYOND in words:
        return f"{words}). Write https:// in the settings, or use a tunnel (VPN)."
    return f"{words}). Check that the server runs, its address in the settings, and the network and firewall between."


def _seconds(text: str) -> float | None:
    """A Retry-After in seconds; None for a date or anything else."""
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _unknown(call: Call, deadline: float, late: bool, kind: str) -> Unknown:  # noqa: FBT001  told apart by the caller
    what = f"no complete answer within {deadline:g} seconds" if late else f"the connection broke ({kind})"
    return Unknown(f"{call}: {what}. See that the server and the network to it are well.{call.doubt}")


def _not_open_dental(call: Call, response: httpx.Response, what: str) -> NotOpenDental:
    message = f"{call}: the answer {what}. Check what runs at that address.{call.doubt}"
    return NotOpenDental(message, status=response.status_code)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long the requests of one cycle, or of one command, may take.

    Attributes:
        first: for the first read to be answered. Until then nothing is asked twice, if this is a ``probe``.
        answer: for each read after that. A write always has ``DEADLINE``: breaking it off leaves a doubt.
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


AMPLE: Final = TimeLimits()
"""For a command that a person waits for."""

PROMPT: Final = TimeLimits(first=20.0, answer=20.0, retrying=20.0, waiting=20.0, cycle=120.0)
"""For an office whose last cycle was a quick one."""

SLOW: Final = TimeLimits(first=30.0, waiting=75.0, cycle=600.0)
"""For an office that was never served, or whose last cycle took long."""

PROBE: Final = TimeLimits(first=30.0, waiting=75.0, cycle=600.0, probe=True)
"""For an office that did not answer as it should."""
