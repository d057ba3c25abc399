"""Those who watch the daemon while it works: a healthchecks server, Prometheus, and the people who get notices.

Pings are GETs at the start of each cycle, at its end, and at a failed end. They say nothing but that; nobody waits for
them, and a server that does not answer changes nothing.
"""

from __future__ import annotations

import http.client
import logging
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from asapfill.alerts.metrics import MetricsFile
from asapfill.alerts.notifier import Notifier
from asapfill.clock import Clock
from asapfill.settings.settings import Settings
from asapfill.store.database import Store

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Real seconds for each step of a ping."""
WAITING = 10
"""Pings that wait behind a slow one; more are left out."""


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
            except (OSError, http.client.HTTPException) as error:
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
