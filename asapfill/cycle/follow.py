"""Step: follow. What became of an office's offers, as the mirror tells it: at the start of a cycle and before a wave.

Also while no policy allows anything new: that needs the office's time zone only.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from asapfill.core.offer import CLOCKS_MAY_DIFFER, Offer
from asapfill.core.office import Office
from asapfill.core.policy import OpeningsPolicy
from asapfill.core.rows import AsapComm
from asapfill.core.schedule import appointment_span, occupies
from asapfill.core.units import Interval, ceil_unit, floor_unit, overlaps
from asapfill.cycle.results import ServedClinic, Trouble
from asapfill.cycle.session import OfficeSession
from asapfill.offers.following import Followed, follow
from asapfill.offers.reconcile import Reconciled, reconcile
from asapfill.opendental.errors import NotFound, OpenDentalError
from asapfill.store.offices import known_office

log = logging.getLogger(__name__)


def follow_offers(session: OfficeSession, clinics: Sequence[ServedClinic]) -> None:
    """Find out what is not clear, and what became of the rest, from a mirror that was refreshed just now.

    Raises StoreError: the state cannot be written.
    """
    followed, unclear = _find_out(session, clinics[0].policy.timezone)
    for clinic in clinics:
        clinic.result.notes += followed.problems
        if unclear.error is not None:
            clinic.result.errors.append(Trouble(str(unclear.error), code=unclear.error.code))


def follow_alone(session: OfficeSession, timezone: ZoneInfo, look_ahead: timedelta) -> None:
    """Follow the offers already made while no policy allows a new one; nothing when the clocks disagree.

    Raises OpenDentalError: the office could not be read.
    """
    session.mirror.refresh(session.now(timezone).wall, look_ahead, ())
    if session.mirror.skew is not None and abs(session.mirror.skew) > CLOCKS_MAY_DIFFER:
        log.warning("follow.clock_off office=%s", session.office)
        return
    remember_asapcomms(session)
    followed, _ = _find_out(session, timezone)
    log.info("follow.alone office=%s changed=%d", session.office, len(followed.changed))


def follow_without_policy(session: OfficeSession) -> None:
    """The same when no policy can be read at all: by the time zone in which the office was last served.

    An office that cannot be read is logged; one that was never served has nothing to follow.
    """
    known = known_office(session.store, session.office)
    if known is None:
        return
    try:
        follow_alone(session, known.timezone, OpeningsPolicy().look_ahead)
    except OpenDentalError as error:
        log.warning("office.failed office=%s error=%s", session.office, type(error).__name__)


def remember_asapcomms(session: OfficeSession) -> None:
    """Note which AsapComms the office has: none of them is the result of an intent that is still to come."""
    session.journal.saw(row.asap_comm_num for row in session.mirror.asapcomms if row.asap_comm_num)


def apply_news(session: OfficeSession, wall: datetime) -> Followed:
    """Bring the journal up to date with the AsapComms and appointments last read. ``wall``: the office's clock.

    Raises OpenDentalError: an offer's row that has left the list could not be read.
    """

    def read_one(number: int) -> AsapComm | None:
        with session.client.purpose("reconcile"):
            try:
                return session.client.asapcomm(number)
            except NotFound:
                return None

    taken = _taken_by_somebody_else(session.mirror.office())
    return follow(session.journal, session.mirror.asapcomms, wall, taken, read_one)


def _find_out(session: OfficeSession, timezone: ZoneInfo) -> tuple[Followed, Reconciled]:
    # What is followed was read before reconciling, which may take a while.
    wall = session.now(timezone).wall
    with session.client.purpose("reconcile"):
        unclear = reconcile(session.journal, session.client, session.clock, timezone)
    followed = apply_news(session, wall)
    for offer in followed.accepted:
        log.info("offer.filled office=%s offer=%d op=%d", session.office, offer.id, offer.operatory)
    return followed, unclear


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
