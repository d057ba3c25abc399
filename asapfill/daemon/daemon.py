"""The daemon: APScheduler decides when an office's next cycle starts, and nothing else.

Signals are waited for in the main thread, never handled inside a handler; stopping ends between two POSTs. SIGHUP has
settings and policies read again: mistakes in them leave everything as it is.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from asapfill.clock import Clock
from asapfill.problems import ConfigurationError, Problem
from asapfill.service.cycle import run_cycle
from asapfill.service.desk import Desk
from asapfill.service.desks import open_desks
from asapfill.service.operations import no_policy, recover_desks
from asapfill.service.policies import PolicyBook
from asapfill.service.systemd import Systemd
from asapfill.service.watching import Watching
from asapfill.settings import Settings
from asapfill.store.database import Store, open_store
from asapfill.store.lock import only_one

log = logging.getLogger(__name__)

TICK = timedelta(seconds=60)
"""From one cycle of an office to the next: each costs a handful of requests, and a text that is a minute later harms
nobody."""

MOST_WORKERS = 16
_LOOK_FOR_SIGNALS = 1.0
GRACE = 3.0
"""Seconds that a request under way has when asapfill is to stop. One that is cut off is found out at the next start."""
BETWEEN_KEYS = 1.0
"""Seconds from the last request before a reload to the first one after it: what the remote API asks for."""
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_SIGNALS = _STOP_SIGNALS | {signal.SIGHUP}

Reread = Callable[[], Settings]


def run_daemon(settings: Settings, clock: Clock, reread: Reread, systemd: Systemd) -> None:
    """Serve every office in the settings until SIGTERM or Ctrl-C.

    ``reread``: the settings as they are now; raises ConfigurationError when they are wrong. In a terminal SIGHUP ends
    asapfill, as a hang-up should; elsewhere it asks for a reload.

    Raises:
        ConfigurationError: no policy can be used at all.
        StoreError, AlreadyRunning: the state cannot be used, or another asapfill works on it.
    """
    # Whatever is written from here on is for this user only.
    os.umask(0o077)
    # Blocked before any thread starts, so that every thread inherits it and only the waits below see them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        with only_one(settings.state), open_store(settings.state, clock) as store:
            again = _serve(settings, clock, store, reread, systemd, first=True)
            while again is not None:
                again = _serve(again, clock, store, reread, systemd, first=False)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    log.info("daemon.stopped")


def _serve(
    settings: Settings, clock: Clock, store: Store, reread: Reread, systemd: Systemd, *, first: bool
) -> Settings | None:
    """Serve by these settings until asked to stop (None), or by other ones."""
    book = PolicyBook(settings.policies, tuple(settings.offices))
    stop = threading.Event()
    with open_desks(settings, tuple(settings.offices), clock, store, stop) as desks:
        recover_desks(desks)
        policies = book.read(store)
        if first and not policies.files:
            raise ConfigurationError(policies.problems or (no_policy(settings, settings.offices),))
        watching = Watching.of(settings, clock, store)
        scheduler = _scheduler(desks, book, clock, watching)
        log.info("daemon.%s offices=%d", "started" if first else "reloaded", len(desks))
        scheduler.start()
        status = f"Serving {len(desks)} office{'s' if len(desks) > 1 else ''}."
        systemd.ready(status)
        again = _wait(settings, watching, reread, systemd, status)
        if again is None:
            systemd.stopping()
            log.info("daemon.stopping")
        stop.set()
        if not _end(scheduler, desks, patient=again is not None):
            again = None
            systemd.stopping()
        watching.close()
    if again is not None:
        clock.sleep(BETWEEN_KEYS)
    return again


def _wait(settings: Settings, watching: Watching, reread: Reread, systemd: Systemd, status: str) -> Settings | None:
    """Wait for a signal, and tell the watchdog of finished rounds meanwhile. The new settings, or None for the end."""
    while True:
        received = signal.sigtimedwait(_SIGNALS, _LOOK_FOR_SIGNALS)
        if watching.rounds.complete():
            systemd.alive()
        if received is None:
            continue
        if received.si_signo in _STOP_SIGNALS or os.isatty(0):
            return None
        systemd.reloading()
        again = _read_again(settings, reread)
        if again is not None:
            return again
        systemd.ready(f"{status} The settings have a mistake: the earlier ones stay in force.")


def _read_again(settings: Settings, reread: Reread) -> Settings | None:
    """The settings as they are now; None, with the reason in the log, when they cannot take the place of the old."""
    again = settings
    problems: tuple[Problem, ...] = ()
    try:
        again = reread()
    except ConfigurationError as error:
        problems = error.problems
    for problem in problems:
        log.error("settings.wrong %s", " | ".join(str(problem).split("\n")))
    if problems:
        return None
    if (again.state, again.clock) != (settings.state, settings.clock):
        log.error("settings.restart_needed keys=state,clock")
        return None
    return again


def tick(desk: Desk, book: PolicyBook, lock: threading.Lock, watching: Watching) -> None:
    """One cycle of one office. Whatever happens is logged and kept for ``status``; nothing ends the daemon."""
    if desk.stop.is_set():
        return
    with watching.tick(desk.office, desk.stop) as served:
        with lock:
            policies = book.read(desk.store)
        files = policies.of(desk.office)
        if not files:
            log.error("policy.missing office=%s", desk.office)
            return
        for result in run_cycle(desk, files, act=True, still_valid=policies.still_valid, last_good=policies.last_good):
            served.append(result.served)
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


def _scheduler(desks: list[Desk], book: PolicyBook, clock: Clock, watching: Watching) -> BackgroundScheduler:
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
            partial(tick, desk, book, lock, watching),
            "interval",
            seconds=interval,
            id=desk.office,
            next_run_time=start + timedelta(seconds=interval * index / len(desks)),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    return scheduler


def _end(scheduler: BackgroundScheduler, desks: list[Desk], *, patient: bool) -> bool:
    """Wait for the cycles under way, which end before their next request; one that hangs is cut off.

    ``patient``: let a request under way have its answer, unless a signal to stop comes. Returns whether none came.
    """
    waiting = threading.Thread(target=scheduler.shutdown, name="shutdown")
    waiting.start()
    going_on = True
    while patient and waiting.is_alive() and going_on:
        going_on = signal.sigtimedwait(_STOP_SIGNALS, 0.1) is None
    waiting.join(GRACE)
    while waiting.is_alive():
        for desk in desks:
            desk.client.cut()
        waiting.join(0.1)
    return going_on


def _job_trouble(event: JobExecutionEvent) -> None:
    error = getattr(event, "exception", None)
    log.error(
        "cycle.failed office=%s error=%s",
        event.job_id,
        "missed" if error is None else f"{type(error).__name__}: {error}",
    )
