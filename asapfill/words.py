"""Text for people, whatever it is about: a number with its noun, lines of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Final, Literal

WIDTH: Final = 80
"""Columns of a terminal."""


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
