"""Whether events get through, judged by what asapfill finds out without them. Pure.

Open Dental sends nothing when nothing changes, and moves a subscription's DateTimeStart on when it has delivered. So a
change that polling has found, and that DateTimeStart has not passed minutes later, was not delivered; and one that it
has passed, without any delivery here, went elsewhere. All times are office wall-clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from asapfill.opendental.models import Appointment, Schedule, Subscription

PATIENCE: Final = timedelta(minutes=10)
"""From a change to the moment from which its event is missed: Open Dental may be busy, and clocks differ."""

CATCH_UP: Final = timedelta(days=3)
"""How far back Open Dental delivers what it could not deliver; what is older never comes."""


def newest_changes(
    appointments: Iterable[Appointment], schedules: Iterable[Schedule], before: datetime
) -> dict[str, datetime]:
    """The newest change of each table until ``before`` that is known without events."""
    stamps = {
        "Appointment": [row.date_t_stamp for row in appointments if row.date_t_stamp],
        "Schedule": [row.date_t_stamp for row in schedules if row.date_t_stamp],
    }
    newest = {
        table: max((stamp for stamp in found if stamp <= before), default=None) for table, found in stamps.items()
    }
    return {table: stamp for table, stamp in newest.items() if stamp is not None}


def undelivered(rows: Sequence[Subscription], newest: Mapping[str, datetime]) -> datetime | None:
    """Since when a subscription stands still although its table changed; None when none does."""
    still = [
        row.date_time_start
        for row in rows
        if row.date_time_start is not None
        and row.watch_table in newest
        and row.date_time_start < newest[row.watch_table]
    ]
    return min(still, default=None)


def went_elsewhere(
    rows: Sequence[Subscription], newest: Mapping[str, datetime], heard: datetime | None, since: datetime
) -> bool:
    """Whether something was delivered, and not to us. ``heard``: our last delivery; ``since``: when we began to listen
    and to watch.
    """
    return any(
        row.date_time_start is not None
        and row.watch_table in newest
        and since < newest[row.watch_table] < row.date_time_start
        and (heard is None or heard < newest[row.watch_table])
        for row in rows
    )
