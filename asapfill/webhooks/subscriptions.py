"""An office's subscriptions in Open Dental: which there should be, setting that right, and noticing silence.

A subscription is ours when its EndPointUrl is an address of ours: the settings' url with the office's name behind it,
now or in the past. Others' are never touched. Nothing here is needed to find a change: whatever goes wrong is told,
tried again later, and stops nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from asapfill.clock import Clock
from asapfill.core.office import Office
from asapfill.core.rows import Appointment, Schedule, Subscription
from asapfill.core.values import Version, supports
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import MissingPermission, NotFound, OpenDentalError
from asapfill.store.database import Store
from asapfill.store.offices import KeptEvents, forget_events, keep_events

log = logging.getLogger(__name__)

POLLING_SECONDS: Final = 5
"""How often Open Dental looks for changes. Its own example has 5."""

WATCHED: Final = ("Appointment", "AppointmentDeleted", "Schedule")
"""The tables whose changes matter. There is none for recalls or offers."""

DAILY: Final = 86_400.0
AGAIN: Final = 600.0
"""Seconds from one reading of the subscriptions to the next: when all is well, and when something is wrong."""

PATIENCE: Final = timedelta(minutes=10)
"""From a change to the moment from which its event is missed: Open Dental may be busy, and clocks differ."""

CATCH_UP: Final = timedelta(days=3)
"""How far back Open Dental delivers what it could not deliver; what is older never comes."""

TOO_OLD: Final = "This Open Dental sends no events (they came with 22.1)."
NOT_DELIVERED: Final = (
    "Open Dental has not delivered its changes since {since:%m-%d %H:%M} to {url}. Does its API service (or Open "
    "Dental) run at the office, and does the address lead here from there?"
)
ELSEWHERE: Final = (
    "Open Dental delivers to {url}, and nothing arrives here. Does something else answer at that address, such as the "
    "proxy itself?"
)


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

    Raises OpenDentalError: what was done until then stays done, the next time goes on from there. A subscription that
    was perhaps made is found then, and a double is removed.
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


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """What a finished cycle knows of its office. ``now``: the office's own wall clock. ``last_delivery``: when the last
    delivery came, by the same clock; None if none ever did.
    """

    version: Version | None
    now: datetime
    last_delivery: datetime | None
    office: Callable[[], Office]

    def newest(self) -> dict[str, datetime]:
        """The newest change of each table that a delivery should have told of by now."""
        known, before = self.office(), self.now - PATIENCE
        newest: dict[str, datetime] = {}
        rows: Iterable[Appointment | Schedule] = (*known.appointments, *known.schedules)
        for row in rows:
            table = "Schedule" if isinstance(row, Schedule) else "Appointment"
            if row.date_t_stamp is not None and row.date_t_stamp <= before:
                newest[table] = max(row.date_t_stamp, newest.get(table, row.date_t_stamp))
        return newest


@dataclass(slots=True)
class OfficeWebhooks:
    """One office. ``url``: where its events are to arrive, empty when it is to send none.

    ``trouble``: what is wrong, a sentence. ``over``: there is nothing to do here until the settings change.
    """

    name: str
    url: str
    workstation: str
    clock: Clock
    store: Store
    kept: KeptEvents = field(default_factory=KeptEvents)
    trouble: str = ""
    over: bool = False
    _looked: float | None = None
    """When (monotonic) the subscriptions were last looked at."""
    _since: datetime | None = None
    """From when on (office wall clock) what changed should have arrived here."""

    def maintain(self, client: OpenDental, facts: CycleFacts) -> None:
        """Look at the subscriptions when it is time: at first, daily, while something is wrong, and when a change was
        found of which no delivery told.

        Raises:
            StoreError: the state cannot be written.
        """
        if self.over or not self._is_due(facts):
            return
        self._looked = self.clock.monotonic()
        tables = tables_for(facts.version) if self.url else ()
        if self.url and not tables:
            log.warning("events.too_old office=%s", self.name)
            self.trouble = TOO_OLD
            self.keep(replace(self.kept, problem=TOO_OLD))
            self.over = True  # the office is asked as ever
            return
        addresses = self._addresses()
        if not addresses:
            self.over = True
            return
        wanted = WantedSubscriptions(self.url, self.workstation, tables) if tables else WantedSubscriptions()
        try:
            with client.purpose("events"):
                ours = in_force(client.subscriptions().rows, addresses, facts.now)
                todo = changes(ours, wanted)
                apply(client, todo, wanted, facts.now)
        except OpenDentalError as error:
            self._tell(str(error))
            return
        if not tables:  # nothing of ours is left in Open Dental
            forget_events(self.store, self.name)
            log.info("events.off office=%s", self.name)
            self.over = True
            return
        self.keep(replace(self.kept, addresses=(self.url,), watched=tables, checked=self.clock.now()))
        if todo or self._since is None:
            self._since = facts.now
        self._tell(self._judged(ours, facts))

    def keep(self, now: KeptEvents) -> None:
        """Keep this for ``status``, if it is new."""
        if now != self.kept and not self.over:
            keep_events(self.store, self.name, now)
            self.kept = now

    def _is_due(self, facts: CycleFacts) -> bool:
        if self._looked is None:
            return True
        waited = self.clock.monotonic() - self._looked
        if waited < AGAIN:
            return False
        return waited >= DAILY or bool(self.trouble) or self._missed(facts)

    def _missed(self, facts: CycleFacts) -> bool:
        """Whether a change was found of which no delivery told, since that could be expected."""
        expected = max(filter(None, (facts.last_delivery, self._since)), default=None)
        return expected is not None and any(stamp > expected for stamp in facts.newest().values())

    def _addresses(self) -> tuple[str, ...]:
        """Every EndPointUrl of ours; kept before anything is made there, so that ours is known as ours for ever."""
        addresses = tuple(dict.fromkeys(filter(None, (*self.kept.addresses, self.url))))
        self.keep(replace(self.kept, addresses=addresses))
        return addresses

    def _judged(self, ours: Sequence[Subscription], facts: CycleFacts) -> str:
        """What is wrong with the deliveries, by what was found without them; empty when nothing is known to be.

        Open Dental moves a subscription's DateTimeStart on when it has delivered.
        """
        if self._since is None or facts.now - self._since < PATIENCE:
            return ""
        newest, last = facts.newest(), facts.last_delivery
        moved = [
            (row.date_time_start, newest[row.watch_table])
            for row in ours
            if row.end_point_url == self.url and row.date_time_start is not None and row.watch_table in newest
        ]
        if behind := [start for start, changed in moved if start < changed]:
            return NOT_DELIVERED.format(since=min(behind), url=self.url)
        if any(self._since < changed < start and (last is None or last < changed) for start, changed in moved):
            return ELSEWHERE.format(url=self.url)
        return ""

    def _tell(self, trouble: str) -> None:
        """Log trouble when it begins, changes or ends."""
        if trouble and trouble != self.trouble:
            log.warning("events.trouble office=%s %s", self.name, trouble)
        elif self.trouble and not trouble:
            log.info("events.works_again office=%s", self.name)
        self.trouble = trouble
