"""The plan: which offers one cycle makes now, and for everything else, why not.

Openings are gone through in the order of their start. In each, slots that people were already offered get their next
wave when it is due; the rest is cut into slots for the candidates who come first by the policy's order and fit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from asapfill.core.candidates import Candidate
from asapfill.core.draft import (
    OfferedSlot,
    PlanDraft,
    Situation,
    add_offers,
    held_by,
    is_out,
    may_ask,
    offers_in,
    provider_held,
    slots_already_offered,
)
from asapfill.core.fits import Fit, fits_by_opening
from asapfill.core.offer import COUNTED, Contact, Kind, NewOffer
from asapfill.core.openings import LeftAlone, Opening, opening_id
from asapfill.core.reasons import Reason, because
from asapfill.core.units import Interval, floor_unit, subtract, units_in
from asapfill.core.waves import LONGER_WHEN_VIEWED, Pace, pace, ranked

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
    """``offers`` in the order in which they are to be made; ``wanted``: PatNums whose rows must be read first."""

    offers: tuple[NewOffer, ...]
    skipped: tuple[Skipped, ...]
    wanted: frozenset[int]


def make_plan(situation: Situation) -> Plan:
    """Plan one cycle for one clinic.

    Offers to candidates whose patient has not been read yet are part of the plan with their PatNum in ``wanted``:
    read these patients, find the candidates again, and plan again, until nothing is wanted.
    """
    places: dict[tuple[str, tuple[Kind, int]], list[Fit]] = {}
    order: dict[str, list[Candidate]] = defaultdict(list)
    fitting: set[tuple[Kind, int]] = set()
    for candidate in ranked(situation.candidates, situation.policy.order, _last_texted(situation.contacts)):
        for opening, found in fits_by_opening(candidate, situation.ground):
            order[opening.id].append(candidate)
            places[opening.id, candidate.key] = found
            fitting.add(candidate.key)
    patterns = {candidate.key: candidate.pattern for candidate in situation.candidates}
    draft = PlanDraft(
        situation=situation,
        order=order,
        places=places,
        held=held_by(situation.contacts, situation.found.free_time, patterns),
        contacts=list(situation.contacts),
    )
    unfilled = [skipped for opening in situation.found.openings for skipped in _fill(opening, draft)]
    people = _explain_people(draft, fitting)
    left_alone = [_left_alone(item) for item in situation.found.left_alone]
    return Plan(tuple(draft.offers), (*unfilled, *people, *left_alone), frozenset(draft.provisional))


def _fill(opening: Opening, draft: PlanDraft) -> list[Skipped]:
    """Offer one opening: next waves for slots already offered, then new slots in what is left.

    Returns why it gets no offer in this cycle; nothing when it gets one.
    """
    before = len(draft.offers)
    slots = slots_already_offered(opening, draft.situation.contacts)
    for slot in slots:
        _next_wave(opening, slot, draft)
    for part in subtract([opening.span], [(slot.start, slot.end) for slot in slots]):
        _new_slots(opening, part, draft)
    return [_why_nobody(opening, bool(slots), draft)] if len(draft.offers) == before else []


def _next_wave(opening: Opening, slot: OfferedSlot, draft: PlanDraft) -> None:
    """Ask the next people for a slot, if those asked so far had their time."""
    now = draft.situation.office_now
    tempo = _pace(draft, slot.start)
    wait = tempo.wait * LONGER_WHEN_VIEWED if slot.viewed else tempo.wait
    if now - slot.last < wait:
        return
    recipients = _recipients(opening, (slot.start, slot.end), draft, tempo.size)
    add_offers(recipients, slot.wave + 1, draft)


def _new_slots(opening: Opening, part: Interval, draft: PlanDraft) -> None:
    """Cut free time into slots: each for the first candidate who fits, shared with the next who fit the same start."""
    rest = [part]
    while rest:
        free = rest.pop(0)
        lead = _lead(opening, free, draft)
        if lead is None:
            continue
        span = lead[1].span
        wave = 1 + max((contact.wave for contact in offers_in(opening, draft.situation.contacts)), default=0)
        recipients = [lead, *_recipients(opening, span, draft, _pace(draft, span[0]).size - 1, lead[0])]
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


def _pace(draft: PlanDraft, start: int) -> Pace:
    until = timedelta(minutes=5 * (start - floor_unit(draft.situation.office_now)))
    return pace(draft.situation.policy.texts, until)


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


def _explain_people(draft: PlanDraft, fitting: set[tuple[Kind, int]]) -> list[Skipped]:
    """Why each candidate who is not in the plan is not."""
    asked = {(offer.kind, offer.number) for offer in draft.offers}
    result = [Skipped(item.reason, kind=item.kind, number=item.number) for item in draft.situation.passed]
    for candidate in draft.situation.candidates:
        if candidate.key in asked:
            continue
        reason = (
            draft.refused.get(candidate.key, Reason("not_needed")) if candidate.key in fitting else Reason("no_fit")
        )
        result.append(Skipped(reason, kind=candidate.kind, number=candidate.number))
    return result


def _left_alone(item: LeftAlone) -> Skipped:
    name = opening_id(item.operatory, floor_unit(item.start)) if item.operatory else None
    return Skipped(item.reason, opening=name, operatory=item.operatory or None, start=item.start, end=item.end)
