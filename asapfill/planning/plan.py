"""The plan: which offers one cycle makes now, and for everything else, why not.

Openings are gone through in the order of their start. In each, slots that people were already offered get their next
wave when it is due; the rest is cut into slots for the candidates who come first by the policy's order and fit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from asapfill.offers.offer import Contact, NewOffer
from asapfill.offers.states import COUNTED, State
from asapfill.planning.ranking import ranked
from asapfill.planning.slots import Held, Slot, held_by, offers_in, slots_already_offered
from asapfill.planning.waves import Pace, pace
from asapfill.policy.policy import Policy
from asapfill.reasons import Reason
from asapfill.scheduling.candidates import Candidate, Kind, Passed
from asapfill.scheduling.fits import Fit, Ground, fits
from asapfill.scheduling.intervals import Interval, subtract
from asapfill.scheduling.openings import Found, LeftAlone, Opening, opening_id
from asapfill.scheduling.units import floor_unit, units_in

_OF_THE_OPENING = frozenset({"quiet_hours", "too_late_to_text", "per_opening", "not_needed"})
"""Reasons that say as much of an opening as of a person."""

Judge = Callable[[NewOffer, Sequence[Contact]], Reason | None]
"""Says why an offer may not be made now, given every text that counts, or None. See ``limits``."""


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
class _Draft:
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
    skipped: list[Skipped] = field(default_factory=list)
    refused: dict[tuple[Kind, int], Reason] = field(default_factory=dict)


def make_plan(situation: Situation) -> Plan:
    """Plan one cycle for one clinic.

    Offers to candidates whose patient has not been read yet are part of the plan with their PatNum in ``wanted``:
    read these patients, find the candidates again, and plan again, until nothing is wanted.
    """
    places: dict[tuple[str, str, int], list[Fit]] = defaultdict(list)
    order: dict[str, list[Candidate]] = defaultdict(list)
    fitting: set[tuple[Kind, int]] = set()
    for candidate in ranked(situation.candidates, situation.policy.order, _last_texted(situation.contacts)):
        for fit in fits(candidate, situation.ground):
            place = places[fit.opening.id, candidate.kind, candidate.number]
            if not place:
                order[fit.opening.id].append(candidate)
            place.append(fit)
            fitting.add((candidate.kind, candidate.number))
    patterns = {(candidate.kind, candidate.number): candidate.pattern for candidate in situation.candidates}
    draft = _Draft(
        situation=situation,
        order=order,
        places=places,
        held=held_by(situation.contacts, situation.found.free_time, patterns),
        contacts=list(situation.contacts),
    )
    for opening in situation.found.openings:
        _fill(opening, draft)
    draft.skipped += _explain_people(draft, fitting)
    draft.skipped += [_left_alone(item) for item in situation.found.left_alone]
    return Plan(tuple(draft.offers), tuple(draft.skipped), frozenset(draft.provisional))


def _fill(opening: Opening, draft: _Draft) -> None:
    """Offer one opening: next waves for slots already offered, then new slots in what is left."""
    before = len(draft.offers)
    slots = slots_already_offered(opening, draft.situation.contacts)
    for slot in slots:
        _next_wave(opening, slot, draft)
    for part in subtract([opening.span], [(slot.start, slot.end) for slot in slots]):
        _new_slots(opening, part, draft)
    if len(draft.offers) == before:
        draft.skipped.append(_why_nobody(opening, bool(slots), draft))


def _next_wave(opening: Opening, slot: Slot, draft: _Draft) -> None:
    """Ask the next people for a slot, if those asked so far had their time."""
    now = draft.situation.office_now
    tempo = _pace(draft, slot.start)
    # Somebody who has opened the link is about to decide: half a wait longer.
    wait = tempo.wait * 1.5 if slot.viewed else tempo.wait
    if now - slot.last < wait:
        return
    recipients = _recipients(opening, (slot.start, slot.end), draft, tempo.size)
    _offer(recipients, slot.wave + 1, draft)


def _new_slots(opening: Opening, part: Interval, draft: _Draft) -> None:
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
        _offer(recipients, wave, draft)
        rest += subtract([free], [span])


def _lead(opening: Opening, free: Interval, draft: _Draft) -> tuple[Candidate, Fit] | None:
    """The first candidate by the policy's order who may be asked and fits into ``free``, at the start that wastes
    least.
    """
    for candidate in draft.order.get(opening.id, ()):
        if _is_out(candidate, draft):
            continue
        options = [
            fit
            for fit in draft.places[opening.id, candidate.kind, candidate.number]
            if free[0] <= fit.span[0] and fit.span[1] <= free[1]
        ]
        options = [fit for fit in options if not _provider_held(candidate, fit, draft)]
        if not options:
            continue
        best = min(options, key=lambda fit: (_waste(fit, free, draft), fit.span))
        if _may(candidate, best, draft):
            return candidate, best
    return None


def _recipients(
    opening: Opening, span: Interval, draft: _Draft, most: int, besides: Candidate | None = None
) -> list[tuple[Candidate, Fit]]:
    """Up to ``most`` further candidates, in order, who may be asked and fit inside ``span`` from its start."""
    chosen: list[tuple[Candidate, Fit]] = []
    taken = {besides.patient} if besides is not None else set()
    for candidate in draft.order.get(opening.id, ()):
        if len(chosen) >= most:
            break
        if candidate.patient in taken or _is_out(candidate, draft):
            continue
        for fit in draft.places[opening.id, candidate.kind, candidate.number]:
            if fit.span[0] == span[0] and fit.span[1] <= span[1]:
                if _may(candidate, fit, draft):
                    chosen.append((candidate, fit))
                    taken.add(candidate.patient)
                break
    return chosen


def _may(candidate: Candidate, fit: Fit, draft: _Draft) -> bool:
    """Whether this offer may be made now; the reason against is kept for ``skipped``."""
    if _is_out(candidate, draft):
        return False
    reason = draft.situation.judge(_new_offer(candidate, fit, 1, draft), draft.contacts)
    if reason is not None:
        draft.refused[candidate.kind, candidate.number] = reason
        return False
    return not _provider_held(candidate, fit, draft)


def _is_out(candidate: Candidate, draft: _Draft) -> bool:
    """Whether a candidate is not asked in this plan (any more), wherever the place is."""
    key = (candidate.kind, candidate.number)
    if candidate.patient in draft.asked:
        draft.refused[key] = Reason("live_offer")
    known = draft.refused.get(key)
    return known is not None and known.code in _WHATEVER_THE_PLACE


def _provider_held(candidate: Candidate, fit: Fit, draft: _Draft) -> bool:
    """Whether the provider would be needed in two places if this offer and an open one elsewhere were both accepted."""
    held = draft.held.clashes(fit.opening.provider, candidate.pattern, _place(fit))
    if held:
        reason = Reason("provider_busy", "if an open offer elsewhere is accepted")
        draft.refused.setdefault((candidate.kind, candidate.number), reason)
    return held


def _place(fit: Fit) -> tuple[int, int]:
    return fit.opening.operatory, fit.span[0]


def _offer(recipients: Iterable[tuple[Candidate, Fit]], wave: int, draft: _Draft) -> None:
    """Add offers to the plan; each is judged again, because the ones before it count."""
    for candidate, fit in recipients:
        if not _may(candidate, fit, draft):
            continue
        offer = _new_offer(candidate, fit, wave, draft)
        draft.offers.append(offer)
        draft.contacts.append(planned_contact(offer))
        draft.asked.add(candidate.patient)
        draft.held.hold(fit.opening.provider, candidate.pattern, _place(fit))
        if candidate.provisional:
            draft.provisional.add(candidate.patient)


def _new_offer(candidate: Candidate, fit: Fit, wave: int, draft: _Draft) -> NewOffer:
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


def _waste(fit: Fit, free: Interval, draft: _Draft) -> int:
    """Units beside the visit that would be too short to use, within the part of the opening that is still free."""
    shortest = units_in(draft.situation.policy.openings.shortest)
    opening = fit.opening
    left = fit.span[0] - (opening.free[0] if free[0] == opening.span[0] else free[0])
    right = (opening.free[1] if free[1] == opening.span[1] else free[1]) - fit.span[1]
    return sum(gap for gap in (left, right) if gap < shortest)


def _pace(draft: _Draft, start: int) -> Pace:
    until = timedelta(minutes=5 * (start - floor_unit(draft.situation.office_now)))
    return pace(draft.situation.policy.texts, until)


def _last_texted(contacts: Iterable[Contact]) -> Mapping[int, date]:
    result: dict[int, date] = {}
    for contact in contacts:
        if contact.state in COUNTED:
            result[contact.patient] = max(contact.day, result.get(contact.patient, contact.day))
    return result


def _why_nobody(opening: Opening, has_slots: bool, draft: _Draft) -> Skipped:  # noqa: FBT001  private, read once
    """Why an opening gets no offer in this cycle."""
    why = Counter(
        draft.refused.get((candidate.kind, candidate.number), Reason("not_needed")).code
        for candidate in draft.order.get(opening.id, ())
    )
    if has_slots:
        reason = Reason("waiting_for_answers")
    elif not why:
        reason = Reason("no_fit")
    elif len(why) == 1 and next(iter(why)) in _OF_THE_OPENING:
        reason = Reason(next(iter(why)))
    else:
        reason = Reason("nobody_to_ask", ", ".join(f"{code} {count}" for code, count in sorted(why.items())))
    return Skipped(
        reason=reason,
        opening=opening.id,
        operatory=opening.operatory,
        start=opening.start,
        end=opening.end,
    )


def _explain_people(draft: _Draft, fitting: set[tuple[Kind, int]]) -> list[Skipped]:
    """Why each candidate who is not in the plan is not."""
    asked = {(offer.kind, offer.number) for offer in draft.offers}
    result = [Skipped(item.reason, kind=item.kind, number=item.number) for item in draft.situation.passed]
    for candidate in draft.situation.candidates:
        key = (candidate.kind, candidate.number)
        if key in asked:
            continue
        reason = draft.refused.get(key, Reason("not_needed")) if key in fitting else Reason("no_fit")
        result.append(Skipped(reason, kind=candidate.kind, number=candidate.number))
    return result


def _left_alone(item: LeftAlone) -> Skipped:
    name = opening_id(item.operatory, floor_unit(item.start)) if item.operatory else None
    return Skipped(item.reason, opening=name, operatory=item.operatory or None, start=item.start, end=item.end)
