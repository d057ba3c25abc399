"""The gate before an office: one request at a time per key and address, never too soon after the last answer.

Open Dental counts requests per customer key, whoever sends them, and its interval includes the time a request takes.
So all threads of the process share one gate per key, and the pause is measured from the end of the last
response. Only the remote API is throttled; the local one handles one request at a time, hence the lock also there.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from asapfill.clock import Clock
from asapfill.opendental.errors import NotSent

log = logging.getLogger(__name__)

LONGEST_HOLD = 120.0
"""Seconds; a Retry-After above this is not believed, the gate would look dead."""

MINUTE = 60.0

_LOOK_UP = 0.2
"""Real seconds between two looks at the stop event while another thread is inside."""


class Budget:
    """At most so many requests in any 60 seconds, whoever makes them and whatever they are: retries and writes too."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self.clock = clock
        self.per_minute = per_minute
        self._begun: deque[float] = deque()
        self._lock = threading.Lock()

    def spend(self, stop: threading.Event | None = None) -> None:
        """Wait until a request may leave, and count it.

        Raises NotSent when ``stop`` is set while waiting: nothing has left.
        """
        while (wait := self._take()) > 0:
            _give_up_when(stop)
            self.clock.sleep(wait, stop)
        _give_up_when(stop)

    def _take(self) -> float:
        """Seconds until there is room; 0: there was, and it is taken."""
        with self._lock:
            now = self.clock.monotonic()
            # The same sum as below: another way to reckon may round to the other side.
            while self._begun and self._begun[0] + MINUTE - now <= 0:
                self._begun.popleft()
            if len(self._begun) < self.per_minute:
                self._begun.append(now)
                return 0.0
            # The request that must leave the minute first, so that there is room for one.
            return self._begun[-self.per_minute] + MINUTE - now


class Gate:
    """Lets one request through at a time, ``seconds`` after the end of the one before."""

    def __init__(self, clock: Clock, seconds: float, budget: Budget | None = None) -> None:
        self.clock = clock
        self.seconds = seconds
        self.budget = budget
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
            if self.budget is not None:
                self.budget.spend(stop)
            try:
                yield
            finally:
                self._opens_at = max(self._opens_at, self.clock.monotonic() + self.seconds)
        finally:
            self._inside.release()

    @property
    def seconds_to_wait(self) -> float:
        """How long the pause still takes; negative when it is over. Others who wait as well are not counted."""
        return self._opens_at - self.clock.monotonic()

    def hold(self, seconds: float) -> None:
        """Stay shut for ``seconds`` from now, at most LONGEST_HOLD, as the office asked. Call inside ``turn``."""
        seconds = min(max(seconds, 0.0), LONGEST_HOLD)
        self._opens_at = max(self._opens_at, self.clock.monotonic() + seconds)
        log.info("gate.held seconds=%.1f", seconds)


def _give_up_when(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise NotSent("asapfill is stopping: this request was not sent, and will be made after the next start.")


_gates: WeakValueDictionary[tuple[str, str, int], Gate] = WeakValueDictionary()
_budgets: dict[str, Budget] = {}
_registry = threading.Lock()


def gate_for(customer_key: str, host: str, clock: Clock, seconds: float, per_minute: int | None = None) -> Gate:
    """The gate of this key at this host: the same one for everybody in the process who uses the same clock.

    ``per_minute``: what the key may ask in a minute at all its hosts together; None: no limit. The registry knows the
    key only by its hash. Whoever asks for more seconds slows the gate down for all; the last budget named counts.
    """
    key = hashlib.sha256(customer_key.encode()).hexdigest()
    name = (key, host, id(clock))
    with _registry:
        gate = _gates.get(name)
        if gate is None:
            gate = _gates[name] = Gate(clock, seconds)
        gate.seconds = max(gate.seconds, seconds)
        gate.budget = _budget_for(key, clock, per_minute)
        return gate


def _budget_for(key: str, clock: Clock, per_minute: int | None) -> Budget | None:
    """The budget of a key, with what it has spent already: settings that are read again begin no new minute."""
    if per_minute is None:
        _budgets.pop(key, None)
        return None
    budget = _budgets.get(key)
    if budget is None or budget.clock is not clock:
        budget = _budgets[key] = Budget(clock, per_minute)
    budget.per_minute = per_minute
    return budget
