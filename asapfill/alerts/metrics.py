"""Metrics for Prometheus: a text file for the node exporter's textfile collector, written anew after cycles.

Numbers by office and clinic, nothing of patients. The file replaces the one before in one step, so that nobody reads
half of it; how old it is tells whether the daemon lives.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from asapfill import __version__
from asapfill.clock import Clock, SystemClock
from asapfill.core.offer import State
from asapfill.files import replace_file
from asapfill.settings.settings import Settings
from asapfill.store.cycles import Tick, last_ticks, totals
from asapfill.store.database import Store, StoreError
from asapfill.store.offices import EVERY_OFFICE, paused

log = logging.getLogger(__name__)

Sample = tuple[Mapping[str, object], float]

SHARE = 0.01
"""Of the time may be spent on writing this file."""

READABLE = 0o644
"""The node exporter is another user, and there is nothing in the file that it may not see."""


class MetricsFile:
    """The file that the settings name. Written by one thread; ``news`` may be set by any: a cycle has ended."""

    def __init__(self, path: Path, settings: Settings, store: Store, clock: Clock) -> None:
        self.path = path
        self.settings = settings
        self.store = store
        self.clock = clock
        self.news = threading.Event()
        self._broken = False
        self._not_before = 0.0

    def write_when_due(self) -> None:
        """Write if there is news, but no more often than costs ``SHARE`` of the time: offices may be many."""
        real = SystemClock()
        began = real.monotonic()
        if self.news.is_set() and began >= self._not_before:
            self.write()
            ended = real.monotonic()
            self._not_before = ended + (ended - began) / SHARE

    def write(self) -> None:
        """Write what is true now. A disk or state that refuses is told once in the log; it never stops the daemon."""
        self.news.clear()
        try:
            replace_file(self.path, metrics_text(self.settings, self.store, self.clock), READABLE)
        except (OSError, StoreError) as error:
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
