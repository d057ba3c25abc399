"""The life of an offer as a small state machine: every state, and every legal step between them.

The journal takes no step that is not in ``STEPS``. What leads to a step is decided elsewhere: ``sending``,
``reconcile``, ``following``, and a person's answer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class IllegalStep(Exception):  # noqa: N818  names what was tried
    """A step that the table of steps does not know: a mistake in asapfill, never in the office's data."""


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

COUNTED: Final = UNCLEAR | {
    State.SENT,
    State.VIEWED,
    State.ACCEPTED,
    State.DECLINED,
    State.STOPPED,
    State.OTHER_SLOT,
    State.TAKEN,
    State.FAILED,
    State.UNANSWERED,
    State.EXPIRED,
    State.PASSED,
    State.CLOSED,
}
"""May have produced a text: counts for every cap."""

_SAID: Final = {
    State.WAITING: "waiting",
    State.APPROVED: "waiting",
    State.INTENT: "unknown",
    State.UNKNOWN: "unknown",
    State.UNSETTLED: "unknown",
    State.UNSENT: "planned",
    State.LAPSED: "planned",
    State.WITHDRAWN: "refused",
    State.REFUSED: "refused",
    State.SUPPRESSED: "suppressed",
}


def said(state: State) -> str:
    """The word for a state in ``once --json``: planned, waiting, sent, suppressed, refused or unknown."""
    return _SAID.get(state, "sent")


def require(before: State | None, after: State) -> None:
    """Check one step; ``before`` None is the entry into the journal.

    Raises:
        IllegalStep: the table does not know it.
    """
    allowed = FIRST if before is None else STEPS[before]
    if after not in allowed:
        raise IllegalStep(f"an offer cannot go from {before or 'nowhere'} to {after}")
