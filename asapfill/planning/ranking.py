"""Who is asked first: the policy's order lines, earlier ones counting more, then longer visits, then numbers.

Whatever the lines leave equal is decided the same way every time, so that the same office gives the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from asapfill.policy.policy import OrderLine
from asapfill.scheduling.candidates import Candidate

_FAR_AWAY = date.max.toordinal()

_LINES: Mapping[OrderLine, Callable[[Candidate, Mapping[int, date]], float]] = {
    "unscheduled first": lambda candidate, _: candidate.group != "unscheduled",
    "planned first": lambda candidate, _: candidate.group != "planned",
    "broken first": lambda candidate, _: candidate.group != "broken",
    "scheduled first": lambda candidate, _: candidate.group != "scheduled",
    "recalls first": lambda candidate, _: candidate.group != "recalls",
    "recalls last": lambda candidate, _: candidate.group == "recalls",
    "furthest out first": lambda candidate, _: -_days(candidate),
    "soonest first": lambda candidate, _: _days(candidate),
    "longest first": lambda candidate, _: -len(candidate.pattern),
    "shortest first": lambda candidate, _: len(candidate.pattern),
    "least recently texted first": lambda candidate, texted: (
        texted[candidate.patient].toordinal() if candidate.patient in texted else 0
    ),
}


def ranked(
    candidates: Iterable[Candidate], order: Iterable[OrderLine], last_texted: Mapping[int, date]
) -> list[Candidate]:
    """The candidates, first to be asked first. ``last_texted``: per PatNum the office day of the last text, where
    known.
    """
    lines = [_LINES[line] for line in order]
    return sorted(
        candidates,
        key=lambda candidate: (
            *(line(candidate, last_texted) for line in lines),
            -len(candidate.pattern),
            candidate.kind,
            candidate.number,
        ),
    )


def _days(candidate: Candidate) -> float:
    """How far out the present appointment or due day is; one without a time has waited longest and counts as
    furthest.
    """
    if candidate.at is None:
        return _FAR_AWAY
    return candidate.at.toordinal() + candidate.at.hour / 24 + candidate.at.minute / 1440
