"""Where an offer stands, in the words of the front desk. Scripts read the state itself in the JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from asapfill.offers.states import State

STATES: Final[Mapping[State, str]] = {
    State.WAITING: "waits for a person's yes",
    State.APPROVED: "a person said yes: goes out with the next cycle",
    State.WITHDRAWN: "a person said no",
    State.LAPSED: "dropped before it was sent",
    State.INTENT: "about to be sent",
    State.UNKNOWN: "no clear answer yet whether it was sent",
    State.UNSETTLED: "not known whether it was sent: a person must look",
    State.UNSENT: "not sent",
    State.REFUSED: "refused by Open Dental",
    State.SUPPRESSED: "made, but Open Dental sends no text",
    State.SENT: "sent",
    State.VIEWED: "the patient opened the link",
    State.ACCEPTED: "ACCEPTED",
    State.DECLINED: "the patient declined",
    State.STOPPED: "the patient declined, and asked not to be contacted about this",
    State.OTHER_SLOT: "the patient took another offered time",
    State.TAKEN: "the time was gone",
    State.FAILED: "the text could not be delivered",
    State.UNANSWERED: "no answer for a day",
    State.EXPIRED: "the link expired",
    State.PASSED: "the time came without an answer",
    State.CLOSED: "somebody else has the time",
}
"""Every state."""
