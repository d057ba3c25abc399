"""How long free time has been free: free minutes that appeared just now are young, even inside an old opening."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from asapfill.core.openings import FreeTime
from asapfill.core.units import Interval, intersect, subtract


@dataclass(frozen=True, slots=True)
class Seen:
    """A free stretch (units) of one operatory and provider, first seen free at ``since`` (aware)."""

    operatory: int
    provider: int
    span: Interval
    since: datetime


def remember(before: Iterable[Seen], free_time: FreeTime, now: datetime) -> list[Seen]:
    """What is free now, each part with the moment at which it was first seen free.

    What was free before keeps its moment; what is new begins at ``now``.
    """
    known: dict[tuple[int, int], list[Seen]] = defaultdict(list)
    for seen in before:
        known[seen.operatory, seen.provider].append(seen)
    result: list[Seen] = []
    for (operatory, provider), spans in free_time.items():
        rest = list(spans)
        for seen in known.get((operatory, provider), []):
            result += [Seen(operatory, provider, part, seen.since) for part in intersect(spans, [seen.span])]
            rest = subtract(rest, [seen.span])
        result += [Seen(operatory, provider, part, now) for part in rest]
    return result


def young(seen: Iterable[Seen], now: datetime, settle: timedelta) -> Mapping[tuple[int, int], list[Interval]]:
    """Per (OperatoryNum, ProvNum) the units that have been free for less than ``settle``.

    A moment after ``now`` (the clock was set back) counts as just now.
    """
    result: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    for item in seen:
        if now - item.since < settle:
            result[item.operatory, item.provider].append(item.span)
    return result
