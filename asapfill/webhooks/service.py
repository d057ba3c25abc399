"""Webhooks while the daemon serves: one listener for all offices, and each office's own subscriptions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from asapfill.clock import Clock
from asapfill.core.office import Office
from asapfill.core.values import Version
from asapfill.opendental.client import OpenDental
from asapfill.settings.settings import EventSettings, Settings
from asapfill.store.database import Store
from asapfill.store.offices import ListenFailure, keep_listen_failure, kept_events
from asapfill.webhooks.deliveries import Hint, Tally, every_day
from asapfill.webhooks.subscriptions import CATCH_UP, CycleFacts, OfficeWebhooks

if TYPE_CHECKING:
    from asapfill.webhooks.listener import Listener

log = logging.getLogger(__name__)


LISTEN_AGAIN: Final = 60.0
"""Seconds until a port that could not be used is tried again."""

OnDelivery = Callable[[str, Hint], None]
"""Told of an office and what is to be looked at there; must return at once, and may be called from any thread."""


class Webhooks:
    """Those of all offices of some settings, between ``start`` and ``close``. Safe to share between threads.

    ``customer_keys``: by office.
    """

    def __init__(self, settings: Settings, customer_keys: Mapping[str, str], clock: Clock, store: Store) -> None:
        self._where = settings.events
        self._clock = clock
        self._store = store
        self._on_delivery: OnDelivery = lambda *_: None
        self._began = clock.now()
        urls = {
            name: self._where.address(name) if self._where is not None and office.events else ""
            for name, office in settings.offices.items()
        }
        self._offices = {
            name: OfficeWebhooks(name, urls[name], office.workstation, clock, store, kept_events(store, name))
            for name, office in settings.offices.items()
        }
        self._keys = {name: key for name, key in customer_keys.items() if urls.get(name)}
        lasts = {name: self._offices[name].kept.last for name in self._keys}
        self._tally = Tally(self._keys, clock, {name: last for name, last in lasts.items() if last is not None})
        self._listener: Listener | None = None
        self._failure = ""
        self._tried = 0.0
        self._closed = False
        self._lock = threading.Lock()

    def start(self, on_delivery: OnDelivery) -> None:
        """Begin to listen, if an office is to send events. A port that cannot be used is told and tried again.

        Raises:
            StoreError: the state cannot be written.
        """
        self._on_delivery = on_delivery
        with self._lock:
            if self._where is not None and self._keys:
                self._listen(self._where)
            else:
                keep_listen_failure(self._store, None)

    def stop(self) -> None:
        """Listen no more, without waiting for the end of it. Subscriptions stay: Open Dental keeps for three days what
        it cannot deliver.
        """
        with self._lock:
            self._closed = True
            if self._listener is not None:
                self._listener.stop()

    def close(self) -> None:
        """Listen no more: the port is free for whoever comes next. Takes a second or two at most."""
        self.stop()
        if self._listener is not None:
            self._listener.wait()
            self._listener = None

    def maintain(
        self, name: str, client: OpenDental, version: Version | None, wall: datetime, known: Callable[[], Office]
    ) -> None:
        """After a cycle of an office that answered: see that all is well, and set right what is not.

        ``wall``: the office's wall clock, by its own reckoning. ``known``: what asapfill knows of the office.

        Raises:
            StoreError: the state cannot be written.
        """
        office = self._offices[name]
        if office.over:
            return
        self._stay_listening()
        came = self._tally.counts(name) if office.url else None
        last_delivery = wall - (self._clock.now() - came.last) if came is not None and came.last is not None else None
        office.maintain(client, CycleFacts(version, wall, last_delivery, known))
        counts = {} if came is None else asdict(came) | {"since": self._began}
        office.keep(replace(office.kept, problem=office.trouble, **counts))

    def _stay_listening(self) -> None:
        """Try again to listen, if that failed or ended."""
        with self._lock:
            if self._where is None or not self._keys or self._closed:
                return
            if self._listener is not None and self._listener.alive:
                return
            if self._clock.monotonic() - self._tried >= LISTEN_AGAIN:
                self._listen(self._where)

    def _listen(self, where: EventSettings) -> None:
        from asapfill.webhooks.listener import CannotListen, Listener  # noqa: PLC0415  not without events

        self._tried = self._clock.monotonic()
        listener = Listener(where, self._keys, self._tally, self._took)
        try:
            listener.start()
        except CannotListen as error:
            if str(error) != self._failure:
                log.error("events.not_listening %s", error)  # noqa: TRY400  a sentence for a person
            self._failure = str(error)
            keep_listen_failure(self._store, ListenFailure(error.code, str(error)))
            return
        self._listener, self._failure = listener, ""
        keep_listen_failure(self._store, None)
        log.info("events.listening host=%s port=%d offices=%d", where.host, where.port, len(self._keys))

    def _took(self, office: str, hint: Hint) -> None:
        """A delivery has come. After three days without one, some were lost perhaps."""
        before = self._tally.took(office)
        if before is not None and self._clock.now() - before > CATCH_UP:
            hint = every_day(self._clock.now().date(), hint.rows)
        log.debug("events.delivery office=%s rows=%d look=%s", office, hint.rows, bool(hint))
        if hint:
            self._on_delivery(office, hint)
