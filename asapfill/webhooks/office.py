"""The events of one office: its subscriptions looked after, and what is wrong with its deliveries.

Called at the end of the office's own cycles, of which there is one at a time. Nothing here is needed to find a change:
whatever goes wrong is told, tried again later, and stops nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from asapfill.clock import Clock
from asapfill.core.office import Office
from asapfill.core.rows import Subscription
from asapfill.core.values import Version
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import OpenDentalError
from asapfill.store.database import Store
from asapfill.store.webhooks import KeptEvents, forget_events, keep_events
from asapfill.webhooks.subscriptions import (
    PATIENCE,
    WantedSubscriptions,
    apply,
    changes,
    in_force,
    newest_changes,
    tables_for,
    undelivered,
    went_elsewhere,
)

log = logging.getLogger(__name__)

DAILY: Final = 86_400.0
AGAIN: Final = 600.0
"""Seconds from one look at the subscriptions to the next: when all is well, and when something is wrong or missed."""

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
class CycleFacts:
    """What a finished cycle knows of its office. ``now``: the office's own wall clock. ``last_delivery``: when the last
    delivery came, by the same clock; None if none ever did.
    """

    version: Version | None
    now: datetime
    last_delivery: datetime | None
    office: Callable[[], Office]

    def newest(self) -> dict[str, datetime]:
        """The newest change of each table that events should have told of by now."""
        known = self.office()
        return newest_changes(known.appointments, known.schedules, self.now - PATIENCE)


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
            self._too_old()
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
        if not tables:
            self._off()
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
        """What is wrong with the deliveries, by what was found without them; empty when nothing is known to be."""
        if self._since is None or facts.now - self._since < PATIENCE:
            return ""
        rows, newest = [row for row in ours if row.end_point_url == self.url], facts.newest()
        since = undelivered(rows, newest)
        if since is not None:
            return NOT_DELIVERED.format(since=since, url=self.url)
        return ELSEWHERE.format(url=self.url) if went_elsewhere(rows, newest, facts.last_delivery, self._since) else ""

    def _too_old(self) -> None:
        """This Open Dental has no events: said once, and the office is asked as ever."""
        log.warning("events.too_old office=%s", self.name)
        self.trouble = TOO_OLD
        self.keep(replace(self.kept, problem=TOO_OLD))
        self.over = True

    def _off(self) -> None:
        """Nothing of ours is left in Open Dental."""
        forget_events(self.store, self.name)
        log.info("events.off office=%s", self.name)
        self.over = True

    def _tell(self, trouble: str) -> None:
        """Log trouble when it begins, changes or ends."""
        if trouble and trouble != self.trouble:
            log.warning("events.trouble office=%s %s", self.name, trouble)
        elif self.trouble and not trouble:
            log.info("events.works_again office=%s", self.name)
        self.trouble = trouble
