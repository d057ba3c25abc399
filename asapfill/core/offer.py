"""What an offer is, as plain frozen data: one that is meant, one in the journal, and one text that counts.

Times: ``start``, ``end`` and ``made`` are naive office wall-clock times; ``created``, ``changed`` and ``settled`` are
aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Literal

from asapfill.core.errors import AsapfillError


class IllegalStep(AsapfillError):  # noqa: N818  names what was tried
    """A step that the table of steps does not know."""

    exit_code = None


class State(StrEnum):
    """Where an offer stands."""

    WAITING = "waiting"
    """For a person's yes (policy mode ask)."""
    APPROVED = "approved"
    """A person said yes; it is looked at again before it is sent."""
    WITHDRAWN = "withdrawn"
    """A person said no; that stands for this candidate and slot."""
    LAPSED = "lapsed"
    """Nobody answered before it made no sense any more."""

    INTENT = "intent"
    """On disk before the POST. Found at start-up: we died in between."""
    UNKNOWN = "unknown"
    """No clear answer: a text may or may not go out."""
    UNSETTLED = "unsettled"
    """Still unknown after a day: a person must look."""
    UNSENT = "unsent"
    """Surely nothing was made; the same slot may be planned afresh."""
    REFUSED = "refused"
    """Open Dental said no; nothing was made, and it is not tried again."""
    SUPPRESSED = "suppressed"
    """Open Dental made the row but sends no text."""

    SENT = "sent"
    """The row exists and its text is queued or gone out."""
    VIEWED = "viewed"
    """The patient opened the link."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    STOPPED = "stopped"
    """Declined, and asked not to be contacted about this again."""
    OTHER_SLOT = "other_slot"
    """The patient took another offered time."""
    TAKEN = "taken"
    """The slot was gone before the text went out, or when the patient looked."""
    FAILED = "failed"
    """The text could not be delivered."""
    UNANSWERED = "unanswered"
    """Nobody answered for a day: the patient may be asked about another time; the link still works and is followed."""
    EXPIRED = "expired"
    PASSED = "passed"
    """The slot's start went by without an answer."""
    CLOSED = "closed"
    """Somebody else fills the slot: left over."""


_LATE_NEWS: Final = frozenset({State.ACCEPTED, State.DECLINED, State.STOPPED, State.OTHER_SLOT, State.TAKEN})
"""What a patient may still do with a link that we have given up: Open Dental keeps it usable until it expires."""

_GIVEN_UP: Final = frozenset({State.EXPIRED, State.PASSED, State.CLOSED})
"""How an offer ends without the patient."""

STEPS: Final[dict[State, frozenset[State]]] = {
    State.WAITING: frozenset({State.APPROVED, State.WITHDRAWN, State.LAPSED}),
    State.APPROVED: frozenset({State.INTENT, State.WITHDRAWN, State.LAPSED}),
    State.WITHDRAWN: frozenset(),
    State.LAPSED: frozenset(),
    State.INTENT: frozenset({State.UNKNOWN, State.UNSENT, State.REFUSED, State.SUPPRESSED, State.SENT}),
    State.UNKNOWN: frozenset({State.UNKNOWN, State.UNSENT, State.SUPPRESSED, State.SENT, State.UNSETTLED}),
    State.UNSETTLED: frozenset({State.UNSENT, State.SUPPRESSED, State.SENT, State.PASSED}),
    State.UNSENT: frozenset(),
    State.REFUSED: frozenset(),
    State.SUPPRESSED: _LATE_NEWS,
    State.SENT: _LATE_NEWS | _GIVEN_UP | {State.SUPPRESSED, State.VIEWED, State.FAILED, State.UNANSWERED},
    State.VIEWED: _LATE_NEWS | _GIVEN_UP | {State.FAILED, State.UNANSWERED},
    State.ACCEPTED: frozenset(),
    State.DECLINED: frozenset({State.STOPPED}),
    State.STOPPED: frozenset(),
    State.OTHER_SLOT: frozenset({State.STOPPED}),
    State.TAKEN: frozenset({State.STOPPED, State.OTHER_SLOT}),
    State.FAILED: frozenset(),
    State.UNANSWERED: _LATE_NEWS | _GIVEN_UP | {State.FAILED},
    State.EXPIRED: _LATE_NEWS,
    State.PASSED: _LATE_NEWS,
    State.CLOSED: _LATE_NEWS,
}
"""Every legal step."""

FIRST: Final = frozenset({State.WAITING, State.INTENT})
"""The states in which an offer enters the journal."""

UNCLEAR: Final = frozenset({State.INTENT, State.UNKNOWN, State.UNSETTLED})
"""A text may or may not go out: these block the person, the phone and the slot."""

