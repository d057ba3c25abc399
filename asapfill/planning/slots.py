"""Slots: places that people were already offered and may still take, and whose time these places would take.

A provider who works in two operatories at once could be booked in both: Open Dental does not look at the other one
when a patient accepts. So a place that somebody may still take counts as that provider's time everywhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from asapfill.offers.offer import Contact, Kind
from asapfill.offers.states import LIVE, State
from asapfill.scheduling.intervals import Interval, overlaps
from asapfill.scheduling.occupied import provider_units
from asapfill.scheduling.openings import FreeTime, Opening
from asapfill.scheduling.units import ceil_unit, floor_unit


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch (units) that people were already offered and may still take. ``wave``: the last one made; ``last``:
    when (naive office time). ``viewed``: somebody has opened the link.
    """

    start: int
    end: int
    wave: int
    last: datetime
    viewed: bool


def slots_already_offered(opening: Opening, contacts: Iterable[Contact]) -> list[Slot]:
    """The stretches of an opening for which somebody still holds a live offer, merged where they overlap."""
    slots: list[Slot] = []
    for contact in sorted(offers_in(opening, contacts), key=lambda contact: (contact.start, contact.end)):
        if contact.state not in LIVE or contact.start is None or contact.end is None:
            continue
        start, end = floor_unit(contact.start), ceil_unit(contact.end)
        viewed = contact.state == State.VIEWED
        slot = Slot(start, end, contact.wave, contact.made or contact.start, viewed)
        if slots and overlaps((slots[-1].start, slots[-1].end), (start, end)):
            other = slots.pop()
            slot = Slot(
                start=min(other.start, start),
                end=max(other.end, end),
                wave=max(other.wave, slot.wave),
                last=max(other.last, slot.last),
                viewed=other.viewed or viewed,
            )
        slots.append(slot)
    return slots


def offers_in(opening: Opening, contacts: Iterable[Contact]) -> list[Contact]:
    """Our texts, live or past, whose slot lies in the opening."""
    return [
        contact
        for contact in contacts
        if contact.ours
        and contact.operatory == opening.operatory
        and contact.start is not None
        and contact.end is not None
        and overlaps((floor_unit(contact.start), ceil_unit(contact.end)), opening.span)
    ]


Place = tuple[int, int]
"""OperatoryNum and first unit: who holds offers for the same place cannot both take it."""


@dataclass(frozen=True, slots=True)
class Held:
    """Per ProvNum the units that places on offer would take."""

    units: dict[int, list[tuple[Interval, Place]]] = field(default_factory=lambda: defaultdict(list))

    def hold(self, provider: int, pattern: str, place: Place) -> None:
        """Note that a visit of this pattern may be booked at ``place``."""
        start = place[1]
        self.units[provider] += [((start + first, start + last), place) for first, last in provider_units(pattern)]

    def clashes(self, provider: int, pattern: str, place: Place) -> bool:
        """Whether the provider may be needed elsewhere during this visit's own provider units."""
        held = [span for span, other in self.units.get(provider, ()) if other != place]
        start = place[1]
        return any(
            overlaps((start + first, start + last), span) for first, last in provider_units(pattern) for span in held
        )


def held_by(contacts: Iterable[Contact], free_time: FreeTime, patterns: Mapping[tuple[Kind, int], str]) -> Held:
    """What the live offers, ours and others', may take of the providers' time.

    ``patterns``: per candidate; an offer of somebody who is none any more counts as provider time all along.
    """
    held = Held()
    for contact in contacts:
        if contact.state not in LIVE or contact.start is None or not contact.operatory:
            continue
        start = floor_unit(contact.start)
        end = ceil_unit(contact.end) if contact.end is not None else start + 1
        pattern = patterns.get((contact.kind, contact.number), "X" * (end - start))
        for (operatory, provider), spans in free_time.items():
            if operatory == contact.operatory and any(overlaps(span, (start, start + 1)) for span in spans):
                held.hold(provider, pattern, (operatory, start))
    return held
