"""Fits: every start at which a candidate truly could be placed in the openings.

A visit fits at a start if its whole pattern lies inside the opening, the opening's provider will do and is free
during the pattern's provider units, the patient has no other appointment then, its appointment type permits the
blockouts under it, and it gains enough. Starts lie on the office's grid, or flush against a neighbour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from asapfill.opendental.models import AppointmentType, Definition
from asapfill.policy.policy import Policy
from asapfill.scheduling.candidates import Candidate
from asapfill.scheduling.intervals import Interval, overlaps
from asapfill.scheduling.occupied import Blockout, provider_busy, provider_units
from asapfill.scheduling.office import Office
from asapfill.scheduling.openings import Found, Opening
from asapfill.scheduling.units import DAY, MINUTES, day_start, floor_unit, moment_of


@dataclass(frozen=True, slots=True)
class Fit:
    """A place for one candidate: units of 5 minutes; ``remainder``: units of free time too short to use that it
    leaves.
    """

    opening: Opening
    span: Interval
    remainder: int

    @property
    def start(self) -> datetime:
        """Naive office time."""
        return moment_of(self.span[0])

    @property
    def end(self) -> datetime:
        """Naive office time."""
        return moment_of(self.span[1])


@dataclass(frozen=True, slots=True)
class Ground:
    """The openings with what fitting needs to know around them, prepared once for all candidates.

    ``busy``: per ProvNum the provider's units with their AptNum; ``visits``: AptNum → ProvNum. ``permitted``: see
    ``permitted_blockouts``. ``shortest`` and ``grid`` in units. ``masks`` and ``clashes`` only remember what was
    computed.
    """

    openings: tuple[Opening, ...]
    busy: Mapping[int, list[tuple[Interval, int]]]
    visits: Mapping[int, int]
    allowed_blockouts: Mapping[int, tuple[Blockout, ...]]
    permitted: Mapping[int, frozenset[int]]
    same_provider: bool
    shortest: int
    grid: int
    base: int
    masks: dict[tuple[int, int], int] = field(default_factory=dict)
    clashes: dict[tuple[int, str, int], int] = field(default_factory=dict)


def prepare(office: Office, policy: Policy, found: Found) -> Ground:
    """Prepare fitting for the openings of one moment."""
    busy = provider_busy(office)
    return Ground(
        openings=found.openings,
        busy=busy,
        visits={apt_num: provider for provider, spans in busy.items() for _, apt_num in spans},
        allowed_blockouts=found.allowed_blockouts,
        permitted=permitted_blockouts(office.appointment_types, office.blockout_types),
        same_provider=policy.candidates.same_provider,
        shortest=int(policy.openings.shortest.total_seconds()) // (MINUTES * 60),
        grid=office.increment // MINUTES,
        base=day_start(office.first) - DAY,
    )


def permitted_blockouts(
    types: Iterable[AppointmentType], definitions: Iterable[Definition]
) -> Mapping[int, frozenset[int]]:
    """Per AppointmentTypeNum the blockout types it may lie on; a type that is missing here may lie on any.

    Open Dental's column holds DefNums, its documentation shows names: both are understood. What matches nothing
    permits nothing.
    """
    by_name = {definition.item_name.strip().casefold(): definition.def_num for definition in definitions}
    result: dict[int, frozenset[int]] = {}
    for kind in types:
        if "BlockoutTypes" in kind.unreadable:
            result[kind.appointment_type_num] = frozenset()
        elif kind.blockout_types:
            numbers = {int(n) if n.isdecimal() else by_name.get(n.casefold(), 0) for n in kind.blockout_types}
            result[kind.appointment_type_num] = frozenset(numbers - {0})
    return result


def fits(candidate: Candidate, ground: Ground) -> list[Fit]:
    """Every place for ``candidate``, in the order of the openings and of time."""
    length = len(candidate.pattern)
    if not length:
        return []
    result: list[Fit] = []
    for opening in ground.openings:
        if opening.span[1] - opening.span[0] < length or why_not_provider(candidate, opening, ground):
            continue
        for start in _starts(candidate, opening, ground):
            span = (start, start + length)
            result.append(Fit(opening, span, _remainder(span, opening, ground.shortest)))
    return result


def why_not_provider(candidate: Candidate, opening: Opening, ground: Ground) -> bool:
    """Whether the policy wants the same provider and this opening is another's."""
    return ground.same_provider and opening.provider not in candidate.providers


