"""Phone numbers of the United States and Canada: the one place that knows how the same number may be written."""

from __future__ import annotations

from typing import Final

LOCAL: Final = 10
"""Digits of a number without the country code."""


def local_digits(phone: str) -> str:
    """The digits of a phone however it is written; the 1 before ten others is the country code and is left out."""
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdigit())
    return digits[1:] if len(digits) == LOCAL + 1 and digits.startswith("1") else digits
