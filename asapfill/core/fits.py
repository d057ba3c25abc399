"""Fits: every start at which a candidate truly could be placed in the openings.

A visit fits at a start if its whole pattern lies inside the opening, the opening's provider will do and is free
during the pattern's provider units, the patient has no other appointment then, its appointment type permits the
blockouts under it, and it gains enough. Starts lie on the office's grid, or flush against a neighbour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asapfill.core.candidates import Candidate
from asapfill.core.office import Office, folded
from asapfill.core.openings import Found, Opening
from asapfill.core.policy import Policy
from asapfill.core.rows import AppointmentType, Definition
from asapfill.core.schedule import EVERYBODY, Blockout, provider_busy, provider_units, whole
from asapfill.core.units import MINUTES, Interval, day_start, floor_unit, merged, moment_of, overlaps, subtract


@dataclass(frozen=True, slots=True)
class Fit:
    """A place for one candidate. ``span``: units of 5 minutes."""

    opening: Opening
    span: Interval

    @property
    def start(self) -> datetime:
        """Naive office time."""
        return moment_of(self.span[0])

    @property
    def end(self) -> datetime:
        """Naive office time."""
        return moment_of(self.span[1])


@dataclass(frozen=True, slots=True)
class BlockScheduling:
    """Which blockout types the policy keeps for which visits, as offices with block scheduling do.

    ``everybody``: types that any visit may lie on. ``hygiene`` and ``recalls``: these visits lie inside these types
    only, and nobody else does; empty: not confined.
    """

    everybody: frozenset[int]
    hygiene: frozenset[int]
    recalls: frozenset[int]

    def inside(self, candidate: Candidate) -> frozenset[int]:
        """The types inside which ``candidate`` must lie; none when it is not confined."""
        if candidate.kind == "recall":
            return self.recalls or self.hygiene
        return self.hygiene if candidate.is_hygiene else frozenset()


@dataclass(frozen=True, slots=True)
class HygieneChairs:
    """Where hygiene visits and all others belong.

    ``marked``: operatories that Open Dental marks as hygiene; ``unclear``: those of which it cannot be read.
    ``hygienists``: ProvNums. An office that marks no operatory goes by its hygienists; one that has none either, by
    nothing.
    """

    marked: frozenset[int]
    unclear: frozenset[int]
    hygienists: frozenset[int]

    def suit(self, candidate: Candidate, opening: Opening) -> bool:
        """Whether the visit belongs there. Its own present operatory is always right."""
        if candidate.operatory == opening.operatory or not (self.marked or self.hygienists):
            return True
        if opening.operatory in self.unclear:
            return False
        if candidate.is_hygiene:
            return opening.operatory in self.marked or opening.provider in self.hygienists
        return opening.operatory not in self.marked and (bool(self.marked) or opening.provider not in self.hygienists)


def hygiene_chairs(office: Office) -> HygieneChairs:
    """What the office's lists say of its chairs, hidden operatories left out."""
    visible = [row for row in office.operatories if not row.is_hidden]
    return HygieneChairs(
        marked=frozenset(row.operatory_num for row in visible if row.is_hygiene),
        unclear=frozenset(row.operatory_num for row in visible if "IsHygiene" in row.unreadable),
        hygienists=frozenset(row.prov_num for row in office.providers if row.is_secondary),
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """The openings with what fitting needs to know around them, prepared once for all candidates.

    ``busy``: per ProvNum (or ``EVERYBODY``) the provider's units with their AptNum; ``visits``: AptNum → ProvNum.
    ``permitted``: see ``permitted_blockouts``; ``kept_for``: see ``BlockScheduling``. ``chairs``: None when the policy
    does not ask for the right ones. ``grid`` in units. ``whole``: the units of the known days; masks start at its
    first. ``suiting``, ``masks``, ``clashes`` and ``places`` only remember what was computed.
    """

    openings: tuple[Opening, ...]
    busy: Mapping[int, list[tuple[Interval, int]]]
    visits: Mapping[int, int]
    allowed_blockouts: Mapping[int, tuple[Blockout, ...]]
    permitted: Mapping[int, frozenset[int] | None]
    kept_for: BlockScheduling
    chairs: HygieneChairs | None
    same_provider: bool
    grid: int
    whole: Interval
    suiting: dict[tuple[frozenset[int] | None, bool, int], Sequence[Opening]] = field(default_factory=dict, init=False)
    masks: dict[tuple[int, int], int] = field(default_factory=dict)
    clashes: dict[tuple[int, str, int], int] = field(default_factory=dict)
    places: dict[tuple[str, str, int], list[Fit]] = field(default_factory=dict)


def prepare(office: Office, policy: Policy, found: Found) -> Ground:
    """Prepare fitting for the openings of one moment."""
    busy = provider_busy(office)
    return Ground(
        openings=found.openings,
        busy=busy,
        visits={apt_num: provider for provider, spans in busy.items() for _, apt_num in spans},
        allowed_blockouts=found.allowed_blockouts,
        permitted=permitted_blockouts(office.appointment_types, office.blockout_types),
        kept_for=BlockScheduling(
            everybody=policy.openings.blockouts_allowed,
            hygiene=policy.openings.hygiene_only_in,
            recalls=policy.openings.recalls_only_in,
        ),
        chairs=hygiene_chairs(office) if policy.openings.hygiene_chairs else None,
        same_provider=policy.candidates.same_provider,
        grid=office.increment // MINUTES,
        whole=whole(office),
    )


def permitted_blockouts(
    types: Iterable[AppointmentType], definitions: Iterable[Definition]
) -> Mapping[int, frozenset[int] | None]:
    """Per AppointmentTypeNum the blockout types it may lie on, None for any. A type that is missing may lie on none.

    Open Dental: an appointment without a type, or whose type lists nothing, may lie on any blockout without NS. Its
    column holds DefNums, its documentation shows names: both are understood. What matches nothing permits nothing.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    for definition in definitions:
        numbers[str(definition.def_num)].add(definition.def_num)
        numbers[folded(definition.item_name)].add(definition.def_num)
    result: dict[int, frozenset[int] | None] = {0: None}
    for kind in types:
        if "BlockoutTypes" in kind.unreadable:
            result[kind.appointment_type_num] = frozenset()
        elif kind.blockout_types:
            listed = (numbers.get(folded(name), set()) for name in kind.blockout_types)
            result[kind.appointment_type_num] = frozenset().union(*listed)
        else:
            result[kind.appointment_type_num] = None
    return result


def fits(candidate: Candidate, ground: Ground) -> list[Fit]:
    """Every place for ``candidate``, in the order of the openings and of time."""
    return [place for _, places in fits_by_opening(candidate, ground) for place in places]


def fits_by_opening(candidate: Candidate, ground: Ground) -> Iterator[tuple[Opening, list[Fit]]]:
    """The openings that have a place for ``candidate``, in order, each with all of its places in the order of time.

    The lists are shared with other candidates and must not be changed.
    """
    length = len(candidate.pattern)
    if not length:
        return
    low, high = _bounds(candidate, ground)
    for opening in _openings_for(candidate, ground):
        first, end = opening.span
        if end - first < length or first > high or end < low + length:
            continue
        places = _places(candidate, opening, ground)
        obstacles = [busy for busy in candidate.busy if overlaps(opening.span, busy)]
        obstacles += _forbidden_blockouts(candidate, opening, ground, opening.span)
        obstacles += _outside_its_blockouts(candidate, opening, ground, opening.span)
        if obstacles or not low <= first <= end - length <= high:
            places = [fit for fit in places if _is_open(fit.span, (low, high), obstacles)]
        if places:
            yield opening, places


def _is_open(span: Interval, bounds: Interval, obstacles: list[Interval]) -> bool:
    """Whether a place starts within the candidate's own bounds and meets none of the obstacles."""
    return bounds[0] <= span[0] <= bounds[1] and not any(overlaps(span, obstacle) for obstacle in obstacles)


def _openings_for(candidate: Candidate, ground: Ground) -> Sequence[Opening]:
    """The openings whose provider and operatory will do, in order. The same for many candidates, so found once."""
    key = (candidate.providers if ground.same_provider else None, candidate.is_hygiene, candidate.operatory)
    if key not in ground.suiting:
        ground.suiting[key] = [
            opening
            for opening in ground.openings
            if not why_not_provider(candidate, opening, ground)
            and (ground.chairs is None or ground.chairs.suit(candidate, opening))
        ]
    return ground.suiting[key]


def why_not_provider(candidate: Candidate, opening: Opening, ground: Ground) -> bool:
    """Whether the policy wants the same provider and this opening is another's."""
    return ground.same_provider and opening.provider not in candidate.providers


def refusal(candidate: Candidate, opening: Opening, start: int, ground: Ground) -> str | None:
    """Why ``candidate`` may not start at unit ``start`` of ``opening``: a reason code, or None if no rule refuses it.

    For ``explain``. Whether the start lies on the grid or flush against a neighbour is not asked here.
    """
    return next((code for code, refused in _rules(candidate, opening, start, ground) if refused), None)


def _rules(candidate: Candidate, opening: Opening, start: int, ground: Ground) -> Iterator[tuple[str, bool]]:
    """Every rule on one place, with whether it refuses; later ones may rely on the earlier ones."""
    span = (start, start + len(candidate.pattern))
    low, high = _bounds(candidate, ground)
    yield "no_length", not candidate.pattern
    yield "length", span[0] < opening.span[0] or span[1] > opening.span[1]
    yield "other_provider", why_not_provider(candidate, opening, ground)
    yield "wrong_chair", ground.chairs is not None and not ground.chairs.suit(candidate, opening)
    yield "gain", start > high
    yield "recall_not_due", start < low
    yield "own_other_appointment", any(overlaps(span, busy) for busy in candidate.busy)
    yield "appointment_type", bool(_forbidden_blockouts(candidate, opening, ground, span))
    yield "block_scheduling", bool(_outside_its_blockouts(candidate, opening, ground, span))
    yield "provider_busy", bool((_clash(candidate, opening.provider, ground) >> (start - ground.whole[0])) & 1)


def _places(candidate: Candidate, opening: Opening, ground: Ground) -> list[Fit]:
    """Places for everybody with the candidate's pattern: on the grid or flush, and where the provider is free."""
    own = _own_visit(candidate, opening.provider, ground)
    key = (opening.id, candidate.pattern, own)
    if key not in ground.places:
        length = len(candidate.pattern)
        first, last = opening.span[0], opening.span[1] - length
        starts = set(range(first + -first % ground.grid, last + 1, ground.grid))
        starts |= {start for start in (opening.free[0], opening.free[1] - length) if first <= start <= last}
        clash = _clash(candidate, opening.provider, ground) >> (first - ground.whole[0])
        spans = [(start, start + length) for start in sorted(starts) if not (clash >> (start - first)) & 1]
        ground.places[key] = [Fit(opening, span) for span in spans]
    return ground.places[key]


def _bounds(candidate: Candidate, ground: Ground) -> Interval:
    """The first and the last unit at which the candidate may start: a recall's due day, and what is worth a move."""
    low = ground.whole[0] if candidate.not_before is None else day_start(candidate.not_before)
    high = ground.whole[1] if candidate.not_after is None else floor_unit(candidate.not_after)
    return low, high


def _forbidden_blockouts(candidate: Candidate, opening: Opening, ground: Ground, span: Interval) -> list[Interval]:
    """Blockouts that the policy allows but the candidate's appointment type does not permit."""
    lying_here = ground.allowed_blockouts.get(opening.operatory, ())
    permitted = ground.permitted.get(candidate.appointment_type, frozenset())
    if permitted is None or not lying_here:
        return []
    return [
        blockout.span
        for blockout in lying_here
        if blockout.blockout_type not in permitted and overlaps(span, blockout.span)
    ]


def _outside_its_blockouts(candidate: Candidate, opening: Opening, ground: Ground, span: Interval) -> list[Interval]:
    """Time in ``span`` that the policy's block scheduling keeps the candidate out of."""
    kept_for = ground.kept_for
    inside = kept_for.inside(candidate)
    lying_here = [item for item in ground.allowed_blockouts.get(opening.operatory, ()) if overlaps(span, item.span)]
    others = [
        item.span
        for item in lying_here
        if item.blockout_type not in inside and item.blockout_type not in kept_for.everybody
    ]
    if not inside:
        return others
    own = merged(item.inside for item in lying_here if item.blockout_type in inside)
    return [*others, *subtract([span], own)]


def _own_visit(candidate: Candidate, provider: int, ground: Ground) -> int:
    """The AptNum of the candidate's own present appointment if it takes time of ``provider``, else 0."""
    if candidate.kind == "appointment" and ground.visits.get(candidate.number) in {provider, EVERYBODY}:
        return candidate.number
    return 0


def _clash(candidate: Candidate, provider: int, ground: Ground) -> int:
    """A mask over all units: bit set where a start would meet the provider's other visits.

    Open Dental: provider units must not overlap provider units. The candidate's own present appointment does not count.
    """
    own = _own_visit(candidate, provider, ground)
    key = (provider, candidate.pattern, own)
    if key not in ground.clashes:
        busy = _mask(ground, provider, own) | _mask(ground, EVERYBODY, own)
        clash = 0
        for start, end in provider_units(candidate.pattern):
            for offset in range(start, end):
                clash |= busy >> offset
        ground.clashes[key] = clash
    return ground.clashes[key]


def _mask(ground: Ground, provider: int, without: int) -> int:
    """The provider's busy units as bits; ``without`` leaves out one AptNum (0: none)."""
    key = (provider, without)
    if key not in ground.masks:
        mask = 0
        first, last = ground.whole
        for (start, end), apt_num in ground.busy.get(provider, ()):
            low, high = max(start, first), min(end, last)
            if high > low and (not without or apt_num != without):
                mask |= ((1 << (high - low)) - 1) << (low - first)
        ground.masks[key] = mask
    return ground.masks[key]
