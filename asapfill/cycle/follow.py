"""What became of an office's offers as the mirror tells it: asked at the start of a cycle and before a wave.

Also while no policy allows anything new: that needs the office's time zone only.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from asapfill.clock import office_now
from asapfill.core.offer import CLOCKS_MAY_DIFFER, Offer
from asapfill.core.office import Office
from asapfill.core.policy import OpeningsPolicy
from asapfill.core.schedule import appointment_span, occupies
from asapfill.core.units import Interval, ceil_unit, floor_unit, overlaps
from asapfill.cycle.session import OfficeSession
from asapfill.offers.following import Followed, follow
from asapfill.offers.journal import Journal
from asapfill.offers.reconcile import Reconciled, reconcile
from asapfill.opendental.errors import OpenDentalError
from asapfill.store.offices import known_office

log = logging.getLogger(__name__)


def follow_offers(session: OfficeSession, journal: Journal, wall: datetime) -> Followed:
    """Bring the journal up to date with the AsapComms and appointments last read. ``wall``: the office's clock."""
    return follow(journal, session.mirror.asapcomms, wall, _taken_by_somebody_else(session.mirror.office()))


def find_out(session: OfficeSession, journal: Journal, timezone: ZoneInfo) -> tuple[Followed, Reconciled]:
    """Find out what is not clear, and what became of the rest, from a mirror that was refreshed just now."""
    now = office_now(session.clock.now(), timezone)
    with session.client.purpose("reconcile"):
        unclear = reconcile(journal, session.client, session.clock, timezone)
    followed = follow_offers(session, journal, now)
    for offer in followed.accepted:
        log.info("offer.filled office=%s offer=%d op=%d", session.office, offer.id, offer.operatory)
    return followed, unclear


def follow_alone(session: OfficeSession, timezone: ZoneInfo, look_ahead: timedelta) -> None:
    """Follow the offers already made while no policy allows a new one; nothing when the clocks disagree.

    Raises OpenDentalError: the office could not be read.
    """
    if session.journal is None:
        return
    session.mirror.refresh(office_now(session.clock.now(), timezone), look_ahead, ())
    if session.mirror.skew is not None and abs(session.mirror.skew) > CLOCKS_MAY_DIFFER:
        log.warning("follow.clock_off office=%s", session.office)
        return
    session.journal.saw(row.asap_comm_num for row in session.mirror.asapcomms if row.asap_comm_num)
    followed, _ = find_out(session, session.journal, timezone)
    log.info("follow.alone office=%s changed=%d", session.office, len(followed.changed))


def follow_without_policy(session: OfficeSession) -> None:
    """The same when no policy can be read at all: by the time zone in which the office was last served.

    An office that cannot be read is logged; one that was never served has nothing to follow.
    """
    known = known_office(session.store, session.office) if session.store is not None else None
    if known is None:
        return
    try:
        follow_alone(session, known.timezone, OpeningsPolicy().look_ahead)
    except OpenDentalError as error:
        log.warning("office.failed office=%s error=%s", session.office, type(error).__name__)


def _taken_by_somebody_else(office: Office) -> Callable[[Offer], bool]:
    """Whether another patient's appointment lies in an offer's place now. Nothing is looked up until it is asked."""

    @cache
    def visits() -> Mapping[int, list[tuple[Interval, int]]]:
        found: dict[int, list[tuple[Interval, int]]] = defaultdict(list)
        for appointment in office.appointments:
            span = appointment_span(appointment, office) if occupies(appointment) else None
            if span is not None:
                found[appointment.op].append((span, appointment.pat_num))
        return found

    def taken(offer: Offer) -> bool:
        place = (floor_unit(offer.start), ceil_unit(offer.end))
        return any(
            patient != offer.patient and overlaps(span, place) for span, patient in visits().get(offer.operatory, ())
        )

    return taken
