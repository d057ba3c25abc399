"""The plan while it grows: who may still be asked, and what an offer more means for those after it.

Which places are looked at, and in what order, is in ``plan``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asapfill.core.candidates import Candidate, Passed
from asapfill.core.chances import PUBLISHED, Chances
from asapfill.core.fits import Fit, Ground
from asapfill.core.offer import LIVE, Contact, Kind, NewOffer
from asapfill.core.openings import Found, FreeTime, Opening
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.schedule import provider_units
from asapfill.core.units import Interval, ceil_unit, floor_unit, moment_of, overlaps
from asapfill.core.waves import Wave, next_wave


@dataclass(frozen=True, slots=True)
class OfferedSlot:
    """A stretch (units) that people were already offered and may still take. ``wave``: the last one made; ``live``:
    the open offers.
    """

    start: int
    end: int
    wave: int
    live: tuple[Contact, ...]


def slots_already_offered(opening: Opening, contacts: Iterable[Contact]) -> list[OfferedSlot]:
    """The stretches of an opening for which somebody still holds a live offer, merged where they overlap."""
    slots: list[OfferedSlot] = []
    for contact in sorted(offers_in(opening, contacts), key=lambda contact: (contact.start, contact.end)):
        if contact.state not in LIVE or contact.start is None or contact.end is None:
            continue
        start, end = floor_unit(contact.start), ceil_unit(contact.end)
        slot = OfferedSlot(start, end, contact.wave, (contact,))
        if slots and overlaps((slots[-1].start, slots[-1].end), (start, end)):
            other = slots.pop()
            slot = OfferedSlot(
                start=min(other.start, start),
                end=max(other.end, end),
                wave=max(other.wave, slot.wave),
                live=(*other.live, contact),
            )
        slots.append(slot)
    return slots


def offers_in(opening: Opening, contacts: Iterable[Contact]) -> list[Contact]:
    """Our texts, live or past, whose slot lies in the opening."""
    return [
        contact
        for contact in contacts
        if contact.opening
        and contact.operatory == opening.operatory
        and contact.start is not None
        and contact.end is not None
        and overlaps((floor_unit(contact.start), ceil_unit(contact.end)), opening.span)
    ]


Place = tuple[int, int]
"""OperatoryNum and first unit: who holds offers for the same place cannot both take it."""


@dataclass(frozen=True, slots=True)
class HeldTime:
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


def held_by(contacts: Iterable[Contact], free_time: FreeTime, patterns: Mapping[tuple[Kind, int], str]) -> HeldTime:
    """What the live offers, ours and others', may take of the providers' time.

    ``patterns``: per candidate; an offer of somebody who is none any more counts as provider time all along.
    """
    held = HeldTime()
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


Judge = Callable[[NewOffer, Sequence[Contact]], Reason | None]
"""Says why an offer may not be made now, given every text that counts, or None. See ``limits``."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What planning works on. ``contacts``: every text that counts. ``phones``: keyed hash per PatNum.
    ``chances``: that somebody says yes.
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
    chances: Chances = PUBLISHED


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
class PlanDraft:
    """The plan as it grows. ``ranked``: everybody who fits somewhere, first to be asked first; ``order``: the same per
    opening; ``fitting``: ids of the openings per candidate, in order. ``refused``: per candidate the last reason for
    which it was not asked. ``held``: the providers' time that places on offer would take. ``asked``: PatNums in this
    plan. ``mistakes``: what the check found wrong with placements, which were not used.
    """

    situation: Situation
    ranked: Sequence[Candidate]
    fitting: Mapping[tuple[Kind, int], list[str]]
    order: Mapping[str, list[Candidate]]
    places: Mapping[tuple[str, tuple[Kind, int]], list[Fit]]
    held: HeldTime
    offers: list[NewOffer] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)
    provisional: set[int] = field(default_factory=set)
    refused: dict[tuple[Kind, int], Reason] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def wave_at(start: int, live: Sequence[Contact], draft: PlanDraft, kind: Kind = "appointment") -> Wave:
    """How many people are asked now for a place that begins at unit ``start``. ``live``: its open offers; ``kind``: of
    whom is asked next.
    """
    situation = draft.situation
    policy = situation.policy
    return next_wave(
        moment_of(start),
        live,
        policy.texts,
        situation.chances,
        situation.office_now,
        notice=policy.openings.notice,
        kind=kind,
    )


