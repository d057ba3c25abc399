"""Requests by purpose, for ``status``: as a document and as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from asapfill.report.text import wrapped
from asapfill.store.database import Store
from asapfill.store.requests import requests_since

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def requests_document(store: Store, office: str, now: datetime) -> dict[str, Any]:
    """Requests of the last hour and the last day, to ten minutes, together and by purpose. ``now``: aware.

    Raises:
        StoreError: the state cannot be read.
    """
    return {
        "last_hour": _counted(requests_since(store, office, now - HOUR)),
        "last_day": _counted(requests_since(store, office, now - DAY)),
    }


def requests_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person; nothing when nothing was asked for a day."""
    hour, day = document["last_hour"], document["last_day"]
    if not day["together"]:
        return
    yield f"  Requests: {hour['together']:,} in the last hour, {day['together']:,} in the last day, for"
    purposes = ", ".join(f"{purpose} {count:,}" for purpose, count in day["purposes"].items())
    yield from wrapped(f"    {purposes}.", 4)


def _counted(counts: Counter[str]) -> dict[str, Any]:
    """The purposes that cost most first."""
    purposes = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return {"together": counts.total(), "purposes": purposes}
