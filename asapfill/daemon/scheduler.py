"""When each office's next cycle starts, in which pool of workers, and whether any of them hangs.

Each office is one interval job of APScheduler's, of which one instance runs at a time: a turn that comes while the
office's cycle waits for a worker or is under way is left out. When the cycle has ended, the job gets its next time and
its pool by the office's health. What a cycle does is the business of ``daemon``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent, JobSubmissionEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from asapfill.clock import Clock, SystemClock
from asapfill.daemon.office_health import OfficeHealth
from asapfill.daemon.workers import WorkerPool

log = logging.getLogger(__name__)

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
"""In an interval. A delivery reaches the plan within 5 seconds if two cycles that were woken begin 3 seconds apart."""

Work = Callable[[str, OfficeHealth, float], bool]
"""One cycle: the office, its health, and how late it begins (real seconds). Whether the office answered."""

OnRest = Callable[[str, OfficeHealth, timedelta], None]
"""Told after a cycle of an office that fails, and once when it does not any more: in what time it is tried again."""


class OfficeTurns(IntervalTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """The moments at which an office's cycles may begin: always at its own place in the interval.

    APScheduler's interval counts on from the last run, which a delivery may have brought forward, and lists every turn
    that has gone by: thirty million of them where the clock stood at 1970 until it was set.
    """

    def __init__(self, origin: datetime, offset: float, interval: float) -> None:
        """Count intervals of so many real seconds from ``origin`` (aware). ``offset``: see ``offsets``."""
        super().__init__(seconds=interval, start_date=origin + timedelta(seconds=offset * interval), timezone=UTC)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first turn from ``now`` on, and after the previous one."""
        turn: datetime = super().get_next_fire_time(None, now)
        if previous_fire_time is not None and turn <= previous_fire_time:
            turn = super().get_next_fire_time(turn, now)
        return turn


@dataclass(slots=True)
class _ScheduledOffice:
    """Where one office stands; times are monotonic. ``began`` None: no cycle is under way, the next one is ``due``."""

    turns: OfficeTurns
    due: float = 0.0
    began: float | None = None
    last_began: float = float("-inf")
    woken: bool = False
    health: OfficeHealth = field(default_factory=OfficeHealth)


