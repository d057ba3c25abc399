"""Those who watch the daemon while it works: a healthchecks server, Prometheus, and the people who get notices.

Pings are GETs at the start of each cycle, at its end, and at a failed end. They say nothing but that; nobody waits for
them, and a server that does not answer changes nothing.

Metrics are a text file for the node exporter's textfile collector: numbers by office and clinic, nothing of patients.
It replaces the one before in one step, so that nobody reads half of it; how old it is tells whether the daemon lives.
"""

from __future__ import annotations

import http.client
import logging
import queue
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from asapfill import __version__
from asapfill.alerts.notifier import Notifier
from asapfill.clock import Clock, SystemClock
from asapfill.core.offer import State
from asapfill.files import replace_file
from asapfill.settings.settings import Settings
from asapfill.store.cycles import Tick, last_ticks, totals
from asapfill.store.database import Store
from asapfill.store.offices import EVERY_OFFICE, paused

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Real seconds for each step of a ping."""

WAITING = 10
"""Pings that wait behind a slow one; more are left out."""

Sample = tuple[Mapping[str, object], float]

SHARE = 0.01
"""Of the time may be spent on writing this file."""

READABLE = 0o644
"""The node exporter is another user, and there is nothing in the file that it may not see."""


class Pings:
    """The pings of one office, sent in order by a thread of their own, until they are closed or the process ends."""

    def __init__(self, office: str, url: str) -> None:
        self._office = office
        self._url = urlsplit(url)
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING)
        self._broken = False
        threading.Thread(target=self._work, name=f"ping {office}", daemon=True).start()

    def started(self) -> None:
        """A cycle begins."""
        self._soon("/start")

    def ended(self, *, ok: bool) -> None:
        """A cycle has ended; ``ok``: every clinic of the office was served."""
        self._soon("" if ok else "/fail")

    def close(self) -> None:
        """Send no more; what still waits is left out. Nobody waits for the thread."""
        with self._waiting.mutex:
            self._waiting.queue.clear()
        self._waiting.put_nowait(None)

    def _soon(self, end: str) -> None:
        try:
            self._waiting.put_nowait(end)
        except queue.Full:
            log.warning("ping.left_out office=%s waiting=%d", self._office, WAITING)

    def _work(self) -> None:
        while (end := self._waiting.get()) is not None:
            try:
                status = self._get(end)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._tell(type(error).__name__)
            else:
                self._tell("" if status < http.client.BAD_REQUEST else str(status))

    def _get(self, end: str) -> int:
        """One ping; the status it was answered with. Redirects are not followed, the answer's body is not read."""
        host, port = self._url.hostname or "", self._url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=ssl.create_default_context())
            if self._url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=PATIENCE)
        )
        try:
            connection.request("GET", self._url.path.rstrip("/") + end, headers={"Connection": "close"})
            return connection.getresponse().status
        finally:
            connection.close()

    def _tell(self, error: str) -> None:
        """Say it once when pings stop getting through, and once when they do again. Never the address: it is a key."""
        if error and not self._broken:
            log.warning("ping.failed office=%s error=%s", self._office, error)
        elif self._broken and not error:
            log.info("ping.works_again office=%s", self._office)
        self._broken = bool(error)


class Watchers:
    """Everybody whom the settings name. The notifier begins at once."""

    def __init__(self, settings: Settings, clock: Clock, store: Store) -> None:
        offices = settings.offices.values()
        self._pings = {office.name: Pings(office.name, office.ping) for office in offices if office.ping}
        self._metrics = None if settings.metrics is None else MetricsFile(settings.metrics, settings, store, clock)
        self._notifier = Notifier(settings, clock)
        self._notifier.start()

    def write_metrics(self) -> None:
        """Called again and again by the daemon's main thread: they are written when it is time to."""
        if self._metrics is not None:
            self._metrics.write_when_due()

    def close(self) -> None:
        """Nobody is to be told anything more: other settings may take the place of these."""
        self._notifier.close()
        if self._metrics is not None and self._metrics.news.is_set():
            self._metrics.write()
        for pings in self._pings.values():
            pings.close()

    @contextmanager
    def cycle(self, office: str, stop: threading.Event) -> Iterator[list[bool]]:
        """Around one cycle. The block appends whether each of the office's clinics was served.

        Nothing appended, or an exception, counts as not served.
        A cycle that ``stop`` cut short is no failure of the office: no ping tells of its end.
        """
        pings = self._pings.get(office)
        if pings is not None:
            pings.started()
        served: list[bool] = []
        try:
            yield served
        except BaseException:
            served.append(False)
            raise
        finally:
            if pings is not None and not stop.is_set():
                pings.ended(ok=bool(served) and all(served))
            if self._metrics is not None:
                self._metrics.news.set()


