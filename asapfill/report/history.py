"""``history``: offers and what became of them, step by step, out of the state, which is only read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from asapfill.clock import Clock
from asapfill.core.offer import WORDS, Offer
from asapfill.core.office import Labels
from asapfill.core.reasons import RULES
from asapfill.offers.journal import Journal
from asapfill.report.documents import iso, offered
from asapfill.report.past_days import Day, office_day, past_day
from asapfill.settings.settings import Settings
from asapfill.store.database import open_for_reading
from asapfill.store.offers import Step
from asapfill.store.offices import known_office
from asapfill.words import wrapped

WEEK: Final = timedelta(days=7)
"""How far back offers are told when nobody says since when."""


@dataclass(frozen=True, slots=True)
class OfferHistory:
    """One offer with its steps, and what its office calls operatories and providers."""

    offer: Offer
    steps: tuple[Step, ...]
    labels: Labels


def read_history(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    since: Day | None,
    patient: int | None,
    opening: str | None = None,
) -> list[OfferHistory]:
    """Offers made on ``since`` (office day; None: a week ago) or later, oldest first; or all of a patient or opening.

    Raises:
        NoDay: ``since`` is a day to come.
        StoreError: the state cannot be read.
    """
    found = []
    with open_for_reading(settings.state, clock) as store:
        today = office_day(store, clock, offices)
        first = today - WEEK if since is None else past_day(since, today)
        for office in offices:
            journal = Journal(store, office)
            if patient is not None:
                offers = journal.by_patient(patient)
            elif opening is not None:
                offers = journal.by_opening(opening)
            else:
                offers = tuple(offer for offer in journal.since(first) if offer.day >= first)
            known = known_office(store, office)
            labels = known.labels if known is not None else Labels()
            found += [OfferHistory(offer, journal.steps(offer.id), labels) for offer in offers]
    return sorted(found, key=lambda item: item.offer.id)


def history_document(items: Sequence[OfferHistory]) -> dict[str, Any]:
    """``history --json``."""
    return {
        "offers": [
            {
                "id": item.offer.id,
                "office": item.offer.office,
                "clinic": item.offer.clinic,
                **offered(item.offer, item.labels),
                "wave": item.offer.wave,
                "opening": item.offer.opening,
                "state": str(item.offer.state),
                "reason": item.offer.reason,
                "asapcomm": item.offer.asapcomm,
                "made": iso(item.offer.made),
                "steps": [
                    {
                        "at": iso(step.at),
                        "from": str(step.before) if step.before is not None else None,
                        "to": str(step.after),
                        "reason": step.reason,
                    }
                    for step in item.steps
                ],
            }
            for item in items
        ]
    }


def history_text(items: Sequence[OfferHistory]) -> str:
    """The same for a terminal."""
    if not items:
        return "No offers."
    lines = ["Oldest first; times are the office's.", ""]
    for item in items:
        offer, labels = item.offer, item.labels
        lines += wrapped(
            f"#{offer.id}  {offer.kind} {offer.number}, patient {offer.patient}: "
            f"{offer.start:%a %Y-%m-%d %H:%M}, {labels.operatory(offer.operatory)}, {labels.provider(offer.provider)}, "
            f"wave {offer.wave}",
            4,
        )
        for step in item.steps:
            at = offer.office_time(step.at)
            lines += wrapped(f"    {at:%a %m-%d %H:%M}  {_step_words(step)}", 21)
    return "\n".join(lines)


def _step_words(step: Step) -> str:
    """What happened, and why where that says more."""
    words = WORDS[step.after].text
    reason = RULES[step.reason].sentence if step.reason in RULES else ""
    return words if not reason or reason.rstrip(".").casefold() == words.casefold() else f"{words}. {reason}"
