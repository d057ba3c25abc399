"""How events are: whether asapfill can listen, and each office's subscriptions, deliveries and troubles.

Kept so that ``status`` can tell, and so that our subscriptions are still known when the settings name another address
or none any more. Counts and codes; nothing of what a delivery said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from asapfill.store.database import Store, moment_of, moment_text

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


@dataclass(frozen=True, slots=True)
class ListenFailure:
    """Why asapfill cannot listen, for any office. ``code``: ``port`` or ``certificate``; ``problem``: a sentence."""

    code: str
    problem: str


def keep_listen_failure(store: Store, failure: ListenFailure | None) -> None:
    """Remember why asapfill cannot listen; None: it can, or need not."""
    if failure == kept_listen_failure(store):
        return
    with store.transaction() as database:
        database.execute("DELETE FROM meta WHERE name = ?", [_FAILURE])
        if failure is not None:
            value = json.dumps([failure.code, failure.problem])
            database.execute("INSERT INTO meta (name, value) VALUES (?, ?)", [_FAILURE, value])


def kept_listen_failure(store: Store) -> ListenFailure | None:
    """Why asapfill could not listen when it last tried; None when it could."""
    for row in store.rows("SELECT value FROM meta WHERE name = ?", [_FAILURE]):
        return ListenFailure(*json.loads(row["value"]))
    return None


def keep_events(store: Store, office: str, kept: KeptEvents) -> None:
    """Remember how the events of an office are."""
    value = {
        "addresses": list(kept.addresses),
        "watched": list(kept.watched),
        "checked": _written(kept.checked),
        "problem": kept.problem,
        "deliveries": kept.deliveries,
        "last": _written(kept.last),
        "refused": dict(kept.refused),
        "since": _written(kept.since),
    }
    with store.transaction() as database:
        database.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [_key(office), json.dumps(value)],
        )


def kept_events(store: Store, office: str) -> KeptEvents:
    """How the events of an office were when that was last kept; all empty when there never were any."""
    for row in store.rows("SELECT value FROM meta WHERE name = ?", [_key(office)]):
        value = json.loads(row["value"])
        return KeptEvents(
            addresses=tuple(value["addresses"]),
            watched=tuple(value["watched"]),
            checked=_read(value["checked"]),
            problem=value["problem"],
            deliveries=value["deliveries"],
            last=_read(value["last"]),
            refused=value["refused"],
            since=_read(value["since"]),
        )
    return KeptEvents()


def forget_events(store: Store, office: str) -> None:
    """Nothing of ours is left in Open Dental."""
    with store.transaction() as database:
        database.execute("DELETE FROM meta WHERE name = ?", [_key(office)])


def _key(office: str) -> str:
    return f"events {office}"


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _read(text: str | None) -> datetime | None:
    return None if text is None else moment_of(text)