@dataclass(slots=True)
class MetricsFile:
    """The file that the settings name. Written by one thread; ``news`` may be set by any: a cycle has ended."""

    path: Path
    settings: Settings
    store: Store
    clock: Clock
    news: threading.Event = field(default_factory=threading.Event)
    _broken: bool = False
    _not_before: float = 0.0

    def write_when_due(self) -> None:
        """Write if there is news, but no more often than costs ``SHARE`` of the time: offices may be many."""
        real = SystemClock()
        began = real.monotonic()
        if self.news.is_set() and began >= self._not_before:
            self.write()
            ended = real.monotonic()
            self._not_before = ended + (ended - began) / SHARE

    def write(self) -> None:
        """Write what is true now. What goes wrong, whatever it is, is told once in the log and ends no daemon."""
        self.news.clear()
        try:
            replace_file(self.path, metrics_text(self.settings, self.store, self.clock), READABLE)
        except Exception as error:  # noqa: BLE001  what is only for watching must not end the service
            if not self._broken:
                why = getattr(error, "strerror", None) or type(error).__name__
                log.warning("metrics.unwritable path=%s error=%s", self.path, why)
            self._broken = True
        else:
            if self._broken:
                log.info("metrics.writable path=%s", self.path)
            self._broken = False


_OF_CYCLES: Final[tuple[tuple[str, str, Callable[[Tick], float]], ...]] = (
    ("cycle_timestamp_seconds", "When the last cycle ended.", lambda tick: tick.at.timestamp()),
    ("cycle_ok", "Whether the last cycle served the clinic.", lambda tick: tick.ok),
    ("cycle_problems", "What went wrong in the last cycle.", lambda tick: len(tick.problems)),
    ("cycle_requests", "Requests of the whole office in the last cycle.", lambda tick: tick.requests),
)


def metrics_text(settings: Settings, store: Store, clock: Clock) -> str:
    """All metrics in Prometheus' text format.

    Raises:
        StoreError: the state cannot be read.
    """
    ticks = [tick for tick in last_ticks(store) if tick.office in settings.offices]
    pauses = paused(store)
    lines = [
        *_gauge("build_info", "The version that runs.", [({"version": __version__}, 1)]),
        *_gauge("written_timestamp_seconds", "When this was written.", [({}, clock.now().timestamp())]),
    ]
    for name, meaning, value in _OF_CYCLES:
        samples = [({"office": tick.office, "clinic": tick.clinic}, value(tick)) for tick in ticks]
        lines += _gauge(name, meaning, samples)
    stopped = [({"office": office}, office in pauses or EVERY_OFFICE in pauses) for office in settings.offices]
    lines += _gauge("paused", "Whether a person has paused sending.", stopped)
    lines += _gauge("offers", "Offers in the journal by their present state.", _offers(settings, store))
    return "\n".join(lines) + "\n"


def _offers(settings: Settings, store: Store) -> Iterator[Sample]:
    """Every state of every office, also those without offers: a missing series cannot be told from zero."""
    counted: Counter[tuple[str, str]] = Counter()
    for total in totals(store):
        counted[total.office, total.state] += total.offers
    for office in settings.offices:
        for state in State:
            yield {"office": office, "state": str(state)}, counted[office, str(state)]


def _gauge(name: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP asapfill_{name} {meaning}"
    yield f"# TYPE asapfill_{name} gauge"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
        number = f"{value:.0f}" if float(value).is_integer() else f"{value:.3f}"
        yield f"asapfill_{name}{{{inside}}} {number}" if inside else f"asapfill_{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
