"""Small words for sentences: a number with its noun."""

from __future__ import annotations

from typing import Literal


def counted(number: int | Literal["no"], one: str, many: str = "") -> str:
    """A number with its noun: ``1 offer``, ``2 offers``, ``no offers``. ``many`` left out: ``one`` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
