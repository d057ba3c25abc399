"""The journal: the durable record that keeps anything from being sent twice.

Each change is one BEGIN IMMEDIATE transaction, on disk when the call returns; the SQL is in ``store.offers``. Which
offers are wanted is not decided here; the rules on how often a person may be texted are in ``core.limits`` and are run
inside the transaction by ``begin``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from sqlite_utils import Database

from asapfill.core.errors import AsapfillError
from asapfill.core.offer import NewOffer, Offer, State, require
from asapfill.core.reasons import RULES, Reason
from asapfill.failpoints import reach
from asapfill.store.offers import OfferTable, broken_index

log = logging.getLogger(__name__)

Check = Callable[[Sequence[Offer]], Reason | None]
"""Judges, given the journal's rows that matter, whether an offer may still be made; a reason says why not."""


class Held(AsapfillError):  # noqa: N818  not an error: the journal holds the offer back
    """The journal does not let this offer be made; ``reason`` says why."""

    exit_code = None

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(f"held: {reason.code}")


class Journal(OfferTable):
    """The offers of one office, and the only way in which they change. Safe to share between threads."""

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
            rows = self.against(new)
            approved = next((row for row in rows if row.key == new.key and row.state is State.APPROVED), None)
            reason = check([row for row in rows if row is not approved])
            if reason is not None:
                raise Held(reason)
            offer = (
                self._insert(database, new, State.INTENT)
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
            reason = check(self.against(new))
            if reason is not None:
                raise Held(reason)
            offer = self._insert(database, new, State.WAITING)
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
            before, after = self._take(database, offer, to, reason, asapcomm=asapcomm, schedule=schedule)
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

    def _answer(self, offers: Iterable[int], to: State) -> tuple[Offer, ...]:
        """A person's answer to several offers, in one transaction."""
        with self.store.transaction() as database:
            answered = [self._take(database, offer, to) for offer in offers]
        for before, after in answered:
            _log_step(after, before.state)
        return tuple(after for _, after in answered)

    def missing(self, offer: int) -> Offer:
        """Note that a reading, just now, did not find this offer at the office; the first one's time is kept.

        Unless that lies ahead, as after our clock was set back.
        """
        with self.store.transaction() as database:
            self.note_missing(database, offer)
            return self.get(offer)

    def saw(self, asapcomms: Iterable[int]) -> None:
        """Remember AsapCommNums read at the office, whoever made them: one seen before an intent is not its result."""
        fresh = self.unseen(asapcomms)
        if fresh:
            with self.store.transaction() as database:
                self.note_seen(database, fresh)

    def _insert(self, database: Database, new: NewOffer, state: State) -> Offer:
        """A new row with its first step.

        Raises:
            Held: the unique indexes know the candidate and slot, or an open offer of the patient or phone.
        """
        require(None, state)
        try:
            return self.get(self.insert(database, new, state))
        except sqlite3.IntegrityError as error:
            raise Held(broken_index(error)) from error

    def _send_approved(self, database: Database, approved: Offer, new: NewOffer) -> Offer:
        """An approved row becomes the intent; from now on it counts for the day on which it is sent."""
        require(approved.state, State.INTENT)
        self.make_intent(database, approved, new)
        return self.get(approved.id)

    def _take(
        self,
        database: Database,
        offer: int,
        to: State,
        reason: str | None = None,
        *,
        asapcomm: int | None = None,
        schedule: int | None = None,
    ) -> tuple[Offer, Offer]:
        """Write one legal step and its history; the offer before and after."""
        before = self.get(offer)
        require(before.state, to)
        if reason is not None and reason not in RULES:
            raise ValueError(f"{reason!r} is not a reason code of asapfill.core.reasons")
        self.update(database, before, to, reason, asapcomm=asapcomm, schedule=schedule)
        return before, self.get(offer)


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
