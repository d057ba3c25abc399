"""The offers of an office in the state: their table, their steps, and the AsapComms that were read.

Every SQL statement on these is here. What may be written when is in ``offers.journal``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from sqlite_utils import Database

from asapfill.core.offer import AWAITED, FINAL, LATE, LINK_STAYS_OPEN, LIVE, UNCLEAR, NewOffer, Offer, OfferTerms, State
from asapfill.core.reasons import Reason
from asapfill.store.database import Store, as_written, moment_of, moment_text, wall_of, wall_text
from asapfill.store.records import Readers, insert, read_row

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


_READERS: Final[Readers] = {
    "state": State,
    **dict.fromkeys(("start", "end", "made"), wall_of),
    **dict.fromkeys(("created", "changed", "settled", "missing_since"), moment_of),
}


def offer_of(row: Mapping[str, Any]) -> Offer:
    """A row of the table as data."""
    return read_row(Offer, row, _READERS)


@dataclass(frozen=True, slots=True)
class Step:
    """One step in an offer's life; ``before`` is None for the first. ``at`` is aware UTC."""

    offer: int
    at: datetime
    before: State | None
    after: State
    reason: str | None


class OfferTable:
    """The offers of one office. What writes wants a transaction of the caller's."""

    def __init__(self, store: Store, office: str) -> None:
        self.store = store
        self.office = office

    def seen_before(self, offer: Offer) -> frozenset[int]:
        """AsapCommNums that had been read before the intent of ``offer``: none of them is its result."""
        rows = self._rows("SELECT asapcomm FROM asapcomms_seen WHERE office = :office AND id <= :seen", seen=offer.seen)
        return frozenset(row["asapcomm"] for row in rows)

    def asapcomms(self, among: Iterable[int] | None = None) -> frozenset[int]:
        """AsapCommNums of our own offers: all, or those that are among these."""
        if among is None:
            rows = self._rows("SELECT asapcomm FROM offers WHERE office = :office AND asapcomm IS NOT NULL")
        else:
            rows = self._rows(
                "SELECT asapcomm FROM offers WHERE office = :office "
                "AND asapcomm IN (SELECT value FROM json_each(:numbers))",
                numbers=json.dumps(sorted(set(among))),
            )
        return frozenset(row["asapcomm"] for row in rows)

    def live(self) -> tuple[Offer, ...]:
        """Every open offer, oldest first."""
        return self._in_states(LIVE)

    def waiting(self) -> tuple[Offer, ...]:
        """Offers that wait for a person's yes."""
        return self._in_states(frozenset({State.WAITING}))

    def approved(self) -> tuple[Offer, ...]:
        """Offers that a person approved and that were not sent yet."""
        return self._in_states(frozenset({State.APPROVED}))

    def unknowns(self) -> tuple[Offer, ...]:
        """Offers without a clear answer: intents, unknown and unsettled ones."""
        return self._in_states(UNCLEAR)

    def followed(self, now: datetime) -> tuple[Offer, ...]:
        """Offers that may still take a step: open ones, and given-up ones whose link still works.

        ``now`` is the office's wall clock. Open Dental keeps a link usable until seven days after the slot.
        """
        return self._offers(
            f"state IN ({quoted(AWAITED)})",
            f"state IN ({quoted(LATE)}) AND start >= :oldest",
            oldest=wall_text(now - LINK_STAYS_OPEN),
        )

    def accepted(self, since: datetime) -> tuple[Offer, ...]:
        """Offers that patients have accepted, as asapfill learned it at ``since`` (aware) or later."""
        return self._offers(f"state IN ({quoted([State.ACCEPTED])}) AND settled >= :since", since=moment_text(since))

    def since(self, day: date) -> tuple[Offer, ...]:
        """What limits must know: offers made or starting on ``day`` (office) or later, open ones, stops for ever."""
        return self._offers(
            "made >= :day",
            "start >= :day",
            "state = :stopped",
            "reason = :told_before",
            f"state IN ({quoted(LIVE)})",
            day=day.isoformat(),
            stopped=State.STOPPED,
            told_before="suppressed_stop",
        )

    def by_patient(self, patient: int) -> tuple[Offer, ...]:
        """Everything that was ever meant for one patient."""
        return self._offers("patient = :patient", patient=patient)

    def by_opening(self, opening: str) -> tuple[Offer, ...]:
        """Everything that was ever meant for one opening, and for whatever was carved from the same time."""
        return self._offers(
            "opening = :opening OR EXISTS (SELECT 1 FROM offers same WHERE same.office = :office "
            "AND same.opening = :opening AND same.operatory = offers.operatory "
            'AND same.start < offers."end" AND same."end" > offers.start)',
            opening=opening,
        )

    def steps(self, offer: int) -> tuple[Step, ...]:
        """The story of one offer, oldest step first."""
        rows = self._rows(
            "SELECT s.* FROM offer_steps s JOIN offers o ON o.id = s.offer "
            "WHERE o.office = :office AND o.id = :offer ORDER BY s.id",
            offer=offer,
        )
        with as_written("a step of an offer"):
            return tuple(
                Step(
                    offer=row["offer"],
                    at=moment_of(row["at"]),
                    before=State(row["from"]) if row["from"] else None,
                    after=State(row["to"]),
                    reason=row["reason"],
                )
                for row in rows
            )

    def against(self, new: NewOffer) -> list[Offer]:
        """Every row that could stand against ``new``: same person, phone, candidate, opening, or place and time."""
        return list(
            self._offers(
                "patient = :patient",
                "phone = :phone AND phone <> ''",
                "kind = :kind AND number = :number",
                "opening = :opening",
                'operatory = :operatory AND start < :end AND "end" > :start',
                patient=new.patient,
                phone=new.phone,
                kind=new.kind,
                number=new.number,
                opening=new.opening,
                operatory=new.operatory,
                start=wall_text(new.start),
                end=wall_text(new.end),
            )
        )

    def note_missing(self, database: Database, offer: int) -> None:
        """A reading, just now, did not find this offer; the first one's time is kept, unless it lies ahead."""
        database.execute(
            "UPDATE offers SET missing_since = coalesce(min(missing_since, :now), :now) "
            "WHERE office = :office AND id = :offer",
            {"now": self._now(), "office": self.office, "offer": offer},
        )

    def unseen(self, asapcomms: Iterable[int]) -> frozenset[int]:
        """Those of these AsapCommNums that are not remembered as read."""
        numbers = set(asapcomms)
        # Only these are looked for: in a year an office has tens of thousands.
        known = self._rows(
            "SELECT asapcomm FROM asapcomms_seen WHERE office = :office "
            "AND asapcomm IN (SELECT value FROM json_each(:numbers))",
            numbers=json.dumps(sorted(numbers)),
        )
        return frozenset(numbers - {row["asapcomm"] for row in known})

    def note_seen(self, database: Database, asapcomms: Iterable[int]) -> None:
        """These AsapCommNums were read at the office."""
        now = self._now()
        rows = [{"office": self.office, "asapcomm": number, "at": now} for number in sorted(asapcomms)]
        insert(database, "asapcomms_seen", rows, "ON CONFLICT DO NOTHING")

    def insert(self, database: Database, new: NewOffer, state: State) -> int:
        """A new row with its first step; returns its number. An IntegrityError tells of a unique index against it."""
        now = self._now()
        row = {
            **columns(new),
            "office": self.office,
            "state": state,
            "reason": None,
            "created": now,
            "changed": now,
            "seen": self._last_seen(),
        }
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join(f":{name}" for name in row)
        # The names come from our own columns, never from outside.
        number = database.execute(f"INSERT INTO offers ({names}) VALUES ({places})", row).lastrowid  # noqa: S608
        assert number is not None  # noqa: S101  for the type checker: an INSERT always has one
        self._record(database, number, now, None, state, None)
        return number

    def make_intent(self, database: Database, approved: Offer, new: NewOffer) -> None:
        """An approved row becomes an intent, made now."""
        now = self._now()
        row = {**columns(new), "id": approved.id, "state": State.INTENT, "now": now, "seen": self._last_seen()}
        assignments = ", ".join(f'"{name}" = :{name}' for name in columns(new))
        steps = "state = :state, reason = NULL, created = :now, changed = :now, seen = :seen"
        # The names come from our own columns, never from outside.
        database.execute(f"UPDATE offers SET {assignments}, {steps} WHERE id = :id", row)  # noqa: S608
        self._record(database, approved.id, now, approved.state, State.INTENT, None)

    def update(
        self,
        database: Database,
        before: Offer,
        to: State,
        reason: str | None,
        *,
        asapcomm: int | None = None,
        schedule: int | None = None,
    ) -> None:
        """One step and its line in the story. A number that is None keeps what is there."""
        now = self._now()
        database.execute(
            "UPDATE offers SET state = :state, reason = :reason, changed = :now, "
            "asapcomm = coalesce(:asapcomm, asapcomm), schedule = coalesce(:schedule, schedule), "
            "settled = :settled WHERE id = :id",
            {
                "id": before.id,
                "state": to,
                "reason": reason,
                "now": now,
                "asapcomm": asapcomm,
                "schedule": schedule,
                "settled": now if to in FINAL else None,
            },
        )
        self._record(database, before.id, now, before.state, to, reason)

    def _record(
        self, database: Database, offer: int, now: str, before: State | None, after: State, reason: str | None
    ) -> None:
        """One line of an offer's story."""
        database.execute(
            'INSERT INTO offer_steps (offer, at, "from", "to", reason) VALUES (?, ?, ?, ?, ?)',
            [offer, now, before or "", after, reason],
        )

    def _now(self) -> str:
        return moment_text(self.store.clock.now())

    def _last_seen(self) -> int:
        """The number of the last AsapComm row that was remembered as read."""
        return int(
            self._rows("SELECT coalesce(max(id), 0) AS seen FROM asapcomms_seen WHERE office = :office")[0]["seen"]
        )

    def get(self, offer: int) -> Offer:
        """One offer.

        Raises:
            LookupError: this office has no such offer.
        """
        found = self._offers("id = :offer", offer=offer)
        if not found:
            raise LookupError(f"office {self.office} has no offer {offer}")
        return found[0]

    def _in_states(self, states: frozenset[State]) -> tuple[Offer, ...]:
        """Offers in any of ``states``, oldest first."""
        return self._offers(f"state IN ({quoted(states)})")

    def _offers(self, *conditions: str, **parameters: object) -> tuple[Offer, ...]:
        """This office's offers for which any of ``conditions`` (written in this module) holds, oldest first.

        Each condition finds its offers by an index of its own; joined by OR, SQLite would read the office's whole year.
        """
        found = " UNION ".join(
            f"SELECT id FROM offers WHERE office = :office AND ({condition})"  # noqa: S608  written in this module
            for condition in conditions
        )
        rows = self._rows(f"SELECT * FROM offers WHERE id IN ({found}) ORDER BY id", **parameters)  # noqa: S608  as above
        return tuple(offer_of(row) for row in rows)

    def _rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """Rows of a query that names this office ``:office``."""
        return self.store.rows(sql, {"office": self.office, **parameters})
