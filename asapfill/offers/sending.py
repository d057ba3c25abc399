"""Sending one offer: look again, write the intent, POST once, record the answer.

There is no retry here and none below: a POST that may have taken effect is never repeated (``reconcile`` finds out).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from asapfill.core.asapcomms import after_answer, is_about
from asapfill.core.offer import NewOffer, Offer, State
from asapfill.core.reasons import Reason
from asapfill.core.rows import AsapComm
from asapfill.failpoints import reach
from asapfill.offers.journal import Check, Held, Journal
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
