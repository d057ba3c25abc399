"""Openings: free time of an operatory with a working provider; and what was left alone.

openings = who works where ∩ the policy's days and hours − appointments − blockouts not allowed, then cut to what may
be offered now: not before the notice, not beyond the look-ahead, not what became free only just now (settling).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

from asapfill.clock import first_wall, office_now
from asapfill.core.office import Office
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Operatory, SchedType
from asapfill.core.schedule import (
    Blockout,
    appointment_span,
    blockouts,
    is_pattern,
    may_work,
    occupies,
    taken_by_appointments,
    working_hours,
)
from asapfill.core.units import (
    DAY,
    Interval,
    ceil_unit,
    day_of,
    day_start,
    end_of_stretch,
    floor_unit,
    intersect,
    moment_of,
    overlaps,
    subtract,
    units_in,
)

FreeTime = dict[tuple[int, int], list[Interval]]
"""Per (OperatoryNum, ProvNum): everything that is free by the schedule within the policy's hours, whatever the time
is now."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch that may be offered now. Units are 5 minutes, see ``units``.

    ``span``: what may be offered. ``free``: the whole free stretch around it, whose ends are real neighbours: a
    visit flush against them leaves no remainder there.
    """

    id: str
    operatory: int
    provider: int
    span: Interval
    free: Interval

    @property
    def start(self) -> datetime:
        """Naive office time."""
        return moment_of(self.span[0])

    @property
    def end(self) -> datetime:
        """Naive office time."""
        return moment_of(self.span[1])


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A stretch that is not offered, and why. ``operatory`` 0: all."""

    reason: Reason
    operatory: int
    start: datetime
    end: datetime
    provider: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """All openings in order, what was left alone, the free time, and the allowed blockouts per operatory."""

    openings: tuple[Opening, ...]
    left_alone: tuple[LeftAlone, ...]
    free_time: FreeTime
    allowed_blockouts: Mapping[int, tuple[Blockout, ...]]


def find_openings(office: Office, policy: Policy, now: datetime, settling: FreeTime) -> Found:
    """The openings of the policy's clinic at ``now`` (aware).

    ``settling``: what became free less than the policy's settle time ago.
    """
    left: list[LeftAlone] = []
    in_reach = reach(policy, now)
    usable = usable_operatories(office, policy, left)
    taken = taken_by_appointments(office)
    wanted = policy.openings
    types = {row.def_num: row.item_name.strip() for row in office.blockout_types}
    obstacles = blockouts(office, wanted.blockouts_allowed | wanted.hygiene_only_in | wanted.recalls_only_in)
    free_time: FreeTime = {}
    openings: list[Opening] = []
    for (operatory, provider), worked in _worked(office, policy, usable, in_reach, left).items():
        blocked = [blockout for blockout in obstacles.get(operatory, []) if not blockout.allowed]
        unbooked = subtract(worked, taken.get(operatory, []))
        left += _blocked((operatory, provider), unbooked, blocked, in_reach, types)
        free = subtract(unbooked, [blockout.span for blockout in blocked])
        free_time[operatory, provider] = free
        for stretch in free:
            openings += _offerable(
                stretch, in_reach, settling.get((operatory, provider), []), policy, left, (operatory, provider)
            )
    left += _odd_appointments(office, usable, in_reach)
    return Found(
        openings=tuple(sorted(openings, key=in_order)),
        left_alone=tuple(sorted(left, key=lambda item: (item.start, item.operatory, item.reason.code, item.end))),
        free_time=free_time,
        allowed_blockouts={n: tuple(b for b in rows if b.allowed) for n, rows in obstacles.items()},
    )


def in_order(opening: Opening) -> tuple[Interval, int]:
    """The order of openings: by start, end and operatory."""
    return opening.span, opening.operatory


def opening_id(operatory: int, unit: int) -> str:
    """The name of the opening that starts at ``unit``; an operatory has one acting provider at each moment."""
    return f"op{operatory}-{moment_of(unit):%Y%m%d-%H%M}"


def policy_hours(policy: Policy, first: date, last: date) -> list[Interval]:
    """The units of the policy's days and hours between two days (inclusive)."""
    result = []
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() not in policy.openings.days:
            continue
        start = ceil_unit(datetime.combine(day, policy.openings.hours.start))
        end = floor_unit(end_of_stretch(day, policy.openings.hours.end))
        if end > start:
            result.append((start, end))
    return result


