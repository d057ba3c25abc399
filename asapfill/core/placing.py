"""Placing: the new places of a plan, and who is asked about each first.

What of the openings is not on offer yet is packed with everybody who may be asked (``packing``), the plan is checked
(``packing_check``), and the limits are asked about each placement. Where they say no, what is left is packed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from asapfill.core.candidates import Candidate
from asapfill.core.draft import PlanDraft, add_offers, is_barred, is_out, last_wave
from asapfill.core.fits import Fit
from asapfill.core.offer import Kind
from asapfill.core.openings import Opening
from asapfill.core.packing import pack
from asapfill.core.packing_check import mistakes
from asapfill.core.packing_greedy import pack_greedily
from asapfill.core.packing_task import Placement, Seeker, Stretch, Task, weight
from asapfill.core.units import MINUTES, Interval, floor_unit, subtract, units_in

ROUNDS: Final = 6
"""How often is packed again after the limits refused a placement."""

_OF_THE_PLACE: Final = frozenset({"per_opening", "too_late_to_text"})
"""Reasons against a place that hold for everybody whose visit is as long."""

_OF_BOTH: Final = frozenset({"already_offered"})
"""Reasons against a candidate in one place."""

Free = tuple[Opening, Interval]
"""A part of an opening that is not on offer."""

Placed = tuple[Candidate, Fit]


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A place that is offered for the first time, who is asked first, and in which wave."""

    candidate: Candidate
    fit: Fit
    wave: int


@dataclass(slots=True)
class RefusedPlaces:
    """What the limits said no to. ``places``: OperatoryNum and span; ``here``: candidate and place; ``candidates``."""

    places: set[tuple[int, Interval]] = field(default_factory=set)
    here: set[tuple[tuple[Kind, int], int, Interval]] = field(default_factory=set)
    candidates: set[tuple[Kind, int]] = field(default_factory=set)

    @property
    def anything(self) -> bool:
        """Whether they said no at all."""
        return bool(self.places or self.here or self.candidates)

    def add(self, candidate: Candidate, fit: Fit, code: str) -> None:
        """Note a refusal, as far as its reason goes."""
        if code in _OF_THE_PLACE:
            self.places.add((fit.opening.operatory, fit.span))
        elif code in _OF_BOTH:
            self.here.add((candidate.key, fit.opening.operatory, fit.span))
        else:
            self.candidates.add(candidate.key)

    def allows(self, candidate: Candidate, fit: Fit) -> bool:
        """Whether nothing is known against it."""
        place = (fit.opening.operatory, fit.span)
        return place not in self.places and (candidate.key, *place) not in self.here


def place(free: Iterable[Free], draft: PlanDraft) -> tuple[list[NewPlace], list[Free]]:
    """Add an offer to the plan for each new place.

    Returns the places, sooner ones first, and what is still free although not everything was tried: the limits refused
    a placement there, or elsewhere.
    """
    placed: list[NewPlace] = []
    refused = RefusedPlaces()
    rest = list(free)
    for _ in range(ROUNDS):
        chosen = _choose(rest, draft, refused)
        accepted = [new for new in (_offer(*one, draft, refused) for one in chosen) if new is not None]
        placed += accepted
        rest = [
            (opening, part)
            for opening, span in rest
            for part in subtract([span], [one.fit.span for one in accepted if one.fit.opening.id == opening.id])
        ]
        if len(accepted) == len(chosen):
            break
    placed.sort(key=lambda one: (one.fit.span, one.fit.opening.operatory))
    return placed, rest if refused.anything else []


def _offer(candidate: Candidate, fit: Fit, draft: PlanDraft, refused: RefusedPlaces) -> NewPlace | None:
    """Add the offer if the limits have nothing against it."""
    before = len(draft.offers)
    wave = 1 + last_wave(fit, draft)
    add_offers([(candidate, fit)], wave, draft)
    if len(draft.offers) > before:
        return NewPlace(candidate, fit, wave)
    reason = draft.refused.get(candidate.key)
    refused.add(candidate, fit, "" if reason is None else reason.code)
    return None


def _choose(free: list[Free], draft: PlanDraft, refused: RefusedPlaces) -> list[Placed]:
    """The best placements, checked."""
    numbered = [one for one in draft.ranked if not is_out(one, draft) and one.key not in refused.candidates]
    candidates = [one for one in numbered if not is_barred(one, draft)]
    task, candidates = _task(free, candidates, draft, refused)
    if not task.seekers:
        return []
    for method in (lambda task: pack(task).placements, pack_greedily):
        chosen = [_fit(one, free, candidates) for one in method(task)]
        wrong = mistakes(chosen, draft.situation.ground, draft.contacts, draft.situation.phones)
        if not wrong:
            return chosen
        draft.mistakes += wrong
    return []


def _fit(placement: Placement, free: list[Free], candidates: list[Candidate]) -> Placed:
    candidate = candidates[placement.seeker]
    span = (placement.start, placement.start + len(candidate.pattern))
    return candidate, Fit(free[placement.stretch][0], span)


def _task(
    free: list[Free], candidates: list[Candidate], draft: PlanDraft, refused: RefusedPlaces
) -> tuple[Task, list[Candidate]]:
    """The task for packing, and the candidates by the number of their seeker."""
    parts_of: dict[str, list[int]] = {}
    for number, (opening, _) in enumerate(free):
        parts_of.setdefault(opening.id, []).append(number)
    known: dict[tuple[int, int], tuple[int, ...]] = {}
    seekers: list[Seeker] = []
    seeking: list[Candidate] = []
    for candidate in candidates:
        starts = tuple(_starts(candidate, free, parts_of, known, draft, refused))
        if starts:
            phone = draft.situation.phones.get(candidate.patient)
            persons = (f"patient {candidate.patient}", *([f"phone {phone}"] if phone else []))
            seekers.append(Seeker(candidate.pattern, starts, persons))
            seeking.append(candidate)
    shortest = units_in(draft.situation.policy.openings.shortest)
    return Task(tuple(_stretch(one, draft) for one in free), tuple(seekers), shortest), seeking


def _starts(
    candidate: Candidate,
    free: list[Free],
    parts_of: dict[str, list[int]],
    known: dict[tuple[int, int], tuple[int, ...]],
    draft: PlanDraft,
    refused: RefusedPlaces,
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Per part the units at which a candidate may start there. ``known``: those of lists that candidates share."""
    told_apart = any(key == candidate.key for key, _, _ in refused.here)
    for opening_id in draft.fitting[candidate.key]:
        places = draft.places[opening_id, candidate.key]
        for number in parts_of.get(opening_id, ()):
            starts = None if told_apart else known.get((number, id(places)))
            if starts is None:
                opening, part = free[number]
                starts = tuple(
                    fit.span[0]
                    for fit in places
                    if part[0] <= fit.span[0]
                    and fit.span[1] <= part[1]
                    and refused.allows(candidate, fit)
                    and not draft.held.clashes(opening.provider, candidate.pattern, (opening.operatory, fit.span[0]))
                )
                if not told_apart:
                    known[number, id(places)] = starts
            if starts:
                yield number, starts


def _stretch(free: Free, draft: PlanDraft) -> Stretch:
    opening, part = free
    until = timedelta(minutes=MINUTES * (part[0] - floor_unit(draft.situation.office_now)))
    edges = (
        opening.free[0] if part[0] == opening.span[0] else part[0],
        opening.free[1] if part[1] == opening.span[1] else part[1],
    )
    return Stretch(opening.operatory, opening.provider, part, edges, weight(until))
