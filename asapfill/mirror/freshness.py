"""What is to be read again, and when: each part of what is known grows old at its own pace.

A part is *due* when it is as old as it may become, and *late* at twice that. Due parts are read after the cycle's own
work, a few requests at a time; late ones (after a pause, or never read) before anything is planned.

Here too: the office's clock beside ours, how far they are apart, and whether one of them was set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from asapfill.clock import Clock

DUE = 1.0
LATE = 2.0

NEAR_DAYS = 2
"""Today and tomorrow; see ``EVENING``."""

EVENING = timedelta(hours=6)
"""So long before midnight the next day counts as begun: midnight brings a new far day to be read, and should make no
other day late. Today stays near."""

MOST_PER_CYCLE = 3
"""Requests of a cycle in which nothing happens; a long list may take one more."""


class Part(NamedTuple):
    """Something that is read in one go. ``key``: the day, the name of a list, a ClinicNum."""

    kind: str
    key: date | str = ""


APPOINTMENTS, SCHEDULES, NAMES, PREFERENCE, ASAP_LIST = "appointments", "schedules", "names", "preference", "asap"
OFFERS, ALL_OFFERS, DELETIONS, RECALLS = Part("offers"), Part("all offers"), Part("deletions"), Part("recalls")
CHANGES = Part("changes")

_DAYS: Mapping[str, tuple[timedelta, timedelta]] = {
    # Bookings and moves come by time stamp in every cycle, most deletions by the history.
    APPOINTMENTS: (timedelta(minutes=15), timedelta(minutes=90)),
    SCHEDULES: (timedelta(minutes=5), timedelta(minutes=30)),
}
"""How old the rows of near and of far days may become."""

_KINDS: Mapping[str, timedelta] = {
    NAMES: timedelta(hours=24),
    PREFERENCE: timedelta(hours=24),
    # Who leaves the list is seen at once, and who comes as soon as the appointment changes.
    ASAP_LIST: timedelta(hours=1),
    # Today's and yesterday's; while patients may be answering, in each cycle.
    OFFERS.kind: timedelta(minutes=10),
    ALL_OFFERS.kind: timedelta(hours=1),
    DELETIONS.kind: timedelta(minutes=5),
}

_LISTS: Mapping[Part, timedelta] = {
    # What is hidden or closed there must not be offered for a day longer.
    Part(NAMES, "operatories"): timedelta(hours=1),
    Part(NAMES, "blockout_types"): timedelta(hours=1),
    # About a thousand rows: read once, then one preference after the other.
    Part(NAMES, "preferences"): timedelta.max,
}

_BY_DAY, _BY_NIGHT = timedelta(minutes=10), timedelta(minutes=2)
_NIGHT = (20, 6)
"""Hours between which most offices are closed: the recall table is read faster then."""


def kept_for(part: Part, wall: datetime) -> timedelta:
    """How old a part may become. ``wall``: the office's clock."""
    if part.kind in _DAYS and isinstance(part.key, date):
        near = -1 <= (part.key - (wall + EVENING).date()).days < NEAR_DAYS
        return _DAYS[part.kind][0 if near else 1]
    if part == RECALLS:
        return _BY_NIGHT if wall.hour >= _NIGHT[0] or wall.hour < _NIGHT[1] else _BY_DAY
    return _LISTS.get(part) or _KINDS[part.kind]


@dataclass(slots=True)
class Freshness:
    """When each part was last read (aware)."""

    read_at: dict[Part, datetime] = field(default_factory=dict)

    def lateness(self, part: Part, now: datetime, kept: timedelta) -> float:
        """Age over the age it may have; infinite when never read, invalidated, or read at a time still to come."""
        read = self.read_at.get(part)
        return math.inf if read is None or read > now else (now - read) / kept

    def invalidate(self, parts: Iterable[Part]) -> None:
        """These are to be read again at once."""
        for part in list(parts):
            self.read_at.pop(part, None)

    def note(self, parts: Iterable[Part], now: datetime) -> None:
        """These were read at ``now``."""
        for part in parts:
            self.read_at[part] = now

    def keep(self, parts: Collection[Part]) -> None:
        """Forget parts that are not read any more: days gone by, clinics that are not served."""
        for part in self.read_at.keys() - set(parts):
            del self.read_at[part]


def stretch(day: date, last: date, rows: Mapping[date, int], most: int, wanted: Callable[[date], bool]) -> date:
    """The last day that can be read together with ``day``: following days that are wanted soon too, as long as about
    ``most`` rows come together. ``rows``: how many a day had; the days never read have none.
    """
    total, end = rows.get(day, 0), day
    while end < last:
        following = end + timedelta(days=1)
        total += rows.get(following, 0)
        if total > most or not wanted(following):
            break
        end = following
    return end


WAS_SET = timedelta(minutes=1)
"""A clock that is further from where it should be was set, or the time zone is another one now."""


@dataclass(slots=True)
class OfficeClock:
    """What is known of the office's clock in one cycle.

    ``began`` and ``wall``: our clock (aware) and the office's at the cycle's beginning. ``skew``: the office's clock
    minus ours, as last measured.
    """

    clock: Clock
    began: datetime | None = None
    wall: datetime = datetime.min
    skew: timedelta | None = None
    _monotonic: float = 0.0
    """The monotonic clock at ``began``."""

    def begin(self, wall: datetime) -> bool:
        """It is ``wall`` by the office's clock as we reckon: by our clock and the policy's time zone.

        Either may have been set since the last time: returns whether one was. What was measured moves along until it is
        measured anew; at the hour when daylight saving begins or ends, both clocks jump.
        """
        monotonic = self.clock.monotonic()
        jump = timedelta(0)
        if self.began is not None:
            jump = wall - (self.wall + timedelta(seconds=monotonic - self._monotonic))
            if self.skew is not None:
                self.skew -= jump
        self.began, self.wall, self._monotonic = self.clock.now(), wall, monotonic
        return abs(jump) > WAS_SET

    def measure(self, server_time: datetime | None) -> None:
        """An answer has come that tells the office's time, or does not (None)."""
        if server_time is not None and self.began is not None:
            passed = timedelta(seconds=self.clock.monotonic() - self._monotonic)
            self.skew = server_time - (self.wall + passed)
