"""How each format of ``formats`` looks to an editor: pieces of JSON Schema.

An editor only helps while typing; the verdict is the reader's. So a shape accepts everything that the reader accepts
(a test says so), and refuses the mistakes that people make most. Numbers and true/false are allowed beside text where
an editor reads them so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from asapfill.policy.formats import FULL_DAYS, UNITS

Piece = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Metadata of a type: its piece of JSON Schema, and how a person would call the format."""

    schema: Piece
    words: str


def _anycase(word: str) -> str:
    """A pattern for ``word`` in capitals or not: JSON Schema knows no flag for it. A blank stands for any."""
    signs = (f"[{sign.upper()}{sign.lower()}]" if sign.isalpha() else re.escape(sign) for sign in word)
    return "".join(signs).replace("\\ ", r"\s+")


def _one_of(words: Iterable[str]) -> str:
    """A pattern for any of some words, the longest first."""
    return "(" + "|".join(_anycase(word) for word in sorted(words, key=len, reverse=True)) + ")"


def _text(pattern: str) -> Piece:
    return {"type": "string", "pattern": rf"^\s*{pattern}\s*$"}


def _any_of(*pieces: Piece) -> Piece:
    return {"anyOf": list(pieces)}


def _list_of(piece: Piece) -> Piece:
    return _any_of(piece, {"type": "array", "items": piece})


def words(*allowed: str) -> Shape:
    """One of some words: offered as they are, accepted with other case, blanks and hyphens."""
    return Shape(_word_schema(allowed), f"one of {', '.join(allowed)}")


def list_of_words(*allowed: str) -> Shape:
    """A list of some words, or several of them with commas between."""
    run = "(" + "|".join(_loose(word) for word in allowed) + ")"
    piece = _list_of(_word_schema(allowed))
    piece["anyOf"].append(_text(rf"{run}(\s*,\s*{run})*\s*,?"))
    return Shape(piece, f"a list of {', '.join(allowed)}")


def _word_schema(allowed: Iterable[str]) -> Piece:
    return _any_of({"enum": list(allowed)}, *(_text(_loose(word)) for word in allowed))


def _loose(word: str) -> str:
    """A pattern for a word as ``formats.choice`` takes it; ``_`` and blanks count the same."""
    return r"[\s_-]+".join(_anycase(part) for part in re.split(r"[\s_]+", word))


def whole_number(lowest: int, highest: int) -> Shape:
    """A whole number between two others, also in quotes."""
    number = {"type": "integer", "minimum": lowest, "maximum": highest}
    return Shape(_any_of(number, _text("[+]?[0-9]+")), f"a whole number from {lowest} to {highest}")


def auto_or_number(lowest: int, highest: int) -> Shape:
    """``auto`` or a whole number."""
    number = whole_number(lowest, highest)
    pieces = ({"enum": ["auto"]}, _text(_anycase("auto")), *number.schema["anyOf"])
    return Shape(_any_of(*pieces), f"auto, or {number.words}")


_LENGTH = rf"([0-9]{{1,6}}([.][0-9]{{1,3}})?\s*{_one_of(UNITS)}\s*(,|{_anycase('and')}\b)?\s*)+"
_HALF = r"[AaPp]\s*[.]?\s*[Mm]\s*[.]?"
_TIME = rf"({_one_of(('noon', 'midnight'))}|[0-9]{{1,2}}\s*:\s*[0-9]{{2}}\s*({_HALF})?|[0-9]{{1,2}}\s*{_HALF})"
_DASH = rf"\s*(-|\u2013|\u2014|{_one_of(('to', 'until'))})\s*"
_DAY = rf"{_one_of(('weds', *(name[:size] for name in FULL_DAYS for size in range(3, len(name) + 1))))}[. ]*"
_DAYS = rf"({_DAY}({_DASH}{_DAY})?|{_one_of(('weekdays', 'weekend', 'every day', 'all'))})"

_NAME: Piece = {"type": ["string", "number", "boolean"]}
_PATIENT = _any_of({"type": "integer", "minimum": 1}, _text("[0-9]+"))

NAME = Shape(_NAME, "a name as Open Dental shows it, or its number")
OFFICE = Shape(_NAME, "the name that the settings have")
NAMES = Shape(_list_of(_NAME), "a name or a list of names, as Open Dental shows them; numbers work too")
ALL_OR_NAMES = Shape(_list_of(_NAME), "all, or a name or a list of names, as Open Dental shows them; numbers work too")
YES_NO = Shape(
    _any_of({"enum": ["yes", "no"]}, {"type": "boolean"}, _text(_one_of(("yes", "no", "true", "false", "on", "off")))),
    "yes or no",
)
DURATION = Shape(_text(_LENGTH), "a length of time, such as 90 minutes, 2 hours or 14 days")
AUTO_OR_DURATION = Shape(
    _any_of({"enum": ["auto"]}, _text(_anycase("auto")), {"type": "integer"}, _text("[0-9]{1,4}"), _text(_LENGTH)),
    "auto, or a length of time; a number alone means minutes",
)
_HOUR = rf"({_TIME}|[0-9]{{1,2}})"
HOURS = Shape(
    _text(rf"({_anycase('from')}\s+)?{_HOUR}{_DASH}{_HOUR}"), "two times of day, such as 08:00-17:00, 8am-5pm or 8 to 5"
)
DAYS = Shape(
    _any_of(_text(rf"{_DAYS}(\s*,\s*{_DAYS})*\s*,?"), {"type": "array", "items": _text(_DAYS)}),
    "days, such as [Mon, Tue, Wed] or Mon-Fri",
)
PATIENTS = Shape(_list_of(_PATIENT), "a list of patient numbers (PatNum)")
TIMEZONE = Shape(_text(f"(.*/.*|{_anycase('utc')})"), "a region and a city, such as America/Chicago")
