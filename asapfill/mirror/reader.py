"""Reading the parts of what is known of an office: which question brings each, and what its answer changes.

When a part is read is for ``mirror`` and ``turns``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from asapfill.clock import Clock
from asapfill.core.rows import Appointment, AsapComm, HistAppointment, Preference, Row
from asapfill.core.values import supports
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
    Part,
    Turns,
    kept_for,
    stretch,
)
from asapfill.mirror.known import Known, newest_stamp, span, went_back
from asapfill.mirror.names import LISTS, NEVER_EMPTY, PREFERENCES, Names, fetch_list, log_names, names_of, optional
from asapfill.mirror.recalls import Sweep
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotFound, NotOpenDental, TooOld
from asapfill.opendental.paging import MOST_PAGES, Listing

Item = TypeVar("Item", bound=Row)
log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=2)
"""How far before the last reading changed appointments are asked for again: rows are stamped when a change begins."""

MOST_NEWEST = 20
"""Rows that changed last; more of them (a bulk change) are not asked for again in each cycle."""

BACKWARDS = timedelta(minutes=5)
"""An office's clock that goes back by more makes everything doubtful: it was restored, or changed to winter time."""

BETWEEN_DOUBTS = timedelta(hours=1)
"""Everything is doubted at most so often: an office whose stamps never fit must not be read all day."""

WEEK = 8
"""AsapComms of so many days are read at least: a week's texts count, and one day for clocks."""

SET = timedelta(minutes=1)
"""A clock that is further from where it should be was set, or the time zone is another one now."""

RECENT = timedelta(days=1)
"""Offers made since yesterday are read while patients may be answering."""

_PURPOSES = {ALL_OFFERS.kind: OFFERS.kind, PREFERENCE: NAMES}
"""What is counted under another name than its own."""


