"""The scheduler: each office's next cycle, in which pool of workers it runs, and whether any of them hangs.

APScheduler starts what is due. An office has one job at a time, made anew when its cycle has ended: so no two cycles
of an office overlap, and none is lost. When cycles are due is told by
``office_health``; what a cycle does, by the daemon.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
    JobExecutionEvent,
)
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from asapfill.clock import Clock, SystemClock
from asapfill.daemon.office_health import OfficeHealth, next_turn
from asapfill.daemon.workers import WorkerPool

log = logging.getLogger(__name__)

# What these would tell of a cycle is an event of ours: ``cycle.failed``, ``cycle.skipped``.
logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)

PROMPT_WORKERS: Final = 48
"""Cycles at a time of offices that answer as they should. One over the remote API takes seconds, nearly all of them
waiting: five hundred such offices keep half of these busy."""

SLOW_WORKERS: Final = 32
"""Cycles at a time of offices that were slow or failed last time, or were never served. After a restart that is all of
them, with ten requests each."""

LONGEST_CYCLE: Final = 900.0
"""Real seconds. A cycle's requests end long before, so one that takes longer hangs by a mistake in asapfill."""

OVERDUE: Final = 60.0
"""Real seconds. A cycle that did not begin so long after its time, although a worker is free, never will."""

WOKEN_AT_MOST: Final = 20
"""In an interval. An event reaches the plan within 5 seconds when 3 of them lie between two cycles that were woken."""

Work = Callable[[str, OfficeHealth, float], bool]
"""One cycle: the office, its health, and how late it begins (real seconds). Whether the office answered."""

Rested = Callable[[str, OfficeHealth, timedelta], None]
"""Told after a cycle of an office that fails, and once when it does not any more: in what time it is tried again."""


@dataclass(slots=True)
class _ScheduledOffice:
    """One office's place in the scheduler; times are monotonic. ``began`` None: it waits for ``due``."""

    offset: float
    due: float = 0.0
    began: float | None = None
    last_began: float = float("-inf")
    woken: bool = False
    health: OfficeHealth = field(default_factory=OfficeHealth)


class _BackgroundScheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler's own, which may be shut down while it hands out a job."""

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Once it is being shut down it does not find the job any more that it has just handed out."""
        try:
            super().remove_job(job_id, jobstore)
        except JobLookupError:
            if self.running:
                raise


class Scheduler:
    """Runs ``work`` for each office again and again. ``offsets``: see ``office_health``; ``interval``: real seconds.

    ``leave``: called in each worker thread when it ends. ``clock``: for real time; a simulated day does not hasten it.
    """

    def __init__(
        self,
        offsets: Mapping[str, float],
        interval: float,
        origin: datetime,
        work: Work,
        *,
        rested: Rested = lambda *_: None,
        leave: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self._interval = interval
        self._origin = origin
        self._work = work
        self._rested = rested
        self._clock = clock or SystemClock()
        self._turns = {office: _ScheduledOffice(offset) for office, offset in offsets.items()}
        self._lock = threading.Lock()
        self._ended = False
        self.pools = {
            "prompt": WorkerPool("prompt", min(PROMPT_WORKERS, len(offsets)), leave),
            "slow": WorkerPool("slow", min(SLOW_WORKERS, len(offsets)), leave),
        }
        self._scheduler = _BackgroundScheduler(timezone=UTC, executors=dict(self.pools))
        self._scheduler.add_listener(_failed, EVENT_JOB_ERROR)
        self._scheduler.add_listener(self._skipped, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)

    def start(self) -> None:
        """Begin: each office at its next turn."""
        for office in self._turns:
            # A turn just gone by counts: the first office must not wait a whole interval for having begun so early.
            self._plan(office, -self._interval / 12)
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no further cycle. Those under way go on; see ``running``."""
        with self._lock:
            self._ended = True
        self._scheduler.shutdown(wait=False)

    def running(self) -> int:
        """After ``stop``: how many threads have not ended yet."""
        return sum(pool.alive() for pool in self.pools.values())

    def wake(self, office: str) -> None:
        """Have a cycle of this office begin at once; any thread may call it.

        Not too soon after the last one began, see ``WOKEN_AT_MOST``, and after the one under way. An office that fails
        is not woken: its pauses are what protects the others.
        """
        with self._lock:
            turn = self._turns.get(office)
            if turn is None or turn.health.failures or self._ended:
                return
            if turn.began is not None:
                turn.woken = True
                return
            wait = self._until_woken(turn)
            if self._clock.monotonic() + wait >= turn.due:
                return
            try:
                self._scheduler.modify_job(office, next_run_time=self._clock.now() + timedelta(seconds=wait))
            except JobLookupError:
                return  # it is on its way to a worker and will see what there is to see
            turn.due = self._clock.monotonic() + wait

    def _until_woken(self, turn: _ScheduledOffice) -> float:
        """Real seconds until an office may be woken."""
        return max(0.0, turn.last_began + self._interval / WOKEN_AT_MOST - self._clock.monotonic())

    def stuck(self) -> list[str]:
        """Offices whose cycle hangs, or does not begin although it could: only a mistake in asapfill does that."""
        now = self._clock.monotonic()
        with self._lock:
            return [
                office
                for office, turn in self._turns.items()
                if (
                    now - turn.began > LONGEST_CYCLE
                    if turn.began is not None
                    else now - turn.due > OVERDUE and not self.pools[turn.health.pool].busy
                )
            ]

    def _plan(self, office: str, pause: float) -> None:
        """Have the next cycle of an office begin at its first turn after a pause, or at once if it was woken."""
        turn, now = self._turns[office], self._clock.now()
        if turn.woken:
            at = now + timedelta(seconds=self._until_woken(turn))
        else:
            at = next_turn(self._origin, turn.offset, self._interval, now + timedelta(seconds=pause))
        turn.woken = False
        turn.due = self._clock.monotonic() + (at - now).total_seconds()
        self._scheduler.add_job(
            self._cycle,
            "date",
            args=[office],
            run_date=at,
            id=office,
            executor=turn.health.pool,
            max_instances=2,  # this is called when the one before is all but over
            misfire_grace_time=None,
        )

    def _cycle(self, office: str) -> None:
        """One cycle, and then the next one's time."""
        turn = self._turns[office]
        began = self._clock.monotonic()
        with self._lock:
            late, turn.began, turn.last_began = began - turn.due, began, began
        before, answered = turn.health, True
        try:
            answered = self._work(office, before, max(0.0, late))
        finally:
            health = before.after(answered=answered, seconds=self._clock.monotonic() - began)
            with self._lock:
                turn.began, turn.health = None, health
                if not self._ended:
                    self._plan(office, health.pause(self._interval))
            if (health.failures or before.failures) and not self._ended:
                self._rested(office, health, timedelta(seconds=turn.due - self._clock.monotonic()))

    def _skipped(self, event: JobEvent) -> None:
        """APScheduler has left a cycle out, which only a mistake can bring about. The office gets another one."""
        with self._lock:
            late = self._clock.monotonic() - self._turns[event.job_id].due
            log.error("cycle.skipped office=%s late=%.1f", event.job_id, late)
            if not self._ended:
                self._plan(event.job_id, 0.0)


def _failed(event: JobExecutionEvent) -> None:
    error = event.exception
    log.error("cycle.failed office=%s error=%s: %s", event.job_id, type(error).__name__, error, exc_info=error)
