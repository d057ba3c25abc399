"""One commlog per offer in the patient's chart, and its outcome when it is known.

The same discipline as for offers: intent first, one POST, no retry, unknowns found out by reading. An update replaces
the note by a text that is always the same for the same outcome, so repeating one does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from asapfill.failpoints import reach
from asapfill.offers.journal import Journal
from asapfill.offers.offer import Offer
from asapfill.offers.reconcile import ABANDONED, BETWEEN_READINGS, SERVER_LIMIT
from asapfill.offers.states import COUNTED, UNCLEAR, State
from asapfill.opendental.errors import Answered, MissingPermission, NotSent, OpenDentalError, Throttled, WrongKey
from asapfill.opendental.models import Commlog
from asapfill.reasons import Reason
from asapfill.store.times import moment_of, moment_text

log = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 3
"""Then the chart goes without: a missing note is better than three."""

RECENT: Final = timedelta(days=2)
"""Offers older than this get no commlog any more, so that switching commlogs on does not write history."""

OUTCOMES: Final = {
    State.ACCEPTED: "accepted",
    State.DECLINED: "declined",
    State.STOPPED: "declined, do not contact about this",
    State.OTHER_SLOT: "chose another offered time",
    State.TAKEN: "the time was taken",
    State.FAILED: "the text could not be delivered",
    State.EXPIRED: "no answer",
    State.PASSED: "no answer",
    State.CLOSED: "filled by somebody else",
}
"""What the chart says about how an offer ended."""


class Note(StrEnum):
    """Where the commlog of an offer stands."""

    INTENT = "intent"
    UNKNOWN = "unknown"
    UNSENT = "unsent"
    REFUSED = "refused"
    WRITTEN = "written"
    LEFT = "left"
    """Written, and staff changed it since (or it cannot be changed): it is left alone."""


class CommlogApi(Protocol):
    """The calls of Open Dental that commlogs need."""

    def create_commlog(
        self,
        *,
        pat_num: int,
        note: str,
        comm_date_time: datetime,
        comm_type: int | None,
        mode: str = "Text",
        sent_or_received: str = "Sent",
    ) -> Commlog | None:
        """POST /commlogs, once; None from versions before 23.3.7, which return no object."""

    def update_commlog(self, commlog_num: int, note: str) -> None:
        """PUT /commlogs/{n} (25.2.21)."""

    def commlogs(self, pat_num: int) -> CommlogRows:
        """GET /commlogs of one patient, all pages."""


class CommlogRows(Protocol):
    """A list as the client returns it."""

    @property
    def rows(self) -> tuple[Commlog, ...]:
        """The rows that could be read."""


@dataclass(frozen=True, slots=True)
class Written:
    """The commlog of one offer as the state has it."""

    offer: int
    patient: int
    state: Note
    commlog: int | None
    noted: str
    attempts: int
    changed: datetime
    missing_since: datetime | None


def note_text(offer: Offer) -> str:
    """What stands in the chart: our marker, the slot, and the outcome once known. Numbers and times only."""
    text = f"{marker(offer)} Texted an ASAP offer for {offer.start:%Y-%m-%d %H:%M}, operatory {offer.operatory}."
    ending = OUTCOMES.get(offer.state)
    return text if ending is None else f"{text} Outcome: {ending}."


def marker(offer: Offer) -> str:
    """By which our commlog is recognised."""
    return f"[asapfill AsapCommNum={offer.asapcomm}]"


def recover_commlogs(journal: Journal, *, older_than: timedelta = timedelta(0)) -> int:
    """At start, under the state's lock: commlogs of a process that died are unknown. Returns how many.

    ``older_than``: in a running daemon, those whose answer could not be written (a full disk).
    """
    abandoned = journal.store.clock.now() - older_than
    dead = [note for note in _notes(journal) if note.state is Note.INTENT and note.changed <= abandoned]
    for note in dead:
        _step(journal, note.offer, Note.UNKNOWN)
    return len(dead)


def keep_commlogs(
    journal: Journal,
    api: CommlogApi,
    *,
    clinic: int,
    comm_type: int | None,
    now: datetime,
    may_update: bool,
    may_go_on: Callable[[], Reason | None],
) -> OpenDentalError | None:
    """Bring the chart up to date: find out unknown commlogs, write missing ones, add outcomes.

    Args:
        journal: of this office.
        api: the office.
        clinic: ClinicNum of the policy that wants commlogs.
        comm_type: DefNum of category 27, or None for the office's default.
        now: the office's wall clock.
        may_update: the office's version has PUT /commlogs (25.2.21).
        may_go_on: pause and stop, asked before every write.

    Returns:
        The error that ended the round early, if one did; the next round goes on.
    """
    recover_commlogs(journal, older_than=ABANDONED)
    offers = {
        offer.id: offer
        for offer in journal.since((now - RECENT).date())
        if offer.clinic == clinic and offer.asapcomm is not None and offer.state in COUNTED - UNCLEAR
    }
    notes = {note.offer: note for note in _notes(journal)}
    try:
        for offer in offers.values():
            if may_go_on() is not None:
                return None
            note = notes.get(offer.id)
            if note is not None and note.state is Note.UNKNOWN:
                note = _find_out(journal, api, offer, note)
            if note is None or (note.state is Note.UNSENT and note.attempts < MOST_ATTEMPTS):
                if offer.made >= now - RECENT:
                    _write(journal, api, offer, comm_type, now)
            elif note.state is Note.WRITTEN and may_update and note.noted != note_text(offer):
                _update(journal, api, offer, note)
    except OpenDentalError as error:
        log.warning("commlog.stopped office=%s error=%s", journal.office, type(error).__name__)
        return error
    return None


def _write(journal: Journal, api: CommlogApi, offer: Offer, comm_type: int | None, now: datetime) -> None:
    """One POST, its intent on disk first.

    Raises:
        OpenDentalError: the office did not take it; what that means is recorded.
    """
    text = note_text(offer)
    _intend(journal, offer, text)
    reach("commlogs.intent.committed")
    try:
        made = api.create_commlog(pat_num=offer.patient, note=text, comm_date_time=now, comm_type=comm_type)
    except OpenDentalError as error:
        _step(journal, offer.id, _after_error(error))
        raise
    except BaseException:
        _step(journal, offer.id, Note.UNKNOWN)
        raise
    reach("commlogs.post.answered")
    _step(journal, offer.id, Note.WRITTEN, commlog=None if made is None else made.commlog_num or None)
    log.info("commlog.written office=%s offer=%d", journal.office, offer.id)


def _after_error(error: OpenDentalError) -> Note:
    """As for offers: not sent and faults of the key may be tried again, another no is final, the rest is unknown."""
    if isinstance(error, NotSent | Throttled | WrongKey | MissingPermission):
        return Note.UNSENT
    return Note.REFUSED if isinstance(error, Answered) else Note.UNKNOWN


def _find_out(journal: Journal, api: CommlogApi, offer: Offer, note: Written) -> Written:
    """Look for our marker in the patient's commlogs, once nothing can be on its way any more."""
    now = journal.store.clock.now()
    if now - note.changed < SERVER_LIMIT:
        return note
    found = _ours(api, offer)
    if found is not None:
        return _step(journal, offer.id, Note.WRITTEN, commlog=found.commlog_num or None)
    if note.missing_since is not None and now - note.missing_since >= BETWEEN_READINGS:
        return _step(journal, offer.id, Note.UNSENT)
    with journal.store.transaction() as database:
        database.execute(
            "UPDATE commlogs SET missing_since = coalesce(missing_since, ?) WHERE offer = ?",
            [moment_text(now), offer.id],
        )
    return note


