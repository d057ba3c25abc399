"""What the outside is told while the daemon works: the watchdog's rounds, metrics, pings. Called around each tick."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from asapfill.clock import Clock
from asapfill.service.metrics import MetricsFile
from asapfill.service.pings import Pings
from asapfill.service.rounds import Rounds
from asapfill.settings import Settings
from asapfill.store.database import Store


@dataclass(slots=True)
class Watching:
    """Everybody who wants to know how the daemon is."""

    settings: Settings
    clock: Clock
    store: Store
    rounds: Rounds
    pings: Mapping[str, Pings]
    metrics: MetricsFile | None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Settings, clock: Clock, store: Store) -> Watching:
        """What the settings ask for."""
        return cls(
            settings,
            clock,
            store,
            Rounds(settings.offices),
            {office.name: Pings(office.name, office.ping) for office in settings.offices.values() if office.ping},
            MetricsFile(settings.metrics) if settings.metrics is not None else None,
        )

    def close(self) -> None:
        """Nobody is to be told anything more: other settings may take the place of these."""
        for pings in self.pings.values():
            pings.close()

    @contextmanager
    def tick(self, office: str, stop: threading.Event) -> Iterator[list[bool]]:
        """Around one tick. The block appends whether each of its clinics was served.

        Nothing appended, or an exception, counts as not served; the watchdog counts only a tick that ended by itself.
        A tick that ``stop`` cut short is no failure of the office: no ping tells of its end.
        """
        pings = self.pings.get(office)
        if pings is not None:
            pings.started()
        served: list[bool] = []
        try:
            yield served
            self.rounds.finished(office)
        except BaseException:
            served.append(False)
            raise
        finally:
            if pings is not None and not stop.is_set():
                pings.ended(ok=bool(served) and all(served))
            if self.metrics is not None:
                with self._lock:
                    self.metrics.write(self.settings, self.store, self.clock)
