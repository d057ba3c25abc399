"""How people write days of the week and times of day: the text of a policy in, a value out."""

from __future__ import annotations

import re
from datetime import time

from asapfill.core.policy import WEEKDAYS, Hours
from asapfill.policy.formats import FULL_DAYS, Unreadable, one, quoted
from asapfill.words import nearest

DAYS_HINT = "Write for example [Mon, Tue, Wed] or Mon-Fri."
RUNS = {"weekdays": range(5), "weekend": range(5, 7), "every day": range(7), "all": range(7)}
SHORTEST_DAY = 2
"""Letters."""
DASH = "[-\u2013\u2014]"
"""Also the long ones that word processors make of a -."""
TIME_HINT = "Write for example 8:00, 17:30, 8am or 5:30pm."
HOURS_HINT = "Write for example 08:00-17:00, 8am-5pm or 8 to 5."
ONE_STRETCH = " One stretch only: lunch and other breaks are kept free by the schedule in Open Dental."
HALF_DAY, HOURS_OF_A_DAY, LAST_MINUTE = 12, 24, 59
EARLIEST_BARE = 6
"""A start that is an hour alone and earlier than this may be meant for the afternoon."""


def days(value: object) -> frozenset[int]:
    """One weekday or a run of them: ``Mon``, ``Monday``, ``Mon-Fri``, ``weekdays``, ``every day``. 0 is Monday."""
    text = one(value, DAYS_HINT)
    if text.casefold() in RUNS:
        return frozenset(RUNS[text.casefold()])
    ends = [day_of_week(part) for part in re.split(rf"\s*(?:{DASH}|\bto\b)\s*", text)]
    if len(ends) > 2:  # noqa: PLR2004  a first and a last day
        raise Unreadable(f"is {quoted(text)}, which is not a day or a run of days.", DAYS_HINT)
    length = (ends[-1] - ends[0]) % 7 + 1
    return frozenset((ends[0] + step) % 7 for step in range(length))


def day_of_week(text: str) -> int:
    """0 for Monday … 6 for Sunday, from the name or a beginning of it that no other day has (Tues, Th, Sa)."""
    plain = text.strip(". ").casefold()
    if plain == "weds":
        return 2
    for number, name in enumerate(FULL_DAYS):
        if len(plain) >= SHORTEST_DAY and name.startswith(plain):
            return number
    guess = nearest(plain, FULL_DAYS, cutoff=0.5)
    hint = f"Did you mean {WEEKDAYS[FULL_DAYS.index(guess[0])]}?" if guess else DAYS_HINT
    raise Unreadable(f"has {quoted(text)}, which is not a day of the week.", hint)


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
    text = one(value, HOURS_HINT + (ONE_STRETCH if isinstance(value, list) else ""))
    ends = re.split(rf"(?i)\s*(?:{DASH}|\bto\b|\buntil\b)\s*", re.sub("(?i)^from ", "", text))
    if len(ends) != 2 or not all(ends):  # noqa: PLR2004  a start and an end
        hint = HOURS_HINT + (ONE_STRETCH if len(ends) > 2 else "")  # noqa: PLR2004  as above
        raise Unreadable(f"is {quoted(text)}, which is not a start and an end.", hint)
    _refuse_noon_or_midnight(text, *ends)
    start, end = _bare_ends(text, *ends) or (_time_parts(ends[0]), _time_parts(ends[1]))
    if end == (0, 0) and start != (0, 0):
        end = (HOURS_OF_A_DAY, 0)
    if start >= end:
        hint = "For the whole day write 00:00-24:00." if start == end else "Is am or pm missing, or are they swapped?"
        raise Unreadable(f"is {quoted(text)}, which ends before it begins or is empty.", hint)
    return Hours(time(*start), time(end[0] % HOURS_OF_A_DAY, end[1]))


def _refuse_noon_or_midnight(text: str, first: str, last: str) -> None:
    """12am is midnight by the book, and noon to many who write it; no working day begins or ends at midnight.

    Raises:
        Unreadable: it begins or ends so.
    """
    for end, midnight in ((first, "0:00"), (last, "24:00")):
        if re.fullmatch("12(:00)?am|midnight", re.sub(r"[\s.]", "", end.casefold())):
            hint = f"Write 12:00 for noon, or {midnight} for midnight."
            raise Unreadable(f"is {quoted(text)}; is {quoted(end)} noon or midnight?", hint)


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
