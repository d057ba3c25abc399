"""The daemon: every office of the settings is served until a signal comes. When cycles start is told by ``scheduler``.

Signals are waited for in the main thread, never handled inside a handler; stopping ends between two POSTs. SIGHUP has
settings and policies read again: mistakes in them leave everything as it is.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from asapfill.alerts.watchers import Watchers
from asapfill.clock import Clock, SystemClock, office_now
from asapfill.core.errors import ConfigurationError
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.follow import follow_without_policy
from asapfill.cycle.session import Keys, OfficeSession, open_sessions, recover_sessions, reveal_keys
from asapfill.daemon.scheduler import OfficeHealth, Scheduler, offsets
from asapfill.opendental.exchange import PROBE, PROMPT, SLOW, TimeLimits
from asapfill.policy.for_cycles import PolicyReader
from asapfill.policy.in_force import no_policy, policy_book
from asapfill.settings.edit import SettingsEdit
from asapfill.settings.settings import Settings
from asapfill.stillness import Stillness
from asapfill.store.cycles import keep_serving
from asapfill.store.database import Store, StoreError, open_store
from asapfill.store.lock import only_one
from asapfill.store.mirror import forget_mirrors
from asapfill.store.offices import end_rest, keep_rest
from asapfill.webhooks.deliveries import Hint
from asapfill.webhooks.service import Webhooks

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
        KeyboardInterrupt: Ctrl-C ended it; everything was brought to its end.
    """
    # Whatever is written from here on is for this user only.
    os.umask(0o077)
    # Blocked before any thread starts, so that every thread inherits it and only the waits below see them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        with only_one(settings.state), open_store(settings.state, clock) as store:
            origin = SystemClock().monotonic()
            ended = _serve((settings, reveal_keys(settings)), clock, store, reread, systemd, origin, first=True)
            while not isinstance(ended, int):
                gc.collect()  # what was known of the offices is known twice otherwise
                ended = _serve(ended, clock, store, reread, systemd, origin, first=False)
            _note_serving(store, serving=False)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    log.info("daemon.stopped")
    if ended == signal.SIGINT:
        raise KeyboardInterrupt


def _serve(
    ready: Ready, clock: Clock, store: Store, reread: Reread, systemd: Systemd, origin: float, *, first: bool
) -> Ready | int:
    """Serve by these settings until asked to stop (the signal), or by other ones. ``origin``: see ``Scheduler``."""
    settings, keys = ready
    reader = PolicyReader(
        policy_book(settings, Stillness(SystemClock())), store, SystemClock(), FOLDER_READ / clock.speed
    )
    stop = threading.Event()
    end_rest(store)  # every office begins anew
    with open_sessions(settings, settings.offices, clock, store, stop=stop, keys=keys, remember=True) as sessions:
        recover_sessions(sessions)
        forget_mirrors(store, settings.offices)
        policies = reader.first()
        if first and not policies.files:
            raise ConfigurationError(policies.problems or (no_policy(settings, settings.offices),))
        service = _Service(settings, keys, clock, store, sessions, reader, origin)
        log.info("daemon.%s offices=%d", "started" if first else "reloaded", len(sessions))
        service.start()
        if first:
            _note_serving(store, serving=True)
        status = f"Serving {len(sessions)} office{'s' if len(sessions) > 1 else ''}."
        systemd.ready(status)
        again = _wait(SettingsEdit(settings, SystemClock()), service, reread, systemd, status)
        if isinstance(again, int):
            systemd.stopping()
            log.info("daemon.stopping")
        stop.set()
        meanwhile = service.stop(finish_requests=not isinstance(again, int))
        if meanwhile is not None:
            again = meanwhile
            systemd.stopping()
        service.close()
    if not isinstance(again, int):
        clock.sleep(BETWEEN_KEYS)
    return again


def _note_serving(store: Store, *, serving: bool) -> None:
    """For ``status``. A state that cannot be written is what every cycle tells; it must not end the service here."""
    with suppress(StoreError):
        keep_serving(store, serving=serving)


