"""Counting what comes to the listener: for ``status``, against floods of deliveries, and against floods of log lines.

Numbers and codes only: nothing of a delivery's content, and nothing of who sent what was refused.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from asapfill.clock import Clock

log = logging.getLogger(__name__)

NOBODY: Final = "-"
"""In the place of an office for what was sent to no office of ours."""

PER_MINUTE: Final = 120
"""Deliveries of one office that are taken in a minute. Three tables every 5 seconds make 36; more than one of the
office's computers may send them, and a catch-up comes in several."""
BURST: Final = 120

LOG_AGAIN: Final = 600.0
"""Seconds from one line about refusals of the same kind to the next."""

REASONS: Final = {
    "wrong_key": "the key was wrong",
    "no_office": "the path was that of no office",
    "method": "it was no POST",
    "too_large": "it was too large",
    "too_many": "there were too many",
    "garbage": "it was not what Open Dental posts",
    "broken_off": "it ended too early",
}
"""Why something is refused: code → words for a person."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What came for one office since the listener began. ``last``: when the last good delivery came (aware), also one
    before that; or None.
    """

    deliveries: int = 0
    rows: int = 0
    last: datetime | None = None
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Office:
    tokens: float = BURST
    filled: float = 0.0
    deliveries: int = 0
    rows: int = 0
    last: datetime | None = None
    refused: Counter[str] = field(default_factory=Counter)


class Tally:
    """The counts of all offices. Safe to share between threads."""

    def __init__(self, offices: Iterable[str], clock: Clock, lasts: Mapping[str, datetime] | None = None) -> None:
        """Begin to count. ``lasts``: when the last delivery of an office came before that (aware)."""
        self._clock = clock
        now, lasts = clock.monotonic(), lasts or {}
        self._offices = {office: _Office(filled=now, last=lasts.get(office)) for office in (*offices, NOBODY)}
        self._logged: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def admit(self, office: str) -> bool:
        """Whether one more delivery of an office may be taken now; asked once for each, after its key was right."""
        with self._lock:
            mine, now = self._offices[office], self._clock.monotonic()
            mine.tokens = min(BURST, mine.tokens + (now - mine.filled) * PER_MINUTE / 60)
            mine.filled = now
            if mine.tokens < 1:
                return False
            mine.tokens -= 1
            return True

    def took(self, office: str, rows: int) -> datetime | None:
        """Count a good delivery; returns when the one before came (aware), or None."""
        with self._lock:
            mine = self._offices[office]
            before, mine.last = mine.last, self._clock.now()
            mine.deliveries += 1
            mine.rows += rows
            return before

    def refused(self, office: str, reason: str) -> None:
        """Count a refusal, a code of REASONS, and log it unless that was done lately."""
        with self._lock:
            counted = self._offices[office].refused
            counted[reason] += 1
            now, times = self._clock.monotonic(), counted[reason]
            last = self._logged.get((office, reason))
            if last is not None and now - last[0] < LOG_AGAIN:
                return
            self._logged[office, reason] = (now, times)
            since = times - (last[1] if last else 0)
        log.warning("events.refused office=%s reason=%s times=%d", office, reason, since)

    def counts(self, office: str) -> Counts:
        """What came for an office so far; ``NOBODY``: what came for none."""
        with self._lock:
            mine = self._offices[office]
            return Counts(mine.deliveries, mine.rows, mine.last, dict(mine.refused))
