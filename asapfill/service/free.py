"""Finding openings with a memory: which free time is too young to be offered, also when nothing is remembered yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from asapfill.clock import office_now
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.policy import Policy
from asapfill.scheduling.intervals import Interval, intersect
from asapfill.scheduling.openings import Found, FreeTime, find_openings
from asapfill.scheduling.settling import Seen, remember, young
from asapfill.scheduling.units import ceil_unit, floor_unit, moment_of
from asapfill.service.desk import Desk
from asapfill.store import free_time as table
from asapfill.store.ticks import last_ticks

log = logging.getLogger(__name__)

Young = dict[tuple[int, int], list[Interval]]


def openings_now(desk: Desk, policy: Policy, now: datetime, *, keep: bool) -> tuple[Found, Young]:
    """The openings of one clinic, without what became free less than the settle time ago; and what that was.

    ``keep``: remember what is free now for the next time; commands that only look leave the state as it is.
    """
    office = desk.mirror.office()
    everything = find_openings(office, policy, now, {})
    before = _remembered(desk, policy)
    if before is None:
        seen = _first_look(desk, policy, everything.free_time, now)
    else:
        seen = remember(before, everything.free_time, now)
    if keep and desk.store is not None:
        table.replace_free_time(desk.store, desk.office, policy.clinic, [_stored(item) for item in seen])
    too_young = {key: list(spans) for key, spans in young(seen, now, policy.openings.settle).items()}
    return (find_openings(office, policy, now, too_young) if too_young else everything), too_young


def _remembered(desk: Desk, policy: Policy) -> list[Seen] | None:
    """What was free at the last look; None when there never was one."""
    if desk.store is None:
        return None
    rows = table.read_free_time(desk.store, desk.office, policy.clinic)
    looked = any((tick.office, tick.clinic) == (desk.office, policy.clinic) for tick in last_ticks(desk.store))
    if not rows and not looked:
        return None
    return [Seen(row.operatory, row.provider, (floor_unit(row.start), ceil_unit(row.end)), row.since) for row in rows]


def _first_look(desk: Desk, policy: Policy, free: FreeTime, now: datetime) -> list[Seen]:
    """Free time at the very first look: settled, except where the office's own history says that it was just
    vacated.
    """
    long_ago = now - policy.openings.settle
    seen = remember([], free, long_ago)
    if not policy.openings.settle:
        return seen
    wall = office_now(now, policy.timezone)
    vacated = _vacated(desk, wall - policy.openings.settle, free)
    fresh: list[Seen] = []
    for item in seen:
        spans = intersect([item.span], sorted(vacated.get(item.operatory, [])))
        fresh += [Seen(item.operatory, item.provider, span, now) for span in spans]
    return [*seen, *fresh]


def _vacated(desk: Desk, since: datetime, free: FreeTime) -> dict[int, list[Interval]]:
    """Per operatory the places that appointments left since ``since`` (naive office time), as far as the history
    tells.
    """
    try:
        places = desk.mirror.vacated_since(since)
    except OpenDentalError as error:
        # Without a history nothing says that the time has settled: all of it is taken as new.
        log.warning("office.history_unreadable office=%s error=%s", desk.office, type(error).__name__)
        result: dict[int, list[Interval]] = {}
        for (operatory, _provider), spans in free.items():
            result.setdefault(operatory, []).extend(spans)
        return result
    return _by_operatory(places)


def _by_operatory(places: Iterable[tuple[int, datetime, timedelta]]) -> dict[int, list[Interval]]:
    result: dict[int, list[Interval]] = {}
    for operatory, start, length in places:
        result.setdefault(operatory, []).append((floor_unit(start), ceil_unit(start + length)))
    return result


def _stored(item: Seen) -> table.FreeTime:
    return table.FreeTime(
        operatory=item.operatory,
        provider=item.provider,
        start=moment_of(item.span[0]),
        end=moment_of(item.span[1]),
        since=item.since,
    )