def _wait(edit: SettingsEdit, service: _Service, reread: Reread, systemd: Systemd, status: str) -> Ready | int:
    """Wait for a signal, and tell the watchdog that no cycle hangs meanwhile. The new settings, or a signal to end.

    Asked to reload, it waits until the settings file has been still: half of it may be valid, too.
    """
    stuck: list[str] = []
    while True:
        received = signal.sigtimedwait(_SIGNALS, _LOOK_FOR_SIGNALS)
        service.look()
        before, stuck = stuck, service.scheduler.stuck()
        if not stuck:
            systemd.alive()
        elif stuck != before:
            log.error("daemon.stuck offices=%s", ",".join(stuck))
        if received is not None and (received.si_signo in _STOP_SIGNALS or os.isatty(0)):
            return received.si_signo
        if not _is_to_reload(edit, systemd, signalled=received is not None):
            continue
        again = _read_again(edit.in_force, reread)
        if again is None:
            systemd.ready(f"{status} The settings have a mistake: the earlier ones stay in force.")
        elif edit.is_known(again[0]):
            return again
        else:  # written once more in this very moment
            edit.asked = True


def _is_to_reload(edit: SettingsEdit, systemd: Systemd, *, signalled: bool) -> bool:
    """Whether the settings are to be read again now. Asked for by SIGHUP, and done when the file is still."""
    seconds = edit.seconds()
    if signalled and not edit.asked:
        edit.asked = True
        systemd.reloading()
        if seconds > 0:
            log.info("settings.settling seconds=%.0f", seconds)
    if not edit.asked or seconds > 0:
        return False
    edit.asked = False
    return True


def _read_again(settings: Settings, reread: Reread) -> Ready | None:
    """The settings as they are now; None, with the reason in the log, when they cannot take the place of the old.

    The keys are fetched here, and not again: a key file may be gone a moment later.
    """
    try:
        again = reread()
        keys = reveal_keys(again)
    except ConfigurationError as error:
        for problem in error.problems:
            log.error("settings.wrong %s", " | ".join(str(problem).split("\n")))  # noqa: TRY400  for a person
        return None
    if (again.state, again.clock) != (settings.state, settings.clock):
        log.error("settings.restart_needed keys=state,clock")
        return None
    return again, keys


