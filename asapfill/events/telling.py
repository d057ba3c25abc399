"""What ``status --json`` and ``doctor`` tell of an office's events; from the settings and the state only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asapfill.settings import Settings
from asapfill.store.database import Store
from asapfill.store.events import kept_deaf, kept_events


def events_document(settings: Settings, store: Store, office: str) -> dict[str, Any] | None:
    """The events of an office; None when they are off and nothing of them is left.

    ``url``: where Open Dental sends them, None when they are off and subscriptions of ours are still there.
    ``problem``: a sentence for a person, or empty. ``refused``: by reason, see ``tally.REASONS``. Moments are ISO text
    with an offset, or None.
    """
    kept = kept_events(store, office)
    on = settings.events is not None and settings.offices[office].events
    if not on and not kept.addresses:
        return None
    deaf = kept_deaf(store) if on else None
    return {
        "url": settings.events.address(office) if on and settings.events is not None else None,
        "tables": list(kept.watched),
        "checked": _written(kept.checked),
        "since": _written(kept.since),
        "deliveries": kept.deliveries,
        "last": _written(kept.last),
        "refused": dict(kept.refused),
        "problem": deaf.problem if deaf is not None else kept.problem,
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
