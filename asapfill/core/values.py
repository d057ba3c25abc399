"""Single values as Open Dental writes them: of columns (used by ``rows``), phone numbers, and its own version.

The API is not uniform: numbers come as strings, booleans as ``"true"`` or ``"True"``, "no date" as ``0001-01-01``.
The reader of a column's kind takes any JSON value and raises ValueError, nothing else, for one that makes no sense.

Versions: MINIMUM is the table of what came when, ``supports`` asks it.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import Annotated, Final
from unicodedata import category

from pydantic import BeforeValidator

_LARGEST = 2**63 - 1
"""Open Dental's numbers are 64-bit keys (and so are SQLite's)."""


def _number(value: object) -> int:
    """A whole number, also from text; empty text and null are 0."""
    if value is None or value == "":
        return 0
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else None
    elif isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", value):
        number = int(value)
    if number is None or abs(number) > _LARGEST:
        raise ValueError("a number was expected")
    return number


def _amount(value: object) -> float:
    """An amount of money; empty text and null are 0."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("an amount was expected")  # noqa: TRY004  pydantic reads ValueError, not TypeError
    try:
        amount = float(value)
    except OverflowError as error:
        raise ValueError("an amount was expected") from error
    if not math.isfinite(amount):
        raise ValueError("an amount was expected")
    return amount


def _flag(value: object) -> bool:
    """A boolean, also from "true", "True", "1" or 1; empty text and null are False."""
    if isinstance(value, bool):
        return value
    text = "" if value is None else _text(value).strip().lower()
    if text in {"true", "1"}:
        return True
    if text in {"false", "0", ""}:
        return False
    raise ValueError("true or false was expected")


def fit(text: str) -> str:
    """Text from outside, fit for a terminal, JSON, a web page, a log and the database: one line of visible signs.

    Line ends, tabs and other control signs become blanks. Signs that are not seen (writing direction, zero width) are
    left out. What is no character (half of a surrogate pair) becomes U+FFFD.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _STAND_INS.get(category(sign), " ") for sign in text)


_STAND_INS: Final = {"Cf": "", "Cs": "\N{REPLACEMENT CHARACTER}", "Co": "\N{REPLACEMENT CHARACTER}"}
"""By Unicode category; a blank for all others."""


def _text(value: object) -> str:
    """Text, made fit for people; null is empty, a number is written out."""
    if value is None:
        return ""
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, int | float):
        return str(value)
    raise ValueError("text was expected")


def moment(value: object) -> datetime | None:
    """A naive date-time; a bare date means midnight; year 1 and empty mean none.

    Raises ValueError for anything else, also for a time with an offset: an office's wall clock has none, so its
    meaning would be a guess.
    """
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("a date and time was expected")  # noqa: TRY004  pydantic reads ValueError, not TypeError
    text = value.strip()
    if not text or text.startswith("0001-01-01"):
        return None
    read = datetime.fromisoformat(text)
    if read.tzinfo is not None:
        raise ValueError("a time without an offset was expected")
    return read


def _day(value: object) -> date | None:
    """A date; year 1 and empty mean none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    read = moment(value)
    return None if read is None else read.date()


def _time_of_day(value: object) -> time:
    """A time of day from ``HH:mm[:ss]``, or from a date-time whose date part does not count."""
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"(?:.*[\sT])?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?\s*", _text(value), re.DOTALL)
    if match is None:
        raise ValueError("a time of day was expected")
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def _numbers(value: object) -> tuple[int, ...]:
    """Whole numbers from a comma list or an array."""
    parts = value if isinstance(value, list | tuple) else [part for part in _text(value).split(",") if part.strip()]
    return tuple(_number(part) for part in parts)


def _names(value: object) -> tuple[str, ...]:
    """Texts from a comma list or an array, without blanks around them; a bare 0 is Open Dental's "none"."""
    if isinstance(value, list | tuple):
        return tuple(_text(part) for part in value)
    text = _text(value)
    return () if text == "0" else tuple(part.strip() for part in text.split(",") if part.strip())


Number = Annotated[int, BeforeValidator(_number)]
Amount = Annotated[float, BeforeValidator(_amount)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, BeforeValidator(_text)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]
Day = Annotated[date | None, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Numbers = Annotated[tuple[int, ...], BeforeValidator(_numbers)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]

LOCAL: Final = 10
"""Digits of a number without the country code."""


def local_digits(phone: str) -> str:
    """The digits of a phone however it is written; the 1 before ten others is the country code and is left out."""
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdigit())
    return digits[1:] if len(digits) == LOCAL + 1 and digits.startswith("1") else digits


def can_be_dialled(digits: str) -> bool:
    """Whether these are ten digits that can be a phone in North America, and not what people type in place of one.

    Its numbering plan: area codes and exchanges begin with 2 to 9 and are not N11; area codes with a 9 in the middle,
    37x, 96x and 555 are not given out; 555-1212 is directory assistance.
    """
    area, exchange, line = digits[:3], digits[3:6], digits[6:]
    return (
        len(digits) == LOCAL
        and min(area[0], exchange[0]) >= "2"
        and "11" not in {area[1:], exchange[1:]}
        and area[1] != "9"
        and area[:2] not in {"37", "96"}
        and area != "555"
        and len({*exchange, *line}) > 1
        and exchange + line != "5551212"
        and digits not in _RUNS
    )


SHORTEST_PHONE, LONGEST_PHONE = 7, 15
"""Digits; the longest by the international numbering plan (ITU-T E.164)."""


def may_be_a_phone(digits: str) -> bool:
    """Whether these can be a phone anywhere in the world, and are not one digit again and again."""
    return SHORTEST_PHONE <= len(digits) <= LONGEST_PHONE and len(set(digits)) > 1


_RUNS: Final = "23456789012345678901 98765432109876543210"

Version = tuple[int, ...]

MINIMUM: dict[str, Version] = {
    "appointments": (21, 1),
    "operatories": (21, 1),
    "definitions": (21, 1),
    "preferences": (21, 1),
    "clinics": (21, 1),
    "providers": (21, 1),
    "commlogs": (21, 1),
    "patients": (21, 1),
    "schedules": (22, 1),
    "subscriptions": (22, 1),
    "securityperms": (22, 2),
    "appointmenttypes": (22, 4, 10),
    "subscriptions POST AppointmentDeleted": (22, 4, 35),
    "recalls": (22, 4, 40),
    "histappointments": (23, 1, 30),
    "asapcomms": (23, 3, 3),
    "recalltypes": (24, 1, 44),
    "subscriptions POST Schedule": (24, 2, 11),
    "labcases": (24, 2, 28),
    "commlogs GET DateTStamp": (25, 1, 13),
    "asapcomms POST recallNum": (25, 2, 9),
    "commlogs PUT": (25, 2, 21),
}
"""A resource by its path; what came later than its resource: resource, method, parameter or table."""


def read_version(text: str | None) -> Version | None:
    """Read a ProgramVersion like ``"25.2.9.0"``; None when it does not look like one."""
    if text is None or not re.fullmatch(r"\s*[0-9]{1,5}(\.[0-9]{1,5}){1,3}\s*", text):
        return None
    return tuple(int(part) for part in text.strip().split("."))


def supports(version: Version | None, item: str) -> bool:
    """Whether an office of this version can do ``item``, a key of MINIMUM; True when the version is not known (None).

    Raises KeyError for an item that is not in the table.
    """
    minimum = MINIMUM[item]
    return version is None or version >= minimum


def written(version: Version) -> str:
    """The version as people write it."""
    return ".".join(str(part) for part in version)