def may_ask(candidate: Candidate, fit: Fit, draft: PlanDraft) -> bool:
    """Whether this offer may be made now; the reason against is kept for ``skipped``."""
    if is_out(candidate, draft):
        return False
    reason = draft.situation.judge(_new_offer(candidate, fit, 1, draft), draft.contacts)
    if reason is not None:
        draft.refused[candidate.key] = reason
        return False
    return not provider_held(candidate, fit, draft)


def is_out(candidate: Candidate, draft: PlanDraft) -> bool:
    """Whether a candidate is not asked in this plan (any more), wherever the place is."""
    if candidate.patient in draft.asked:
        draft.refused[candidate.key] = Reason("asked_elsewhere")
    known = draft.refused.get(candidate.key)
    return known is not None and known.code in _WHATEVER_THE_PLACE


def is_barred(candidate: Candidate, draft: PlanDraft) -> bool:
    """Whether the limits have something against a candidate in whatever place; they are asked about its first."""
    first = draft.places[draft.fitting[candidate.key][0], candidate.key][0]
    reason = draft.situation.judge(_new_offer(candidate, first, 1, draft), draft.contacts)
    if reason is not None and reason.code in _WHATEVER_THE_PLACE:
        draft.refused[candidate.key] = reason
        return True
    return False


def last_wave(fit: Fit, draft: PlanDraft) -> int:
    """The last wave in which somebody was asked about any of this time; 0: nobody was."""
    return max(
        (
            contact.wave
            for contact in offers_in(fit.opening, draft.contacts)
            if contact.start is not None
            and contact.end is not None
            and overlaps((floor_unit(contact.start), ceil_unit(contact.end)), fit.span)
        ),
        default=0,
    )


def provider_held(candidate: Candidate, fit: Fit, draft: PlanDraft) -> bool:
    """Whether the provider would be needed in two places if this offer and an open one elsewhere were both accepted."""
    held = draft.held.clashes(fit.opening.provider, candidate.pattern, _place(fit))
    if held:
        reason = Reason("provider_busy", "if an open offer elsewhere is accepted")
        draft.refused.setdefault(candidate.key, reason)
    return held


def _place(fit: Fit) -> tuple[int, int]:
    return fit.opening.operatory, fit.span[0]


def add_offers(recipients: Iterable[tuple[Candidate, Fit]], wave: int, draft: PlanDraft) -> None:
    """Add offers to the plan; each is judged again, because the ones before it count."""
    for candidate, fit in recipients:
        if not may_ask(candidate, fit, draft):
            continue
        offer = _new_offer(candidate, fit, wave, draft)
        draft.offers.append(offer)
        draft.contacts.append(offer)
        draft.asked.add(candidate.patient)
        draft.held.hold(fit.opening.provider, candidate.pattern, _place(fit))
        if candidate.provisional:
            draft.provisional.add(candidate.patient)


def _new_offer(candidate: Candidate, fit: Fit, wave: int, draft: PlanDraft) -> NewOffer:
    situation = draft.situation
    return new_offer(
        candidate,
        fit,
        clinic=situation.policy.clinic,
        phone=situation.phones.get(candidate.patient, ""),
        wave=wave,
        made=situation.office_now,
    )


def new_offer(candidate: Candidate, fit: Fit, *, clinic: int, phone: str, wave: int, made: datetime) -> NewOffer:
    """An offer of a place to a candidate. ``phone``: its keyed hash. ``made``: the office's wall clock."""
    return NewOffer(
        clinic=clinic,
        kind=candidate.kind,
        number=candidate.number,
        patient=candidate.patient,
        phone=phone,
        operatory=fit.opening.operatory,
        provider=fit.opening.provider,
        start=fit.start,
        end=fit.end,
        wave=wave,
        opening=fit.opening.id,
        made=made,
    )