@dataclass(slots=True)
class Reader:
    """What was read of an office so far, and how to read more of it.

    ``began`` and ``wall``: our clock (aware) and the office's at the beginning of this cycle. ``offer_days``: AsapComms
    of so many days count. ``news``: something changed since somebody last looked and set it back. ``skew``: the
    office's clock minus ours, as last measured. ``problems``: rows that could not be read, by part.
    """

    client: OpenDental
    clock: Clock
    known: Known = field(default_factory=Known)
    turns: Turns = field(default_factory=Turns)
    lists: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    names: Names | None = None
    began: datetime | None = None
    wall: datetime = datetime.min
    offer_days: int = WEEK
    changed_since: datetime | None = None
    changes: dict[int, Appointment] = field(default_factory=dict)
    changes_from: datetime | None = None
    deletions: tuple[HistAppointment, ...] = ()
    problems: dict[Part, tuple[str, ...]] = field(default_factory=dict)
    skew: timedelta | None = None
    news: bool = True
    _complete: bool = False
    """Whether every list was read at least once."""
    _ticks: float = 0.0
    """The monotonic clock at ``began``."""
    _newest: datetime | None = None
    _sweep: Sweep = field(default_factory=Sweep)
    _doubted: datetime | None = None

    def begin(self, wall: datetime) -> None:
        """It is ``wall`` by the office's clock as we reckon: by our clock and the policy's time zone.

        Either may have been set since the last time. What was measured moves along, and is measured anew as soon as
        rows come that tell the office's clock: at the hour when daylight saving begins or ends, both clocks jump.
        """
        ticks = self.clock.monotonic()
        if self.began is not None:
            jump = wall - (self.wall + timedelta(seconds=ticks - self._ticks))
            if self.skew is not None:
                self.skew -= jump
            if abs(jump) > SET:
                self.turns.doubt([Part(APPOINTMENTS, self._busy_day(wall.date()))])
        self.began, self.wall, self._ticks = self.clock.now(), wall, ticks

    def _busy_day(self, today: date) -> date:
        """The next day with appointments, as far as known: their rows tell the office's clock."""
        counts = self.known.appointments.counts()
        return min((day for day, rows in counts.items() if rows and day >= today), default=today)

    def has(self, item: str) -> bool:
        """Whether this office's version can do ``item`` (see ``versions``)."""
        return supports(None if self.names is None else self.names.version, item)

    def lateness(self, part: Part, now: datetime | None = None) -> float:
        """The age of a part over the age that it may have. ``now``: when many parts are asked about at once."""
        return self.turns.lateness(part, now or self.clock.now(), kept_for(part, self.wall))

    def read(self, part: Part) -> None:
        """Read one part, and of days those around it that are wanted soon and fit on the same page."""
        began = self.clock.now()
        if part.kind in {APPOINTMENTS, SCHEDULES} and isinstance(part.key, date):
            days = self.known.appointments if part.kind == APPOINTMENTS else self.known.schedules
            wanted = lambda day: self.lateness(Part(part.kind, day), began) >= DUE / 2  # noqa: E731  as short as it is used
            end = stretch(
                part.key, self.known.appointments.last, days.counts(), self.client.page_rows * 9 // 10, wanted
            )
            with self.client.purpose(part.kind):
                self.read_days(part.kind, part.key, end)
            return
        # Something may have changed also when a later request of the same part fails.
        news = True
        try:
            with self.client.purpose(_PURPOSES.get(part.kind, part.kind)):
                news = self._readers()[part.kind](part)
        finally:
            self.news |= news
        self.turns.note([part, OFFERS] if part == ALL_OFFERS else [part], began)

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
        fetch = partial(fetch_list, self.client, name, None if self.names is None else self.names.version)
        doubtful = bool(self.lists.get(name)) or name in NEVER_EMPTY
        rows = self._noted(part, self._sure(fetch, doubtful=doubtful))
        if name == "preferences":
            self.turns.note((Part(PREFERENCE, wanted) for wanted in PREFERENCES), self.clock.now())
        return self._new_list(name, rows)

    def _read_preference(self, part: Part) -> bool:
        name = str(part.key)
        value = self.client.preference(name)
        others = [row for row in self.lists["preferences"] if row.pref_name != name]
        mine = [] if value is None else [Preference(pref_name=name, value_string=value)]
        return self._new_list("preferences", (*others, *mine))

    def _new_list(self, name: str, rows: tuple[Any, ...]) -> bool:
        """Take a list as it is now; whether that is news."""
        self.lists[name] = rows
        before, self.names = self.names, names_of(self.lists)
        complete = len(self.lists) == len(LISTS)
        if complete and (self.names != before or not self._complete):
            log_names(self.names)
        self._complete = complete
        return self.names != before

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
            if self.changed_since is None:
                self.changed_since = listing.server_time
            self._notice_restore(rows)
        if known.replace(rows, first, last):
            self.news = True
        self.turns.note((Part(kind, day) for day in span(first, last)), began)

    def read_changes(self, before: datetime) -> None:
        """What changed since ``before``, wherever it lies now.

        That is the office's own clock at the last reading; ours keeps it from running ahead when the office's goes
        back, as in the autumn night. What changed last is asked for again, because an empty list tells no time.
        """
        since = min(before, self.wall) - OVERLAP
        newest = self._newest or newest_stamp(self.known.appointments, MOST_NEWEST)
        if newest is not None:
            since = min(since, newest)
        with self.client.purpose(APPOINTMENTS):
            listing = self.client.appointments(date_t_stamp=since)
        rows = [row for row in self._noted(CHANGES, listing) if self.changes.get(row.apt_num) != row]
        self._notice_restore(rows)
        news = [row for row in rows if self.known.changed(row)]
        if news:
            self.turns.doubt(Part(ASAP_LIST, clinic) for clinic in self.known.asap_clinics)
        if rows:
            self.news = True
        self.changes, self.changes_from = {row.apt_num: row for row in listing.rows}, since
        self._newest = newest_stamp(listing.rows, MOST_NEWEST)
        if listing.server_time is not None:
            self.changed_since = listing.server_time
            if listing.server_time < before - BACKWARDS:
                self._doubt_everything()

    def doubt_appointments(self, numbers: Iterable[int]) -> None:
        """The days on which we know these appointments are to be read again; those on the ASAP list have that read."""
        numbers = list(numbers)
        days = {self.known.appointments.day(number) for number in numbers}
        self.turns.doubt(Part(APPOINTMENTS, day) for day in days if day is not None)
        if any(number in self.known.asap for number in numbers):
            self.turns.doubt(Part(ASAP_LIST, clinic) for clinic in self.known.asap_clinics)

    def _notice_restore(self, rows: Iterable[Appointment]) -> None:
        if went_back(self.known.appointments.numbered.rows, rows):
            self._doubt_everything()

    def _doubt_everything(self) -> None:
        """The office is another one than we knew: everything is read anew before the next plan."""
        now = self.clock.now()
        if self._doubted is not None and timedelta(0) <= now - self._doubted < BETWEEN_DOUBTS:
            return
        log.warning("mirror.office_went_back office=%s", self.client.name)
        self._doubted = now
        self._sweep = Sweep()
        self.turns.read_at.clear()

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
        today = self.wall.date()
        first = today - (RECENT if part == OFFERS else timedelta(days=self.offer_days))
        known = self.known.asapcomms

        def among(row: AsapComm) -> bool:
            return row.date_time_entry is None or row.date_time_entry.date() >= first or part == ALL_OFFERS

        ask = partial(self.client.asapcomms, date_start=first, date_end=today + timedelta(days=2))
        listing = self._sure(ask, doubtful=any(among(row) for row in known))
        return known.replace(self._noted(part, listing), among)

    def _read_recalls(self, part: Part) -> bool:
        """The next page of the table; all of it when it was never read, going on where that was interrupted."""
        first = part not in self.turns.read_at
        if first != self._sweep.whole:
            self._sweep = Sweep(whole=first)
        news = False
        try:
            for _ in range(MOST_PAGES):
                news |= self._read_recall_page(part)
                if not self._sweep.whole:
                    return news
        except (NotFound, TooOld) as error:
            log.info("office.list_missing %s", error)
            return news
        raise NotOpenDental(f"GET /recalls: the list did not end after {MOST_PAGES} pages. See what runs at the urls.")

    def _read_recall_page(self, part: Part) -> bool:
        page = self.client.recall_page(self._sweep.offset)
        if not page.rows and not self._sweep.offset:
            page = self.client.recall_page(0)
        self.problems[part] = page.problems
        return self._sweep.take(page, self.known.recalls, lambda patient: self.client.recalls(pat_num=patient).rows)

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
        before = {row.hist_appt_num for row in self.deletions}
        self.deletions = self._noted(part, listing)
        self.doubt_appointments(row.apt_num for row in self.deletions if row.hist_appt_num not in before)
        return False

    def _sure(self, read: Callable[[], Listing[Item]], *, doubtful: bool) -> Listing[Item]:
        """A listing; one that is empty against expectation is asked for once more."""
        listing = read()
        return listing if listing.rows or not doubtful else read()

    def _noted(self, part: Part, listing: Listing[Item]) -> tuple[Item, ...]:
        """The rows of a listing; what could not be read and the office's clock are noted on the way."""
        self.problems[part] = listing.problems
        if listing.server_time is not None and self.began is not None:
            passed = timedelta(seconds=self.clock.monotonic() - self._ticks)
            self.skew = listing.server_time - (self.wall + passed)
        return listing.rows