class Scheduler:
    """Runs ``work`` for each office again and again.

    Args:
        offsets: where in the interval each office begins.
        interval: real seconds.
        origin: the moment from which all intervals are counted, aware; the same over a reload.
        work: one cycle.
        on_rest: see ``OnRest``.
        at_thread_end: called in each worker thread when it ends.
        clock: for real time; a simulated day does not hasten it.
    """

    def __init__(
        self,
        offsets: Mapping[str, float],
        interval: float,
        origin: datetime,
        work: Work,
        *,
        on_rest: OnRest = lambda *_: None,
        at_thread_end: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self._interval = interval
        self._work = work
        self._on_rest = on_rest
        self._clock = clock or SystemClock()
        self._offices = {
            name: _ScheduledOffice(OfficeTurns(origin, offset, interval)) for name, offset in offsets.items()
        }
        self._lock = threading.Lock()
        self._stopped = False
        self.pools = {
            "prompt": WorkerPool("prompt", min(PROMPT_WORKERS, len(offsets)), at_thread_end),
            "slow": WorkerPool("slow", min(SLOW_WORKERS, len(offsets)), at_thread_end),
        }
        self._scheduler = BackgroundScheduler(timezone=UTC, executors=dict(self.pools))
        self._scheduler.add_listener(self._on_cycle_ended, EVENT_JOB_EXECUTED)
        self._scheduler.add_listener(self._on_turn_left_out, EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Begin: each office at its next turn."""
        # A turn just gone by counts: the first office must not wait a whole interval for having begun so early.
        earliest = self._clock.now() - timedelta(seconds=self._interval / 12)
        for name, office in self._offices.items():
            options = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
            self._scheduler.add_job(self._cycle, office.turns, [name], id=name, executor="slow", **options)
            self._plan(name, office.turns.get_next_fire_time(None, earliest))
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no further cycle. Those under way go on; see ``running``."""
        with self._lock:
            self._stopped = True
        self._scheduler.shutdown(wait=False)

    def running(self) -> int:
        """After ``stop``: how many threads have not ended yet."""
        return sum(pool.alive() for pool in self.pools.values())

    def wake(self, name: str) -> None:
        """Have a cycle of this office begin at once; any thread may call it.

        Not too soon after the last one began, see ``WOKEN_AT_MOST``, and after the one under way. An office that fails
        is not woken: its pauses are what protects the others.
        """
        with self._lock:
            office = self._offices.get(name)
            if office is None or office.health.failures or self._stopped:
                return
            if office.began is not None:
                office.woken = True
                return
            wait = self._until_woken(office)
            if self._clock.monotonic() + wait < office.due:
                self._plan(name, self._clock.now() + timedelta(seconds=wait))

    def stuck(self) -> list[str]:
        """Offices whose cycle hangs, or does not begin although it could: only a mistake in asapfill does that."""
        now = self._clock.monotonic()
        with self._lock:
            return [
                name
                for name, office in self._offices.items()
                if (
                    now - office.began > LONGEST_CYCLE
                    if office.began is not None
                    else now - office.due > OVERDUE and not self.pools[office.health.pool].busy
                )
            ]

    def _until_woken(self, office: _ScheduledOffice) -> float:
        """Real seconds until an office may be woken."""
        return max(0.0, office.last_began + self._interval / WOKEN_AT_MOST - self._clock.monotonic())

    def _plan(self, name: str, at: datetime) -> None:
        """Have the next cycle of an office begin at a moment (aware), in the pool that its health tells."""
        office = self._offices[name]
        office.due = self._clock.monotonic() + (at - self._clock.now()).total_seconds()
        self._scheduler.modify_job(name, next_run_time=at, executor=office.health.pool)

    def _cycle(self, name: str) -> bool:
        """One cycle: the job of an office, run by a worker. Whether the office answered."""
        office = self._offices[name]
        with self._lock:
            began = self._clock.monotonic()
            late, office.began, office.last_began = began - office.due, began, began
        try:
            return self._work(name, office.health, max(0.0, late))
        except BaseException as error:  # noqa: BLE001  SystemExit too: the worker has other offices to serve
            _log_failure(name, error)
            return True

    def _on_cycle_ended(self, event: JobExecutionEvent) -> None:
        """Plan the office's next cycle: at its first turn after a pause, or at once if it was woken meanwhile."""
        name, office = event.job_id, self._offices[event.job_id]
        with self._lock:
            now, before = self._clock.now(), office.health
            seconds = self._clock.monotonic() - office.last_began
            health = office.health = before.after(answered=event.retval, seconds=seconds)
            pause = self._until_woken(office) if office.woken else health.pause(self._interval)
            at = now + timedelta(seconds=pause)
            if not office.woken:
                at = office.turns.get_next_fire_time(None, at)
            office.began, office.woken = None, False
            if self._stopped:
                return
            self._plan(name, at)
        if health.failures or before.failures:
            try:
                self._on_rest(name, health, at - now)
            except Exception as error:  # noqa: BLE001  the state cannot be written perhaps
                _log_failure(name, error)

    def _on_turn_left_out(self, event: JobSubmissionEvent) -> None:
        """Nothing to do while the office's cycle waits or is under way; anything else is a mistake, and told."""
        name, office = event.job_id, self._offices[event.job_id]
        with self._lock:
            late = self._clock.monotonic() - office.due
            if office.began is not None or late < 0 or self.pools[office.health.pool].has(name):
                return
            log.error("cycle.skipped office=%s late=%.1f", name, late)
            if not self._stopped:
                self._plan(name, office.turns.get_next_fire_time(None, self._clock.now()))


def _log_failure(office: str, error: BaseException) -> None:
    log.error("cycle.failed office=%s error=%s: %s", office, type(error).__name__, error, exc_info=error)
