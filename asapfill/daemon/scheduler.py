"""When each office's next cycle starts, in which pool of workers, and whether any of them hangs.

Each office is one interval job of APScheduler's, of which one instance runs at a time: a turn that comes while the
office's cycle waits for a worker or is under way is left out. When the cycle has ended, the job gets its next time and
its pool by the office's health: how its last cycles went. What a cycle does is the business of ``daemon``.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent, JobSubmissionEvent
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from asapfill.clock import Clock, SystemClock
from asapfill.core.errors import AsapfillError
from asapfill.settings.settings import OfficeSettings

log = logging.getLogger(__name__)

PoolName = Literal["prompt", "slow"]

GOLDEN: Final = 0.618033988749895
"""Multiples of it, without the whole part, are spread evenly however many there are, and so are any that follow each
other: the offices of one host are as far apart as all are."""

SLOW: Final = 30.0
"""Real seconds. An office whose cycle takes longer gets its next one in the slow pool."""

LONGEST_PAUSE: Final = 5
"""Intervals. An office that does not answer is tried again at its first turn after so long, at the latest."""

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

WAS_SET: Final = 1.0
"""Seconds. Two clocks of a machine that move apart by so much between two looks: one was set."""

WOKEN_AT_MOST: Final = 20
"""In an interval. A delivery reaches the plan within 5 seconds if two cycles that were woken begin 3 seconds apart."""


@dataclass(frozen=True, slots=True)
class OfficeHealth:
    """What the last cycles of an office were like.

    Attributes:
        failures: cycles in a row that ended because the office did not answer as it should.
        seconds: how long the last cycle took, in real seconds; None before the first one has ended.
    """

    failures: int = 0
    seconds: float | None = None

    @property
    def pool(self) -> PoolName:
        """An office is prompt when its last cycle was; one that was never served reads everything and is not."""
        return "slow" if self.failures or self.seconds is None or self.seconds > SLOW else "prompt"

    def after(self, *, answered: bool, seconds: float) -> OfficeHealth:
        """The health after one more cycle."""
        return OfficeHealth(0 if answered else self.failures + 1, seconds)

    def pause(self, interval: float) -> float:
        """Real seconds of rest that this office has to keep at least.

        After the second failure in a row and each further one twice as long, up to ``LONGEST_PAUSE``. A slow office
        rests as long as its cycle took, so that it has a worker for half of the time at most.
        """
        longest = LONGEST_PAUSE * interval
        if self.failures:
            return min(interval * float(2 ** min(self.failures - 1, 10) - 1), longest)
        return min(self.seconds or 0.0, longest) if self.pool == "slow" else 0.0


def offsets(offices: Mapping[str, OfficeSettings]) -> dict[str, float]:
    """Where in the interval the cycles of each office begin, 0 to 1. The first office of the settings may begin at 0.

    Offices of the same host, which may share a developer key or a server, follow each other in the count.
    """
    hosts = {name: urlsplit(office.urls[0]).netloc for name, office in offices.items()}
    first = {host: position for position, host in reversed(list(enumerate(hosts.values())))}
    order: Sequence[str] = sorted(hosts, key=lambda name: first[hosts[name]])
    return {name: (position * GOLDEN) % 1.0 for position, name in enumerate(order)}


Work = Callable[[str, OfficeHealth, float], bool]
"""One cycle: the office, its health, and how late it begins (real seconds). Whether the office answered."""

OnRest = Callable[[str, OfficeHealth, timedelta], None]
"""Told after a cycle of an office that fails, and once when it does not any more: in what time it is tried again."""


class WorkerPool(BaseExecutor):  # type: ignore[misc]  # APScheduler ships no types
    """An executor of APScheduler with at most ``workers`` threads, started when they are needed.

    They do not keep the process alive, as those of APScheduler's own executors do: a thread that waits for a name
    server or for a connection to a dead machine cannot be interrupted, and has nothing to lose.

    ``at_end``: called in each thread when it ends.
    """

    def __init__(self, name: str, workers: int, at_end: Callable[[], None]) -> None:
        super().__init__()
        self.name = name
        self.workers = workers
        self._at_end = at_end
        self._queue: SimpleQueue[tuple[Any, Sequence[datetime]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished: set[str] = set()
        self._guard = threading.Lock()
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether every worker has something to do, so that the next job must wait."""
        with self._guard:
            return len(self._unfinished) >= self.workers

    def has(self, job_id: str) -> bool:
        """Whether a job waits for a worker here, or runs."""
        with self._guard:
            return job_id in self._unfinished

    def alive(self) -> int:
        """How many threads have not ended."""
        return sum(thread.is_alive() for thread in self._threads)

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002  APScheduler's own signature
        """Begin nothing more; with ``wait`` return when the last thread has ended."""
        with self._guard:
            self._ended = True
        for _ in self._threads:
            self._queue.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:  # noqa: ANN401  APScheduler's job
        with self._guard:
            self._unfinished.add(job.id)
            if len(self._threads) < min(len(self._unfinished), self.workers):
                self._add_thread()
        self._queue.put((job, run_times))

    def _add_thread(self) -> None:
        """Start one more worker. If the machine has no thread left, the work waits for those that there are."""
        thread = threading.Thread(target=self._serve, name=f"{self.name} {len(self._threads) + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            log.warning("daemon.no_thread lane=%s threads=%d", self.name, len(self._threads))
        else:
            self._threads.append(thread)

    def _serve(self) -> None:
        """One worker: one job after the other, until the pool is shut down."""
        try:
            while (item := self._queue.get()) is not None:
                if not self._ended:
                    self._run(*item)
        finally:
            self._at_end()

    def _run(self, job: Any, run_times: Sequence[datetime]) -> None:  # noqa: ANN401  APScheduler's job
        try:
            events = run_job(job, "default", run_times, f"apscheduler.executors.{self.name}")
        finally:
            with self._guard:
                self._unfinished.discard(job.id)
        self._run_job_success(job.id, events)


class OfficeTurns(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """When an office's cycles may begin: at its own place (see ``offsets``) in each interval, in monotonic seconds.

    APScheduler's own interval counts in the machine's time. Set back to before its start, that waits for years perhaps;
    set forward from 1970, it lists thirty million turns that have gone by. ``origin``: from when on is counted.
    """

    def __init__(self, origin: float, offset: float, interval: float, clock: Clock) -> None:
        self._first = origin + offset * interval
        self._interval = interval
        self._clock = clock

    def next(self, moment: float) -> float:
        """The first turn after a monotonic moment."""
        # The machine's clock and the monotonic one move apart by milliseconds: one just begun may seem to come yet.
        passed = moment + self._interval / 100 - self._first
        return self._first + math.ceil(passed / self._interval) * self._interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """What APScheduler asks when it has begun a turn: the one after it, in the machine's time."""
        monotonic = self._clock.monotonic()
        return now + timedelta(seconds=self.next(monotonic) - monotonic)


@dataclass(slots=True)
class _ScheduledOffice:
    """Where one office stands; moments are monotonic. ``began`` None: no cycle is under way, the next is ``due``."""

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
        origin: the monotonic moment from which all intervals are counted; the same over a reload.
        work: one cycle.
        on_rest: see ``OnRest``.
        at_thread_end: called in each worker thread when it ends.
        clock: for real time; a simulated day does not hasten it.
    """

    def __init__(
        self,
        offsets: Mapping[str, float],
        interval: float,
        origin: float,
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
            name: _ScheduledOffice(OfficeTurns(origin, offset, interval, self._clock))
            for name, offset in offsets.items()
        }
        self._difference = self._wall_less_monotonic()
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
        earliest = self._clock.monotonic() - self._interval / 12
        for name, office in self._offices.items():
            options = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
            self._scheduler.add_job(self._cycle, office.turns, [name], id=name, executor="slow", **options)
            self._plan(name, office.turns.next(earliest))
        self._scheduler.start()

    def keep_time(self) -> None:
        """Called every second or so: that the machine's clock was set, by which APScheduler goes, changes no turn."""
        difference = self._wall_less_monotonic()
        with self._lock:
            change = difference - self._difference
            if abs(change) < WAS_SET or self._stopped:
                return
            log.warning("clock.set seconds=%+.0f", change)
            self._difference = difference
            for name, office in self._offices.items():
                if office.began is None:
                    self._plan(name, office.due)

    def _wall_less_monotonic(self) -> float:
        """Seconds by which the machine's clock is ahead of the monotonic one: the same until somebody sets it."""
        return self._clock.now().timestamp() - self._clock.monotonic()

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
            at = self._clock.monotonic() + self._until_woken(office)
            if at < office.due:
                self._plan(name, at)

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

    def _plan(self, name: str, at: float) -> None:
        """Have the next cycle of an office begin at a monotonic moment, in the pool that its health tells."""
        office = self._offices[name]
        office.due = at
        moment = self._clock.now() + timedelta(seconds=at - self._clock.monotonic())
        self._scheduler.modify_job(name, next_run_time=moment, executor=office.health.pool)

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
            now, before = self._clock.monotonic(), office.health
            seconds = now - office.last_began
            health = office.health = before.after(answered=event.retval, seconds=seconds)
            pause = self._until_woken(office) if office.woken else health.pause(self._interval)
            at = now + pause
            if not office.woken:
                at = office.turns.next(at)
            office.began, office.woken = None, False
            if self._stopped:
                return
            self._plan(name, at)
        if health.failures or before.failures:
            try:
                self._on_rest(name, health, timedelta(seconds=at - now))
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
                self._plan(name, office.turns.next(self._clock.monotonic()))


def _log_failure(office: str, error: BaseException) -> None:
    told = isinstance(error, AsapfillError) and error.exit_code is not None  # a full disk: one line, every minute
    log.error("cycle.failed office=%s error=%s: %s", office, type(error).__name__, error, exc_info=not told and error)
