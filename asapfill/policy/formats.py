"""How people write lengths of time, times of day, numbers and yes/no: the text of a policy in, a value out.

Everything arrives as text exactly as it stands in the file (see ``tree``), so nothing is taken for something else
on the way: 8:00 is not 480 and NO is not false by itself. What can be meant in two ways is refused with a sentence
that says how to write it. Which key takes which format is in ``model``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from asapfill.core.errors import AsapfillError
from asapfill.core.policy import WEEKDAYS, Hours
from asapfill.words import nearest

LONGEST_QUOTE = 40
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60, "week": 7 * 24 * 60}
UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTES["minute"]),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), MINUTES["hour"]),
    **dict.fromkeys(("d", "day", "days"), MINUTES["day"]),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), MINUTES["week"]),
}
DURATION_HINT = "Write for example 15 minutes, 2 hours, 1 hour 30 minutes or 14 days."


US_ZONES = {
    "America/New_York": ("eastern", "eastern time", "et", "est", "edt"),
    "America/Chicago": ("central", "central time", "ct", "cst", "cdt"),
    "America/Denver": ("mountain", "mountain time", "mt", "mst", "mdt"),
    "America/Los_Angeles": ("pacific", "pacific time", "pt", "pst", "pdt"),
    "America/Anchorage": ("alaska", "akst", "akdt"),
    "Pacific/Honolulu": ("hawaii", "hst"),
    "America/Phoenix": ("arizona",),
}

FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

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
    if re.search("[0-9]{7,}", text):
        raise Unreadable(f"is {quoted(text)}: the number is far too large.", DURATION_HINT)
    if not re.fullmatch(f"(?:{part})+", lowered):
        raise Unreadable(f"is {quoted(text)}, which is not a length of time.", DURATION_HINT)
    minutes = 0.0
    for number, unit in re.findall(part, lowered):
        if unit not in UNITS:
            guess = nearest(unit, UNITS)
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
        if re.fullmatch(r"[+-]?[0-9]{19,}", text):
            raise Unreadable(f"is {quoted(text)}, a number far too large.", hint)
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
    if re.fullmatch("[0-9]{19,}", text):
        raise Unreadable(f"is {quoted(text)}, a number far too large.", "Write the PatNum as Open Dental shows it.")
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) == 0:
        hint = "Patients are named by their PatNum only: [1234, 5678]. Names of patients do not belong in a policy."
        raise Unreadable(f"is {quoted(text)}, which is not a patient's number.", hint)
    return int(text)


def hours_in_words(stretch: Hours) -> str:
    """A stretch of the day as it is written with no doubt left: the inverse of ``hours``."""
    return f"{stretch.start:%H:%M}-{stretch.end:%H:%M}".replace("-00:00", "-24:00")


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
        guess = nearest(folded(text), known)
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
    near = city or [_zones()[key] for key in nearest(folded, _zones()) if key != "utc"]
    raise Unreadable(f"is {quoted(text)}, which is not a time zone.", f"Did you mean {near[0]}?" if near else hint)
