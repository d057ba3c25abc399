"""Offers as rows of the state database, and back. What may be written when is in ``journal``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from asapfill.core.offer import Offer, OfferTerms, State
from asapfill.core.reasons import Reason
from asapfill.store.database import moment_of, wall_of, wall_text

_INDEXES: Final = {
    "offers.patient": "live_offer",
    "offers.phone": "phone_live_offer",
}


def broken_index(error: sqlite3.IntegrityError) -> Reason:
    """Which unique index stood against an insert (SQLite names its columns); any other constraint is passed on."""
    text = str(error)
    if not text.startswith("UNIQUE"):
        raise error
    return next((Reason(code) for column, code in _INDEXES.items() if column in text), Reason("already_offered"))


def quoted(states: Iterable[State]) -> str:
    """States as an SQL list; their values are plain words of ours."""
    return ", ".join(f"'{state}'" for state in sorted(states))


def columns(new: OfferTerms) -> dict[str, Any]:
    """The columns of an offer that planning decides."""
    return {
        name: wall_text(value) if isinstance(value := getattr(new, name), datetime) else value
        for name in (field.name for field in fields(OfferTerms))
    }


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "state": State,
    **dict.fromkeys(("start", "end", "made"), wall_of),
    **dict.fromkeys(("created", "changed", "settled", "missing_since"), moment_of),
}
"""How the columns are read that are not kept as they are."""


def offer_of(row: Mapping[str, Any]) -> Offer:
    """A row of the table as data; its columns are named as the attributes."""
    values = {field.name: row[field.name] for field in fields(Offer)}
    return Offer(
        **{name: _READ[name](value) if name in _READ and value is not None else value for name, value in values.items()}
    )
