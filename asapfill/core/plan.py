"""The plan: which offers one cycle makes now, and for everything else, why not.

Slots that people were already offered get their next wave when it is due. What is free beside them is packed with
placements, all openings together (``placing``); each is offered to whom it was made for, and in the same wave to those
who come next by the policy's order and fit into it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from asapfill.core.candidates import Candidate
from asapfill.core.draft import (
    OfferedSlot,
    PlanDraft,
    Situation,
    add_offers,
    held_by,
    is_out,
    last_wave,
    may_ask,
    provider_held,
    slots_already_offered,
    wave_at,
)
from asapfill.core.fits import Fit, fits_by_opening
from asapfill.core.offer import COUNTED, LIVE, Contact, Kind, NewOffer
from asapfill.core.openings import LeftAlone, Opening, opening_id
from asapfill.core.placing import NewPlace, place
from asapfill.core.reasons import Reason, because
from asapfill.core.units import Interval, ceil_unit, floor_unit, overlaps, subtract, units_in
from asapfill.core.waves import ranked

_OF_THE_OPENING = frozenset({"quiet_hours", "too_late_to_text", "per_opening", "not_needed"})
"""Reasons that say as much of an opening as of a person."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not offered, or somebody who is not asked, and why."""

    reason: Reason
    opening: str | None = None
    kind: Kind | None = None
    number: int | None = None
    operatory: int | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """``offers`` in the order in which they are to be made; ``wanted``: PatNums whose rows must be read first.
    ``mistakes``: what the check found wrong with placements; these were not used.
    """

    offers: tuple[NewOffer, ...]
    skipped: tuple[Skipped, ...]
    wanted: frozenset[int]
    mistakes: tuple[str, ...] = ()


def make_plan(situation: Situation) -> Plan:
    """Plan one cycle for one clinic.

    Offers to candidates whose patient has not been read yet are part of the plan with their PatNum in ``wanted``:
    read these patients, find the candidates again, and plan again, until nothing is wanted.
    """
    draft = _begin(situation)
    openings = situation.found.openings
    slots = {opening.id: slots_already_offered(opening, situation.contacts) for opening in openings}
    for opening in openings:
        for slot in slots[opening.id]:
            _next_wave(opening, slot, draft)
    free = [
        (opening, part)
        for opening in openings
        for part in subtract([opening.span], [(slot.start, slot.end) for slot in slots[opening.id]])
    ]
    new, left = place(free, draft)
    for one in new:
        _first_wave(one, draft)
    for opening, part in left:
        _new_slots(opening, part, draft)
    served = {offer.opening for offer in draft.offers}
    people = _explain_people(draft)
    unfilled = [_why_nobody(one, bool(slots[one.id]), draft) for one in openings if one.id not in served]
    left_alone = [_left_alone(item) for item in situation.found.left_alone]
    return Plan(
        offers=tuple(_in_order(draft)),
        skipped=(*unfilled, *people, *left_alone),
        wanted=frozenset(draft.provisional),
        mistakes=tuple(draft.mistakes),
    )


def _begin(situation: Situation) -> PlanDraft:
    """Who fits where, by the policy's order, and what is on offer already."""
    places: dict[tuple[str, tuple[Kind, int]], list[Fit]] = {}
    order: dict[str, list[Candidate]] = defaultdict(list)
    fitting: dict[tuple[Kind, int], list[str]] = {}
    ranks = ranked(situation.candidates, situation.policy.order, _last_texted(situation.contacts))
    for candidate in ranks:
        for opening, found in fits_by_opening(candidate, situation.ground):
            order[opening.id].append(candidate)
            places[opening.id, candidate.key] = found
            fitting.setdefault(candidate.key, []).append(opening.id)
    patterns = {candidate.key: candidate.pattern for candidate in situation.candidates}
    return PlanDraft(
        situation=situation,
        ranked=[candidate for candidate in ranks if candidate.key in fitting],
        fitting=fitting,
        order=order,
        places=places,
        held=held_by(situation.contacts, situation.found.free_time, patterns),
        contacts=list(situation.contacts),
    )


def _in_order(draft: PlanDraft) -> list[NewOffer]:
    """The offers by opening and start, those of a place by the policy's order."""
    openings = {opening.id: number for number, opening in enumerate(draft.situation.found.openings)}
    ranks = {candidate.key: number for number, candidate in enumerate(draft.ranked)}
    return sorted(
        draft.offers, key=lambda offer: (openings[offer.opening], offer.start, ranks[offer.kind, offer.number])
    )


def _first_wave(new: NewPlace, draft: PlanDraft) -> None:
    """Ask more people about a new place, together with whom it was made for."""
    span = new.fit.span
    most = wave_at(span[0], (), draft, new.candidate.kind).size - 1
    add_offers(_recipients(new.fit.opening, span, draft, most, new.candidate), new.wave, draft)


def _next_wave(opening: Opening, slot: OfferedSlot, draft: PlanDraft) -> None:
    """Ask the next people for a slot, if those asked so far had their time."""
    size = wave_at(slot.start, slot.live, draft).size
    recipients = _recipients(opening, (slot.start, slot.end), draft, size) if size else []
    add_offers(recipients, slot.wave + 1, draft)


def _new_slots(opening: Opening, part: Interval, draft: PlanDraft) -> None:
    """Cut free time into slots: each for the first candidate who fits, shared with the next who fit the same start.

    For what the limits left over of a packing, which does not know them.
    """
    rest = [part]
    while rest:
        free = rest.pop(0)
        lead = _lead(opening, free, draft)
        if lead is None:
            continue
        span = lead[1].span
        wave = 1 + last_wave(lead[1], draft)
        size = wave_at(span[0], (), draft, lead[0].kind).size
        recipients = [lead, *_recipients(opening, span, draft, size - 1, lead[0])]
        add_offers(recipients, wave, draft)
        rest += subtract([free], [span])


