"""Between events and the office that they are about: what a delivery sets going, and what a cycle tells the events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from asapfill.clock import office_now
from asapfill.events.hints import Hint
from asapfill.events.service import Events, Hear
from asapfill.service.desk import Desk


def ear_for(desks: Iterable[Desk], wake: Callable[[str], None]) -> Hear:
    """What to do when a delivery has come: have it looked at, at once. Takes no time; any thread may call it."""
    by_name = {desk.office: desk for desk in desks}

    def hear(office: str, hint: Hint) -> None:
        by_name[office].mirror.hint(days=hint.days, appointments=hint.appointments)
        wake(office)

    return hear


def tend_events(events: Events, desk: Desk, timezone: ZoneInfo) -> None:
    """After a cycle: have an office's events looked after, if the office answered.

    Raises:
        StoreError: the state cannot be written.
    """
    if desk.stop.is_set() or desk.client.failing or desk.mirror.names is None:
        return
    wall = office_now(desk.clock.now(), timezone) + (desk.mirror.skew or timedelta(0))
    events.tend(desk.office, desk.client, desk.mirror.names.version, wall, desk.mirror.office)
