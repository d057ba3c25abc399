"""What the outside is told while the daemon works: metrics, pings, notices. Called around each tick."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from asapfill.alerts.metrics import MetricsFile
from asapfill.alerts.notifier import Notifier
from asapfill.alerts.pings import Pings
from asapfill.clock import Clock
from asapfill.settings.settings import Settings
from asapfill.store.database import Store


@dataclass(slots=True)
class Watchers:
    """Everybody who wants to know how the daemon is."""

    settings: Settings
    clock: Clock
    store: Store
    pings: Mapping[str, Pings]
    metrics: MetricsFile | None
    notifier: Notifier

    @classmethod
    def of(cls, settings: Settings, clock: Clock, store: Store) -> Watchers:
        """What the settings ask for. The notifier begins to look at once."""
        notifier = Notifier(settings, clock)
        notifier.start()
        return cls(
            settings,
            clock,
            store,
            {office.name: Pings(office.name, office.ping) for office in settings.offices.values() if office.ping},
            MetricsFile(settings.metrics) if settings.metrics is not None else None,
            notifier,
        )

    def tell(self) -> None:
        """Called again and again by the daemon's main thread: what is to be told of the cycles since."""
        if self.metrics is not None:
            self.metrics.write_when_due(self.settings, self.store, self.clock)

    def close(self) -> None:
        """Nobody is to be told anything more: other settings may take the place of these."""
        self.notifier.close()
        if self.metrics is not None and self.metrics.news.is_set():
            self.metrics.write(self.settings, self.store, self.clock)
        for pings in self.pings.values():
            pings.close()

    @contextmanager
    def tick(self, office: str, stop: threading.Event) -> Iterator[list[bool]]:
        """Around one tick. The block appends whether each of its clinics was served.

        Nothing appended, or an exception, counts as not served.
        A tick that ``stop`` cut short is no failure of the office: no ping tells of its end.
        """
        pings = self.pings.get(office)
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
            if self.metrics is not None:
                self.metrics.news.set()
