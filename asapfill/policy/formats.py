"""How people write lengths of time, times of day, numbers and yes/no: the text of a policy in, a value out.

Everything arrives as text exactly as it stands in the file (see ``tree``), so nothing is taken for something else
on the way: 8:00 is not 480 and NO is not false by itself. What can be meant in two ways is refused with a sentence
that says how to write it. Which key takes which format is in ``model``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from asapfill.core.errors import AsapfillError
from asapfill.core.policy import WEEKDAYS, Hours

LONGEST_QUOTE = 40
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60, "week": 7 * 24 * 60}
UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTES["minute"]),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), MINUTES["hour"]),
    **dict.fromkeys(("d", "day", "days"), MINUTES["day"]),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), MINUTES["week"]),
}
DURATION_HINT = "Write for example 15 minutes, 2 hours, 1 hour 30 minutes or 14 days."
DAYS_HINT = "Write for example [Mon, Tue, Wed] or Mon-Fri."
RUNS = {"weekdays": range(5), "weekend": range(5, 7), "every day": range(7), "all": range(7)}
DASH = "[-\u2013\u2014]"
"""Also the long ones that word processors make of a -."""

TIME_HINT = "Write for example 8:00, 17:30, 8am or 5:30pm."
HOURS_HINT = "Write for example 08:00-17:00, 8am-5pm or 8 to 5."
ONE_STRETCH = " One stretch only: lunch and other breaks are kept free by the schedule in Open Dental."
HALF_DAY, HOURS_OF_A_DAY, LAST_MINUTE = 12, 24, 59
EARLIEST_BARE = 6
"""A start that is an hour alone and earlier than this may be meant for the afternoon."""

US_ZONES = {
    "America/New_York": ("eastern", "eastern time", "et", "est", "edt"),
    "America/Chicago": ("central", "central time", "ct", "cst", "cdt"),
    "America/Denver": ("mountain", "mountain time", "mt", "mst", "mdt"),
    "America/Los_Angeles": ("pacific", "pacific time", "pt", "pst", "pdt"),
    "America/Anchorage": ("alaska", "akst", "akdt"),
    "Pacific/Honolulu": ("hawaii", "hst"),
    "America/Phoenix": ("arizona",),
}

Written = str | list[str]
"""A value as a person writes it."""


class Unreadable(AsapfillError, ValueError):  # noqa: N818  reads as what it says of the value
    """A value that cannot be taken as it is written. ``str()`` says what was found, ``hint`` what to write.

    A ValueError too, because pydantic collects nothing else. Exit code 2: as an option it is wrong usage.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def quoted(value: object) -> str:
    """A value as it is shown in a sentence: on one line, in quotes, not endless."""
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + '…'}”"


def one(value: object, hint: str = "") -> str:
    """The single text of a key that takes one value, blanks around it removed.

    Raises:
        Unreadable: a list, or further keys, stand there.
    """
    if isinstance(value, str) and value.strip():
        return " ".join(value.split())
    if isinstance(value, list):
        raise Unreadable("takes one value, and a list stands there.", hint)
    if isinstance(value, dict):
        raise Unreadable("takes one value, and lines with keys of their own stand below it.", hint)
    raise Unreadable("is empty.", hint)


def several(value: object) -> tuple[object, ...]:
    """The items of a key that takes one value or a list of them.

    Raises:
        Unreadable: further keys stand there.
    """
    if isinstance(value, dict):
        raise Unreadable("takes a list, and lines with keys of their own stand below it.", "Write [one, two].")
    return tuple(value) if isinstance(value, list) else (value,)


def several_words(value: object) -> tuple[object, ...]:
    """As ``several``, and ``Mon, Tue`` without brackets is a list too: none of these words has a comma in it."""
    if isinstance(value, str) and "," in value:
        return tuple(part for part in value.split(",") if part.strip())
    return several(value)


def yes_no(value: object) -> bool:
    """``yes`` or ``no``, also true/false and on/off."""
    hint = "Write yes or no."
    text = one(value, hint)
    if text.casefold() not in {"yes", "true", "on", "no", "false", "off"}:
        raise Unreadable(f"is either yes or no, not {quoted(text)}.", hint)
    return text.casefold() in {"yes", "true", "on"}


