"""Text for people, whatever it is about: a number with its noun, lines of at most 80 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final, Literal

WIDTH: Final = 80
"""Columns of a terminal."""
LONGEST_GUESSED: Final = 80
"""Nobody misspells a word as long as this; comparing takes time."""


def counted(number: int | Literal["no"], one: str, many: str = "") -> str:
    """A number with its noun: ``1 offer``, ``2 offers``, ``no offers``. ``many`` left out: ``one`` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def wrapped(text: str, indent: int = 2) -> list[str]:
    """Text in lines that fit, all but the first indented."""
    # Times and names have hyphens, and a name that is cut there cannot be copied.
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]


def fitted(text: object) -> str:
    """A problem of a file, line by line as it is, but for lines that are too long."""
    lines: list[str] = []
    for line in str(text).split("\n"):
        lines += (
            [line]
            if len(line) <= WIDTH
            else textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)
        )
    return "\n".join(lines)


def place_text(item: Mapping[str, Any]) -> str:
    """Where and with whom, by the office's names, or by number where it has none.

    ``item``: a JSON document with ``operatory``, ``operatory_name``, ``provider`` and ``provider_name``.
    """
    operatory = item["operatory_name"] or f"operatory {item['operatory']}"
    return f"{operatory}, {item['provider_name'] or 'provider ' + str(item['provider'])}"


_NEGATIONS: Final = frozenset(
    "no not non none never nobody nothing without except exclude excluding but off stop dont don't do skip".split()  # noqa: SIM905  thirty words are easier to read so
    + "all any every everybody everything everyone".split()  # noqa: SIM905  as above
)
"""Words that turn what stands beside them round, or widen it. Without them a guess would say the opposite."""
_OPPOSITES: Final = (
    ("first", "last"),
    ("soonest", "furthest"),
    ("longest", "shortest"),
    ("allow", "allowed", "except"),
    ("on", "off"),
    ("minimum", "maximum", "least", "most"),
)


def nearest(text: str, choices: Collection[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """What was perhaps meant by a misspelt word, the likeliest first; never what reverses or widens it.

    What ``text`` begins, if only one of ``choices`` goes on so, is meant. ``cutoff``: how alike, from 0 to 1.
    """
    if len(text) > LONGEST_GUESSED:
        return []
    begun = [choice for choice in choices if len(text) > 1 and choice.startswith(text)]
    alike = begun if len(begun) == 1 else get_close_matches(text, choices, n=most, cutoff=cutoff)
    return [choice for choice in alike if not turns_round(text, choice)]


def turns_round(text: str, guess: str) -> bool:
    """Whether ``guess`` would say the opposite of ``text``, or more than it."""
    said, meant = (set(re.split(r"[^a-z']+", words.casefold())) for words in (text, guess))
    against = any(said & {*pair} and meant & {*pair} and not said & meant & {*pair} for pair in _OPPOSITES)
    return against or not (said & _NEGATIONS) <= meant
