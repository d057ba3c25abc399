"""Who is asked first: the policy's order lines, earlier ones counting more, then longer visits, then numbers.

Whatever the lines leave equal is decided the same way every time, so that the same office gives the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from asapfill.core.candidates import Candidate
from asapfill.core.policy import OrderLine, TextsPolicy

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
    """The candidates in the order of asking. ``last_texted``: office day of the last text by PatNum."""
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
    """How far out the appointment or due day is; without a time it counts as furthest: it has waited longest."""
    if candidate.at is None:
        return _FAR_AWAY
    return candidate.at.toordinal() + candidate.at.hour / 24 + candidate.at.minute / 1440


TIME_TO_ANSWER: Final = timedelta(hours=24)
"""An offer that nobody answered for so long does not hold its patient any more.

Our own choice. More than half of those asked never answer (doi 10.1177/11786329251326461: 45 % ever do), and a time
next week must not keep them from one tomorrow. Their link still works (Open Dental: until seven days after the slot)
and is followed; the caps per day and week hold as before, so nobody is texted more often for it (47 CFR 64.1200: one
message a day, three a week).
"""

LONGER_WHEN_VIEWED: Final = 1.5
"""Somebody who has opened the link is about to decide: the next people are asked half a wait later."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``size`` people at once, then ``wait`` before the next wave."""

    size: int
    wait: timedelta


_AUTO = (
    (timedelta(hours=4), Pace(6, timedelta(minutes=10))),
    (timedelta(hours=12), Pace(5, timedelta(minutes=20))),
    (timedelta(hours=48), Pace(4, timedelta(minutes=45))),
)
_AUTO_FAR = Pace(3, timedelta(minutes=120))


def pace(texts: TextsPolicy, until_start: timedelta) -> Pace:
    """The pace for a slot that starts in ``until_start``; the policy's own numbers go before ``auto``."""
    auto = next((pace for limit, pace in _AUTO if until_start < limit), _AUTO_FAR)
    return Pace(
        size=auto.size if texts.wave is None else texts.wave,
        wait=auto.wait if texts.wait is None else texts.wait,
    )