def duration(value: object) -> timedelta:
    """A length of time: ``2 hours``, ``90 min``, ``1 hour 30 minutes``, ``1.5 hours``; whole minutes.

    Raises:
        Unreadable: a number without a unit, an unknown unit, parts of a minute.
    """
    text = one(value, DURATION_HINT)
    if re.fullmatch(r"[0-9]+([.][0-9]+)?", text):
        units = ("minute", "hour", "day") if text == "1" else ("minutes", "hours", "days")
        readings = [f"{text} {unit}" for unit in units]
        hint = "Write {}, {} or {}.".format(*readings) if len(text) < LONGEST_QUOTE else DURATION_HINT
        raise Unreadable(f"is {quoted(text)}; minutes, hours or days?", hint)
    part = r"([0-9]{1,6}(?:[.][0-9]{1,3})?)\s*([a-z]+)\s*(?:,|and\b)?\s*"
    lowered = text.casefold()
    if not re.fullmatch(f"(?:{part})+", lowered):
        raise Unreadable(f"is {quoted(text)}, which is not a length of time.", DURATION_HINT)
    minutes = 0.0
    for number, unit in re.findall(part, lowered):
        if unit not in UNITS:
            guess = get_close_matches(unit, UNITS, n=1)
            unknown = "Months differ in length: use days or weeks." if unit.startswith(("mo", "y")) else ""
            hint = f"Did you mean {number} {guess[0]}?" if guess and not unknown else unknown or DURATION_HINT
            raise Unreadable(f"is {quoted(text)}: {quoted(unit)} is not a unit of time here.", hint)
        minutes += float(number) * UNITS[unit]
    if abs(minutes - round(minutes)) > 1e-6:  # noqa: PLR2004  what is left of decimals, not a figure of the domain
        raise Unreadable(f"is {quoted(text)}, which is not a whole number of minutes.", DURATION_HINT)
    return timedelta(minutes=round(minutes))


def auto_or_duration(value: object) -> timedelta | None:
    """``auto`` (None) or a length of time; a number alone means minutes."""
    text = one(value, "Write auto, or for example 10 minutes.")
    if text.casefold() == "auto":
        return None
    return duration(f"{text} minutes" if re.fullmatch(r"[0-9]{1,4}", text) else text)


def in_words(length: timedelta) -> str:
    """A length of time as a person writes it: the inverse of ``duration`` for whole minutes."""
    rest = round(length.total_seconds() / 60)
    words = []
    for name in ("day", "hour", "minute"):
        number, rest = divmod(rest, MINUTES[name])
        if number:
            words.append(f"{number} {name}{'s' if number != 1 else ''}")
    return " ".join(words) or "0 minutes"


def within(shortest: str, longest: str) -> Callable[[timedelta | None], timedelta | None]:
    """A check that a length of time lies between two others, both included; None (auto) passes."""
    least, most = duration(shortest), duration(longest)

    def check(value: timedelta | None) -> timedelta | None:
        if value is None or least <= value <= most:
            return value
        raise Unreadable(f"cannot be {in_words(value)}.", f"Allowed: from {shortest} to {longest}.")

    return check


def whole_number(lowest: int, highest: int) -> Callable[[object], int]:
    """A reader of whole numbers between two others, both included."""
    hint = f"Allowed: a whole number from {lowest} to {highest}."

    def read(value: object) -> int:
        text = one(value, hint)
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise Unreadable(f"is {quoted(text)}, which is not a whole number.", hint)
        if not lowest <= int(text) <= highest:
            raise Unreadable(f"cannot be {int(text)}.", hint)
        return int(text)

    return read


def auto_or_number(lowest: int, highest: int) -> Callable[[object], int | None]:
    """A reader of ``auto`` (None) or a whole number."""
    number = whole_number(lowest, highest)

    def read(value: object) -> int | None:
        if isinstance(value, str) and value.strip().casefold() == "auto":
            return None
        try:
            return number(value)
        except Unreadable as error:
            raise Unreadable(str(error), f"{error.hint} Or auto.") from None

    return read


