"""One commlog per offer in the patient's chart, and its outcome when it is known.

The same discipline as for offers: intent first, one POST, no retry, unknowns found out by reading. An update replaces
the note by a text that is always the same for the same outcome, so repeating one does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from asapfill.core.offer import COUNTED, UNCLEAR, WORDS, Offer, State
from asapfill.core.reasons import Reason
from asapfill.core.rows import Commlog
from asapfill.failpoints import reach
from asapfill.offers.journal import Journal
from asapfill.offers.reconcile import ABANDONED, BETWEEN_READINGS, SERVER_LIMIT
from asapfill.opendental.errors import (
    Answered,
    MissingPermission,
    NotFound,
    NotSent,
    OpenDentalError,
    Throttled,
    WrongKey,
)
from asapfill.store.commlogs import FIRST, SECOND, CommlogTable, KeptCommlog
from asapfill.store.schema import CommlogState

log = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 3
"""Then the chart goes without: a missing note is better than three."""

RECENT: Final = timedelta(days=2)
"""Offers older than this get no commlog any more, so that switching commlogs on does not write history."""

_LASTING: Final = frozenset(state for state in State if WORDS[state].chart) - {State.UNANSWERED}
"""Outcomes worth an entry of their own: one that cannot be changed must not say what may not last."""

MARK: Final = "[asapfill AsapCommNum="
"""How every commlog of ours begins."""


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

    def commlog(self, commlog_num: int) -> Commlog:
        """GET /commlogs/{n} (25.1.13); raises NotFound when staff deleted it."""

    def update_commlog(self, commlog_num: int, note: str) -> None:
        """PUT /commlogs/{n} (25.2.21)."""

    def commlogs(self, pat_num: int) -> CommlogRows:
        """GET /commlogs of one patient, all pages."""


class CommlogRows(Protocol):
    """A list as the client returns it."""

    @property
    def rows(self) -> tuple[Commlog, ...]:
        """The rows that could be read."""


def note_text(offer: Offer) -> str:
    """What stands in the chart: our marker, the slot, and the outcome once known. Numbers and times only."""
    text = f"{marker(offer)} Texted an ASAP offer for {offer.start:%Y-%m-%d %H:%M}, operatory {offer.operatory}."
    ending = WORDS[offer.state].chart
    return f"{text} Outcome: {ending}." if ending else text


def outcome_text(offer: Offer) -> str:
    """The second entry, where the first cannot be changed. Numbers and times only."""
    when = f"{offer.start:%Y-%m-%d %H:%M}"
    return f"{marker(offer, SECOND)} Outcome of the ASAP offer for {when}: {WORDS[offer.state].chart}."


def marker(offer: Offer, entry: int = FIRST) -> str:
    """By which our commlog is recognised."""
    return f"{MARK}{offer.asapcomm}{' outcome' if entry == SECOND else ''}]"


def recover_commlogs(journal: Journal, *, older_than: timedelta = timedelta(0)) -> int:
    """At start, under the state's lock: commlogs of a process that died are unknown. Returns how many.

    ``older_than``: in a running daemon, those whose answer could not be written (a full disk).
    """
    table = CommlogTable(journal.store, journal.office)
    abandoned = journal.store.clock.now() - older_than
    dead = [note for note in table.under_way() if note.changed <= abandoned]
    for note in dead:
        table.step(note.offer, note.entry, CommlogState.UNKNOWN)
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
    second_entry: bool = False,
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
        second_entry: where ``may_update`` is False, the outcome gets an entry of its own.

    Returns:
        The error that ended the round early, if one did; the next round goes on.
    """
    recover_commlogs(journal, older_than=ABANDONED)
    chart = _Chart(journal, CommlogTable(journal.store, journal.office), api, comm_type, now)
    offers = [
        offer
        for offer in journal.since((now - RECENT).date())
        if offer.clinic == clinic and offer.asapcomm is not None and offer.state in COUNTED - UNCLEAR
    ]
    known = chart.table.notes(offer.id for offer in offers)
    try:
        for offer in offers:
            if may_go_on() is not None:
                return None
            first = chart.entry(offer, FIRST, note_text(offer), known.get((offer.id, FIRST)))
            if first is None or first.state is not CommlogState.WRITTEN:
                continue
            if may_update and first.noted != note_text(offer):
                chart.update(offer, first)
            elif second_entry and not may_update and offer.state in _LASTING and first.noted != note_text(offer):
                chart.entry(offer, SECOND, outcome_text(offer), known.get((offer.id, SECOND)))
    except OpenDentalError as error:
        log.warning("commlog.stopped office=%s error=%s", journal.office, type(error).__name__)
        return error
    return None


