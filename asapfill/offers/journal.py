"""The journal: the durable record that keeps anything from being sent twice.

Each change is one BEGIN IMMEDIATE transaction, on disk when the call returns. Which offers are wanted is not decided
here; the rules on how often a person may be texted are in ``planning.limits`` and are run inside the transaction by
``begin``.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from asapfill.core.errors import AsapfillError
from asapfill.core.offer import AWAITED, FINAL, LATE, LINK_STAYS_OPEN, LIVE, UNCLEAR, NewOffer, Offer, State, require
from asapfill.core.reasons import RULES, Reason
from asapfill.failpoints import reach
from asapfill.store.database import Store, moment_of, moment_text, wall_text
from asapfill.store.offers import broken_index, columns, offer_of, quoted

log = logging.getLogger(__name__)

Check = Callable[[Sequence[Offer]], Reason | None]
"""Judges, given the journal's rows that matter, whether an offer may still be made; a reason says why not."""


class Held(AsapfillError):  # noqa: N818  not an error: the journal holds the offer back
    """The journal does not let this offer be made; ``reason`` says why."""

    exit_code = None

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(f"held: {reason.code}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step in an offer's life; ``before`` is None for the first. ``at`` is aware UTC."""

    offer: int
    at: datetime
    before: State | None
    after: State
    reason: str | None


class Journal:
    """The offers of one office. Safe to share between threads."""

    def __init__(self, store: Store, office: str) -> None:
        self.store = store
        self.office = office

    def begin(self, new: NewOffer, *, check: Check) -> Offer:
        """Write the intent to make ``new``, durably, before anything is sent.

        ``check`` gets every row of this journal that could stand against it, read inside the same transaction. An
        offer that a person approved becomes an intent in its own row.

        Raises:
            Held: a limit, or the unique index, stands against it; nothing was written.
            StoreError: the state cannot be written.
        """
        reach("offers.intent.before")
        with self.store.transaction() as database:
            rows = self._against(new)
            approved = next((row for row in rows if row.key == new.key and row.state is State.APPROVED), None)
            reason = check([row for row in rows if row is not approved])
            if reason is not None:
                raise Held(reason)
            offer = (
                self._insert(database, new, State.INTENT, None)
                if approved is None
                else self._send_approved(database, approved, new)
            )
        _log_step(offer, None if approved is None else State.APPROVED)
        return offer

    def wait(self, new: NewOffer, *, check: Check) -> Offer:
        """Keep ``new`` until a person approves or declines it (policy mode ask).

        Raises:
            Held: a limit, or the unique index, stands against it; nothing was written.
        """
        with self.store.transaction() as database:
            reason = check(self._against(new))
            if reason is not None:
                raise Held(reason)
            offer = self._insert(database, new, State.WAITING, None)
        _log_step(offer, None)
        return offer

    def step(
        self,
        offer: int,
        to: State,
        reason: str | None = None,
        *,
        asapcomm: int | None = None,
        schedule: int | None = None,
    ) -> Offer:
        """Take one step; ``reason`` is a code of ``asapfill.core.reasons``. A number that is None keeps what is there.

        Raises:
            IllegalStep: the state machine does not know the step.
            LookupError: this office has no such offer.
            ValueError: the reason is not a known code (texts are never stored).
        """
        with self.store.transaction() as database:
            before = self._one(offer)
            require(before.state, to)
            self._update(database, before, to, reason, asapcomm=asapcomm, schedule=schedule)
            after = self._one(offer)
        _log_step(after, before.state)
        return after

    def approve(self, offers: Iterable[int]) -> tuple[Offer, ...]:
        """A person says yes to waiting offers. All or none.

        Raises:
            IllegalStep: one of them does not wait any more.
            LookupError: this office has no such offer.
        """
        return self._answer(offers, State.APPROVED)

    def decline(self, offers: Iterable[int]) -> tuple[Offer, ...]:
        """A person says no to waiting offers; that stands for their candidates and slots. All or none.

        Raises:
            IllegalStep: one of them does not wait any more.
            LookupError: this office has no such offer.
        """
        return self._answer(offers, State.WITHDRAWN)

    def missing(self, offer: int) -> Offer:
        """Note that a reading, just now, did not find this offer at the office; the first one's time is kept.

        Unless that lies ahead, as after our clock was set back.
        """
        with self.store.transaction() as database:
            database.execute(
                "UPDATE offers SET missing_since = coalesce(min(missing_since, :now), :now) "
                "WHERE office = :office AND id = :offer",
                {"now": moment_text(self.store.clock.now()), "office": self.office, "offer": offer},
            )
            return self._one(offer)

    def saw(self, asapcomms: Iterable[int]) -> None:
        """Remember AsapCommNums read at the office, whoever made them: one seen before an intent is not its result."""
        now = moment_text(self.store.clock.now())
        numbers = set(asapcomms)
        # Only these are looked for: in a year an office has tens of thousands.
        known = self._rows(
            "SELECT asapcomm FROM asapcomms_seen WHERE office = :office "
            "AND asapcomm IN (SELECT value FROM json_each(:numbers))",
            numbers=json.dumps(sorted(numbers)),
        )
        fresh = numbers - {row["asapcomm"] for row in known}
        if fresh:
            with self.store.transaction() as database:
                database.conn.executemany(
                    "INSERT INTO asapcomms_seen (office, asapcomm, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    [(self.office, number, now) for number in sorted(fresh)],
                )

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

    def get(self, offer: int) -> Offer:
        """One offer.

        Raises:
            LookupError: this office has no such offer.
        """
        return self._one(offer)

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

    def _answer(self, offers: Iterable[int], to: State) -> tuple[Offer, ...]:
        """A person's answer to several offers, in one transaction."""
        answered: list[tuple[State, Offer]] = []
        with self.store.transaction() as database:
            for offer in offers:
                before = self._one(offer)
                require(before.state, to)
                self._update(database, before, to, None)
                answered.append((before.state, self._one(offer)))
        for former, after in answered:
            _log_step(after, former)
        return tuple(after for _, after in answered)

    def _against(self, new: NewOffer) -> list[Offer]:
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

    def _insert(self, database: Database, new: NewOffer, state: State, reason: str | None) -> Offer:
        """A new row with its first step.

        Raises:
            Held: the unique indexes know the candidate and slot, or an open offer of the patient or phone.
        """
        require(None, state)
        now = moment_text(self.store.clock.now())
        row = {
            **columns(new),
            "office": self.office,
            "state": state,
            "reason": reason,
            "created": now,
            "changed": now,
            "seen": self._last_seen(),
        }
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join(f":{name}" for name in row)
        try:
            # The names come from our own columns, never from outside.
            number = database.execute(f"INSERT INTO offers ({names}) VALUES ({places})", row).lastrowid  # noqa: S608
        except sqlite3.IntegrityError as error:
            raise Held(broken_index(error)) from error
        assert number is not None  # noqa: S101  for the type checker: an INSERT always has one
        self._record(database, number, now, None, state, reason)
        return self._one(number)

    def _send_approved(self, database: Database, approved: Offer, new: NewOffer) -> Offer:
        """An approved row becomes the intent; from now on it counts for the day on which it is sent."""
        require(approved.state, State.INTENT)
        now = moment_text(self.store.clock.now())
        row = {**columns(new), "id": approved.id, "state": State.INTENT, "now": now, "seen": self._last_seen()}
        assignments = ", ".join(f'"{name}" = :{name}' for name in columns(new))
        steps = "state = :state, reason = NULL, created = :now, changed = :now, seen = :seen"
        # The names come from our own columns, never from outside.
        database.execute(f"UPDATE offers SET {assignments}, {steps} WHERE id = :id", row)  # noqa: S608
        self._record(database, approved.id, now, approved.state, State.INTENT, None)
        return self._one(approved.id)

    def _last_seen(self) -> int:
        """The number of the last AsapComm row that was remembered as read."""
        return int(
            self._rows("SELECT coalesce(max(id), 0) AS seen FROM asapcomms_seen WHERE office = :office")[0]["seen"]
        )

    def _update(
        self,
        database: Database,
        before: Offer,
        to: State,
        reason: str | None,
        *,
        asapcomm: int | None = None,
        schedule: int | None = None,
    ) -> None:
        """Write one legal step and its history."""
        if reason is not None and reason not in RULES:
            raise ValueError(f"{reason!r} is not a reason code of asapfill.core.reasons")
        now = moment_text(self.store.clock.now())
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

    def _one(self, offer: int) -> Offer:
        """One row of this office."""
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


def _log_step(offer: Offer, before: State | None) -> None:
    """One line for each step, the same for all; ``before`` None: it has just entered the journal."""
    log.info(
        "offer.%s office=%s %s=%d op=%d start=%s offer=%d before=%s reason=%s",
        offer.state,
        offer.office,
        offer.logged_as,
        offer.number,
        offer.operatory,
        offer.start.isoformat(timespec="minutes"),
        offer.id,
        before,
        offer.reason,
    )
