"""Reading who would be asked about time that is about to settle, while it does: so the text need not wait for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from asapfill.core.openings import find_openings
from asapfill.core.policy import Policy
from asapfill.core.settling import young
from asapfill.cycle.openings import Young, remembered
from asapfill.cycle.plan import plan_clinic
from asapfill.cycle.recheck import PATIENT_GOOD_FOR
from asapfill.cycle.session import OfficeSession

SOON = timedelta(minutes=2)
"""What settles within so long is planned for already; nothing of that plan is sent."""


def rehearse(session: OfficeSession, policy: Policy, too_young: Young, now: datetime) -> None:
    """Plan as if what settles soon had settled, and read the patients of that plan; the plan itself is thrown away.

    ``too_young``: what has not settled ``now`` (aware).

    Raises OpenDentalError: the office could not be read.
    """
    if policy.mode != "automatic" or not too_young or session.stop.is_set():
        return
    seen = remembered(session, policy) or []
    later = {key: list(spans) for key, spans in young(seen, now + SOON, policy.openings.settle).items()}
    if later == too_young:
        return
    plan = plan_clinic(session, policy, find_openings(session.mirror.office(), policy, now, later), now)
    # Read so lately that the look before the text, at most SOON from now, need not read them again.
    session.mirror.read_patients({offer.patient for offer in plan.offers}, kept=PATIENT_GOOD_FOR - SOON)
