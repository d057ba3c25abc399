"""Sending one offer: look again, write the intent, POST once, record the answer.

There is no retry here and none below: a POST that may have taken effect is never repeated (``reconcile`` finds out).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from asapfill.failpoints import reach
from asapfill.offers.journal import Check, Held, Journal
from asapfill.offers.offer import NewOffer, Offer
from asapfill.offers.states import State
from asapfill.opendental.errors import (
    Answered,
    MissingPermission,
    NotFound,
    NotSent,
    OpenDentalError,
    Refused,
    Throttled,
    TooOld,
    Unknown,
    WrongKey,
)
from asapfill.opendental.models import AsapComm, FKeyType, ResponseStatus, SmsSendStatus
from asapfill.reasons import Reason

log = logging.getLogger(__name__)

Look = Callable[[], Reason | None]
"""A question asked immediately before something that cannot be undone; a reason means no."""


class AsapCommMaker(Protocol):
    """The one call of Open Dental that sending needs."""

    def create_asapcomm(
        self, *, op: int, date_time_start: datetime, apt_num: int | None = None, recall_num: int | None = None
    ) -> AsapComm:
        """POST /asapcomms, once; raises the tree of ``opendental.errors``."""


def send(
    new: NewOffer, *, journal: Journal, api: AsapCommMaker, check: Check, look_again: Look, may_go_on: Look
) -> Offer | Reason:
    """Make one offer, at most once.

    Args:
        new: what planning (or a person's approval) wants sent.
        journal: where the intent is written first.
        api: the office.
        check: the limits, run inside the journal's transaction.
        look_again: reads the office: is the slot still free, the candidate unchanged?
        may_go_on: pause, stop, policy change, quiet hours; asked before the intent and once more before the POST.

    Returns:
        The offer as the journal has it afterwards, whatever became of it; or the reason why nothing was begun.

    Raises:
        StoreError: the state cannot be written; an intent that is on disk is found again at the next start.
        OpenDentalError: from ``look_again``; nothing was begun.
    """
    reason = may_go_on() or look_again()
    if reason is not None:
        return reason
    try:
        offer = journal.begin(new, check=check)
    except Held as held:
        return held.reason
    reach("offers.intent.committed")
    reason = may_go_on()
    if reason is not None:
        return journal.step(offer.id, State.UNSENT, reason.code)
    return _post(offer, journal, api)


def _post(offer: Offer, journal: Journal, api: AsapCommMaker) -> Offer:
    """The POST, and what its answer means for the offer."""
    try:
        reach("offers.post.before")
        row = api.create_asapcomm(
            op=offer.operatory,
            date_time_start=offer.start,
            apt_num=offer.number if offer.kind == "appointment" else None,
            recall_num=offer.number if offer.kind == "recall" else None,
        )
        reach("offers.post.answered")
    except OpenDentalError as error:
        state, code = after_error(error)
        log.warning("offer.post_failed office=%s offer=%d error=%s", journal.office, offer.id, type(error).__name__)
        after = journal.step(offer.id, state, code)
    except BaseException:
        # Whatever this was (Ctrl-C, a bug), the request may have left.
        journal.step(offer.id, State.UNKNOWN, "interrupted")
        raise
    else:
        after = _record(offer, row, journal)
    reach("offers.answer.recorded")
    return after


def _record(offer: Offer, row: AsapComm, journal: Journal) -> Offer:
    """Keep a 201's row. One that is not about this offer, or has no number, leaves it unknown."""
    if not row.asap_comm_num or not is_about(offer, row):
        return journal.step(offer.id, State.UNKNOWN, "odd_answer")
    state, code = after_answer(row)
    return journal.step(offer.id, state, code, asapcomm=row.asap_comm_num, schedule=row.schedule_num or None)


def after_error(error: OpenDentalError) -> tuple[State, str]:
    """State and reason after a POST that ended in ``error``.

    Throttled, a wrong key and a missing permission mean that nothing was made and the fault is not the offer's: the
    same slot may be tried again. Any other no is final for this candidate and slot.
    """
    for kind, state, code in _AFTER_ERROR:
        if isinstance(error, kind):
            return state, code
    return State.UNKNOWN, "no_answer"


_AFTER_ERROR: Final[tuple[tuple[type[OpenDentalError], State, str], ...]] = (
    (NotSent, State.UNSENT, "not_sent"),
    (Throttled, State.UNSENT, "throttled"),
    (WrongKey, State.UNSENT, "wrong_key"),
    (MissingPermission, State.UNSENT, "missing_permission"),
    (TooOld, State.REFUSED, "no_such_method"),
    (NotFound, State.REFUSED, "answered_404"),
    (Refused, State.REFUSED, "answered_400"),
    (Answered, State.REFUSED, "answered_no"),
    (Unknown, State.UNKNOWN, "no_answer"),
)


def is_about(offer: Offer, row: AsapComm) -> bool:
    """Whether an AsapComm row is for the offer's candidate; an unreadable value does not speak against it."""
    is_recall = row.f_key_type == FKeyType.RECALL
    same_number = row.f_key == offer.number or "FKey" in row.unreadable
    same_kind = is_recall == (offer.kind == "recall") or "FKeyType" in row.unreadable
    same_patient = row.pat_num == offer.patient or "PatNum" in row.unreadable
    return same_number and same_kind and same_patient


_TEXT_UNDER_WAY: Final = frozenset(
    {SmsSendStatus.NOT_ATTEMPTED, SmsSendStatus.SUCCESSFUL, SmsSendStatus.AWAITING_RECEIPT}
)


def is_suppressed(row: AsapComm) -> bool:
    """Whether Open Dental made the row but sends no text. In doubt it is taken as sent, so that it counts."""
    if "SmsSendStatus" in row.unreadable or row.sms_send_status in _TEXT_UNDER_WAY:
        return False
    unable = row.response_status == ResponseStatus.UNABLE_TO_SEND and "ResponseStatus" not in row.unreadable
    return unable or row.sms_send_status == SmsSendStatus.DO_NOT_SEND


def after_answer(row: AsapComm) -> tuple[State, str | None]:
    """State and reason of an offer whose row Open Dental made: 201 is not "texted"."""
    if is_suppressed(row):
        return State.SUPPRESSED, suppressed_reason(row.note)
    return State.SENT, None


_NOTES: Final = (
    # Order matters: "requested to not be texted" before anything about texts in general.
    ("requested to not be", "suppressed_stop"),
    ("texts today", "suppressed_daily_limit"),
    ("30 minutes before", "suppressed_too_late"),
    ("minutes before the time slot", "suppressed_too_late"),
    ("after the time slot", "suppressed_too_late"),
    ("preferred contact method", "suppressed_not_preferred"),
    ("texting is not enabled", "suppressed_no_texting"),
    ("wireless phone", "suppressed_no_phone"),
    ("set to not receive texts", "suppressed_opted_out"),
    ("opted out", "suppressed_opted_out"),
    ("has been taken", "suppressed_slot_taken"),
)
"""Words of Open Dental's Notes (3.3 of its known behaviour) and the code kept instead of them."""


def suppressed_reason(note: str) -> str:
    """The reason code for the Note of a suppressed row; the Note itself is never kept."""
    lowered = note.lower()
    return next((code for words, code in _NOTES if words in lowered), "suppressed_other")
