"""Telling systemd how the service is: ready, reloading, alive, stopping. Without systemd every call does nothing.

What counts as alive is decided by the daemon, not here. The protocol is sd_notify(3): one datagram of ``NAME=value``
lines to the socket that NOTIFY_SOCKET names, a path or, with a leading @, a name in the abstract namespace.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Systemd:
    """Who started this process. ``address`` None: nobody who wants to be told."""

    address: str | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Systemd:
        """The supervisor that ``environ`` tells of."""
        return cls(environ.get("NOTIFY_SOCKET") or None)

    def ready(self, status: str) -> None:
        """The settings are read and the offices are being served. ``status``: a sentence for ``systemctl status``."""
        self._tell("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        """No cycle hangs."""
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """Settings and policies are being read again; ``ready`` follows."""
        # The moment on the kernel's own clock, which systemd (Type=notify-reload) compares; asapfill's clock may be
        # a simulated one.
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={moment}", "STATUS=Reading the settings again.")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1", "STATUS=Stopping between two texts.")

    def _tell(self, *lines: str) -> None:
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                # A supervisor that does not read must not hold up the service.
                out.setblocking(False)
                out.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("systemd.unreachable error=%s", type(error).__name__)