def reach(policy: Policy, now: datetime) -> Interval:
    """The units in which a visit may lie: now + notice (real hours, also across a DST change) to now + look-ahead."""
    first = ceil_unit(first_wall(now + policy.openings.notice, policy.timezone))
    wall = office_now(now, policy.timezone)
    last_day = (wall + policy.openings.look_ahead).date()
    return first, day_start(last_day) + DAY


def usable_operatories(office: Office, policy: Policy, left: list[LeftAlone]) -> list[Operatory]:
    """The operatories that the policy's clinic may fill; the others are noted in ``left``."""
    start = datetime.combine(office.first, time_of_day(0))
    end = datetime.combine(office.last, time_of_day(0)) + timedelta(days=1)
    usable = []
    for operatory in office.operatories:
        code = operatory_reason(operatory, office, policy)
        if code is None:
            usable.append(operatory)
        elif code != "other_clinic":
            left.append(LeftAlone(Reason(code), operatory.operatory_num, start, end))
    return usable


def operatory_reason(operatory: Operatory, office: Office, policy: Policy) -> str | None:
    """Why an operatory is not filled at all, as a code of ``reasons``; None when it may be."""
    number = operatory.operatory_num
    chosen = policy.openings.operatories
    if office.clinics and operatory.clinic_num != policy.clinic:
        return "other_clinic"
    if operatory.unreadable:
        return "unreadable_row"
    if operatory.is_hidden:
        return "hidden_operatory"
    if operatory.set_prospective:
        return "prospective_operatory"
    if number in policy.openings.except_operatories or (chosen is not None and number not in chosen):
        return "excluded_operatory"
    return None


def _worked(
    office: Office, policy: Policy, usable: list[Operatory], in_reach: Interval, left: list[LeftAlone]
) -> FreeTime:
    """The hours, per (OperatoryNum, ProvNum), that could be filled if nothing occupied them; the hours of providers
    who are left out, and days on which nobody works, are noted in ``left``.
    """
    hours = policy_hours(policy, office.first, office.last)
    able = {provider.prov_num for provider in office.providers if may_work(provider)}
    working = working_hours(office)
    days: set[date] = set()
    result: FreeTime = {}
    for operatory in usable:
        number = operatory.operatory_num
        by_provider: dict[int, list[Interval]] = defaultdict(list)
        for stretch, provider in working.get(number, []):
            by_provider[provider].append(stretch)
        for provider, stretches in by_provider.items():
            within = intersect(stretches, hours)
            if provider not in able:
                left += _left("no_provider", number, provider, intersect(within, [in_reach]), "hidden or not known")
                continue
            days |= {day_of(start) for start, _ in stretches}
            if provider in policy.openings.except_providers:
                left += _left("excluded_provider", number, provider, intersect(within, [in_reach]))
            else:
                result[number, provider] = within
    left += _days_without_providers(office, hours, days, in_reach)
    return result


def _offerable(
    free: Interval,
    in_reach: Interval,
    settling: list[Interval],
    policy: Policy,
    left: list[LeftAlone],
    where: tuple[int, int],
) -> list[Opening]:
    """The parts of one free stretch that may be offered now; what is held back is noted in ``left``."""
    operatory, provider = where
    shortest = units_in(policy.openings.shortest)
    if free[0] >= in_reach[1] or free[1] <= in_reach[0] - DAY:
        return []
    if free[1] - free[0] < shortest:
        if free[1] > in_reach[0]:
            left += _left("too_short", operatory, provider, [free])
        return []
    reachable = intersect([free], [in_reach])
    left += _left("too_soon", operatory, provider, subtract([free], [(in_reach[0], max(free[1], in_reach[0]))]))
    settled = subtract(reachable, settling)
    left += _left("settling", operatory, provider, subtract(reachable, settled))
    result = []
    for span in settled:
        if span[1] - span[0] < shortest:
            left += _left("too_short", operatory, provider, [span])
            continue
        # An opening keeps its name while the notice eats into it.
        first = free[0] if span[0] == max(free[0], in_reach[0]) else span[0]
        result.append(Opening(opening_id(operatory, first), operatory, provider, span, free))
    return result


