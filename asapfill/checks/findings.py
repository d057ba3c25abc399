"""What ``check`` and ``doctor`` find: one line each, ok, worth a look, or wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``configuration``: settings or policy are wrong, not the office."""

    verdict: Verdict
    subject: str
    message: str
    configuration: bool = False

    def document(self) -> dict[str, str]:
        """For ``check --json`` and ``doctor --json``."""
        return {"verdict": self.verdict, "subject": self.subject, "message": self.message}


def ok(subject: str, message: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", subject, message)


def look(subject: str, message: str) -> Finding:
    """Somebody should look at it."""
    return Finding("look", subject, message)


def wrong(subject: str, message: str, *, configuration: bool = False) -> Finding:
    """Nothing is sent, or not as it should be, until it is mended."""
    return Finding("wrong", subject, message, configuration)


def exit_code_of(findings: Iterable[Finding]) -> int:
    """78 when settings, keys or policies are wrong, 1 when something else is, 0 when nothing is."""
    wrong = [finding for finding in findings if finding.verdict == "wrong"]
    return 78 if any(finding.configuration for finding in wrong) else 1 if wrong else 0
