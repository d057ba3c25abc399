"""Open Dental's own search (``GET /appointments/Slots``): where it means something, and where it differs from us.

It knows one provider, ignores blockouts and other providers' visits, and blocks the whole pattern of every visit of its
provider wherever it lies. So it is asked only about a provider who that day has hours linked to one operatory and no
visits elsewhere; there, time that we call free and it does not is a reason to send nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from asapfill.core.office import Office
from asapfill.core.reasons import Reason
from asapfill.core.rows import Appointment, SchedType, Slot
from asapfill.core.schedule import (
    Blockout,
    appointment_span,
    blockouts,
    occupies,
    taken_by_appointments,
)
from asapfill.core.units import (
    DAY,
    Interval,
    ceil_unit,
    day_start,
    floor_unit,
    intersect,
    merged,
    moment_of,
    overlaps,
    subtract,
)

MIDNIGHT_DROPPED = "it leaves out gaps that reach midnight"
BLOCKOUTS_IGNORED = "it ignores blockouts"
OTHERS_IGNORED = "it ignores other providers' visits in the operatory"


@dataclass(frozen=True, slots=True)
class Difference:
    """Time that one side calls free and the other does not. ``ours``: we do. ``cause``: what explains it, if known."""

    operatory: int
    provider: int
    start: datetime
    end: datetime
    ours: bool
    cause: str | None


def is_meaningful(office: Office, operatory: int, provider: int, day: date) -> bool:
    """Whether Slots can judge ``operatory`` for ``provider`` on ``day``.

    All the provider's rows that day are linked to this operatory alone, and all the provider's visits lie in it.
    """
    rows = [
        row
        for row in office.schedules
        if row.sched_date == day and row.prov_num == provider and row.sched_type == SchedType.PROVIDER
    ]
    if not rows or any(row.unreadable or row.operatories != (operatory,) for row in rows):
        return False
    span = (day_start(day), day_start(day) + DAY)
    return all(
        row.op == operatory and not row.unreadable
        for row in office.appointments
        # Open Dental counts a visit for both of its providers here.
        if (provider in {row.prov_num, row.prov_hyg} or row.unreadable) and _touches(row, office, span)
    )


def lacks(slots: Iterable[Slot], span: Interval) -> bool:
    """Whether the time ``span`` (units) is not wholly inside one of the gaps that Slots told."""
    return not any(start <= span[0] and span[1] <= end for start, end in _gaps(slots))


def compare(
    office: Office,
    place: tuple[int, int],
    within: Interval,
    free: Iterable[Interval],
    slots: Iterable[Slot],
) -> list[Difference]:
    """Where our free time and Slots differ, in the units ``within`` (the policy's hours of one day).

    ``place``: OperatoryNum and ProvNum, for which Slots must be meaningful that day. ``free``: see
    ``openings.FreeTime``.
    """
    mine = intersect(merged(free), [within])
    theirs = intersect(_gaps(slots), [within])
    obstacles = blockouts(office, ()).get(place[0], [])
    taken = taken_by_appointments(office).get(place[0], [])
    only_mine = [_difference(place, part, _why_only_ours(part), ours=True) for part in subtract(mine, theirs)]
    only_theirs = [
        _difference(place, part, _why_only_theirs(part, obstacles, taken), ours=False)
        for part in subtract(theirs, mine)
    ]
    return sorted([*only_mine, *only_theirs], key=lambda item: item.start)


def disagreement(operatory: int, span: Interval) -> Reason:
    """Why nothing is sent where Open Dental's search lacks the time."""
    return Reason(
        "second_witness", f"operatory {operatory}, {moment_of(span[0]):%Y-%m-%d %H:%M}-{moment_of(span[1]):%H:%M}"
    )


def _touches(row: Appointment, office: Office, span: Interval) -> bool:
    place = appointment_span(row, office) if occupies(row) else None
    return place is not None and overlaps(place, span)


def _gaps(slots: Iterable[Slot]) -> list[Interval]:
    return merged(
        (ceil_unit(slot.date_time_start), floor_unit(slot.date_time_end))
        for slot in slots
        if slot.date_time_start is not None and slot.date_time_end is not None
    )


def _why_only_ours(part: Interval) -> str | None:
    return MIDNIGHT_DROPPED if part[1] % DAY == 0 else None


def _why_only_theirs(part: Interval, obstacles: Iterable[Blockout], taken: Iterable[Interval]) -> str | None:
    if any(overlaps(part, blockout.span) for blockout in obstacles):
        return BLOCKOUTS_IGNORED
    if any(overlaps(part, span) for span in taken):
        return OTHERS_IGNORED
    return None


def _difference(place: tuple[int, int], part: Interval, cause: str | None, *, ours: bool) -> Difference:
    return Difference(place[0], place[1], moment_of(part[0]), moment_of(part[1]), ours, cause)