def _lead(opening: Opening, free: Interval, draft: PlanDraft) -> tuple[Candidate, Fit] | None:
    """The first candidate who may be asked and fits into ``free``, at the start that wastes least."""
    for candidate in draft.order.get(opening.id, ()):
        if is_out(candidate, draft):
            continue
        options = [
            fit for fit in draft.places[opening.id, candidate.key] if free[0] <= fit.span[0] and fit.span[1] <= free[1]
        ]
        options = [fit for fit in options if not provider_held(candidate, fit, draft)]
        if not options:
            continue
        best = min(options, key=lambda fit: (_waste(fit, free, draft), fit.span))
        if may_ask(candidate, best, draft):
            return candidate, best
    return None


def _recipients(
    opening: Opening, span: Interval, draft: PlanDraft, most: int, besides: Candidate | None = None
) -> list[tuple[Candidate, Fit]]:
    """Up to ``most`` further candidates, in order, who may be asked and fit inside ``span`` from its start."""
    chosen: list[tuple[Candidate, Fit]] = []
    taken = {besides.patient} if besides is not None else set()
    for candidate in draft.order.get(opening.id, ()):
        if len(chosen) >= most:
            break
        if candidate.patient in taken or is_out(candidate, draft):
            continue
        for fit in draft.places[opening.id, candidate.key]:
            if fit.span[0] == span[0] and fit.span[1] <= span[1]:
                if may_ask(candidate, fit, draft):
                    chosen.append((candidate, fit))
                    taken.add(candidate.patient)
                break
    return chosen


def _waste(fit: Fit, free: Interval, draft: PlanDraft) -> int:
    """Units beside the visit that would be too short to use, within the part of the opening that is still free."""
    shortest = units_in(draft.situation.policy.openings.shortest)
    opening = fit.opening
    left = fit.span[0] - (opening.free[0] if free[0] == opening.span[0] else free[0])
    right = (opening.free[1] if free[1] == opening.span[1] else free[1]) - fit.span[1]
    return sum(gap for gap in (left, right) if gap < shortest)


def _last_texted(contacts: Iterable[Contact]) -> Mapping[int, date]:
    result: dict[int, date] = {}
    for contact in contacts:
        if contact.state in COUNTED:
            result[contact.patient] = max(contact.day, result.get(contact.patient, contact.day))
    return result


def _why_nobody(opening: Opening, has_slots: bool, draft: PlanDraft) -> Skipped:  # noqa: FBT001  private, read once
    """Why an opening gets no offer in this cycle."""
    refused = (draft.refused.get(one.key) for one in draft.order.get(opening.id, ()))
    why = Counter("not_needed" if reason is None else reason.code for reason in refused)
    if has_slots:
        reason = Reason("waiting_for_answers")
    elif not why:
        reason = Reason("no_fit")
    elif len(why) == 1 and next(iter(why)) in _OF_THE_OPENING:
        reason = Reason(next(iter(why)))
    else:
        reason = Reason("nobody_to_ask", because(why))
    return Skipped(
        reason=reason,
        opening=opening.id,
        operatory=opening.operatory,
        start=opening.start,
        end=opening.end,
    )


def _explain_people(draft: PlanDraft) -> list[Skipped]:
    """Why each candidate who is not in the plan is not."""
    asked = {(offer.kind, offer.number) for offer in draft.offers}
    taken: dict[int, list[Interval]] = defaultdict(list)
    for contact in draft.contacts:
        if contact.state in LIVE and contact.start is not None and contact.end is not None:
            taken[contact.operatory].append((floor_unit(contact.start), ceil_unit(contact.end)))
    shared = _needed_elsewhere(draft)
    result = [Skipped(item.reason, kind=item.kind, number=item.number) for item in draft.situation.passed]
    for candidate in draft.situation.candidates:
        if candidate.key in asked:
            continue
        if candidate.key not in draft.fitting:
            reason = Reason("no_fit")
        elif (
            is_out(candidate, draft)
            or candidate.key in draft.refused
            or _busy_elsewhere(candidate, shared, taken, draft)
        ):
            reason = draft.refused[candidate.key]
        else:
            reason = Reason("not_needed")
        result.append(Skipped(reason, kind=candidate.kind, number=candidate.number))
    return result


def _needed_elsewhere(draft: PlanDraft) -> frozenset[str]:
    """The openings whose provider may be needed in another operatory, if an offer there is accepted."""
    held = {provider: {place[0] for _, place in spans} for provider, spans in draft.held.units.items()}
    return frozenset(
        opening.id
        for opening in draft.situation.found.openings
        if held.get(opening.provider, set()) - {opening.operatory}
    )


def _busy_elsewhere(
    candidate: Candidate, openings: frozenset[str], taken: Mapping[int, list[Interval]], draft: PlanDraft
) -> bool:
    """Whether a place in one of these openings is free, but its provider may be needed elsewhere then."""
    return any(
        provider_held(candidate, fit, draft)
        for name in draft.fitting[candidate.key]
        if name in openings
        for fit in draft.places[name, candidate.key]
        if not any(overlaps(fit.span, span) for span in taken[fit.opening.operatory])
    )


def _left_alone(item: LeftAlone) -> Skipped:
    name = opening_id(item.operatory, floor_unit(item.start)) if item.operatory else None
    return Skipped(item.reason, opening=name, operatory=item.operatory or None, start=item.start, end=item.end)
