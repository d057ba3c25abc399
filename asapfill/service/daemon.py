"""The daemon: APScheduler decides when an office's next cycle starts, and nothing else.

Signals are waited for in the main thread, never handled inside a handler; stopping ends between two POSTs.
"""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from asapfill.clock import Clock
from asapfill.problems import ConfigurationError
from asapfill.service.cycle import run_cycle
from asapfill.service.desk import Desk
from asapfill.service.operations import desks_for, no_policy
from asapfill.service.policies import PolicyBook
from asapfill.settings import Settings

log = logging.getLogger(__name__)

TICK = timedelta(seconds=60)
"""From one cycle of an office to the next: each costs a handful of requests, and a text that is a minute later harms
nobody."""

MOST_WORKERS = 16
_LOOK_FOR_SIGNALS = 1.0
GRACE = 3.0
"""Seconds that a request under way has when asapfill is to stop. One that is cut off is found out at the next start."""
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def run_daemon(settings: Settings, clock: Clock) -> None:
    """Serve every office in the settings until SIGTERM or Ctrl-C.

    Raises:
        ConfigurationError: no policy can be used at all.
        StoreError, AlreadyRunning: see ``operations.desks_for``.
    """
    book = PolicyBook(settings.policies, tuple(settings.offices))
    stop = threading.Event()
    # Blocked before any thread starts, so that every thread inherits it and only the wait below sees them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        with desks_for(settings, tuple(settings.offices), clock, stop, act=True) as desks:
            policies = book.read(desks[0].store)
            if not policies.files:
                raise ConfigurationError(policies.problems or (no_policy(settings, settings.offices),))
            scheduler = _scheduler(desks, book, clock)
            log.info("daemon.started offices=%d", len(desks))
            scheduler.start()
            _wait_for_stop()
            log.info("daemon.stopping")
            stop.set()
            _end(scheduler, desks)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    log.info("daemon.stopped")


def tick(desk: Desk, book: PolicyBook, lock: threading.Lock) -> None:
    """One cycle of one office. Whatever happens is logged and kept for ``status``; nothing ends the daemon."""
    if desk.stop.is_set():
        return
    with lock:
        policies = book.read(desk.store)
    files = policies.of(desk.office)
    if not files:
        log.error("policy.missing office=%s", desk.office)
        return
    for result in run_cycle(desk, files, act=True, still_valid=policies.still_valid, last_good=policies.last_good):
        for trouble in result.errors:
            log.error("cycle.trouble office=%s clinic=%d %s", result.office, result.clinic, trouble.message)
        log.info(
            "cycle.done office=%s clinic=%d openings=%d offers=%d requests=%d errors=%d",
            result.office,
            result.clinic,
            len(result.openings),
            sum(line.state == "sent" for line in result.offers),
            result.requests,
            len(result.errors),
        )


def _scheduler(desks: list[Desk], book: PolicyBook, clock: Clock) -> BackgroundScheduler:
    """A job per office, spread over the interval; late ticks are joined into one and never dropped."""
    interval = TICK.total_seconds() / clock.speed
    workers = max(1, min(MOST_WORKERS, len(desks)))
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(workers)})
    scheduler.add_listener(_job_trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    lock = threading.Lock()
    # APScheduler runs on the machine's own time; simulated time only shortens the interval.
    start = datetime.now(UTC)
    for index, desk in enumerate(desks):
        scheduler.add_job(
            partial(tick, desk, book, lock),
            "interval",
            seconds=interval,
            id=desk.office,
            next_run_time=start + timedelta(seconds=interval * index / len(desks)),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    return scheduler


def _end(scheduler: BackgroundScheduler, desks: list[Desk]) -> None:
    """Wait for the cycles under way, which end before their next request; one that hangs is cut off."""
    waiting = threading.Thread(target=scheduler.shutdown, name="shutdown")
    waiting.start()
    waiting.join(GRACE)
    while waiting.is_alive():
        for desk in desks:
            desk.client.cut()
        waiting.join(0.1)


def _job_trouble(event: JobExecutionEvent) -> None:
    error = getattr(event, "exception", None)
    log.error(
        "cycle.failed office=%s error=%s",
        event.job_id,
        "missed" if error is None else f"{type(error).__name__}: {error}",
    )


def _wait_for_stop() -> None:
    while signal.sigtimedwait(_STOP_SIGNALS, _LOOK_FOR_SIGNALS) is None:
        pass
