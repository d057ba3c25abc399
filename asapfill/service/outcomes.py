"""What became of an office's offers as the mirror tells it: asked at the start of a cycle and before a wave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from asapfill.offers.following import Followed, follow
from asapfill.offers.journal import Journal
from asapfill.offers.offer import Offer
from asapfill.scheduling.intervals import Interval, overlaps
from asapfill.scheduling.occupied import appointment_span, occupies
from asapfill.scheduling.office import Office
from asapfill.scheduling.units import ceil_unit, floor_unit
from asapfill.service.desk import Desk


def follow_offers(desk: Desk, journal: Journal, wall: datetime) -> Followed:
    """Bring the journal up to date with the AsapComms and appointments last read. ``wall``: the office's clock."""
    return follow(journal, desk.mirror.asapcomms, wall, _taken_by_somebody_else(desk.mirror.office()))


def _taken_by_somebody_else(office: Office) -> Callable[[Offer], bool]:
    """Whether another patient's appointment lies in an offer's place now."""
    visits: dict[int, list[tuple[Interval, int]]] = defaultdict(list)
    for appointment in office.appointments:
        span = appointment_span(appointment, office) if occupies(appointment) else None
        if span is not None:
            visits[appointment.op].append((span, appointment.pat_num))

    def taken(offer: Offer) -> bool:
        place = (floor_unit(offer.start), ceil_unit(offer.end))
        return any(
            patient != offer.patient and overlaps(span, place) for span, patient in visits.get(offer.operatory, ())
        )

    return taken
