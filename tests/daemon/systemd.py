"""A stand-in for systemd's side of sd_notify: a datagram socket that keeps what it is told."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Listener:
    """What a service has told so far, one string a message.

    Read all along, as systemd does: the kernel keeps few of them for somebody who does not read.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)
        self._told: list[str] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._closed.is_set():
            if select.select([self._socket], [], [], 0.2)[0]:
                self.told()

    def told(self) -> list[str]:
        """Every message until now."""
        with self._lock:
            while True:
                try:
                    self._told.append(self._socket.recv(4096).decode())
                except BlockingIOError:
                    return self._told.copy()

    def words(self) -> list[str]:
        """The first line of every message: READY=1, WATCHDOG=1 …"""
        return [message.split("\n")[0] for message in self.told()]

    def close(self) -> None:
        self._closed.set()
        self._reader.join()
        self._socket.close()


@contextmanager
def listening(address: str) -> Iterator[Listener]:
    """A stand-in at a path, or in the abstract namespace (@NAME)."""
    listener = Listener(address)
    try:
        yield listener
    finally:
        listener.close()