LIVE: Final = UNCLEAR | {State.WAITING, State.APPROVED, State.SENT, State.VIEWED}
"""Open offers: each blocks its person and phone."""

FINAL: Final = frozenset(State) - LIVE
"""Nothing is waited for any more, though late news may still come."""

AWAITED: Final = frozenset({State.WAITING, State.APPROVED, State.SENT, State.VIEWED, State.UNSETTLED})
"""Their rows, the schedule or the clock will bring the next step."""

LATE: Final = frozenset(state for state in FINAL if STEPS[state])
"""Given up or answered, but the link still works: the row may bring late news."""

NEVER_WAS: Final = frozenset({State.UNSENT, State.LAPSED})
"""As if it had never been: the same candidate and slot may be planned afresh."""

COUNTED: Final = (
    frozenset(State)
    - NEVER_WAS
    - {
        State.WAITING,
        State.APPROVED,
        State.WITHDRAWN,
        State.REFUSED,
        State.SUPPRESSED,
    }
)
"""May have produced a text: counts for every cap."""


@dataclass(frozen=True, slots=True)
class StateWords:
    """What people read about an offer in one state.

    ``once``: in the JSON of ``once``. ``text``: in status, history and explain. ``page``: on the demo's page.
    ``outcome``: the line of the weekly report in which a text counts. ``chart``: in the patient's chart, once it is
    an outcome.
    """

    once: Literal["planned", "waiting", "sent", "suppressed", "refused", "unknown"]
    text: str
    page: str
    outcome: str = ""
    chart: str = ""


WORDS: Final[Mapping[State, StateWords]] = {
    State.WAITING: StateWords("waiting", "waits for a person's yes", "Waiting for a person’s yes"),
    State.APPROVED: StateWords("waiting", "a person said yes: goes out with the next cycle", "Approved, not sent yet"),
    State.WITHDRAWN: StateWords("refused", "a person said no", "A person said no: not sent"),
    State.LAPSED: StateWords("planned", "dropped before it was sent", "Nobody approved it in time: not sent"),
    State.INTENT: StateWords("unknown", "about to be sent", "Being sent"),
    State.UNKNOWN: StateWords("unknown", "no clear answer yet whether it was sent", "No clear answer yet"),
    State.UNSETTLED: StateWords(
        "unknown", "not known whether it was sent: a person must look", "No clear answer: a person must look"
    ),
    State.UNSENT: StateWords("planned", "not sent", "Not sent"),
    State.REFUSED: StateWords("refused", "refused by Open Dental", "Refused by Open Dental: not sent"),
    State.SUPPRESSED: StateWords("suppressed", "made, but Open Dental sends no text", "No text was sent"),
    State.ACCEPTED: StateWords("sent", "ACCEPTED", "Accepted", "Accepted", "accepted"),
    State.DECLINED: StateWords("sent", "the patient declined", "Declined", "Declined", "declined"),
    State.STOPPED: StateWords(
        "sent",
        "the patient declined, and asked not to be contacted about this",
        "Declined, and asked not to be texted about this",
        "Declined",
        "declined, do not contact about this",
    ),
    State.OTHER_SLOT: StateWords(
        "sent",
        "the patient took another offered time",
        "Took another offered time",
        "Took another offered time",
        "chose another offered time",
    ),
    State.TAKEN: StateWords(
        "sent", "the time was gone", "Too late: the time was taken", "The time was gone", "the time was taken"
    ),
    State.UNANSWERED: StateWords("sent", "no answer for a day", "No answer for a day", "No answer", "no answer so far"),
    State.EXPIRED: StateWords(
        "sent", "the link expired", "Not answered until the link expired", "No answer", "no answer"
    ),
    State.PASSED: StateWords(
        "sent", "the time came without an answer", "Not answered before the time began", "No answer", "no answer"
    ),
    State.CLOSED: StateWords(
        "sent",
        "somebody else has the time",
        "Not needed: somebody else fills the time",
        "No answer",
        "filled by somebody else",
    ),
    State.FAILED: StateWords(
        "sent",
        "the text could not be delivered",
        "The text could not be delivered",
        "Could not be delivered",
        "the text could not be delivered",
    ),
    State.SENT: StateWords("sent", "sent", "No answer yet", "Still open"),
    State.VIEWED: StateWords("sent", "the patient opened the link", "Looked at the offer, no answer yet", "Still open"),
}
"""Every state in words; the outcomes stand in the order in which the weekly report lists them."""


def require(before: State | None, after: State) -> None:
    """Check one step; ``before`` None is the entry into the journal.

    Raises:
        IllegalStep: the table does not know it.
    """
    allowed = FIRST if before is None else STEPS[before]
    if after not in allowed:
        raise IllegalStep(f"an offer cannot go from {before or 'nowhere'} to {after}")