def _update(journal: Journal, api: CommlogApi, offer: Offer, note: Written) -> None:
    """Add the outcome, unless staff changed our note: an update overwrites it and clears a signature.

    Raises:
        OpenDentalError: the office could not be read or did not answer; tried again next time.
    """
    found = _ours(api, offer)
    if found is None or not _is_unchanged(found, offer):
        _step(journal, offer.id, Note.LEFT)
        return
    text = note_text(offer)
    reach("commlogs.update.before")
    try:
        api.update_commlog(found.commlog_num, text)
    except OpenDentalError as error:
        outcome = _after_error(error)
        hopeless = outcome is Note.UNKNOWN and note.attempts + 1 >= 2 * MOST_ATTEMPTS
        _step(
            journal,
            offer.id,
            Note.LEFT if hopeless or outcome is Note.REFUSED else Note.WRITTEN,
            attempts=note.attempts + (outcome is Note.UNKNOWN),
        )
        raise
    reach("commlogs.update.answered")
    _step(journal, offer.id, Note.WRITTEN, commlog=found.commlog_num, noted=text)
    log.info("commlog.updated office=%s offer=%d", journal.office, offer.id)


def _is_unchanged(found: Commlog, offer: Offer) -> bool:
    """Whether a note is one that we wrote for this offer, whatever its outcome; blanks may differ."""
    ours = (note_text(replace(offer, state=state)) for state in State)
    return found.note.split() in [text.split() for text in ours]


