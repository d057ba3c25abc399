"""Finding openings with a memory: which free time is too young to be offered, also when nothing is remembered yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from asapfill.clock import office_now
from asapfill.core.openings import Found, FreeTime, find_openings
from asapfill.core.policy import Policy
from asapfill.core.settling import Seen, remember, young
from asapfill.core.units import Interval, ceil_unit, floor_unit, intersect, moment_of
from asapfill.cycle.session import OfficeSession
from asapfill.opendental.errors import OpenDentalError
from asapfill.store import mirror as table
from asapfill.store.cycles import Tick, last_ticks

log = logging.getLogger(__name__)

Young = dict[tuple[int, int], list[Interval]]


UNSEEN = timedelta(minutes=5)
"""After so long without a look, the office's history is asked what was booked and freed in between."""


def openings_now(session: OfficeSession, policy: Policy, now: datetime, *, keep: bool) -> tuple[Found, Young]:
    """The openings of one clinic, without what became free less than the settle time ago; and what that was.

    ``keep``: remember what is free now for the next time; commands that only look leave the state as it is.
    """
    office = session.mirror.office()
    everything = find_openings(office, policy, now, {})
    seen = _seen(session, policy, everything.free_time, now)
    if keep and session.store is not None:
        table.replace_free_time(session.store, session.office, policy.clinic, [_stored(item) for item in seen])
        session.looked[policy.clinic] = now
    too_young = {key: list(spans) for key, spans in young(seen, now, policy.openings.settle).items()}
    return (find_openings(office, policy, now, too_young) if too_young else everything), too_young


def _seen(session: OfficeSession, policy: Policy, free: FreeTime, now: datetime) -> list[Seen]:
    """What is free, each part since when.

    At the very first look all has settled, and after a while without looking what was free before is still the same,
    except where the office's own history says that it was vacated meanwhile.
    """
    settle = policy.openings.settle
    before = remembered(session, policy)
    if before is None:
        seen, unseen = remember([], free, now - settle), settle
    else:
        seen, unseen = remember(before, free, now), _unseen_for(session, policy.clinic, now)
    if not settle or (before is not None and unseen <= UNSEEN):
        return seen
    vacated = _vacated(session, office_now(now, policy.timezone) - min(unseen, settle), free)
    fresh: list[Seen] = []
    for item in seen:
        spans = intersect([item.span], sorted(vacated.get(item.operatory, [])))
        fresh += [Seen(item.operatory, item.provider, span, now) for span in spans]
    return [*seen, *fresh]


def remembered(session: OfficeSession, policy: Policy) -> list[Seen] | None:
    """What was free at the last look; None when there never was one, as far as is known."""
    if session.store is None:
        return None
    rows = table.read_free_time(session.store, session.office, policy.clinic)
    tick = _last_tick(session, policy.clinic)
    if not rows and (tick is None or not tick.ok):
        return None
    return [Seen(row.operatory, row.provider, (floor_unit(row.start), ceil_unit(row.end)), row.since) for row in rows]


def _unseen_for(session: OfficeSession, clinic: int, now: datetime) -> timedelta:
    """How long ago the last look was; very long if that is not known. A cycle that failed may not have looked."""
    last = session.looked.get(clinic)
    if last is None:
        tick = _last_tick(session, clinic)
        last = tick.at if tick is not None and tick.ok else None
    return timedelta.max if last is None else now - last


def _last_tick(session: OfficeSession, clinic: int) -> Tick | None:
    ticks = last_ticks(session.store, session.office) if session.store is not None else ()
    return next((tick for tick in ticks if tick.clinic == clinic), None)


def _vacated(session: OfficeSession, since: datetime, free: FreeTime) -> dict[int, list[Interval]]:
    """Per operatory the places that appointments left since ``since`` (naive office time), as far as the history
    tells.
    """
    try:
        places = session.mirror.vacated_since(since)
    except OpenDentalError as error:
        # Without a history nothing says that the time has settled: all of it is taken as new.
        log.warning("office.history_unreadable office=%s error=%s", session.office, type(error).__name__)
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
