"""How people write times of day and stretches of it: ``8:00``, ``17:30``, ``8am``, ``8am-5pm``, ``8 to 5``.

What can be meant in two ways is refused, as in ``formats``.
"""

from __future__ import annotations

import re
from datetime import time

from asapfill.core.policy import Hours
from asapfill.policy.formats import DASH, Unreadable, one, quoted

TIME_HINT = "Write for example 8:00, 17:30, 8am or 5:30pm."
HOURS_HINT = "Write for example 08:00-17:00, 8am-5pm or 8 to 5."
ONE_STRETCH = " One stretch only: lunch and other breaks are kept free by the schedule in Open Dental."
SPOKEN = re.IGNORECASE
HALF_DAY = 12
HOURS_OF_A_DAY = 24
EARLIEST_BARE = 6
"""A start that is an hour alone and earlier than this may be meant for the afternoon."""
LAST_MINUTE = 59


def _time_parts(text: str) -> tuple[int, int]:
    """Hour (0 to 24) and minute of a time of day."""
    folded = text.casefold().replace(".m.", "m").replace(" ", "")
    folded = {"noon": "12:00", "midnight": "24:00"}.get(folded, folded)
    match = re.fullmatch(r"([0-9]{1,2})(?::([0-9]{2}))?(am|pm)?", folded)
    if match is None:
        raise Unreadable(f"has {quoted(text)}, which is not a time of day.", TIME_HINT)
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if match[2] is None and half is None:
        hint = f"Write {hour}:00, or {hour}am or {hour}pm." if 0 < hour <= HALF_DAY else TIME_HINT
        raise Unreadable(f"has {quoted(text)}, which could be a number of anything.", hint)
    if half and not 1 <= hour <= HALF_DAY:
        raise Unreadable(f"has {quoted(text)}; with am and pm the hours go from 1 to 12.", TIME_HINT)
    if half:
        hour = hour % HALF_DAY + (HALF_DAY if half == "pm" else 0)
    if minute > LAST_MINUTE or (hour, minute) > (HOURS_OF_A_DAY, 0):
        raise Unreadable(f"has {quoted(text)}, which is not a time of day.", TIME_HINT)
    return hour, minute


def time_of_day(value: object) -> time:
    """One time of day: ``8:00``, ``17:30``, ``8am``.

    Raises:
        Unreadable: it is none, or the midnight at the end of a day.
    """
    text = one(value, TIME_HINT)
    hour, minute = _time_parts(text)
    if hour == HOURS_OF_A_DAY:
        raise Unreadable(f"is {quoted(text)}; a day begins at 0:00.", TIME_HINT)
    return time(hour, minute)


def hours(value: object) -> Hours:
    """A stretch of the day, to midnight at the latest: ``08:00-17:00``, ``8am-5pm``, ``9:00 to 18:00``, ``8 to 5``.

    Raises:
        Unreadable: not two times, or the end is not after the start.
    """
    hint = HOURS_HINT
    if isinstance(value, list):
        hint += ONE_STRETCH
    text = one(value, hint)
    ends = re.split(rf"\s*(?:{DASH}|\bto\b|\buntil\b)\s*", re.sub("^from ", "", text, flags=SPOKEN), flags=SPOKEN)
    if len(ends) != 2 or not all(ends):  # noqa: PLR2004  a start and an end
        hint = HOURS_HINT + (ONE_STRETCH if len(ends) > 2 else "")  # noqa: PLR2004  as above
        raise Unreadable(f"is {quoted(text)}, which is not a start and an end.", hint)
    start, end = _bare_ends(text, *ends) or (_time_parts(ends[0]), _time_parts(ends[1]))
    if end == (0, 0) and start != (0, 0):
        end = (HOURS_OF_A_DAY, 0)
    if start >= end:
        hint = "Is am or pm missing, or are they swapped?"
        if start == end:
            hint = "For the whole day write 00:00-24:00."
        raise Unreadable(f"is {quoted(text)}, which ends before it begins or is empty.", hint)
    return Hours(time(*start), time(end[0] % HOURS_OF_A_DAY, end[1]))


def hours_in_words(stretch: Hours) -> str:
    """A stretch of the day as it is written with no doubt left: the inverse of ``hours``."""
    return f"{stretch.start:%H:%M}-{stretch.end:%H:%M}".replace("-00:00", "-24:00")


def _bare_ends(text: str, first: str, last: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Start and end where one of them at least is an hour alone, as people say them: ``8-5``, ``8 to 4pm``, ``9-19``.

    An office begins in the morning: a start from 6 to 12 is that hour. An end is the next time that the clock shows
    it. None: both are written out.
    """
    if not any(re.fullmatch("[0-9]{1,2}", end) for end in (first, last)):
        return None
    start, told = _spoken(first)
    if not told and 0 < start[0] < EARLIEST_BARE:
        hint = f"Write {start[0]}am or {start[0]}pm."
        raise Unreadable(f"is {quoted(text)}; is {quoted(first)} in the morning or in the afternoon?", hint)
    of_24 = not told and start[0] > HALF_DAY
    end, told = _spoken(last)
    if not told and not of_24 and end <= start and end[0] <= HALF_DAY:
        end = (end[0] % HALF_DAY + HALF_DAY, end[1])
    return start, end


def _spoken(text: str) -> tuple[tuple[int, int], bool]:
    """A time of day that may be an hour alone, and whether am or pm is told with it."""
    told = text.casefold().strip(" .").endswith("m") or text.casefold() in {"noon", "midnight"}
    return _time_parts(f"{text}:00" if re.fullmatch("[0-9]{1,2}", text) else text), told
