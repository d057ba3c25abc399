"""The gate before an office: one request at a time per key and address, never too soon after the last answer.

Open Dental counts requests per customer key, whoever sends them, and its interval includes the time a request takes.
So all threads of the process share one gate per key, and the pause is measured from the end of the last
response. Only the remote API is throttled; the local one handles one request at a time, hence the lock also there.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from asapfill.clock import Clock
from asapfill.opendental.errors import NotSent

log = logging.getLogger(__name__)

LONGEST_HOLD = 120.0
"""Seconds; a Retry-After above this is not believed, the gate would look dead."""

_LOOK_UP = 0.2
"""Real seconds between two looks at the stop event while another thread is inside."""


class Gate:
    """Lets one request through at a time, ``seconds`` after the end of the one before."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self._inside = threading.Lock()
        self._opens_at = clock.monotonic()

    @contextmanager
    def turn(self, stop: threading.Event | None = None) -> Iterator[None]:
        """Wait for our turn; the body of the ``with`` is the request.

        Raises NotSent when ``stop`` is set while waiting: the request has not left.
        """
        while not self._inside.acquire(timeout=_LOOK_UP):
            _give_up_when(stop)
        try:
            self.clock.sleep(self._opens_at - self.clock.monotonic(), stop)
            _give_up_when(stop)
            try:
                yield
            finally:
                self._opens_at = max(self._opens_at, self.clock.monotonic() + self.seconds)
        finally:
            self._inside.release()

    def hold(self, seconds: float) -> None:
        """Stay shut for ``seconds`` from now, at most LONGEST_HOLD, as the office asked. Call inside ``turn``."""
        seconds = min(max(seconds, 0.0), LONGEST_HOLD)
        self._opens_at = max(self._opens_at, self.clock.monotonic() + seconds)
        log.info("gate.held seconds=%.1f", seconds)


def _give_up_when(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise NotSent("asapfill is stopping: this request was not sent, and will be made after the next start.")


_gates: WeakValueDictionary[tuple[str, str, int], Gate] = WeakValueDictionary()
_registry = threading.Lock()


def gate_for(customer_key: str, host: str, clock: Clock, seconds: float) -> Gate:
    """The gate of this key at this host: the same one for everybody in the process who uses the same clock.

    The registry knows the key only by its hash. Whoever asks for more seconds slows the gate down for all.
    """
    name = (hashlib.sha256(customer_key.encode()).hexdigest(), host, id(clock))
    with _registry:
        gate = _gates.get(name)
        if gate is None:
            gate = _gates[name] = Gate(clock, seconds)
        gate.seconds = max(gate.seconds, seconds)
        return gate