@dataclass(frozen=True, slots=True)
class _Chart:
    """The patients' charts of one office, written to at ``now`` (office wall clock)."""

    journal: Journal
    table: CommlogTable
    api: CommlogApi
    comm_type: int | None
    now: datetime

    def entry(self, offer: Offer, entry: int, text: str, note: KeptCommlog | None) -> KeptCommlog | None:
        """Have one entry in the chart, at most once; returns where it stands.

        Raises:
            OpenDentalError: the office could not be read or did not take it; what that means is recorded.
        """
        if note is not None and note.state is CommlogState.UNKNOWN:
            note = self._find_out(offer, note)
        wanted = note is None or (note.state is CommlogState.UNSENT and note.attempts < MOST_ATTEMPTS)
        return self._write(offer, entry, text) if wanted and offer.made >= self.now - RECENT else note

    def _write(self, offer: Offer, entry: int, text: str) -> KeptCommlog:
        """One POST, its intent on disk first."""
        self.table.intend(offer, entry, text)
        reach("commlogs.intent.committed")
        try:
            made = self.api.create_commlog(
                pat_num=offer.patient, note=text, comm_date_time=self.now, comm_type=self.comm_type
            )
        except OpenDentalError as error:
            self.table.step(offer.id, entry, _after_error(error))
            raise
        except BaseException:
            self.table.step(offer.id, entry, CommlogState.UNKNOWN)
            raise
        reach("commlogs.post.answered")
        number = None if made is None else made.commlog_num or None
        log.info("commlog.written office=%s offer=%d entry=%d", self.journal.office, offer.id, entry)
        return self.table.step(offer.id, entry, CommlogState.WRITTEN, commlog=number)

    def _find_out(self, offer: Offer, note: KeptCommlog) -> KeptCommlog:
        """Look for our marker in the patient's commlogs, once nothing can be on its way any more."""
        now = self.journal.store.clock.now()
        if now < note.changed:  # Our clock was set back: nobody can tell how long it has been, so from now on.
            return self.table.step(offer.id, note.entry, CommlogState.UNKNOWN)
        if now - note.changed < SERVER_LIMIT:
            return note
        found = self._ours(offer, note.entry)
        if found is not None:
            return self.table.step(offer.id, note.entry, CommlogState.WRITTEN, commlog=found.commlog_num or None)
        if note.missing_since is not None and now - note.missing_since >= BETWEEN_READINGS:
            return self.table.step(offer.id, note.entry, CommlogState.UNSENT)
        self.table.missing(note)
        return note

    def update(self, offer: Offer, note: KeptCommlog) -> None:
        """Add the outcome, unless staff changed our note: an update overwrites it and clears a signature.

        Raises:
            OpenDentalError: the office could not be read or did not answer; tried again next time.
        """
        found = self._as_it_is(offer, note)
        if found is None or not _is_unchanged(found, offer):
            self.table.step(offer.id, note.entry, CommlogState.LEFT)
            return
        text = note_text(offer)
        reach("commlogs.update.before")
        try:
            self.api.update_commlog(found.commlog_num, text)
        except OpenDentalError as error:
            outcome = _after_error(error)
            hopeless = outcome is CommlogState.UNKNOWN and note.attempts + 1 >= 2 * MOST_ATTEMPTS
            self.table.step(
                offer.id,
                note.entry,
                CommlogState.LEFT if hopeless or outcome is CommlogState.REFUSED else CommlogState.WRITTEN,
                attempts=note.attempts + (outcome is CommlogState.UNKNOWN),
            )
            raise
        reach("commlogs.update.answered")
        self.table.step(offer.id, note.entry, CommlogState.WRITTEN, commlog=found.commlog_num, noted=text)
        log.info("commlog.updated office=%s offer=%d", self.journal.office, offer.id)

    def _as_it_is(self, offer: Offer, note: KeptCommlog) -> Commlog | None:
        """Our commlog in the chart now; None when staff deleted it. Whoever can update one can read one (25.1.13)."""
        if note.commlog is None:
            return self._ours(offer, note.entry)
        try:
            return self.api.commlog(note.commlog)
        except NotFound:
            return None

    def _ours(self, offer: Offer, entry: int) -> Commlog | None:
        """The patient's commlog that carries our marker for this offer and entry."""
        listing = self.api.commlogs(offer.patient)
        return next((row for row in listing.rows if marker(offer, entry) in row.note), None)


def _after_error(error: OpenDentalError) -> CommlogState:
    """As for offers: not sent and faults of the key may be tried again, another no is final, the rest is unknown."""
    if isinstance(error, NotSent | Throttled | WrongKey | MissingPermission):
        return CommlogState.UNSENT
    return CommlogState.REFUSED if isinstance(error, Answered) else CommlogState.UNKNOWN


def _is_unchanged(found: Commlog, offer: Offer) -> bool:
    """Whether a note is one that we wrote for this offer, whatever its outcome; blanks may differ."""
    ours = (note_text(replace(offer, state=state)) for state in State)
    return found.note.split() in [text.split() for text in ours]
