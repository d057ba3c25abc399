"""Our subscriptions in Open Dental: which are missing, wrong or too many, and setting that right. Never others'.

A subscription is ours when its EndPointUrl is an address of ours: the settings' url with the office's name behind it,
now or in the past.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from asapfill.core.rows import Appointment, Schedule, Subscription
from asapfill.core.values import Version, supports
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import MissingPermission, NotFound

log = logging.getLogger(__name__)

POLLING_SECONDS: Final = 5
"""How often Open Dental looks for changes. Its own example has 5."""

WATCHED: Final = ("Appointment", "AppointmentDeleted", "Schedule")
"""The tables whose changes matter. There is none for recalls or offers."""


@dataclass(frozen=True, slots=True)
class WantedSubscriptions:
    """The subscriptions that there should be: one for each of ``tables``, none if empty."""

    url: str = ""
    workstation: str = ""
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """One thing to set right. ``number`` 0: a subscription that is to be made."""

    do: Literal["make", "repair", "remove"]
    table: str
    number: int = 0


def tables_for(version: Version | None) -> tuple[str, ...]:
    """The tables that an Open Dental of this version can watch for us."""
    if not supports(version, "subscriptions"):
        return ()
    since = {"AppointmentDeleted": "subscriptions POST AppointmentDeleted", "Schedule": "subscriptions POST Schedule"}
    return tuple(table for table in WATCHED if table not in since or supports(version, since[table]))


def in_force(rows: Iterable[Subscription], addresses: Collection[str], office_now: datetime) -> list[Subscription]:
    """Those of ``rows`` that are ours and have not ended, oldest first."""
    ours = [row for row in rows if row.number and row.end_point_url in addresses]
    ours = [row for row in ours if row.date_time_stop is None or row.date_time_stop > office_now]
    return sorted(ours, key=lambda row: row.number)


def changes(ours: Sequence[Subscription], wanted: WantedSubscriptions) -> list[SubscriptionChange]:
    """What is to be done so that of ``ours`` exactly the wanted ones remain, each once.

    Repairs and new ones come before removals: at no time is nothing watched.
    """
    found: list[SubscriptionChange] = []
    kept: set[int] = set()
    for table in wanted.tables:
        same = [row for row in ours if (row.end_point_url, row.watch_table) == (wanted.url, table)]
        same = [row for row in same if not row.ui_event_type]
        # Open Dental tells subscriptions apart by their workstation too: the one that is right already stays.
        same.sort(key=lambda row: (not _is_right(row, wanted), row.number))
        if not same:
            found.append(SubscriptionChange("make", table))
            continue
        kept.add(same[0].number)
        if not _is_right(same[0], wanted):
            found.append(SubscriptionChange("repair", table, same[0].number))
    return found + [SubscriptionChange("remove", row.watch_table, row.number) for row in ours if row.number not in kept]


def apply(
    client: OpenDental, todo: Iterable[SubscriptionChange], wanted: WantedSubscriptions, office_now: datetime
) -> None:
    """Do it. ``office_now``: the office's wall clock: from then on changes are sent.

    Raises OpenDentalError: what was done until then stays done, the next look goes on from there. A subscription that
    was perhaps made is found by that look, and a double is removed.
    """
    for change in todo:
        if change.do == "make":
            made = client.create_subscription(
                end_point_url=wanted.url,
                watch_table=change.table,
                workstation=wanted.workstation,
                polling_seconds=POLLING_SECONDS,
                date_time_start=office_now.replace(microsecond=0),
            )
            log.info("events.subscribed office=%s table=%s number=%d", client.name, change.table, made.number)
        elif change.do == "repair":
            client.update_subscription(change.number, workstation=wanted.workstation, polling_seconds=POLLING_SECONDS)
            log.info("events.repaired office=%s table=%s number=%d", client.name, change.table, change.number)
        else:
            _remove(client, change.number, office_now)
            log.info("events.unsubscribed office=%s table=%s number=%d", client.name, change.table, change.number)


def _is_right(row: Subscription, wanted: WantedSubscriptions) -> bool:
    return (row.workstation, row.polling_seconds) == (wanted.workstation, POLLING_SECONDS)


def _remove(client: OpenDental, number: int, office_now: datetime) -> None:
    """Delete a subscription or, without the permission for that, end it: making and changing needs Read All only."""
    try:
        client.delete_subscription(number)
    except NotFound:
        return  # somebody was faster
    except MissingPermission:
        client.update_subscription(number, date_time_stop=office_now.replace(microsecond=0))


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
    rows: Sequence[Subscription], newest: Mapping[str, datetime], last_delivery: datetime | None, since: datetime
) -> bool:
    """Whether something was delivered, and not to us. ``last_delivery``: when we last received one; ``since``:
    when we began to listen and to watch.
    """
    return any(
        row.date_time_start is not None
        and row.watch_table in newest
        and since < newest[row.watch_table] < row.date_time_start
        and (last_delivery is None or last_delivery < newest[row.watch_table])
        for row in rows
    )
