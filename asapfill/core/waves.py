"""Who is asked first: the policy's order lines, earlier ones counting more, then longer visits, then numbers.

Whatever the lines leave equal is decided the same way every time, so that the same office gives the same plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from asapfill.core.candidates import Candidate
from asapfill.core.chances import MOST, Chances
from asapfill.core.limits import LEAST_LEAD_MINUTES, SENDING_TAKES
from asapfill.core.offer import Contact, Kind, State
from asapfill.core.policy import OrderLine, TextsPolicy
from asapfill.core.units import end_of_stretch

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
"""Where the policy says how long to wait: somebody who has opened the link is about to decide, so half a wait more."""

LATEST: Final = timedelta(minutes=LEAST_LEAD_MINUTES) + SENDING_TAKES
"""Before a place begins, nobody is texted about it any more."""

TARGET: Final = 0.7
"""The chance that somebody takes a place which asking aims at, with those whose answers are still on their way.

Higher ones fill no more and disappoint more people; see docs/waves.md.
"""
LONGEST_PAUSE: Final = timedelta(minutes=60)
SHORTEST_PAUSE: Final = timedelta(minutes=5)
"""From one person to the next. Where less than the shortest is left for each, several are asked at once."""
MOST_AT_ONCE: Final = 5
"""Of five asked at once, two or more say yes in one case of ten (at 11 %)."""


@dataclass(frozen=True, slots=True)
class Wave:
    """How many people are asked for a place now, and what that follows from.

    ``size``: 0 as long as those who were asked have time to answer. ``again``: until then, if nobody answers. ``yes``:
    the chance that one more person says yes; ``on_its_way``: that one of those already asked still does; ``needed``:
    how many more people the target takes; ``left``: texting hours until the place is too near; ``pause``: from one
    person to the next.
    """

    size: int
    again: timedelta
    yes: float
    on_its_way: float
    needed: float
    left: timedelta
    pause: timedelta


def next_wave(
    start: datetime,
    live: Sequence[Contact],
    texts: TextsPolicy,
    chances: Chances,
    now: datetime,
    *,
    notice: timedelta,
    kind: Kind = "appointment",
) -> Wave:
    """How many people are asked ``now`` for a place that begins at ``start``; the policy's own numbers go before auto.

    Args:
        start: naive office time, as all here.
        live: the open offers of this place.
        texts: the policy.
        chances: that somebody says yes, see ``chances``.
        now: the office's wall clock.
        notice: the policy's; a place that is nearer is not offered any more.
        kind: of the people who are asked next.
    """
    left = texting_time(texts, now, start - max(notice, LATEST))
    yes = min(MOST, chances.yes(kind, start - now))
    missed = math.prod(1 - _still(contact, chances, now) for contact in live)
    needed = max(0.0, (math.log(1 - TARGET) - math.log(missed)) / math.log(1 - yes))
    pause = min(LONGEST_PAUSE, left / needed) if needed else LONGEST_PAUSE
    size, wait = _rhythm(texts, needed, pause, viewed=any(contact.state is State.VIEWED for contact in live))
    last = max((contact.made for contact in live if contact.made is not None), default=None)
    due = timedelta(0) if last is None else max(timedelta(0), last + wait - now)
    return Wave(0 if due else size, due, yes, 1 - missed, needed, left, pause)


def _rhythm(texts: TextsPolicy, needed: float, pause: timedelta, *, viewed: bool) -> tuple[int, timedelta]:
    """How many at a time, and how long from one time to the next."""
    set_wait = texts.wait if texts.wait is None or not viewed else texts.wait * LONGER_WHEN_VIEWED
    at_once = texts.wave or 1
    wait = max(SHORTEST_PAUSE, pause * at_once) if set_wait is None else set_wait
    if texts.wave is not None:
        return texts.wave, wait
    if not needed and set_wait is None:
        return 1, LONGEST_PAUSE
    together = math.ceil(wait / pause - 1e-9) if pause else math.ceil(needed)
    return max(1, min(together, math.ceil(needed), MOST_AT_ONCE)), wait


def _still(contact: Contact, chances: Chances, now: datetime) -> float:
    """The chance that an open offer is still accepted."""
    if contact.made is None or contact.start is None:
        return 0.0
    ahead, since = contact.start - contact.made, now - contact.made
    return chances.still(contact.kind, ahead, since, viewed=contact.state is State.VIEWED)


def texting_time(texts: TextsPolicy, now: datetime, until: datetime) -> timedelta:
    """How much of the time from ``now`` until then lies in the policy's texting hours."""
    total = timedelta(0)
    for ordinal in range(now.toordinal(), until.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() in texts.days:
            opens = max(now, datetime.combine(day, texts.between.start))
            closes = min(until, end_of_stretch(day, texts.between.end))
            total += max(timedelta(0), closes - opens)
    return total
