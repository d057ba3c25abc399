"""On real sockets: what a server may do to us between connecting and the last byte."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from asapfill.clock import SteppedClock, SystemClock
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotOpenDental, Unknown, Unreachable
from asapfill.opendental.exchange import Network

Behaviour = Callable[[socket.socket, bytes], None]

DEADLINE = 0.5
PATIENT = b'{"PatNum": 48, "PatStatus": "Patient", "TxtMsgOk": "Yes"}'
MADE = b'{"AsapCommNum": 2374}'


def http(body: bytes, status: bytes = b"200 OK", kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (status, kind, len(body), body)


class Server:
    """Takes connections on loopback and lets a function do what it likes with each request."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._behaviours = list(behaviours)
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        for behaviour in self._behaviours:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            with contextlib.suppress(OSError):  # the client cut the line, as it should
                self._serve(connection, behaviour)

    def _serve(self, connection: socket.socket, behaviour: Behaviour) -> None:
        request = connection.recv(65536)
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        self.requests.append(request)
        behaviour(connection, request)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for connection in self._open:
            connection.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*behaviours: Behaviour) -> Server:
        servers.append(Server(*behaviours))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def office() -> Iterator[Callable[..., OpenDental]]:
    clients: list[OpenDental] = []

    def make(*urls: str, **options: Any) -> OpenDental:
        clock = SteppedClock(datetime(2026, 11, 20, 17, tzinfo=UTC))
        options = {"clock": clock, "network": Network(deadline=options.pop("deadline", DEADLINE)), **options}
        clients.append(OpenDental("main-street", urls, "developer", "customer", **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def answer(data: bytes) -> Behaviour:
    """Answers and closes, and says so: else the client's next try may go out on the line that is just being closed."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        connection.close()

    return behave


def drip(data: bytes) -> Behaviour:
    """A byte every 50 ms: no single read ever times out."""

    def behave(connection: socket.socket, _: bytes) -> None:
        for position in range(len(data)):
            connection.sendall(data[position : position + 1])
            time.sleep(0.05)

    return behave


def reset(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang_up(connection: socket.socket, _: bytes) -> None:
    connection.close()


def silence(connection: socket.socket, _: bytes) -> None:
    connection.settimeout(10)
    connection.recv(1)


def offer(client: OpenDental) -> Any:
    return client.create_asapcomm(op=2, apt_num=7, date_time_start=datetime(2026, 11, 20, 10))


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api/v1"


WHOLE = http(MADE, b"201 Created")


@pytest.mark.parametrize(
    "data",
    [WHOLE, http(b"[" + b" " * 500 + b"]"), b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 90],
    ids=["from the first byte", "in the body", "in the headers"],
)
def test_a_server_that_drips_does_not_hold_us_beyond_the_deadline(
    serve: Callable[..., Server], office: Callable[..., OpenDental], data: bytes
) -> None:
    client = office(serve(drip(data)).url)
    began = time.monotonic()

    with pytest.raises(Unknown, match=r"no complete answer within 0\.5 seconds.*took effect is not known"):
        offer(client)
    assert DEADLINE <= time.monotonic() - began < DEADLINE + 1


def test_a_silent_server_does_not_hold_us_beyond_the_deadline(
    serve: Callable[..., Server], office: Callable[..., OpenDental]
) -> None:
    with pytest.raises(Unknown):
        offer(office(serve(silence).url))


@pytest.mark.parametrize(
    "behaviour",
    [reset, hang_up, answer(WHOLE[:30]), answer(WHOLE[:-5]), answer(b"SSH-2.0-OpenSSH_9.6\r\n")],
    ids=["reset", "hung up", "cut in the headers", "cut in the body", "another protocol"],
)
def test_a_write_whose_line_breaks_is_unknown_and_sent_once(
    serve: Callable[..., Server], office: Callable[..., OpenDental], behaviour: Behaviour
) -> None:
    first, second = serve(behaviour, answer(WHOLE)), serve(answer(WHOLE))

    with pytest.raises(Unknown):
        offer(office(first.url, second.url))
    assert [len(first.requests), len(second.requests)] == [1, 0]


@pytest.mark.parametrize(
    "behaviour",
    [reset, hang_up, silence, answer(http(PATIENT)[:-5])],
    ids=["reset", "hung up", "silence", "cut in the body"],
)
def test_a_read_whose_line_breaks_is_read_again(
    serve: Callable[..., Server], office: Callable[..., OpenDental], behaviour: Behaviour
) -> None:
    server = serve(behaviour, answer(http(PATIENT)))

    assert office(server.url).patient(48).pat_num == 48
    assert len(server.requests) == 2


def test_a_refused_connection_sends_a_write_to_the_next_address(
    serve: Callable[..., Server], office: Callable[..., OpenDental]
) -> None:
    server = serve(answer(WHOLE))

    assert offer(office(nobody_listens(), server.url)).asap_comm_num == 2374


def test_an_office_where_nobody_listens_is_unreachable(office: Callable[..., OpenDental]) -> None:
    with pytest.raises(Unreachable, match=r"no connection .*refused.*Check that the server.s program runs"):
        office(nobody_listens()).patient(48)


def test_a_url_that_is_no_web_address_is_unreachable(office: Callable[..., OpenDental]) -> None:
    with pytest.raises(Unreachable):
        office("ftp://127.0.0.1/api/v1").patient(48)


def test_a_web_page_is_not_open_dental(serve: Callable[..., Server], office: Callable[..., OpenDental]) -> None:
    page = answer(http(b"<html>Router login</html>", kind=b"text/html"))

    with pytest.raises(NotOpenDental, match="an HTML page"):
        office(serve(*[page] * 4).url).patient(48)


def test_a_write_never_uses_a_connection_that_was_kept_open(
    serve: Callable[..., Server], office: Callable[..., OpenDental]
) -> None:
    """The server may close a kept connection just as a write goes out, and then nobody knows."""

    def keep(connection: socket.socket, _: bytes) -> None:
        connection.sendall(http(PATIENT))

    server = serve(keep, answer(WHOLE))
    client = office(server.url)
    client.patient(48)

    assert offer(client).asap_comm_num == 2374
    assert len(server.requests) == 2


def test_a_deadline_does_not_reach_into_the_next_request(
    serve: Callable[..., Server], office: Callable[..., OpenDental]
) -> None:
    def twice(connection: socket.socket, _: bytes) -> None:
        connection.sendall(http(PATIENT))
        connection.recv(65536)
        time.sleep(DEADLINE * 0.8)
        connection.sendall(http(PATIENT))

    client = office(serve(twice).url, clock=SystemClock())
    client.patient(48)
    time.sleep(DEADLINE * 0.6)

    assert client.patient(48).pat_num == 48
    assert client.request_total == 2
