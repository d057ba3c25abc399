"""Offers as rows of the state database, and back. What may be written when is in ``journal``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from asapfill.core.offer import NewOffer, Offer, State
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


def columns(new: NewOffer) -> dict[str, Any]:
    """The columns of an offer that planning decides."""
    return {
        "clinic": new.clinic,
        "kind": new.kind,
        "number": new.number,
        "patient": new.patient,
        "phone": new.phone,
        "operatory": new.operatory,
        "provider": new.provider,
        "start": wall_text(new.start),
        "end": wall_text(new.end),
        "wave": new.wave,
        "opening": new.opening,
        "made": wall_text(new.made),
    }


def offer_of(row: dict[str, Any]) -> Offer:
    """A row of the table as data."""
    return Offer(
        id=row["id"],
        office=row["office"],
        clinic=row["clinic"],
        kind=row["kind"],
        number=row["number"],
        patient=row["patient"],
        phone=row["phone"],
        operatory=row["operatory"],
        provider=row["provider"],
        start=wall_of(row["start"]),
        end=wall_of(row["end"]),
        wave=row["wave"],
        opening=row["opening"],
        made=wall_of(row["made"]),
        state=State(row["state"]),
        reason=row["reason"],
        asapcomm=row["asapcomm"],
        schedule=row["schedule"],
        created=moment_of(row["created"]),
        changed=moment_of(row["changed"]),
        settled=None if row["settled"] is None else moment_of(row["settled"]),
        seen=row["seen"],
        missing_since=None if row["missing_since"] is None else moment_of(row["missing_since"]),
    )
