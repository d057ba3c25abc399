"""The entrance for deliveries: the listening socket, and the certificate if there is one."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

MOST_CONNECTIONS: Final = 64
BACKLOG: Final = 64
"""Connections that wait to be let in."""


class CannotListen(Exception):  # noqa: N818  the name says it
    """The port, the certificate or its key cannot be used. Says which, why, and what to do.

    ``code``: ``port`` or ``certificate``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where to listen. ``certificate`` None: plain HTTP, behind a proxy or inside the office's network.

    ``prefix``: the path of the address that Open Dental is told, without a slash at the end; a proxy may take it away.
    """

    host: str
    port: int
    prefix: str = ""
    certificate: Path | None = None
    certificate_key: Path | None = None


class Door(socket.socket):
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


def try_out(entrance: Entrance) -> None:
    """See whether it could be listened there, without doing so for longer than a moment.

    Raises CannotListen.
    """
    certificate_of(entrance)
    open_door(entrance).close()


def open_door(entrance: Entrance) -> Door:
    """The listening socket. Raises CannotListen."""
    host, port = entrance.host, entrance.port
    door = Door(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(BACKLOG)
    except OSError as error:
        door.close()
        raise CannotListen(
            "port",
            f"asapfill cannot listen at {host}:{port}: {error.strerror or error}. Does another program use the port "
            "(`ss -ltnp`), and is the address one of this machine's? See `listen` below [events].",
        ) from None
    return door


def certificate_of(entrance: Entrance) -> ssl.SSLContext | None:
    """The certificate, read anew at each start, so that a reload takes a renewed one. Raises CannotListen."""
    certificate, key = entrance.certificate, entrance.certificate_key
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
