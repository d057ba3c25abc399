"""The JSON documents of ``plan``, ``once`` and ``openings``, and what all documents say in the same way.

Scripts depend on documents: keys are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from asapfill.core.offer import NewOffer, Offer
from asapfill.core.office import Labels
from asapfill.core.openings import LeftAlone, Opening
from asapfill.core.plan import Skipped
from asapfill.core.slot_search import Difference
from asapfill.cycle.results import ClinicResult, OfferLine
from asapfill.store.care import Verified


def plan_document(results: Iterable[ClinicResult]) -> dict[str, Any]:
    """``plan --json`` and ``once --json``."""
    return {"offices": [_clinic(result) for result in results]}


def openings_document(results: Iterable[ClinicResult]) -> dict[str, Any]:
    """``openings --json``."""
    return {
        "offices": [
            {
                **_head(result),
                "openings": [opening_document(item, result.labels) for item in result.openings],
                "left_alone": [_left(item, result.labels) for item in result.left_alone],
                "compared": result.compared,
                "differences": [
                    _difference(item, result.labels)
                    for item in sorted(result.differences, key=lambda item: (item.start, item.operatory))
                ],
                **_tail(result),
            }
            for result in results
        ]
    }


def verified_document(found: Verified) -> dict[str, Any]:
    """``state verify --json``."""
    return {
        "file": str(found.path),
        "usable": found.usable,
        "schema": found.version,
        "problems": list(found.problems),
        "rows": found.counts,
        "offers": found.states,
    }


def opening_document(item: Opening, labels: Labels) -> dict[str, Any]:
    """One opening."""
    return {"id": item.id, **place(item, labels)}


def place(item: Opening | NewOffer | Offer | LeftAlone | Difference, labels: Labels) -> dict[str, Any]:
    """Where and with whom, the numbers and the office's names for them (None: not known, or all), and when."""
    return {
        "operatory": item.operatory,
        "provider": item.provider,
        "operatory_name": labels.operatories.get(item.operatory) or None,
        "provider_name": labels.providers.get(item.provider) or None,
        "start": iso(item.start),
        "end": iso(item.end),
    }


def offered(offer: NewOffer | Offer, labels: Labels) -> dict[str, Any]:
    """Who is offered which time."""
    return {
        "kind": offer.kind,
        "number": offer.number,
        "patient": offer.patient,
        **place(offer, labels),
    }


def iso(moment: datetime) -> str:
    """A time to the second: an office's wall-clock time without offset, as Open Dental keeps it, any other with it."""
    return moment.isoformat(timespec="seconds")


def iso_or_none(moment: datetime | None) -> str | None:
    """The same where there may be none."""
    return None if moment is None else iso(moment)


def _clinic(result: ClinicResult) -> dict[str, Any]:
    return {
        **_head(result),
        "openings": [opening_document(item, result.labels) for item in result.openings],
        "offers": [_line(line, result.labels) for line in result.offers],
        "skipped": [_skipped(item, result.labels) for item in result.skipped],
        **_tail(result),
    }


def _head(result: ClinicResult) -> dict[str, Any]:
    return {
        "office": result.office,
        "clinic": result.clinic,
        "clinic_name": result.labels.clinics.get(result.clinic) or None,
        "mode": result.mode,
        "now": iso(result.now),
        "as_if": result.as_if,
        "paused": result.paused,
    }


def _tail(result: ClinicResult) -> dict[str, Any]:
    return {
        "requests": result.requests,
        "errors": [trouble.message for trouble in result.errors],
        "notes": list(result.notes),
    }


def _line(line: OfferLine, labels: Labels) -> dict[str, Any]:
    offer = line.offer
    return {
        **offered(offer, labels),
        "wave": offer.wave,
        "opening": offer.opening,
        "state": line.state,
        "asapcomm": line.asapcomm,
        "reason": line.reason,
        "id": line.id,
    }


def _skipped(item: Skipped, labels: Labels) -> dict[str, Any]:
    return {
        "reason": item.reason.code,
        "detail": item.reason.sentence if item.kind is not None else item.reason.of_opening,
        "opening": item.opening,
        "kind": item.kind,
        "number": item.number,
        "operatory": item.operatory,
        "operatory_name": labels.operatories.get(item.operatory or 0) or None,
        "start": iso_or_none(item.start),
        "end": iso_or_none(item.end),
    }


def _left(item: LeftAlone, labels: Labels) -> dict[str, Any]:
    return {
        "reason": item.reason.code,
        "detail": item.reason.sentence,
        **place(item, labels),
        "operatory": item.operatory or None,
        "provider": item.provider or None,
    }


def _difference(item: Difference, labels: Labels) -> dict[str, Any]:
    return {
        **place(item, labels),
        "free_for": "asapfill" if item.ours else "open dental",
        "cause": item.cause,
    }
