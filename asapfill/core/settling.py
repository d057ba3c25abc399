"""How long free time has been free: what became free only just now is settling, even inside an old opening."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asapfill.core.openings import FreeTime
from asapfill.core.units import Interval, intersect, subtract


@dataclass(frozen=True, slots=True)
class FreeSince:
    """A free stretch (units) of one operatory and provider, first found free at ``since`` (aware)."""

    operatory: int
    provider: int
    span: Interval
    since: datetime


def remember(before: Iterable[FreeSince], free_time: FreeTime, now: datetime) -> list[FreeSince]:
    """What is free now, each part with the moment at which it was first found free.

    What was free before keeps its moment; what is new begins at ``now``.
    """
    known: dict[tuple[int, int], list[FreeSince]] = defaultdict(list)
    for item in before:
        known[item.operatory, item.provider].append(item)
    result: list[FreeSince] = []
    for (operatory, provider), spans in free_time.items():
        rest = list(spans)
        for item in known.get((operatory, provider), []):
            result += [FreeSince(operatory, provider, part, item.since) for part in intersect(spans, [item.span])]
            rest = subtract(rest, [item.span])
        result += [FreeSince(operatory, provider, part, now) for part in rest]
    return result


def still_settling(free: Iterable[FreeSince], now: datetime, settle: timedelta) -> FreeTime:
    """What has been free for less than ``settle``. A moment after ``now`` (the clock was set back) is just now."""
    result: FreeTime = defaultdict(list)
    for item in free:
        if now - item.since < settle:
            result[item.operatory, item.provider].append(item.span)
    return dict(result)