CLOCKS_MAY_DIFFER: Final = timedelta(minutes=5)
"""The office's clock and ours. Further apart, nothing is sent (a wrong time zone is the usual cause); within it, a
slot has surely begun at the office only when it has for us by this much.
"""

LINK_STAYS_OPEN: Final = timedelta(days=7)
"""Open Dental: DateTimeExpire is the slot's start plus seven days."""

Kind = Literal["appointment", "recall"]
Key = tuple[Kind, int, int, datetime]
"""Candidate and slot: kind, AptNum or RecallNum, operatory, start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """What is offered, to whom, where and when: the same in a plan and in the journal.

    Attributes:
        clinic: ClinicNum.
        kind: what ``number`` counts.
        number: AptNum or RecallNum.
        patient: PatNum.
        phone: keyed hash of the wireless phone; empty when there is none.
        operatory: OperatoryNum.
        provider: ProvNum whom Open Dental would assign there.
        start: of the offered slot.
        end: of the offered slot.
        wave: 1 for the first people asked for this opening.
        opening: id of the opening.
        made: the office's wall clock when the offer is meant.
    """

    clinic: int
    kind: Kind
    number: int
    patient: int
    phone: str
    operatory: int
    provider: int
    start: datetime
    end: datetime
    wave: int
    opening: str
    made: datetime

    @property
    def key(self) -> Key:
        """Candidate and slot: there is never a second offer with the same."""
        return (self.kind, self.number, self.operatory, self.start)

    @property
    def day(self) -> date:
        """The office's calendar day on which it is made: the day that caps count."""
        return self.made.date()

    @property
    def logged_as(self) -> str:
        """The key of ``number`` in a log line: ``apt`` (AptNum) or ``recall`` (RecallNum)."""
        return "apt" if self.kind == "appointment" else "recall"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOffer(OfferTerms):
    """An offer that planning hands over. It counts as if its text were on the way."""

    state: ClassVar[State] = State.SENT
    answered: ClassVar[None] = None
    no_text: ClassVar[str] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(OfferTerms):
    """An offer as the journal keeps it.

    Attributes:
        id: the journal's number, which people use in ``approve`` and ``decline``.
        office: the office's name in the settings.
        state: where it stands.
        reason: the reason code of the last step, or None.
        asapcomm: AsapCommNum, once known.
        schedule: ScheduleNum of its Web Sched ASAP block, once known.
        created: when the intent was written.
        changed: when the last step was taken.
        settled: when nothing was waited for any more.
        missing_since: the first reading that did not find an unknown offer.
        seen: up to which row others' and our AsapComms had been read when the intent was written.
    """

    id: int
    office: str
    state: State
    reason: str | None = None
    asapcomm: int | None = None
    schedule: int | None = None
    created: datetime
    changed: datetime
    settled: datetime | None = None
    missing_since: datetime | None = None
    seen: int = 0

    @property
    def answered(self) -> datetime | None:
        """The office's wall clock when nothing was waited for any more."""
        return None if self.settled is None else self.office_time(self.settled)

    @property
    def no_text(self) -> str:
        """Why Open Dental sends no text, a code; empty for all else."""
        return (self.reason or "") if self.state is State.SUPPRESSED else ""

    def office_time(self, moment: datetime) -> datetime:
        """The office's wall clock at an aware ``moment`` near this offer's life.

        Reckoned from ``made`` and the time passed since, so that no time zone is needed; over a change to or from
        daylight saving it is off by that hour, which no rule on texting minds.
        """
        return self.made + (moment - self.created)

    def again(self, made: datetime) -> NewOffer:
        """The same, to be sent now: an offer that a person approved."""
        return replace(NewOffer(**{field.name: getattr(self, field.name) for field in fields(OfferTerms)}), made=made)


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersOffer:
    """A text that staff or another program sent, as its AsapComm tells. Attributes as above, unless told here.

    Attributes:
        day: the office day on which the text went out or will go out.
        operatory: 0 when not known.
        start: if known.
        end: if known.
        answered: the office's wall clock of the answer: the latest that it can have been.
        made: if known.
        no_text: why Open Dental sends no text, a code; empty for all else.
    """

    patient: int
    phone: str
    day: date
    kind: Kind
    number: int
    state: State
    operatory: int = 0
    start: datetime | None = None
    end: datetime | None = None
    opening: str = ""
    wave: ClassVar[int] = 0
    answered: datetime | None = None
    made: datetime | None = None
    clinic: int = 0
    no_text: str = ""


Contact = NewOffer | Offer | OthersOffer
"""One text as limits count it: planned, in our journal, or made by staff or another program."""
