"""Asking Open Dental's own search where it is meaningful: before a wave, and for the whole horizon in ``openings
--compare``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import date

from asapfill.core.offer import NewOffer
from asapfill.core.openings import Found, policy_hours, reach
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Slot
from asapfill.core.slot_search import Difference, compare, disagreement, is_meaningful, lacks
from asapfill.core.units import Interval, ceil_unit, day_of, floor_unit
from asapfill.cycle.session import OfficeSession
from asapfill.opendental.errors import NotFound, Refused, TooOld

log = logging.getLogger(__name__)


def ask_witness(session: OfficeSession, offer: NewOffer) -> tuple[Slot, ...] | None:
    """What Open Dental's own search tells about an offer's operatory, provider and day; None where that means nothing.

    Raises OpenDentalError: the office could not be read, so nothing may be sent.
    """
    day = offer.start.date()
    if not is_meaningful(session.mirror.office(), offer.operatory, offer.provider, day):
        return None
    return _slots(session, offer.operatory, offer.provider, day, day)


def witness_against(session: OfficeSession, offer: NewOffer, slots: tuple[Slot, ...] | None) -> Reason | None:
    """Why Open Dental's own search speaks against an offer, or None where it agrees or has nothing to say."""
    span = (floor_unit(offer.start), ceil_unit(offer.end))
    if slots is None or not lacks(slots, span):
        return None
    log.warning(
        "witness.disagrees office=%s op=%d provider=%d start=%s",
        session.office,
        offer.operatory,
        offer.provider,
        offer.start.isoformat(),
    )
    return disagreement(offer.operatory, span)


def compare_all(session: OfficeSession, policy: Policy, found: Found) -> tuple[list[Difference], int]:
    """Every difference between our free time and Slots, over the whole horizon; and how many days could be compared.

    Raises OpenDentalError: the office could not be read.
    """
    office = session.mirror.office()
    low, high = reach(policy, session.clock.now())
    hours = {day_of(start): (start, end) for start, end in policy_hours(policy, office.first, office.last) if end > low}
    differences: list[Difference] = []
    compared = 0
    for (operatory, provider), free in sorted(found.free_time.items()):
        days = [day for day in hours if is_meaningful(office, operatory, provider, day)]
        slots = _slots(session, operatory, provider, min(days), max(days)) if days else None
        if slots is None:
            continue
        by_day: dict[date, list[Slot]] = defaultdict(list)
        for slot in slots:
            if slot.date_time_start is not None:
                by_day[slot.date_time_start.date()].append(slot)
        for day in days:
            compared += 1
            within: Interval = (max(hours[day][0], low), min(hours[day][1], high))
            if within[0] < within[1]:
                differences += compare(office, (operatory, provider), within, free, by_day[day])
    return differences, compared


def _slots(session: OfficeSession, operatory: int, provider: int, first: date, last: date) -> tuple[Slot, ...] | None:
    """What Slots tells; None when this office has no such search."""
    with session.client.purpose("second witness"):
        try:
            return session.client.slots(date_start=first, date_end=last, prov_num=provider, op_num=operatory).rows
        except (NotFound, TooOld, Refused) as error:
            log.info("witness.missing office=%s error=%s", session.office, type(error).__name__)
            return None
