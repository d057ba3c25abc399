"""Reading an office part by part: which question brings each, what its answer changes, and which part is next.

How old each may become is in ``freshness``; what the rest of asapfill asks of an office is in ``mirror``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from asapfill.clock import Clock
from asapfill.core.rows import AsapComm, HistAppointment, Row
from asapfill.core.values import supports
from asapfill.mirror.changes import MOST_HISTORIES, Changes, Place, vacated, went_back
from asapfill.mirror.freshness import (
    ALL_OFFERS,
    APPOINTMENTS,
    ASAP_LIST,
    CHANGES,
    DELETIONS,
    DUE,
    NAMES,
    OFFERS,
    PREFERENCE,
    RECALLS,
    SCHEDULES,
    Freshness,
    OfficeClock,
    Part,
    kept_for,
    stretch,
)
from asapfill.mirror.known import Known, span
from asapfill.mirror.memory import Remembered
from asapfill.mirror.names import LISTS, NEVER_EMPTY, PREFERENCES, Lists, Names, fetch_list, optional
from asapfill.mirror.patients import Patients
from asapfill.mirror.recalls import Sweep, replace_patient
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotFound
from asapfill.opendental.paging import Listing

Item = TypeVar("Item", bound=Row)
log = logging.getLogger(__name__)

BACKWARDS = timedelta(minutes=5)
"""An office's clock that goes back by more makes everything unsure: it was restored, or changed to winter time."""

BETWEEN_RESTORES = timedelta(hours=1)
"""Everything is read anew at most so often: an office whose stamps never fit must not be read all day."""

WEEK = 8
"""AsapComms of so many days are read at least: a week's texts count, and one day for clocks."""

RECENT = timedelta(days=1)
"""Offers made since yesterday are read while patients may be answering."""

_PURPOSES = {ALL_OFFERS.kind: OFFERS.kind, PREFERENCE: NAMES}
"""What is counted under another name than its own."""