def _left(code: str, operatory: int, provider: int, spans: Iterable[Interval], detail: str = "") -> list[LeftAlone]:
    return [
        LeftAlone(Reason(code, detail), operatory, moment_of(start), moment_of(end), provider)
        for start, end in spans
        if end > start
    ]


def _blocked(
    where: tuple[int, int],
    unbooked: list[Interval],
    blocked: list[Blockout],
    in_reach: Interval,
    types: Mapping[int, str],
) -> list[LeftAlone]:
    """Time that only a blockout keeps from being offered. ``types``: the names of blockout types, by DefNum."""
    operatory, provider = where
    ahead = intersect(unbooked, [in_reach])
    result = []
    for blockout in blocked:
        if not any(overlaps(span, blockout.span) for span in ahead):
            continue
        code = "blockout" if blockout.readable else "unreadable_row"
        name = types.get(blockout.blockout_type)
        detail = f"{name}, type {blockout.blockout_type}" if name else f"type {blockout.blockout_type}"
        spans = intersect(ahead, [blockout.span]) or [blockout.span]
        # Also one of no length, which may not be lain across.
        result += [
            LeftAlone(Reason(code, detail), operatory, moment_of(start), moment_of(end), provider)
            for start, end in spans
        ]
    return result


def _odd_appointments(office: Office, usable: list[Operatory], in_reach: Interval) -> list[LeftAlone]:
    """Appointments on the schedule that could not be read, or whose pattern is none: taken as widely as they reach."""
    numbers = {operatory.operatory_num for operatory in usable}
    result: list[LeftAlone] = []
    for appointment in office.appointments:
        odd = sorted(appointment.unreadable | (set() if is_pattern(appointment.pattern) else {"Pattern"}))
        span = appointment_span(appointment, office) if odd and occupies(appointment) else None
        if span is None:
            continue
        places = numbers if "Op" in appointment.unreadable else numbers & {appointment.op}
        detail = f"appointment {appointment.apt_num}: {', '.join(odd)}"
        for operatory in sorted(places):
            result += _left("unreadable_row", operatory, 0, intersect([span], [in_reach]), detail)
    return result


def _days_without_providers(
    office: Office, hours: list[Interval], worked: set[date], in_reach: Interval
) -> list[LeftAlone]:
    """Days on which the policy would fill openings but nobody works; with a practice row it is taken as a holiday.

    Open Dental's API does not say whether a practice row is a holiday or a note: provider rows on the day decide.
    """
    noted = {row.sched_date for row in office.schedules if row.sched_type == SchedType.PRACTICE}
    result = []
    for start, end in hours:
        day = day_of(start)
        if day in worked or end <= in_reach[0] or start >= in_reach[1]:
            continue
        code = "closed" if day in noted else "no_provider"
        result.append(LeftAlone(Reason(code), 0, moment_of(start), moment_of(end)))
    return result


@dataclass(frozen=True, slots=True)
class FreeSince:
    """A free stretch (units) of one operatory and provider, first found free at ``since`` (aware)."""

    operatory: int
    provider: int
    span: Interval
    since: datetime


def remember(before: Iterable[FreeSince], free_time: FreeTime, now: datetime) -> list[FreeSince]:
    """What is free now, each part with the moment at which it was first found free.

    What was free before keeps its moment; what is new begins at ``now``.
    """
    known: dict[tuple[int, int], list[FreeSince]] = defaultdict(list)
    for item in before:
        known[item.operatory, item.provider].append(item)
    result: list[FreeSince] = []
    for (operatory, provider), spans in free_time.items():
        rest = list(spans)
        for item in known.get((operatory, provider), []):
            result += [FreeSince(operatory, provider, part, item.since) for part in intersect(spans, [item.span])]
            rest = subtract(rest, [item.span])
        result += [FreeSince(operatory, provider, part, now) for part in rest]
    return result


def still_settling(free: Iterable[FreeSince], now: datetime, settle: timedelta) -> FreeTime:
    """What has been free for less than ``settle``. A moment after ``now`` (the clock was set back) is just now."""
    result: FreeTime = defaultdict(list)
    for item in free:
        if now - item.since < settle:
            result[item.operatory, item.provider].append(item.span)
    return dict(result)
