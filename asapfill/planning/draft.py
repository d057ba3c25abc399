"""The plan while it grows: who may still be asked, and what an offer more means for those after it.

Which places are looked at, and in what order, is in ``plan``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asapfill.offers.offer import Contact, NewOffer
from asapfill.offers.states import State
from asapfill.planning.slots import Held
from asapfill.policy.policy import Policy
from asapfill.reasons import Reason
from asapfill.scheduling.candidates import Candidate, Kind, Passed
from asapfill.scheduling.fits import Fit, Ground
from asapfill.scheduling.openings import Found

Judge = Callable[[NewOffer, Sequence[Contact]], Reason | None]
"""Says why an offer may not be made now, given every text that counts, or None. See ``limits``."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What planning works on. ``contacts``: every text that counts, ours and others'. ``phones``: keyed hash per
    PatNum.
    """

    policy: Policy
    office_now: datetime
    found: Found
    ground: Ground
    candidates: tuple[Candidate, ...]
    passed: tuple[Passed, ...]
    contacts: tuple[Contact, ...]
    phones: Mapping[int, str]
    judge: Judge


_WHATEVER_THE_PLACE = frozenset(
    {
        "asked_elsewhere",
        "live_offer",
        "phone_live_offer",
        "resting",
        "no_text_lately",
        "per_patient_per_day",
        "per_patient_per_week",
        "asked_to_stop",
        "quiet_hours",
    }
)
"""Reasons that hold for a candidate in every place, and go on to hold while the plan grows."""


@dataclass(slots=True)
class Draft:
    """The plan as it grows. ``order``: per opening who fits there, first to be asked first. ``refused``: per candidate
    the last reason for which it was not asked. ``held``: the providers' time that places on offer would take.
    ``asked``: PatNums in this plan.
    """

    situation: Situation
    order: Mapping[str, list[Candidate]]
    places: Mapping[tuple[str, str, int], list[Fit]]
    held: Held
    offers: list[NewOffer] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)
    provisional: set[int] = field(default_factory=set)
    refused: dict[tuple[Kind, int], Reason] = field(default_factory=dict)


def may_ask(candidate: Candidate, fit: Fit, draft: Draft) -> bool:
    """Whether this offer may be made now; the reason against is kept for ``skipped``."""
    if is_out(candidate, draft):
        return False
    reason = draft.situation.judge(_new_offer(candidate, fit, 1, draft), draft.contacts)
    if reason is not None:
        draft.refused[candidate.kind, candidate.number] = reason
        return False
    return not provider_held(candidate, fit, draft)


def is_out(candidate: Candidate, draft: Draft) -> bool:
    """Whether a candidate is not asked in this plan (any more), wherever the place is."""
    key = (candidate.kind, candidate.number)
    if candidate.patient in draft.asked:
        draft.refused[key] = Reason("asked_elsewhere")
    known = draft.refused.get(key)
    return known is not None and known.code in _WHATEVER_THE_PLACE


def provider_held(candidate: Candidate, fit: Fit, draft: Draft) -> bool:
    """Whether the provider would be needed in two places if this offer and an open one elsewhere were both accepted."""
    held = draft.held.clashes(fit.opening.provider, candidate.pattern, _place(fit))
    if held:
        reason = Reason("provider_busy", "if an open offer elsewhere is accepted")
        draft.refused.setdefault((candidate.kind, candidate.number), reason)
    return held


def _place(fit: Fit) -> tuple[int, int]:
    return fit.opening.operatory, fit.span[0]


def add_offers(recipients: Iterable[tuple[Candidate, Fit]], wave: int, draft: Draft) -> None:
    """Add offers to the plan; each is judged again, because the ones before it count."""
    for candidate, fit in recipients:
        if not may_ask(candidate, fit, draft):
            continue
        offer = _new_offer(candidate, fit, wave, draft)
        draft.offers.append(offer)
        draft.contacts.append(planned_contact(offer))
        draft.asked.add(candidate.patient)
        draft.held.hold(fit.opening.provider, candidate.pattern, _place(fit))
        if candidate.provisional:
            draft.provisional.add(candidate.patient)


def _new_offer(candidate: Candidate, fit: Fit, wave: int, draft: Draft) -> NewOffer:
    return NewOffer(
        clinic=draft.situation.policy.clinic,
        kind=candidate.kind,
        number=candidate.number,
        patient=candidate.patient,
        phone=draft.situation.phones.get(candidate.patient, ""),
        operatory=fit.opening.operatory,
        provider=fit.opening.provider,
        start=fit.start,
        end=fit.end,
        wave=wave,
        opening=fit.opening.id,
        made=draft.situation.office_now,
    )


def planned_contact(offer: NewOffer) -> Contact:
    """A planned offer as the limits count it: as if its text were on the way."""
    return Contact(
        patient=offer.patient,
        phone=offer.phone,
        day=offer.made.date(),
        kind=offer.kind,
        number=offer.number,
        state=State.SENT,
        operatory=offer.operatory,
        start=offer.start,
        end=offer.end,
        opening=offer.opening,
        wave=offer.wave,
        made=offer.made,
        ours=True,
    )