@dataclass(slots=True)
class Reader:
    """What was read of an office so far, and how to read more of it.

    ``known``: the rows. ``time``: the office's clock. ``offer_days``: AsapComms of so many days count.
    """

    client: OpenDental
    clock: Clock
    time: OfficeClock = field(init=False)
    known: Known = field(default_factory=Known)
    freshness: Freshness = field(default_factory=Freshness)
    offer_days: int = WEEK
    lists: Lists = field(default_factory=Lists)
    _changes: Changes = field(default_factory=Changes)
    _deletions: tuple[HistAppointment, ...] = ()
    _sweep: Sweep = field(default_factory=Sweep)
    _problems: dict[Part, tuple[str, ...]] = field(default_factory=dict)
    """Rows that could not be read, by part."""
    _news: bool = True
    """Something changed since ``take_news`` was asked."""
    _restored: datetime | None = None
    """When everything was last read anew because the office is another one than we knew."""

    def __post_init__(self) -> None:
        """Both clocks are one until an answer tells otherwise."""
        self.time = OfficeClock(self.clock)

    # What is known

    @property
    def problems(self) -> list[str]:
        """A sentence for each row that could not be read when it was last met."""
        return list(dict.fromkeys(sentence for part in self._problems.values() for sentence in part))

    def take_news(self) -> bool:
        """Whether something changed since this was last asked."""
        news, self._news = self._news, False
        return news

    def has(self, item: str) -> bool:
        """Whether this office's version can do ``item`` (see ``values``)."""
        return supports(self.lists.version, item)

    def remember(self, remembered: Remembered) -> None:
        """Begin with what was known when the last process ended."""
        self._changes.up_to = remembered.changed_since
        self.freshness.read_at = remembered.read_at
        self.known.roll(remembered.first, remembered.last)
        for kind, rows in self.known.numbered().items():
            rows.remember(remembered.rows[kind])
        self.lists.remember(remembered.lists)

    def to_remember(self, patients: Patients) -> Remembered | None:
        """What is to be written of it, but for the rows; None before the first cycle."""
        if self.time.began is None:
            return None
        first, last = self.known.appointments.first, self.known.appointments.last
        return Remembered(first, last, self._changes.up_to, self.freshness.read_at, {}, self.lists.rows, patients)

    # What is to be known, and when

    def begin(self, wall: datetime) -> None:
        """A cycle begins; see ``OfficeClock.begin``. If a clock was set, rows that tell the office's are read again."""
        if self.time.begin(wall):
            self.freshness.invalidate([Part(APPOINTMENTS, self.known.appointments.next_busy_day(wall.date()))])

    def roll(self, first: date, last: date, asap_clinics: tuple[str, ...]) -> None:
        """These days and ASAP lists are to be known from now on; see ``Known``."""
        if (first, last) != (self.known.appointments.first, self.known.appointments.last):
            self._news = True
            self.known.roll(first, last)
        self.known.asap_clinics = asap_clinics
        parts = self._parts()
        self.freshness.keep(parts)
        self._problems = {part: told for part, told in self._problems.items() if part in {*parts, CHANGES}}

    def _parts(self) -> list[Part]:
        """Everything that is to be known now, in the order in which it is read when nothing is."""
        days = self.known.appointments.days()
        parts = [Part(NAMES, name) for name in LISTS] + [Part(PREFERENCE, name) for name in sorted(PREFERENCES)]
        parts += [Part(APPOINTMENTS, day) for day in days] + [Part(SCHEDULES, day) for day in days]
        parts += [*self._asap_lists(), ALL_OFFERS, OFFERS]
        if self.has("recalls") and self.has("asapcomms POST recallNum"):
            parts.append(RECALLS)
        return [*parts, DELETIONS] if self.has("histappointments") else parts

    def _asap_lists(self) -> list[Part]:
        return [Part(ASAP_LIST, clinic) for clinic in self.known.asap_clinics]

    def invalidate(self, days: Iterable[date], appointments: Iterable[int]) -> None:
        """Something changed on these days, or these AptNums changed or were deleted: read before the next plan."""
        self.freshness.invalidate(Part(kind, day) for day in days for kind in (APPOINTMENTS, SCHEDULES))
        # What only changed has just been read.
        self._invalidate_appointments(set(appointments) - self._changes.rows.keys())

    def invalidate_asap_lists(self, older_than: timedelta) -> None:
        """The ASAP lists are to be read again, where that was not done lately."""
        now = self.clock.now()
        late = [part for part in self._asap_lists() if self.freshness.lateness(part, now, older_than) >= DUE]
        self.freshness.invalidate(late)

    def catch_up(self, late: float, most: float = math.inf) -> None:
        """Read what is at least so late, the latest first, until the client has made ``most`` requests in all."""
        while True:
            parts = [part for part in self._parts() if self._cost(part) <= most - self.client.request_total]
            now = self.clock.now()
            part = max(parts, key=lambda part: self.lateness(part, now), default=None)
            if part is None or self.lateness(part, now) < late:
                return
            self.read(part)

    def _cost(self, part: Part) -> int:
        """Requests that reading a part takes, by what it had the last time."""
        if part.kind not in {ASAP_LIST, ALL_OFFERS.kind}:
            return 1
        rows = self.known.asap.rows if part.kind == ASAP_LIST else self.known.asapcomms.rows
        return 1 + len(rows) // self.client.page_rows

    def lateness(self, part: Part, now: datetime | None = None) -> float:
        """The age of a part over the age that it may have. ``now``: when many parts are asked about at once."""
        return self.freshness.lateness(part, now or self.clock.now(), kept_for(part, self.time.wall))

    def read(self, part: Part) -> None:
        """Read one part, and of days those around it that are wanted soon and fit on the same page."""
        began = self.clock.now()
        if part.kind in {APPOINTMENTS, SCHEDULES} and isinstance(part.key, date):
            days = self.known.appointments if part.kind == APPOINTMENTS else self.known.schedules
            wanted = lambda day: self.lateness(Part(part.kind, day), began) >= DUE / 2  # noqa: E731  as short as it is used
            end = stretch(part.key, days.last, days.counts(), self.client.page_rows * 9 // 10, wanted)
            with self.client.purpose(part.kind):
                self.read_days(part.kind, part.key, end)
            return
        # Something may have changed also when a later request of the same part fails.
        news = True
        try:
            with self.client.purpose(_PURPOSES.get(part.kind, part.kind)):
                news = self._readers()[part.kind](part)
        finally:
            self._news |= news
        self.freshness.note([part, OFFERS] if part == ALL_OFFERS else [part], began)

    @property
    def is_new(self) -> bool:
        """Whether nothing was read or remembered yet."""
        return not self.lists.rows

    def read_names(self, now: datetime, kept: timedelta | None) -> Names:
        """The office's lists and preferences; those older than ``kept``, or never read, are read first."""
        for name in LISTS:
            part = Part(NAMES, name)
            old = kept is not None and name != "preferences" and self.freshness.lateness(part, now, kept) >= DUE
            if old or name not in self.lists.rows:
                self.read(part)
        return self.lists.known_names()

    def _readers(self) -> dict[str, Callable[[Part], bool]]:
        return {
            NAMES: self._read_list,
            PREFERENCE: self._read_preference,
            ASAP_LIST: self._read_asap,
            OFFERS.kind: self._read_offers,
            ALL_OFFERS.kind: self._read_offers,
            RECALLS.kind: self._read_recalls,
            DELETIONS.kind: self._read_deletions,
        }

    def _read_list(self, part: Part) -> bool:
        name = str(part.key)
        fetch = partial(fetch_list, self.client, name, self.lists.version)
        doubtful = bool(self.lists.rows.get(name)) or name in NEVER_EMPTY
        rows = self._noted(part, self._sure(fetch, doubtful=doubtful))
        if name == "preferences":
            self.freshness.note((Part(PREFERENCE, wanted) for wanted in PREFERENCES), self.clock.now())
        return self.lists.take(name, rows)

    def _read_preference(self, part: Part) -> bool:
        name = str(part.key)
        return self.lists.take_preference(name, self.client.preference(name))

    def read_days(self, kind: str, first: date, last: date) -> None:
        """Read what lies on these days; nothing where we know of something is asked twice."""
        began = self.clock.now()
        known = self.known.appointments if kind == APPOINTMENTS else self.known.schedules
        counts = known.counts()
        doubtful = any(counts[day] for day in span(first, last)) or last - first > timedelta(days=6)
        ask = self.client.appointments if kind == APPOINTMENTS else self.client.schedules
        listing: Listing[Any] = self._sure(partial(ask, date_start=first, date_end=last), doubtful=doubtful)
        rows = self._noted(Part(kind, first), listing)
        if kind == APPOINTMENTS:
            if self._changes.up_to is None:
                self._changes.up_to = listing.server_time
            if went_back(self.known.appointments.numbered.rows, rows):
                self._read_all_anew()
        if known.replace(rows, first, last):
            self._news = True
        self.freshness.note((Part(kind, day) for day in span(first, last)), began)

    def read_changes(self) -> None:
        """What changed since the last time, wherever it lies now; all days anew where that cannot be told."""
        before = self._changes.up_to
        if before is None or not self._changes.can_tell(self.time.wall + (self.time.skew or timedelta(0))):
            self._changes.up_to = None
            self.freshness.invalidate(Part(APPOINTMENTS, day) for day in self.known.appointments.days())
            return
        since = self._changes.ask_since(self.time.wall, self.known.appointments)
        with self.client.purpose(APPOINTMENTS):
            listing = self.client.appointments(date_t_stamp=since)
        rows = [row for row in self._noted(CHANGES, listing) if self._changes.rows.get(row.apt_num) != row]
        if went_back(self.known.appointments.numbered.rows, rows):
            self._read_all_anew()
        if [row for row in rows if self.known.changed(row)]:
            self.freshness.invalidate(self._asap_lists())
        if rows:
            self._news = True
        self._changes.take(listing.rows, since)
        if listing.server_time is not None:
            self._changes.up_to = listing.server_time
            if listing.server_time < before - BACKWARDS:
                self._read_all_anew()

    def _invalidate_appointments(self, numbers: Iterable[int]) -> None:
        """The days on which we know these appointments are to be read again; those on the ASAP list have that read."""
        numbers = list(numbers)
        days = {self.known.appointments.day(number) for number in numbers}
        self.freshness.invalidate(Part(APPOINTMENTS, day) for day in days if day is not None)
        if any(number in self.known.asap for number in numbers):
            self.freshness.invalidate(self._asap_lists())

    def _read_all_anew(self) -> None:
        """The office is another one than we knew: everything is read anew before the next plan."""
        now = self.clock.now()
        if self._restored is not None and timedelta(0) <= now - self._restored < BETWEEN_RESTORES:
            return
        log.warning("mirror.office_went_back office=%s", self.client.name)
        self._restored = now
        self._sweep = Sweep()
        self.freshness.read_at.clear()

    def _read_asap(self, part: Part) -> bool:
        clinic = int(str(part.key)) if part.key else None
        ask = partial(self.client.asap_appointments, clinic)
        rows = self._noted(part, self._sure(ask, doubtful=bool(self.known.asap.rows)))
        served = {int(key) for key in self.known.asap_clinics if key}
        return self.known.asap.replace(
            rows, lambda row: clinic is None or row.clinic_num == clinic or row.clinic_num not in served
        )

    def _read_offers(self, part: Part) -> bool:
        """The offers made lately, or on all days that count. The end is given: Open Dental's default hides today's."""
        today = self.time.wall.date()
        first = today - (RECENT if part == OFFERS else timedelta(days=self.offer_days))
        known = self.known.asapcomms

        def among(row: AsapComm) -> bool:
            return row.date_time_entry is None or row.date_time_entry.date() >= first or part == ALL_OFFERS

        ask = partial(self.client.asapcomms, date_start=first, date_end=today + timedelta(days=2))
        listing = self._sure(ask, doubtful=any(among(row) for row in known))
        return known.replace(self._noted(part, listing), among)

    def _read_recalls(self, part: Part) -> bool:
        """The next page of the table; all of it when it was never read, going on where that was interrupted."""
        first = part not in self.freshness.read_at
        if first != self._sweep.whole:
            self._sweep = Sweep(whole=first)

        def note(problems: tuple[str, ...]) -> None:
            self._problems[part] = problems

        return self._sweep.read_on(self.client, self.known.recalls, note)

    def _read_deletions(self, part: Part) -> bool:
        """Deleted appointments of the days ahead. What we know of them is read again; the history is only a hint."""
        listing: Listing[HistAppointment] = optional(
            partial(
                self.client.hist_appointments,
                action="Deleted",
                date_start=self.known.appointments.first,
                date_end=self.known.appointments.last,
            ),
            "histappointments",
            None,
        )
        before = {row.hist_appt_num for row in self._deletions}
        self._deletions = self._noted(part, listing)
        self._invalidate_appointments(row.apt_num for row in self._deletions if row.hist_appt_num not in before)
        return False

    def read_appointment(self, number: int) -> None:
        """One ASAP appointment; one that is gone leaves the list."""
        try:
            row = self.client.appointment(number)
        except NotFound:
            self.known.appointments.drop(number)
            self.known.asap.drop(number)
        else:
            self.known.appointments.put(row)
            if number in self.known.asap:
                self.known.asap.put(row)
        self._news = True

    def read_recalls_of(self, patient: int) -> None:
        """One patient's recalls."""
        replace_patient(self.known.recalls, patient, self.client.recalls(pat_num=patient).rows)
        self._news = True

    def vacated_since(self, moment: datetime) -> list[Place]:
        """Places that appointments held before they were moved or deleted since ``moment`` (naive office time).

        Read from the appointments' history; offices older than 23.1.30 have none, and blockouts leave no trace.
        """
        if not self.has("histappointments"):
            return []
        if self.lateness(DELETIONS) >= DUE:
            self.read(DELETIONS)
        with self.client.purpose("history"):
            changed = self._changes.after(moment)
            if changed is None:
                changed = list(self.client.appointments(date_t_stamp=moment).rows)
            traced: list[HistAppointment] = []
            for row in changed[:MOST_HISTORIES]:
                traced += self.client.hist_appointments(apt_num=row.apt_num).rows
        return vacated(self._deletions, changed, traced, moment)

    def _sure(self, read: Callable[[], Listing[Item]], *, doubtful: bool) -> Listing[Item]:
        """A listing; one that is empty against expectation is asked for once more."""
        listing = read()
        return listing if listing.rows or not doubtful else read()

    def _noted(self, part: Part, listing: Listing[Item]) -> tuple[Item, ...]:
        """The rows of a listing; what could not be read and the office's clock are noted on the way."""
        self._problems[part] = listing.problems
        self.time.measure(listing.server_time)
        return listing.rows
