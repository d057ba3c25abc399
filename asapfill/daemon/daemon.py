"""The daemon: APScheduler decides when an office's next cycle starts, and nothing else.

Signals are waited for in the main thread, never handled inside a handler; stopping ends between two POSTs. SIGHUP has
settings and policies read again: mistakes in them leave everything as it is.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from asapfill.alerts.watchers import Watchers
from asapfill.clock import Clock, SystemClock
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.follow import follow_without_policy
from asapfill.cycle.session import Keys, OfficeSession, open_sessions, recover_sessions, reveal_keys
from asapfill.daemon.office_health import OfficeHealth, offsets
from asapfill.daemon.scheduler import Scheduler
from asapfill.daemon.systemd import Systemd
from asapfill.opendental.wire import PROBE, PROMPT, SLOW, Patience
from asapfill.policy.in_force import PolicyReader, no_policy, policy_book
from asapfill.settings.settings import Settings
from asapfill.store.database import Store, open_store
from asapfill.store.lock import only_one
from asapfill.store.mirror import forget_mirrors
from asapfill.store.offices import end_rest, keep_rest
from asapfill.webhooks.service import Webhooks, maintain_webhooks, on_delivery

log = logging.getLogger(__name__)

INTERVAL = timedelta(seconds=60)
"""From one cycle of an office to the next: each costs a handful of requests, and a text that is a minute later harms
nobody."""

FOLDER_READ = 20.0
"""Seconds from one reading of the whole folder of policies to the next; a cycle always reads its own files."""
_LOOK_FOR_SIGNALS = 1.0
GRACE = 2.0
"""Seconds that a request under way has when asapfill is to stop. One that is cut off is found out at the next start."""
LEFT_AFTER = 0.5
"""Seconds after that until asapfill ends without a thread that cannot be cut off: it waits for a name server, or for a
dead machine to take its connection, and has sent nothing."""
BETWEEN_KEYS = 1.0
"""Seconds from the last request before a reload to the first one after it: what the remote API asks for."""
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_SIGNALS = _STOP_SIGNALS | {signal.SIGHUP}

Reread = Callable[[], Settings]
Ready = tuple[Settings, Keys]
"""Settings that are right, and the keys that they name."""


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
            origin = datetime.now(UTC)
            again = _serve((settings, reveal_keys(settings)), clock, store, reread, systemd, origin, first=True)
            while again is not None:
                gc.collect()  # what was known of the offices is known twice otherwise
                again = _serve(again, clock, store, reread, systemd, origin, first=False)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    log.info("daemon.stopped")


def _serve(
    ready: Ready, clock: Clock, store: Store, reread: Reread, systemd: Systemd, origin: datetime, *, first: bool
) -> Ready | None:
    """Serve by these settings until asked to stop (None), or by other ones. ``origin``: see ``next_turn``."""
    settings, keys = ready
    reader = PolicyReader(policy_book(settings), store, SystemClock(), FOLDER_READ / clock.speed)
    stop = threading.Event()
    end_rest(store)  # every office begins anew
    with open_sessions(settings, settings.offices, clock, store, stop=stop, keys=keys, remember=True) as sessions:
        recover_sessions(sessions)
        forget_mirrors(store, settings.offices)
        policies = reader.read()
        if first and not policies.files:
            raise ConfigurationError(policies.problems or (no_policy(settings, settings.offices),))
        watchers = Watchers.of(settings, clock, store)
        events = Webhooks(settings, {office: customer for office, (_, customer) in keys.items()}, clock, store)
        scheduler = _scheduler_of(settings, sessions, reader, watchers, events, origin)
        log.info("daemon.%s offices=%d", "started" if first else "reloaded", len(sessions))
        scheduler.start()
        events.start(partial(on_delivery, {session.office: session for session in sessions}, scheduler.wake))
        status = f"Serving {len(sessions)} office{'s' if len(sessions) > 1 else ''}."
        systemd.ready(status)
        again = _wait(settings, scheduler, watchers, reread, systemd, status)
        if again is None:
            systemd.stopping()
            log.info("daemon.stopping")
        stop.set()
        events.stop()
        if not _end(scheduler, sessions, finish_requests=again is not None):
            again = None
            systemd.stopping()
        watchers.close()
        events.close()
    if again is not None:
        clock.sleep(BETWEEN_KEYS)
    return again


def _wait(
    settings: Settings, scheduler: Scheduler, watchers: Watchers, reread: Reread, systemd: Systemd, status: str
) -> Ready | None:
    """Wait for a signal, and tell the watchdog that no cycle hangs meanwhile. The new settings, or None for the end."""
    stuck: list[str] = []
    while True:
        received = signal.sigtimedwait(_SIGNALS, _LOOK_FOR_SIGNALS)
        watchers.tell()
        before, stuck = stuck, scheduler.stuck()
        if not stuck:
            systemd.alive()
        elif stuck != before:
            log.error("daemon.stuck offices=%s", ",".join(stuck))
        if received is None:
            continue
        if received.si_signo in _STOP_SIGNALS or os.isatty(0):
            return None
        systemd.reloading()
        again = _read_again(settings, reread)
        if again is not None:
            return again
        systemd.ready(f"{status} The settings have a mistake: the earlier ones stay in force.")


def _read_again(settings: Settings, reread: Reread) -> Ready | None:
    """The settings as they are now; None, with the reason in the log, when they cannot take the place of the old.

    The keys are fetched here, and not again: a key file may be gone a moment later.
    """
    again, keys = settings, {}
    problems: tuple[Problem, ...] = ()
    try:
        again = reread()
        keys = dict(reveal_keys(again))
    except ConfigurationError as error:
        problems = error.problems
    for problem in problems:
        log.error("settings.wrong %s", " | ".join(str(problem).split("\n")))
    if problems:
        return None
    if (again.state, again.clock) != (settings.state, settings.clock):
        log.error("settings.restart_needed keys=state,clock")
        return None
    return again, keys


def serve_office(
    session: OfficeSession,
    reader: PolicyReader,
    watchers: Watchers,
    events: Webhooks,
    health: OfficeHealth,
    late: float,
) -> bool:
    """One cycle of one office. Whatever happens is logged and kept for ``status``; nothing ends the daemon.

    ``health``: what the last cycles were like; ``late``: real seconds. Returns whether the office answered.
    """
    if session.stop.is_set():
        return True
    real = SystemClock()
    began = real.monotonic()
    session.client.begin(_patience(health))
    with watchers.tick(session.office, session.stop) as served:
        policies = reader.for_cycle(session.office)
        files = policies.of(session.office)
        if not files:
            log.error("policy.missing office=%s", session.office)
            follow_without_policy(session)
            return not session.client.failing
        for result in run_cycle(session, files, still_valid=policies.still_valid, last_good=policies.last_good):
            served.append(result.served)
            for trouble in result.errors:
                log.error("cycle.trouble office=%s clinic=%d %s", result.office, result.clinic, trouble.message)
            log.info(
                "cycle.done office=%s clinic=%d openings=%d offers=%d requests=%d errors=%d late=%.1f seconds=%.1f",
                result.office,
                result.clinic,
                len(result.openings),
                sum(line.state == "sent" for line in result.offers),
                result.requests,
                len(result.errors),
                late,
                real.monotonic() - began,
            )
        maintain_webhooks(events, session, files[0].timezone)
    return not session.client.failing


def _patience(health: OfficeHealth) -> Patience:
    """How long an office may take, by how its last cycles were."""
    if health.failures:
        return PROBE
    return PROMPT if health.pool == "prompt" else SLOW


def _scheduler_of(
    settings: Settings,
    sessions: list[OfficeSession],
    reader: PolicyReader,
    watchers: Watchers,
    events: Webhooks,
    origin: datetime,
) -> Scheduler:
    """The offices in turn, spread over the interval."""
    by_name = {session.office: session for session in sessions}
    clock, store = watchers.clock, watchers.store

    def work(office: str, health: OfficeHealth, late: float) -> bool:
        return serve_office(by_name[office], reader, watchers, events, health, late)

    def rested(office: str, health: OfficeHealth, rest: timedelta) -> None:
        if health.failures:
            seconds = rest.total_seconds() * clock.speed
            log.warning("office.rests office=%s failures=%d seconds=%d", office, health.failures, seconds)
            keep_rest(store, office, health.failures, clock.now() + timedelta(seconds=seconds))
        else:
            log.info("office.answers_again office=%s", office)
            end_rest(store, office)

    # Workers wait on real time; simulated time only shortens the interval.
    interval = INTERVAL.total_seconds() / clock.speed
    return Scheduler(offsets(settings.offices), interval, origin, work, rested=rested, leave=store.release)


def _end(scheduler: Scheduler, sessions: list[OfficeSession], *, finish_requests: bool) -> bool:
    """Wait for the cycles under way, which end before their next request; one that hangs is cut off.

    ``finish_requests``: let a request under way have its answer, unless a signal to stop comes.

    Returns whether no such signal came.
    """
    scheduler.stop()
    going_on = True
    while finish_requests and scheduler.running() and going_on:
        going_on = signal.sigtimedwait(_STOP_SIGNALS, 0.1) is None
    if _ended_within(scheduler, GRACE):
        return going_on
    real = SystemClock()
    deadline = real.monotonic() + LEFT_AFTER
    while scheduler.running() and real.monotonic() < deadline:
        for session in sessions:
            session.client.cut()
        real.sleep(0.1)
    if scheduler.running():
        log.warning("daemon.left_threads threads=%d", scheduler.running())
    return going_on


def _ended_within(scheduler: Scheduler, seconds: float) -> bool:
    real = SystemClock()
    deadline = real.monotonic() + seconds
    while scheduler.running() and real.monotonic() < deadline:
        real.sleep(0.02)
    return not scheduler.running()
