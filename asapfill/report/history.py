"""``history``: offers and their steps out of the state, which is only read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from asapfill.clock import Clock
from asapfill.core.offer import Offer
from asapfill.core.office import Labels
from asapfill.offers.journal import Journal, Step
from asapfill.settings.settings import Settings
from asapfill.store.database import open_for_reading
from asapfill.store.offices import known_office


def read_history(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    since: date,
    patient: int | None,
    opening: str | None = None,
) -> list[tuple[Offer, tuple[Step, ...]]]:
    """Offers made on ``since`` (office day) or later with their steps, oldest first; or all of a patient or opening."""
    store = open_for_reading(settings.state, clock)
    if store is None:
        return []
    with store:
        stories = []
        for office in offices:
            journal = Journal(store, office)
            if patient is not None:
                offers = journal.by_patient(patient)
            elif opening is not None:
                offers = journal.by_opening(opening)
            else:
                offers = tuple(offer for offer in journal.since(since) if offer.day >= since)
            stories += [(offer, journal.steps(offer.id)) for offer in offers]
        return sorted(stories, key=lambda story: story[0].id)


def office_labels(settings: Settings, clock: Clock) -> dict[str, Labels]:
    """What the offices call their operatories and providers, as far as they were ever served."""
    store = open_for_reading(settings.state, clock)
    if store is None:
        return {}
    with store:
        known = {office: known_office(store, office) for office in settings.offices}
        return {office: found.labels for office, found in known.items() if found is not None}
