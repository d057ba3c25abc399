"""Where each commlog of ours stands. What is written when is in ``offers.commlogs``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asapfill.core.offer import Offer
from asapfill.store.database import Store, moment_of, moment_text
from asapfill.store.records import read_row
from asapfill.store.schema import CommlogState

FIRST: Final = 1
"""The entry that notes the offer."""
SECOND: Final = 2
"""The entry that notes the outcome where the first cannot be changed."""


@dataclass(frozen=True, slots=True)
class KeptCommlog:
    """One commlog of one offer as the state has it. ``entry``: FIRST or SECOND."""

    offer: int
    entry: int
    patient: int
    state: CommlogState
    commlog: int | None
    noted: str
    attempts: int
    changed: datetime
    missing_since: datetime | None


class CommlogTable:
    """The commlogs of one office in the state."""

    def __init__(self, store: Store, office: str) -> None:
        self._store = store
        self._office = office

    def notes(self, offers: Iterable[int]) -> dict[tuple[int, int], KeptCommlog]:
        """The commlogs of these offers by offer and entry."""
        # The sign keeps SQLite from going through all commlogs of the office.
        rows = self._store.rows(
            "SELECT * FROM commlogs WHERE offer IN (SELECT value FROM json_each(:offers)) AND +office = :office "
            "ORDER BY offer, entry",
            {"offers": json.dumps(sorted(offers)), "office": self._office},
        )
        return {(row["offer"], row["entry"]): _kept(row) for row in rows}

    def under_way(self) -> list[KeptCommlog]:
        """The commlogs of this office that are being written, or were when asapfill last ended."""
        rows = self._store.rows(
            "SELECT * FROM commlogs WHERE office = ? AND state = ? ORDER BY offer, entry",
            [self._office, CommlogState.INTENT],
        )
        return [_kept(row) for row in rows]

    def intend(self, offer: Offer, entry: int, text: str) -> None:
        """Write the intent of a commlog: a new row, or the row of an attempt that surely was not sent.

        Raises:
            RuntimeError: this commlog is under way or written already (a mistake in asapfill).
        """
        now = moment_text(self._store.clock.now())
        with self._store.transaction() as database:
            changed = database.execute(
                "INSERT INTO commlogs (offer, entry, office, patient, state, noted, attempts, changed) "
                "VALUES (:offer, :entry, :office, :patient, :intent, :noted, 1, :now) "
                "ON CONFLICT (offer, entry) DO UPDATE SET state = :intent, noted = :noted, attempts = attempts + 1, "
                "changed = :now, missing_since = NULL WHERE state = :unsent",
                {
                    "offer": offer.id,
                    "entry": entry,
                    "office": self._office,
                    "patient": offer.patient,
                    "intent": CommlogState.INTENT,
                    "unsent": CommlogState.UNSENT,
                    "noted": text,
                    "now": now,
                },
            ).rowcount
            if changed != 1:
                raise RuntimeError(f"offer {offer.id} has commlog {entry} already")

    def step(
        self,
        offer: int,
        entry: int,
        to: CommlogState,
        *,
        commlog: int | None = None,
        noted: str | None = None,
        attempts: int | None = None,
    ) -> KeptCommlog:
        """Record where a commlog stands now. What is None keeps its value."""
        with self._store.transaction() as database:
            database.execute(
                "UPDATE commlogs SET state = :state, commlog = coalesce(:commlog, commlog), "
                "noted = coalesce(:noted, noted), attempts = coalesce(:attempts, attempts), changed = :now "
                "WHERE offer = :offer AND entry = :entry AND office = :office",
                {
                    "state": to,
                    "commlog": commlog,
                    "noted": noted,
                    "attempts": attempts,
                    "now": moment_text(self._store.clock.now()),
                    "offer": offer,
                    "entry": entry,
                    "office": self._office,
                },
            )
        return self.notes([offer])[offer, entry]

    def missing(self, note: KeptCommlog) -> None:
        """Note that a reading, just now, did not find it; the first one's time is kept, unless it lies ahead."""
        with self._store.transaction() as database:
            database.execute(
                "UPDATE commlogs SET missing_since = coalesce(min(missing_since, :now), :now) "
                "WHERE offer = :offer AND entry = :entry",
                {"now": moment_text(self._store.clock.now()), "offer": note.offer, "entry": note.entry},
            )


def _kept(row: dict[str, Any]) -> KeptCommlog:
    """A row of the table as data."""
    return read_row(KeptCommlog, row, {"state": CommlogState, "changed": moment_of, "missing_since": moment_of})
