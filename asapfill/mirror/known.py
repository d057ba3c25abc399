"""The rows of one office as last read. Pure: no requests, no database, no clock.

Each collection remembers which of its rows changed since it was last saved, so that little has to be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Generic, TypeVar

from asapfill.core.rows import ASAP, Appointment, AptStatus, AsapComm, Recall, Row, Schedule

R = TypeVar("R", bound=Row)
Dated = TypeVar("Dated", bound=Row)

_ON_THE_LIST = frozenset({AptStatus.SCHEDULED, AptStatus.UNSCHEDULED, AptStatus.PLANNED, AptStatus.BROKEN})
"""Statuses with which Open Dental shows an appointment on the ASAP list."""


class Numbered(Generic[R]):
    """Rows by their primary keys; rows without a legible one are kept beside them."""

    def __init__(self) -> None:
        self.rows: dict[int, R] = {}
        self.odd: list[R] = []
        self._touched: set[int] = set()

    def __iter__(self) -> Iterator[R]:
        yield from self.rows.values()
        yield from self.odd

    def __contains__(self, number: int) -> bool:
        return number in self.rows

    def put(self, row: R) -> bool:
        """Keep a row as it is now; whether that is news."""
        if not row.number:
            if row in self.odd:
                return False
            self.odd.append(row)
            return True
        if self.rows.get(row.number) == row:
            return False
        self.rows[row.number] = row
        self._touched.add(row.number)
        return True

    def drop(self, number: int) -> bool:
        """Forget a row; whether it was known."""
        if self.rows.pop(number, None) is None:
            return False
        self._touched.add(number)
        return True

    def replace(self, rows: Iterable[R], among: Callable[[R], bool]) -> bool:
        """``rows`` are all that there are now of those for which ``among`` holds; whether that is news."""
        rows = list(rows)
        found = {row.number for row in rows}
        news = [self.drop(number) for number in [n for n, row in self.rows.items() if among(row) and n not in found]]
        stay = [row for row in self.odd if not among(row)]
        odd = [row for row in rows if not row.number and row not in stay]
        news.append([*stay, *odd] != self.odd)
        self.odd = [*stay, *odd]
        news += [self.put(row) for row in rows if row.number]
        return any(news)

    def changes(self) -> dict[int, R | None]:
        """What is to be written: rows as they are now, None for those that are gone or could not be read whole."""
        found = {number: self.rows.get(number) for number in self._touched}
        return {number: None if row is None or row.unreadable else row for number, row in found.items()}

    def saved(self) -> None:
        """What ``changes`` told is written."""
        self._touched.clear()

    def remember(self, rows: Mapping[int, R]) -> None:
        """Begin with what was written before."""
        self.rows = dict(rows)

    def whole(self) -> bool:
        """Whether every row could be read, so that what was written is all that is known."""
        return not self.odd and not any(row.unreadable for row in self.rows.values())


class Days(Generic[Dated]):
    """Rows that lie on days: all of those from ``first`` to ``last``, and no others.

    A row whose day cannot be read is kept until each of the days on which it may lie has been read without it.
    """

    def __init__(self, day_of: Callable[[Dated], date | None], column: str) -> None:
        self.numbered: Numbered[Dated] = Numbered()
        self.first = date.min
        self.last = date.min
        self._day_of = day_of
        self._column = column
        self._odd: list[tuple[Dated, set[date]]] = []

    def __iter__(self) -> Iterator[Dated]:
        yield from self.numbered
        yield from (row for row, _ in self._odd)

    def days(self) -> list[date]:
        """Every day from ``first`` to ``last``."""
        return span(self.first, self.last)

    def day(self, number: int) -> date | None:
        """The day on which a row lies; None when it is not known."""
        row = self.numbered.rows.get(number)
        return None if row is None else self._day_of(row)

    def counts(self) -> Counter[date]:
        """Rows by day."""
        return Counter(day for row in self.numbered.rows.values() if (day := self._day_of(row)) is not None)

    def next_busy_day(self, today: date) -> date:
        """The first day from ``today`` on that has rows, as far as known; today where there is none."""
        return min((day for day, rows in self.counts().items() if rows and day >= today), default=today)

    def roll(self, first: date, last: date) -> bool:
        """Other days count from now on; whether rows were forgotten."""
        self.first, self.last = first, last
        self._odd = [(row, left) for row, days in self._odd if (left := days & set(self.days()))]
        return self.numbered.replace((), lambda row: not self._inside(row))

    def put(self, row: Dated) -> bool:
        """A row as it is now, wherever it lay before; whether that is news."""
        if row.number and self._day_of(row) is not None:
            self._forget_odd(row)
            return self.numbered.put(row) if self._inside(row) else self.numbered.drop(row.number)
        if row.number and self._column not in row.unreadable:
            return self.numbered.drop(row.number)
        before = [known for known, _ in self._odd]
        self._remember_odd(row, self.days())
        gone = self.numbered.drop(row.number)
        return gone or row not in before

    def drop(self, number: int) -> bool:
        """A row is gone; whether it was known."""
        return self.numbered.drop(number)

    def replace(self, rows: Iterable[Dated], first: date, last: date) -> bool:
        """What lies on these days now is all that lies there; whether that is news."""
        rows = list(rows)
        read = set(span(first, last))
        before = [row for row, _ in self._odd]
        self._odd = [(row, left) for row, days in self._odd if (left := days - read)]
        for row in rows:
            if row.number and self._day_of(row) is not None:
                self._forget_odd(row)
            else:
                self._remember_odd(row, read)
        dated = [row for row in rows if row.number and self._inside(row)]
        news = self.numbered.replace(dated, lambda row: self._day_of(row) in read)
        return news or before != [row for row, _ in self._odd]

    def unkept(self) -> set[date]:
        """Days with rows that could not be read whole: what is written about them is not all that is known."""
        whole = {day for _, days in self._odd for day in days}
        bad = {self._day_of(row) for row in self.numbered.rows.values() if row.unreadable}
        return whole | {day for day in bad if day is not None}

    def _inside(self, row: Dated) -> bool:
        day = self._day_of(row)
        return day is not None and self.first <= day <= self.last

    def _forget_odd(self, row: Dated) -> None:
        self._odd = [(known, days) for known, days in self._odd if known.number != row.number]

    def _remember_odd(self, row: Dated, days: Iterable[date]) -> None:
        self._odd = [(known, left) for known, left in self._odd if known != row and known.number != (row.number or -1)]
        self._odd.append((row, set(days)))


@dataclass(slots=True)
class Known:
    """Everything that is known of one office's days, lists and offers; patients and names are elsewhere."""

    appointments: Days[Appointment] = field(default_factory=lambda: Days(_appointment_day, "AptDateTime"))
    schedules: Days[Schedule] = field(default_factory=lambda: Days(_schedule_day, "SchedDate"))
    asap: Numbered[Appointment] = field(default_factory=Numbered)
    recalls: Numbered[Recall] = field(default_factory=Numbered)
    asapcomms: Numbered[AsapComm] = field(default_factory=Numbered)
    asap_clinics: tuple[str, ...] = ("",)
    """Of which clinics the ASAP list is read: ClinicNums as text; one empty text when the office has none."""

    def roll(self, first: date, last: date) -> bool:
        """The days from ``first`` to ``last`` count from now on; whether rows were forgotten."""
        return any([self.appointments.roll(first, last), self.schedules.roll(first, last)])

    def numbered(self) -> dict[str, Numbered[Any]]:
        """What is written into the state, by kind."""
        return {
            "appointments": self.appointments.numbered,
            "schedules": self.schedules.numbered,
            "asap": self.asap,
            "recalls": self.recalls,
        }

    def changed(self, row: Appointment) -> bool:
        """An appointment as it is now; whether the ASAP list must be asked for, because it seems to be new there.

        Who leaves the list is seen from the row itself. Who comes is asked of Open Dental: it leaves out planned
        appointments that are scheduled already, possibly on a day that is not read.
        """
        self.appointments.put(row)
        self.asap.drop(row.next_apt_num)
        if "Priority" in row.unreadable or "AptStatus" in row.unreadable:
            return row.number in self.asap
        listed = row.priority == ASAP and row.apt_status in _ON_THE_LIST
        elsewhere = self.asap_clinics != ("",) and str(row.clinic_num) not in self.asap_clinics
        if elsewhere and "ClinicNum" not in row.unreadable:
            listed = False
        if not listed:
            self.asap.drop(row.number)
        elif row.number in self.asap:
            self.asap.put(row)
        return listed and row.number not in self.asap


def _appointment_day(row: Appointment) -> date | None:
    return row.apt_date_time.date() if row.apt_date_time is not None else None


def _schedule_day(row: Schedule) -> date | None:
    return row.sched_date


def span(first: date, last: date) -> list[date]:
    """The days from ``first`` to ``last``, inclusive."""
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]
