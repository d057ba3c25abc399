"""What ``check`` and ``doctor`` find: one line each, ok, worth a look, or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check. ``configuration``: settings or policy are wrong, not the office."""

    verdict: Verdict
    subject: str
    message: str
    configuration: bool = False