def patient_number(value: object) -> int:
    """A PatNum, as Open Dental shows it in the patient's edit window."""
    text = one(value, "Write the patient's number.")
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) == 0:
        hint = "Patients are named by their PatNum only: [1234, 5678]. Names of patients do not belong in a policy."
        raise Unreadable(f"is {quoted(text)}, which is not a patient's number.", hint)
    return int(text)


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


FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def day_of_week(text: str) -> int:
    """0 for Monday … 6 for Sunday, from the name or a beginning of it that people write (Tues, Thur)."""
    plain = text.strip(". ").casefold()
    if plain == "weds":
        return 2
    for number, name in enumerate(FULL_DAYS):
        if len(plain) >= 3 and name.startswith(plain):  # noqa: PLR2004  shorter than Mon is ambiguous
            return number
    guess = get_close_matches(plain, FULL_DAYS, n=1, cutoff=0.5)
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
    start, end = _bare_ends(text, *ends) or (_time_parts(ends[0]), _time_parts(ends[1]))
    if end == (0, 0) and start != (0, 0):
        end = (HOURS_OF_A_DAY, 0)
    if start >= end:
        hint = "For the whole day write 00:00-24:00." if start == end else "Is am or pm missing, or are they swapped?"
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


def as_written(value: object, nothing: str = "auto") -> Written:
    """A value of a policy as a person writes it. ``nothing``: what stands for None. A set of numbers is one of days."""
    if value is None:
        return nothing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return in_words(value) if value else "0 days"
    if isinstance(value, Hours):
        return hours_in_words(value)
    if isinstance(value, frozenset):
        return [WEEKDAYS[day] for day in sorted(value)]
    return [str(item) for item in value] if isinstance(value, tuple) else str(value)


def choice(*allowed: str) -> Callable[[object], str]:
    """A reader of one of some words; case, blanks, - and _ are forgiven."""
    hint = f"Allowed: {', '.join(allowed)}."

    def folded(text: str) -> str:
        return " ".join(re.split(r"[\s_-]+", text.casefold()))

    known = {folded(word): word for word in allowed}

    def read(value: object) -> str:
        text = one(value, hint)
        if folded(text) in known:
            return known[folded(text)]
        guess = get_close_matches(folded(text), known, n=1)
        meant = f"Did you mean {known[guess[0]]}? " if guess else ""
        raise Unreadable(f"cannot be {quoted(text)}.", meant + hint)

    return read


def name(value: object) -> str:
    """A name as Open Dental shows it, or a number; blanks around it and doubled ones removed."""
    return one(value, "Write the name as Open Dental shows it.")


def office(value: object) -> str:
    """The name of an office, as the settings have it."""
    return one(value, "Write the office's name as it stands in asapfill.toml; each office has a file of its own.")


def all_or_names(value: object) -> tuple[object, ...] | None:
    """``all`` (None), or one name or a list of them."""
    if isinstance(value, str) and value.strip().casefold() == "all":
        return None
    return several(value)


@cache
def _zones() -> dict[str, str]:
    """Every time zone with a place in its name, and UTC, by its folded name."""
    return {zone.casefold(): zone for zone in available_timezones() if "/" in zone or zone == "UTC"}


def timezone(value: object) -> ZoneInfo:
    """A time zone by its place: ``America/Los_Angeles``.

    Abbreviations such as EST are refused: read literally they know no daylight saving time.
    """
    hint = "Write the region and city, for example America/New_York or America/Los_Angeles."
    text = one(value, hint)
    folded = text.casefold().replace(" ", "_")
    if folded in _zones():
        return ZoneInfo(_zones()[folded])
    for zone, usual in US_ZONES.items():
        if text.casefold().removesuffix(" standard time").removeprefix("us/") in usual:
            raise Unreadable(f"is {quoted(text)}, which does not name a place.", f"Did you mean {zone}?")
    city = [zone for key, zone in _zones().items() if key.rpartition("/")[2] == folded]
    # Never UTC: who writes UTC-8 means another hour than that.
    near = city or [_zones()[key] for key in get_close_matches(folded, _zones(), n=1) if key != "utc"]
    raise Unreadable(f"is {quoted(text)}, which is not a time zone.", f"Did you mean {near[0]}?" if near else hint)