def refusal(candidate: Candidate, opening: Opening, start: int, ground: Ground) -> str | None:
    """Why ``candidate`` may not start at unit ``start`` of ``opening``: a reason code, or None if it fits. For
    ``explain``.
    """
    span = (start, start + len(candidate.pattern))
    if span[0] < opening.span[0] or span[1] > opening.span[1] or not candidate.pattern:
        return "length"
    if why_not_provider(candidate, opening, ground):
        return "other_provider"
    low, high = _bounds(candidate, opening)
    if start > high:
        return "gain"
    if start < low:
        return "recall_not_due"
    if any(overlaps(span, busy) for busy in candidate.busy):
        return "own_other_appointment"
    if _forbidden_blockouts(candidate, opening, ground, span):
        return "appointment_type"
    if (_clash(candidate, opening.provider, ground) >> (start - ground.base)) & 1:
        return "provider_busy"
    return None


def _starts(candidate: Candidate, opening: Opening, ground: Ground) -> list[int]:
    """The starts that no rule refuses, on the grid or flush against a neighbour, in order."""
    length = len(candidate.pattern)
    low, high = _bounds(candidate, opening)
    first = max(opening.span[0], low)
    last = min(opening.span[1] - length, high)
    if first > last:
        return []
    starts = set(range(first + -first % ground.grid, last + 1, ground.grid))
    starts |= {start for start in (opening.free[0], opening.free[1] - length) if first <= start <= last}
    clash = _clash(candidate, opening.provider, ground)
    obstacles = [*candidate.busy, *_forbidden_blockouts(candidate, opening, ground, opening.span)]
    return [
        start
        for start in sorted(starts)
        if not (clash >> (start - ground.base)) & 1
        and not any(overlaps((start, start + length), obstacle) for obstacle in obstacles)
    ]


def _bounds(candidate: Candidate, opening: Opening) -> Interval:
    """The first and the last unit at which the candidate may start: a recall's due day, and what is worth a move."""
    low = opening.span[0] if candidate.not_before is None else day_start(candidate.not_before)
    high = opening.span[1] if candidate.not_after is None else floor_unit(candidate.not_after)
    return low, high


def _forbidden_blockouts(candidate: Candidate, opening: Opening, ground: Ground, span: Interval) -> list[Interval]:
    """Blockouts that the policy allows but the candidate's appointment type does not permit.

    Open Dental: an appointment without a type, or whose type lists nothing, may lie on any blockout without NS.
    """
    permitted = ground.permitted.get(candidate.appointment_type)
    if permitted is None:
        return []
    return [
        blockout.span
        for blockout in ground.allowed_blockouts.get(opening.operatory, ())
        if blockout.blockout_type not in permitted and overlaps(span, blockout.span)
    ]


def _clash(candidate: Candidate, provider: int, ground: Ground) -> int:
    """A mask over all units (from ``ground.base``): bit set where a start would meet the provider's other visits.

    Open Dental: provider units must not overlap provider units. The candidate's own present appointment does not count.
    """
    own = candidate.number if candidate.kind == "appointment" and ground.visits.get(candidate.number) == provider else 0
    key = (provider, candidate.pattern, own)
    if key not in ground.clashes:
        busy = _mask(ground, provider, own)
        clash = 0
        for start, end in provider_units(candidate.pattern):
            for offset in range(start, end):
                clash |= busy >> offset
        ground.clashes[key] = clash
    return ground.clashes[key]


def _mask(ground: Ground, provider: int, without: int) -> int:
    """The provider's busy units as bits from ``ground.base``; ``without`` leaves out one AptNum (0: none)."""
    key = (provider, without)
    if key not in ground.masks:
        mask = 0
        for (start, end), apt_num in ground.busy.get(provider, ()):
            low, high = max(start - ground.base, 0), end - ground.base
            if high > low and (not without or apt_num != without):
                mask |= ((1 << (high - low)) - 1) << low
        ground.masks[key] = mask
    return ground.masks[key]


def _remainder(span: Interval, opening: Opening, shortest: int) -> int:
    """Units left beside the visit, within its whole free stretch, that are too short to be an opening."""
    gaps = (span[0] - opening.free[0], opening.free[1] - span[1])
    return sum(gap for gap in gaps if gap < shortest)


def by_opening(all_fits: Iterable[Fit]) -> Mapping[str, list[Fit]]:
    """The fits grouped by their opening's id."""
    result: dict[str, list[Fit]] = defaultdict(list)
    for fit in all_fits:
        result[fit.opening.id].append(fit)
    return result
