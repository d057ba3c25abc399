"""A day that has been, as people write it behind ``--since``: ``2026-11-09``, ``11/9``, ``Nov 9``, ``Monday``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, timedelta
from typing import Final

from asapfill.clock import Clock
from asapfill.core.errors import AsapfillError
from asapfill.store.database import Store
from asapfill.store.offices import known_office

Day = Callable[[date], date]
"""The day that is meant, once it is known which day it is today in the office."""

EXAMPLES: Final = "2026-11-09, 11/9, 'Nov 9', Monday, yesterday or '2 weeks ago'"

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS: Final = {"day": 1, "week": 7}
_SHORT: Final = 3
"""Letters from which on the name of a day or month is known."""
_LEAP: Final = 8
"""Years from one 29 February to the next, at most."""


class NoDay(AsapfillError):  # noqa: N818  reads as the fact it states
    """A day that cannot be taken as it is written; the message says what can. Exit code 2."""

    exit_code = 2


def read_day(text: str) -> Day:
    """The day that a person means; without a year the last one that has been, today included.

    Raises:
        NoDay: it is none.
    """
    words = " ".join(text.replace(",", " ").split()).casefold()
    for form in (_by_name, _ago, _iso, _numbers, _month_and_day):
        found = form(words)
        if found is not None:
            return found
    raise NoDay(f"“{text}” is no day. Write for example {EXAMPLES}.")


def past_day(day: Day, today: date) -> date:
    """The day that is meant.

    Raises:
        NoDay: it is still to come.
    """
    found = day(today)
    if found > today:
        raise NoDay(f"{found:%Y-%m-%d} is a day to come.")
    return found


def office_day(store: Store, clock: Clock, offices: Iterable[str]) -> date:
    """Which day it is in these offices: the westernmost one's, which everybody has reached."""
    known = (known_office(store, office) for office in offices)
    zones = [one.timezone if one is not None else UTC for one in known] or [UTC]
    return min(clock.now().astimezone(zone).date() for zone in zones)


def exactly(day: date) -> Day:
    """That day, whichever it is today."""
    return lambda _: day


def _by_name(words: str) -> Day | None:
    """``today``, ``yesterday``, ``Mon``, ``last Monday``."""
    if words in {"today", "yesterday"}:
        return lambda today: today - timedelta(days=words == "yesterday")
    name = words.removeprefix("last ").removesuffix(".")
    weekday = next((n for n, day in enumerate(_DAYS) if len(name) >= _SHORT and day.startswith(name)), None)
    if weekday is None:
        return None
    at_least = 1 if words.startswith("last ") else 0
    return lambda today: today - timedelta(days=(today.weekday() - weekday - at_least) % 7 + at_least)


def _ago(words: str) -> Day | None:
    """``7 days``, ``2 weeks ago``, ``a week ago``, ``last week``."""
    match = re.fullmatch(r"([0-9]{1,4}|an?|one|last) ?(day|week)s?(?: ago)?", words)
    if match is None:
        return None
    count = int(match[1]) if match[1].isdigit() else 1
    days = count * _UNITS[match[2]]
    return lambda today: date.fromordinal(max(1, today.toordinal() - days))


def _iso(words: str) -> Day | None:
    """``2026-11-09``."""
    match = re.fullmatch(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})", words)
    return None if match is None else _dated(int(match[1]), int(match[2]), int(match[3]))


def _numbers(words: str) -> Day | None:
    """``11/9``, ``11/9/26``, ``11-9-2026``: the month first, as in the United States."""
    match = re.fullmatch(r"([0-9]{1,2})[-/]([0-9]{1,2})(?:[-/]([0-9]{4}|[0-9]{2}))?", words)
    if match is None:
        return None
    year = int(f"20{match[3]}"[-4:]) if match[3] else None
    return _dated(year, int(match[1]), int(match[2]))


def _month_and_day(words: str) -> Day | None:
    """``Nov 9``, ``November 9 2026``, ``9 Nov``."""
    match = re.fullmatch(r"([a-z]+)\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?: ([0-9]{4}))?", words)
    name, day, year = match.groups() if match else (None, None, None)
    if match is None:
        match = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)? ([a-z]+)\.?(?: ([0-9]{4}))?", words)
        day, name, year = match.groups() if match else (None, None, None)
    if name is None or day is None or name[:_SHORT] not in _MONTHS:
        return None
    month = _MONTHS.index(name[:_SHORT]) + 1
    if not f"{date(2000, month, 1):%B}".casefold().startswith(name) and name != "sept":
        return None
    return _dated(int(year) if year else None, month, int(day))


def _dated(year: int | None, month: int, day: int) -> Day | None:
    """The day of these numbers; None when no calendar has it."""
    try:
        date(year if year is not None else 2000, month, day)
    except ValueError:
        return None
    if year is not None:
        return exactly(date(year, month, day))

    def last(today: date) -> date:
        for ahead in range(_LEAP + 1):
            try:
                found = date(today.year - ahead, month, day)
            except ValueError:
                continue  # 29 February in most years
            if found <= today:
                return found
        raise NoDay(f"There was no {month}/{day} in the last {_LEAP} years.")

    return last
