"""Step: openings. What is free by the mirror, and what of it has settled, also when nothing is remembered yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asapfill.clock import Now
from asapfill.core.openings import Found, FreeSince, FreeTime, find_openings, remember, still_settling
from asapfill.core.policy import Policy
from asapfill.core.units import Interval, ceil_unit, floor_unit, intersect, moment_of
from asapfill.cycle.session import OfficeSession
from asapfill.opendental.errors import OpenDentalError
from asapfill.store import mirror as table
from asapfill.store.cycles import Tick, last_ticks

log = logging.getLogger(__name__)

UNSEEN = timedelta(minutes=5)
"""After so long without a cycle, the office's history is asked what was booked and freed in between."""


@dataclass(frozen=True, slots=True)
class OpeningsNow:
    """The openings of a clinic, without what is ``settling``. ``free``: all that is free, each part since when."""

    found: Found
    settling: FreeTime
    free: list[FreeSince]


def openings_now(session: OfficeSession, policy: Policy, now: Now) -> OpeningsNow:
    """Find the openings of one clinic."""
    office = session.mirror.office()
    everything = find_openings(office, policy, now.moment, {})
    free = _free_since(session, policy, everything.free_time, now)
    settling = still_settling(free, now.moment, policy.openings.settle)
    found = find_openings(office, policy, now.moment, settling) if settling else everything
    return OpeningsNow(found, settling, free)


def keep_free_time(session: OfficeSession, policy: Policy, free: Iterable[FreeSince], now: Now) -> None:
    """Remember what is free ``now``, for the cycles that follow.

    Raises StoreError: the state cannot be written.
    """
    rows = [
        table.FreeTime(item.operatory, item.provider, moment_of(item.span[0]), moment_of(item.span[1]), item.since)
        for item in free
    ]
    table.replace_free_time(session.store, session.office, policy.clinic, rows)
    session.free_time_kept[policy.clinic] = now.moment


def _free_since(session: OfficeSession, policy: Policy, free: FreeTime, now: Now) -> list[FreeSince]:
    """What is free, each part since when.

    At the very first cycle all has settled, and after a while without cycles what was free before is still the same,
    except where the office's own history says that it was vacated meanwhile.
    """
    settle = policy.openings.settle
    before = free_time_before(session, policy)
    if before is None:
        seen, unseen = remember([], free, now.moment - settle), settle
    else:
        seen, unseen = remember(before, free, now.moment), _unseen_for(session, policy.clinic, now)
    if not settle or (before is not None and unseen <= UNSEEN):
        return seen
    vacated = _vacated(session, now.wall - min(unseen, settle), free)
    fresh: list[FreeSince] = []
    for item in seen:
        spans = intersect([item.span], sorted(vacated.get(item.operatory, [])))
        fresh += [FreeSince(item.operatory, item.provider, span, now.moment) for span in spans]
    return [*seen, *fresh]


def free_time_before(session: OfficeSession, policy: Policy) -> list[FreeSince] | None:
    """What was free when that was last kept; None when it never was, as far as is known."""
    rows = table.read_free_time(session.store, session.office, policy.clinic)
    tick = _last_tick(session, policy.clinic)
    if not rows and (tick is None or not tick.ok):
        return None
    return [
        FreeSince(row.operatory, row.provider, (floor_unit(row.start), ceil_unit(row.end)), row.since) for row in rows
    ]


def _unseen_for(session: OfficeSession, clinic: int, now: Now) -> timedelta:
    """How long ago the free time was last kept; very long if that is not known. A cycle that failed may not have."""
    last = session.free_time_kept.get(clinic)
    if last is None:
        tick = _last_tick(session, clinic)
        last = tick.at if tick is not None and tick.ok else None
    return timedelta.max if last is None else now.moment - last


def _last_tick(session: OfficeSession, clinic: int) -> Tick | None:
    return next((tick for tick in last_ticks(session.store, session.office) if tick.clinic == clinic), None)


def _vacated(session: OfficeSession, since: datetime, free: FreeTime) -> dict[int, list[Interval]]:
    """Per operatory the places that appointments left since ``since`` (naive office time), as far as the history
    tells.
    """
    result: dict[int, list[Interval]] = {}
    try:
        places = session.mirror.vacated_since(since)
    except OpenDentalError as error:
        # Without a history nothing says that the time has settled: all of it is taken as new.
        log.warning("office.history_unreadable office=%s error=%s", session.office, type(error).__name__)
        for (operatory, _provider), spans in free.items():
            result.setdefault(operatory, []).extend(spans)
        return result
    for operatory, start, length in places:
        result.setdefault(operatory, []).append((floor_unit(start), ceil_unit(start + length)))
    return result
