"""Events for ``doctor``: can asapfill listen as the settings say, and what came lately. Asks no office."""

from __future__ import annotations

from collections.abc import Iterator

from asapfill.checks.findings import Finding
from asapfill.clock import Clock
from asapfill.report.status import events_document
from asapfill.settings.settings import Settings
from asapfill.settings.webhooks import EventSettings
from asapfill.store.database import Store, StoreError, open_for_reading
from asapfill.store.lock import is_held
from asapfill.webhooks.listener import CannotListen, ListenAddress, try_out
from asapfill.words import counted


def check_events(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Findings about events; none when they are off and were never on.

    While the service runs, its own word counts; otherwise the port and the certificate are tried. A state that cannot
    be read is another check's to tell.
    """
    try:
        running, store = is_held(settings.state), open_for_reading(settings.state, clock)
    except (OSError, StoreError):
        running, store = False, None
    if settings.events is not None and not running:
        yield _place(settings.events)
    if store is not None:
        with store:
            yield from _offices(settings, store)


def _place(events: EventSettings) -> Finding:
    address = ListenAddress(events.host, events.port, events.prefix, events.certificate, events.certificate_key)
    try:
        try_out(address)
    except CannotListen as error:
        return Finding("wrong", "events", str(error))
    return Finding("ok", "events", f"asapfill can listen at {events.host}:{events.port}.")


def _offices(settings: Settings, store: Store) -> Iterator[Finding]:
    for name in settings.offices:
        found = events_document(settings, store, name)
        if found is None or found["since"] is None:
            continue
        if found["problem"]:
            yield Finding("look", "events", f"{name}: {found['problem']}")
        elif found["url"] is None:
            text = "events are off, and subscriptions of asapfill are still there. The running service removes them."
            yield Finding("look", "events", f"{name}: {text}")
        else:
            came = counted(found["deliveries"] or "no", "delivery", "deliveries")
            yield Finding("ok", "events", f"{name}: {came} since {found['since']}.")
