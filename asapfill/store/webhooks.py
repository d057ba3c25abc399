"""How events are: whether asapfill can listen, and each office's subscriptions, deliveries and troubles.

Kept so that ``status`` can tell, and so that our subscriptions are still known when the settings name another address
or none any more. Counts and codes; nothing of what a delivery said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final

from asapfill.store.database import Store, moment_of, moment_text
from asapfill.store.records import Readers, keep_value, kept_value, read_row

_FAILURE: Final = "events_deaf"


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """The events of one office. Moments are aware.

    ``addresses``: every EndPointUrl that subscriptions of ours had and may still have. ``watched``: the tables that are
    subscribed to. ``checked``: when that was last looked at. ``problem``: a sentence for a person, or empty.
    ``deliveries``, ``refused`` (by reason) and ``last`` tell what came; ``since`` when the counting began.
    """

    addresses: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    checked: datetime | None = None
    problem: str = ""
    deliveries: int = 0
    last: datetime | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None


_READERS: Final[Readers] = {
    **dict.fromkeys(("addresses", "watched"), tuple),
    **dict.fromkeys(("checked", "last", "since"), moment_of),
}


@dataclass(frozen=True, slots=True)
class ListenFailure:
    """Why asapfill cannot listen, for any office. ``code``: ``port`` or ``certificate``; ``problem``: a sentence."""

    code: str
    problem: str


def keep_listen_failure(store: Store, failure: ListenFailure | None) -> None:
    """Remember why asapfill cannot listen; None: it can, or need not."""
    keep_value(store, _FAILURE, None if failure is None else json.dumps([failure.code, failure.problem]))


def kept_listen_failure(store: Store) -> ListenFailure | None:
    """Why asapfill could not listen when it last tried; None when it could."""
    text = kept_value(store, _FAILURE)
    return None if text is None else ListenFailure(*json.loads(text))


def keep_events(store: Store, office: str, kept: KeptEvents) -> None:
    """Remember how the events of an office are."""
    value = {field.name: getattr(kept, field.name) for field in fields(kept)} | {"refused": dict(kept.refused)}
    keep_value(store, _key(office), json.dumps(value, default=moment_text))


def kept_events(store: Store, office: str) -> KeptEvents:
    """How the events of an office were when that was last kept; all empty when there never were any."""
    text = kept_value(store, _key(office))
    return KeptEvents() if text is None else read_row(KeptEvents, json.loads(text), _READERS)


def forget_events(store: Store, office: str) -> None:
    """Nothing of ours is left in Open Dental."""
    keep_value(store, _key(office), None)


def _key(office: str) -> str:
    return f"events {office}"