def _ours(api: CommlogApi, offer: Offer) -> Commlog | None:
    """The patient's commlog that carries our marker for this offer."""
    listing = api.commlogs(offer.patient)
    return next((row for row in listing.rows if marker(offer) in row.note), None)


def _intend(journal: Journal, offer: Offer, text: str) -> None:
    """Write the intent of a commlog: a new row, or the row of an attempt that surely was not sent.

    Raises:
        RuntimeError: a commlog of this offer is under way or written already (a mistake in asapfill).
    """
    now = moment_text(journal.store.clock.now())
    with journal.store.transaction() as database:
        changed = database.execute(
            "INSERT INTO commlogs (offer, office, patient, state, noted, attempts, changed) "
            "VALUES (:offer, :office, :patient, :intent, :noted, 1, :now) "
            "ON CONFLICT (offer) DO UPDATE SET state = :intent, noted = :noted, attempts = attempts + 1, "
            "changed = :now, missing_since = NULL WHERE state = :unsent",
            {
                "offer": offer.id,
                "office": journal.office,
                "patient": offer.patient,
                "intent": Note.INTENT,
                "unsent": Note.UNSENT,
                "noted": text,
                "now": now,
            },
        ).rowcount
        if changed != 1:
            raise RuntimeError(f"offer {offer.id} has a commlog already")


def _step(
    journal: Journal,
    offer: int,
    to: Note,
    *,
    commlog: int | None = None,
    noted: str | None = None,
    attempts: int | None = None,
) -> Written:
    """Record where a commlog stands now."""
    with journal.store.transaction() as database:
        database.execute(
            "UPDATE commlogs SET state = :state, commlog = coalesce(:commlog, commlog), "
            "noted = coalesce(:noted, noted), attempts = coalesce(:attempts, attempts), changed = :now "
            "WHERE offer = :offer AND office = :office",
            {
                "state": to,
                "commlog": commlog,
                "noted": noted,
                "attempts": attempts,
                "now": moment_text(journal.store.clock.now()),
                "offer": offer,
                "office": journal.office,
            },
        )
    return next(note for note in _notes(journal) if note.offer == offer)


def _notes(journal: Journal) -> list[Written]:
    """Every commlog of this office."""
    rows = journal.store.rows("SELECT * FROM commlogs WHERE office = ? ORDER BY offer", [journal.office])
    return [_written(row) for row in rows]


def _written(row: dict[str, Any]) -> Written:
    """A row of the table as data."""
    return Written(
        offer=row["offer"],
        patient=row["patient"],
        state=Note(row["state"]),
        commlog=row["commlog"],
        noted=row["noted"],
        attempts=row["attempts"],
        changed=moment_of(row["changed"]),
        missing_since=None if row["missing_since"] is None else moment_of(row["missing_since"]),
    )
