"""Mode ``ask``: offers that wait for a person, or for being sent after a yes, only as long as they make sense."""

from __future__ import annotations

import logging

from asapfill.clock import office_now
from asapfill.core.offer import IllegalStep, Offer, State
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.cycle.openings import Young
from asapfill.cycle.recheck import still_fits
from asapfill.cycle.session import OfficeSession
from asapfill.offers.journal import Journal

log = logging.getLogger(__name__)


def let_lapse(session: OfficeSession, journal: Journal, policy: Policy, young: Young) -> tuple[Offer, ...]:
    """Let those offers of the clinic lapse that nobody should say yes to any more, or that must not be sent after all.

    That is: what the policy as it is now, the schedule or the candidate does not allow any more (the opening is taken,
    blocked or nearer than ``notice``; the patient left the ASAP list), and everything when the mode is not ask any
    more: its place and its patient are free for planning again. Judged by the mirror, with no request but for
    patients not read lately; what is sent is looked at once more anyway.

    Raises OpenDentalError: a patient could not be read; nothing lapsed.
    """
    now = session.clock.now()
    wall = office_now(now, policy.timezone)
    waiting = [offer for offer in (*journal.waiting(), *journal.approved()) if offer.clinic == policy.clinic]
    # Who the patient is decides how long a recall takes, so those who were planned with must be known here too.
    session.mirror.read_patients({offer.patient for offer in waiting})
    office = session.mirror.office()
    lapsed = []
    for offer in waiting:
        reason = Reason("no_longer_wanted")
        if policy.mode == "ask":
            found = still_fits(offer.again(wall), office, policy, now, young)
            if found is None:
                continue
            reason = found
        try:
            lapsed.append(journal.step(offer.id, State.LAPSED, "no_longer_wanted"))
        except IllegalStep:
            # A person answered just now; the next cycle looks again.
            continue
        log.info("offer.lapsed office=%s offer=%d because=%s", session.office, offer.id, reason.code)
    return tuple(lapsed)
