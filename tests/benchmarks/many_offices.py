"""Many simulated offices behind one address, and some that misbehave; in a process of its own.

Run by ``bench_offices.py``. Reads one line of JSON (see ``Wanted``), answers with one line of JSON (``port`` and the
addresses of the offices that misbehave), and ends when its input is closed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from asapfill.sandbox.wire.server import SandboxServer
from asapfill.sandbox.wire.world import Options, Outcome, World

DEVELOPER = "Developer"
TIMEZONE = "America/New_York"
"""Of every office: its day has begun when this is run in a European afternoon, so people work and answer."""

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Wanted:
    """How many offices of each sort. ``operatories``: of each office that behaves."""

    offices: int
    operatories: int
    bad: int


def customer(number: int) -> str:
    """The customer key of one office."""
    return f"Customer-{number:04d}"


class Offices(World):
    """Several worlds behind one address: the customer key says which one is meant."""

    def __init__(self, wanted: Wanted) -> None:
        worlds = [World(options(number, wanted.operatories)) for number in range(wanted.offices)]
        super().__init__(options(0, 1))
        self._worlds = {customer(number): world for number, world in enumerate(worlds)}
        for key, world in self._worlds.items():
            world.office.keys = [(DEVELOPER, key)]

    def handle(self, method: str, target: str, authorization: str, body: bytes) -> Outcome:
        """Have the office answer that the key is for."""
        world = self._worlds.get(authorization.rpartition("/")[2])
        return (
            super().handle(method, target, authorization, body)
            if world is None
            else world.handle(method, target, authorization, body)
        )

    def done(self, key: str) -> None:
        """Nothing is throttled here."""


def options(number: int, operatories: int) -> Options:
    """An office in real time with people in it, as it answers in its own network (pages of 1000, no throttle)."""
    return Options(seed=number, operatories=operatories, mode="system", timezone=TIMEZONE, page_cap=1000)


# What an office may do instead of answering. Each gets a connection on which a request has arrived.

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def silent(connection: socket.socket) -> None:
    """Takes the request and never answers."""
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    """A byte a second."""
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(1)


def garbage(connection: socket.socket) -> None:
    """Bytes that are no JSON, quickly."""
    connection.sendall(HEAD + b"Content-Length: 6\r\nConnection: close\r\n\r\n\x00\xff{{[[")


def huge(connection: socket.socket) -> None:
    """A hundred megabytes."""
    connection.sendall(HEAD + b"Content-Length: 100000000\r\nConnection: close\r\n\r\n")
    piece = b"[" * 1_000_000
    for _ in range(100):
        connection.sendall(piece)


def endless(connection: socket.socket) -> None:
    """Pages that never end: a thousand rows each, never the same ones."""
    first = time.monotonic_ns()
    rows = json.dumps([{"PrefName": f"x{first + n}", "ValueString": "1", "AptNum": first + n} for n in range(1000)])
    body = rows.encode()
    connection.sendall(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


def redirect(connection: socket.socket) -> None:
    """Sends everybody round in a circle."""
    connection.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /api/v1/again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )


def slow(connection: socket.socket) -> None:
    """Answers everything with an empty list, after 25 seconds."""
    time.sleep(25)
    connection.sendall(HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n[]")


BAD: tuple[Behaviour, ...] = (silent, drip, garbage, huge, endless, redirect, slow)


def serve(behaviour: Behaviour) -> int:
    """Have a behaviour listen on a port of its own; each connection gets a thread."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            behaviour(connection)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=one, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def nobody_listens() -> int:
    """A port that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


_FULL: list[socket.socket] = []


def never_connects() -> int:
    """A port whose queue is full: connecting to it hangs, as to a machine that is switched off."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    _FULL.append(listener)
    for _ in range(4):
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
        _FULL.append(waiting)
    return int(listener.getsockname()[1])


def bad_ports(count: int) -> dict[str, int]:
    """``count`` ports that misbehave, in turn in every way there is; by a name that says how."""
    ways: list[tuple[str, Callable[[], int]]] = [
        *((behaviour.__name__, partial(serve, behaviour)) for behaviour in BAD),
        ("refused", nobody_listens),
        ("unconnectable", never_connects),
    ]
    return {f"bad-{number:02d}-{ways[number % len(ways)][0]}": ways[number % len(ways)][1]() for number in range(count)}


def main() -> None:
    """Serve until the input is closed."""
    logging.basicConfig(level=logging.ERROR)
    wanted: dict[str, Any] = json.loads(sys.stdin.readline())
    server = SandboxServer(Offices(Wanted(**wanted)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.port, "bad": bad_ports(int(wanted["bad"]))}), flush=True)  # noqa: T201  our answer
    sys.stdin.read()


if __name__ == "__main__":
    main()
