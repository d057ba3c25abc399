"""For ``doctor``: whether somebody is told when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from asapfill.alerts.letters import addresses_of, knows
from asapfill.checks.findings import Finding
from asapfill.clock import Clock
from asapfill.settings.settings import Settings
from asapfill.store.database import StoreError, open_for_reading
from asapfill.store.notices import failing_addresses


def check_notices(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """For ``doctor``: whether somebody is told when something is wrong."""
    addresses = addresses_of(settings)
    if not addresses:
        remedy = "Name an address in [notify] of the settings: docs/watching.md."
        yield Finding("look", "notices", f"Nobody is told by mail or chat when something is wrong. {remedy}")
    for address in addresses:
        kind = address.secret.source.partition(":")[0]
        if kind == "credential" and not address.secret.environ.get("CREDENTIALS_DIRECTORY"):
            text = "is a systemd credential: only the service itself can read it."
            yield Finding("look", "notices", f"The {address.name} {text}")
            continue
        problems = address.secret.problems()
        if problems:
            yield Finding("wrong", "notices", f"{address.name}: {problems[0]}", configuration=True)
        elif not knows(address.secret.reveal()):
            text = f"What stands at {address.name} is no address that apprise knows. docs/watching.md has examples."
            yield Finding("wrong", "notices", text, configuration=True)
        else:
            yield Finding("ok", "notices", f"The {address.name} is there ({kind}). Try it: `asapfill notify test`.")
    try:
        store = open_for_reading(settings.state, clock)
        if store is not None:
            with store:
                for failing in failing_addresses(store):
                    text = f"The {failing.name} has not taken what it was told since {failing.since:%Y-%m-%d %H:%M} UTC"
                    yield Finding("wrong", "notices", f"{text} ({failing.error}). `asapfill notify test` says more.")
    except (StoreError, OSError):
        return  # said already, under state
