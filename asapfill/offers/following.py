"""What became of the offers: AsapComm rows read again, slots that passed, were filled by others, or lapsed unasked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asapfill.core.asapcomms import outcome, suppressed_reason
from asapfill.core.limits import LEAST_LEAD_MINUTES
from asapfill.core.offer import CLOCKS_MAY_DIFFER, STEPS, Offer, State
from asapfill.core.rows import AsapComm
from asapfill.core.waves import TIME_TO_ANSWER
from asapfill.failpoints import reach
from asapfill.offers.journal import Journal

log = logging.getLogger(__name__)


LAST_CALL: Final = timedelta(minutes=LEAST_LEAD_MINUTES)
"""An offer that still waits for a person lapses when it could not be texted in time any more."""


MOST_READ: Final = 3
"""Rows read by their number in one round; the other offers wait for the next."""

_OPEN: Final = frozenset({State.SENT, State.VIEWED})


@dataclass(frozen=True, slots=True)
class Followed:
    """What one round of following found.

    Attributes:
        accepted: offers that were accepted since the last round: their candidates moved, their old places are free.
        changed: every offer that took a step, as it is now.
        problems: one sentence per row whose status asapfill does not know.
    """

    accepted: tuple[Offer, ...] = ()
    changed: tuple[Offer, ...] = ()
    problems: tuple[str, ...] = ()


def follow(
    journal: Journal,
    rows: Iterable[AsapComm],
    now: datetime,
    taken: Callable[[Offer], bool],
    read_one: Callable[[int], AsapComm | None] = lambda _: None,
) -> Followed:
    """Bring our offers up to date.

    Args:
        journal: of this office.
        rows: AsapComms read just now; those of others are ignored.
        now: the office's wall clock.
        taken: whether somebody else's appointment lies in an offer's place now.
        read_one: reads a single AsapComm by its number; None when it is gone. Asked about open offers that are about to
            end by the clock or the schedule and whose row has left the list that is read.

    Raises what ``read_one`` raises; the offers before are up to date then.
    """
    by_number = {row.asap_comm_num: row for row in rows}
    accepted, changed, problems = [], [], []
    reads_left = MOST_READ
    for offer in journal.followed(now):
        row = by_number.get(offer.asapcomm) if offer.asapcomm is not None else None
        step = _next(offer, row, now, taken)
        if step is not None and row is None and offer.asapcomm is not None and offer.state in _OPEN:
            if not reads_left:
                continue
            reads_left -= 1
            row = read_one(offer.asapcomm)
            step = _next(offer, row, now, taken)
        if row is not None and outcome(row) is None:
            problems.append(f"AsapComm {row.asap_comm_num} has a status that asapfill does not know.")
        if step is None:
            continue
        reach("offers.outcome.before")
        after = journal.step(offer.id, step[0], step[1])
        reach("offers.outcome.recorded")
        changed.append(after)
        if after.state is State.ACCEPTED:
            accepted.append(after)
    return Followed(tuple(accepted), tuple(changed), tuple(problems))


def _next(
    offer: Offer, row: AsapComm | None, now: datetime, taken: Callable[[Offer], bool]
) -> tuple[State, str | None] | None:
    """The step an offer takes: what its row tells comes first, then the clock, then the schedule."""
    told = None if row is None else outcome(row)
    if row is not None and told is not None and told in STEPS[offer.state]:
        return told, suppressed_reason(row.note) if told is State.SUPPRESSED else None
    if State.LAPSED in STEPS[offer.state] and (offer.start <= now + LAST_CALL or taken(offer)):
        return State.LAPSED, "no_longer_wanted"
    if State.PASSED in STEPS[offer.state] and offer.start + CLOCKS_MAY_DIFFER <= now:
        return State.PASSED, "no_answer_in_time"
    if State.CLOSED in STEPS[offer.state] and taken(offer):
        return State.CLOSED, "filled_by_another"
    if State.UNANSWERED in STEPS[offer.state] and now - offer.made >= TIME_TO_ANSWER:
        return State.UNANSWERED, "no_answer_for_a_day"
    return None
