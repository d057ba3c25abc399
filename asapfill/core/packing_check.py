"""The check of a plan before it is used, by its own light: five minutes after five minutes, rule after rule.

It shares nothing with packing: whether a visit may start somewhere is asked of ``fits.refusal``, as ``explain``
does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from asapfill.core.candidates import Candidate
from asapfill.core.fits import Fit, Ground, refusal
from asapfill.core.offer import LIVE, Contact
from asapfill.core.units import ceil_unit, floor_unit


def mistakes(
    placements: Iterable[tuple[Candidate, Fit]], ground: Ground, contacts: Iterable[Contact], phones: Mapping[int, str]
) -> list[str]:
    """What is wrong with placements, in words and numbers; nothing when each may be offered beside all others."""
    found: list[str] = []
    chairs = _on_offer(contacts)
    providers: dict[tuple[int, int], str] = {}
    people: dict[str, str] = {}
    for candidate, fit in placements:
        name = f"{candidate.kind} {candidate.number} at {fit.start:%Y-%m-%d %H:%M} in operatory {fit.opening.operatory}"
        found += [f"{name}: {problem}" for problem in _of_itself(candidate, fit, ground)]
        who = [f"patient {candidate.patient}", f"{candidate.kind} {candidate.number}"]
        phone = phones.get(candidate.patient)
        who += [f"phone of patient {candidate.patient}"] if phone else []
        for key, told in zip([*who[:2], f"phone {phone}"], who, strict=False):
            if key in people:
                found.append(f"{name}: {told} is placed twice, also as {people[key]}")
            people[key] = name
        for unit in range(fit.span[0], fit.span[1]):
            chair = (fit.opening.operatory, unit)
            if chair in chairs:
                found.append(f"{name}: the operatory is given to {chairs[chair]} too")
                break
            chairs[chair] = name
        for unit, mark in enumerate(candidate.pattern, fit.span[0]):
            if mark == "/":
                continue
            if (fit.opening.provider, unit) in providers:
                found.append(f"{name}: the provider is needed by {providers[fit.opening.provider, unit]} too")
                break
            providers[fit.opening.provider, unit] = name
    return found


def _on_offer(contacts: Iterable[Contact]) -> dict[tuple[int, int], str]:
    """The places that somebody may take already by one of our texts: OperatoryNum and unit, with whom."""
    taken: dict[tuple[int, int], str] = {}
    for contact in contacts:
        if contact.state in LIVE and contact.opening and contact.start is not None and contact.end is not None:
            for unit in range(floor_unit(contact.start), ceil_unit(contact.end)):
                taken[contact.operatory, unit] = f"{contact.kind} {contact.number} by an open offer"
    return taken


def _of_itself(candidate: Candidate, fit: Fit, ground: Ground) -> list[str]:
    """What is wrong with one placement, whatever the others are."""
    found: list[str] = []
    start, end = fit.span
    opening = fit.opening
    if opening not in ground.openings:
        found.append("there is no such opening")
    if end - start != len(candidate.pattern):
        found.append("it is not as long as the visit")
    code = refusal(candidate, opening, start, ground)
    if code is not None:
        found.append(f"refused by {code}")
    flush = start == opening.free[0] or end == opening.free[1]
    if start % ground.grid and not flush:
        found.append("it lies neither on the grid nor flush with a neighbour")
    return found
