"""What ``status`` and ``doctor`` tell of notices: which stand, who knows of them, and addresses that take none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asapfill.clock import Clock
from asapfill.findings import Finding
from asapfill.notices.sending import knows
from asapfill.notices.telling import addresses_of
from asapfill.settings import Settings
from asapfill.store.database import Store, StoreError, open_for_reading
from asapfill.store.notices import failing_addresses, kept_notices


def notices_document(settings: Settings, store: Store) -> dict[str, Any]:
    """The part of ``status --json``. ``told``: everybody who is to know does."""
    addresses = addresses_of(settings)
    standing = [row for row in kept_notices(store) if row.gone is None]
    return {
        "notices": [
            {
                "office": row.notice.office or None,
                "code": row.notice.code,
                "subject": row.notice.subject or None,
                "since": row.since.isoformat(timespec="seconds"),
                "title": row.notice.title,
                "message": row.notice.message,
                "told": all(
                    row.told.get(address.id) == row.notice.about
                    for address in addresses
                    if address.is_for(row.notice.office)
                ),
            }
            for row in standing
        ],
        "addresses": len(addresses),
        "untold": [
            {"address": item.name, "since": item.since.isoformat(timespec="seconds"), "error": item.error}
            for item in failing_addresses(store)
        ],
    }


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
