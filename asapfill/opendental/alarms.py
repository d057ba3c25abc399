"""One thread that does something at a given real time, for all connections of the process.

httpx's timeouts are per operation, so each exchange has an alarm as well; a thread of its own for each would cost more
than many an exchange.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from asapfill.clock import SystemClock


class Alarm:
    """Something that is to be done unless it is cancelled before."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action


class Alarms:
    """Does what is due, in a thread of its own that is started with the first alarm and never keeps the process alive.

    Actions are short and do not raise: they are run under the lock, so that one which was cancelled is over.
    """

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._waiting: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def set(self, seconds: float, action: Callable[[], None]) -> Alarm:
        """Have ``action`` done ``seconds`` from now."""
        alarm = Alarm(action)
        due = self._clock.monotonic() + seconds
        with self._changed:
            earliest = not self._waiting or due < self._waiting[0][0]
            heapq.heappush(self._waiting, (due, next(self._order), alarm))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="alarms", daemon=True)
                self._thread.start()
            elif earliest:
                self._changed.notify()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Have it not done any more; when this returns, it is not being done either."""
        with self._changed:
            alarm.action = None
            while self._waiting and self._waiting[0][2].action is None:
                heapq.heappop(self._waiting)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = self._clock.monotonic()
                while self._waiting and self._waiting[0][0] <= now:
                    alarm = heapq.heappop(self._waiting)[2]
                    if alarm.action is not None:
                        alarm.action()
                self._changed.wait(self._waiting[0][0] - now if self._waiting else None)


ALARMS = Alarms()
"""Those of the process."""