class _Service:
    """The offices of some settings being served, and everybody who is told of it."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        clock: Clock,
        store: Store,
        sessions: Sequence[OfficeSession],
        reader: PolicyReader,
        origin: float,
    ) -> None:
        self._clock = clock
        self._store = store
        self._sessions = {session.office: session for session in sessions}
        self._reader = reader
        self.watchers = Watchers(settings, clock, store)
        customers = {office: customer for office, (_, customer) in keys.items()}
        self._webhooks = Webhooks(settings, customers, clock, store)
        self.scheduler = Scheduler(
            offsets(settings.offices),
            # Workers wait on real time; simulated time only shortens the interval.
            INTERVAL.total_seconds() / clock.speed,
            origin,
            self._cycle,
            on_rest=self._on_rest,
            at_thread_end=store.release,
        )

    def start(self) -> None:
        """Begin with the first cycles, and to listen for deliveries."""
        self.scheduler.start()
        self._webhooks.start(self._on_delivery)

    def look(self) -> None:
        """What is done about every second: numbers for Prometheus, a look at the clock and at the policies."""
        self.watchers.write_metrics()
        self.scheduler.keep_time()
        self._reader.look()

    def stop(self, *, finish_requests: bool) -> int | None:
        """Wait for the cycles under way, which end before their next request; one that hangs is cut off.

        ``finish_requests``: let a request under way have its answer, unless a signal to stop comes.

        Returns that signal, if it came.
        """
        self._webhooks.stop()
        self.scheduler.stop()
        received = None
        while finish_requests and self.scheduler.running() and received is None:
            received = signal.sigtimedwait(_STOP_SIGNALS, 0.1)
        number = None if received is None else received.si_signo
        if self._ends_within(GRACE):
            return number
        real = SystemClock()
        deadline = real.monotonic() + LEFT_AFTER
        while self.scheduler.running() and real.monotonic() < deadline:
            for session in self._sessions.values():
                session.client.cut()
            real.sleep(0.1)
        if self.scheduler.running():
            log.warning("daemon.left_threads threads=%d", self.scheduler.running())
        return number

    def close(self) -> None:
        """After ``stop``: nobody is told anything more, and the port is free."""
        self.watchers.close()
        self._webhooks.close()

    def _ends_within(self, seconds: float) -> bool:
        real = SystemClock()
        deadline = real.monotonic() + seconds
        while self.scheduler.running() and real.monotonic() < deadline:
            real.sleep(0.02)
        return not self.scheduler.running()

    def _cycle(self, office: str, health: OfficeHealth, late: float) -> bool:
        """One cycle of one office: the scheduler's ``Work``. Whatever happens is logged and kept for ``status``."""
        session = self._sessions[office]
        if session.stop.is_set():
            return True
        real = SystemClock()
        began = real.monotonic()
        session.client.begin(_time_limits(health))
        with self.watchers.cycle(office, session.stop) as served:
            policies = self._reader.for_cycle(office)
            files = policies.of(office)
            if not files:
                log.error("policy.missing office=%s", office)
                follow_without_policy(session)
                return not session.client.failing
            for result in run_cycle(session, files, still_valid=policies.still_valid, last_good=policies.last_good):
                served.append(result.served)
                for trouble in result.errors:
                    log.error("cycle.trouble office=%s clinic=%d %s", office, result.clinic, trouble.message)
                log.info(
                    "cycle.done office=%s clinic=%d openings=%d offers=%d requests=%d errors=%d late=%.1f seconds=%.1f",
                    office,
                    result.clinic,
                    len(result.openings),
                    sum(line.state == "sent" for line in result.offers),
                    result.requests,
                    len(result.errors),
                    late,
                    real.monotonic() - began,
                )
            self._maintain_webhooks(session, files[0].timezone)
        return not session.client.failing

    def _maintain_webhooks(self, session: OfficeSession, timezone: ZoneInfo) -> None:
        """After a cycle: have an office's subscriptions looked after, if the office answered."""
        mirror, client = session.mirror, session.client
        if session.stop.is_set() or client.failing or mirror.names is None:
            return
        wall = office_now(self._clock.now(), timezone) + (mirror.skew or timedelta(0))
        self._webhooks.maintain(session.office, client, mirror.names.version, wall, mirror.office)

    def _on_rest(self, office: str, health: OfficeHealth, rest: timedelta) -> None:
        """The scheduler's ``OnRest``."""
        if health.failures:
            seconds = rest.total_seconds() * self._clock.speed
            log.warning("office.rests office=%s failures=%d seconds=%d", office, health.failures, seconds)
            keep_rest(self._store, office, health.failures, self._clock.now() + timedelta(seconds=seconds))
        else:
            log.info("office.answers_again office=%s", office)
            end_rest(self._store, office)

    def _on_delivery(self, office: str, hint: Hint) -> None:
        """Have what a delivery hints at read at once. Any thread may call it."""
        self._sessions[office].mirror.hint(days=hint.days, appointments=hint.appointments)
        self.scheduler.wake(office)


def _time_limits(health: OfficeHealth) -> TimeLimits:
    """How long an office may take, by how its last cycles were."""
    if health.failures:
        return PROBE
    return PROMPT if health.pool == "prompt" else SLOW


@dataclass(frozen=True, slots=True)
class Systemd:
    """Who started this process, told by sd_notify(3): a datagram of ``NAME=value`` lines to the socket ``address``, a
    path or, with a leading @, a name in the abstract namespace. None: nobody is to be told.
    """

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
