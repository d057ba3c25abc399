"""What is taken: appointments and blockouts per operatory, and the providers' own time.

Whatever cannot be read is taken, as widely as it might reach.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache

from asapfill.core.office import Office, preference_number
from asapfill.core.rows import Appointment, AptStatus, Definition, Operatory, Provider, SchedType, Schedule
from asapfill.core.units import DAY, MINUTES, Interval, ceil_unit, day_start, floor_unit, subtract

Working = dict[int, list[tuple[Interval, int]]]
"""Per OperatoryNum: disjoint stretches (5-minute units) in order, each with the ProvNum who works there."""


_Ranked = tuple[tuple[bool, bool, time, int], Interval, int]
"""A row's rank (the lowest acts where rows overlap), its units, its ProvNum."""


def working_hours(office: Office) -> Working:
    """Who works in which operatory when.

    Open Dental (GetProvSchedsForOp): a row with operatories applies to exactly these; a row without any ("dynamic")
    applies where its provider is the operatory's own for its role. Where several providers work in one operatory at
    the same time, the one whom Open Dental would assign acts: the operatory's role first, then an explicit link,
    then the earlier row. A provider who may not work (see ``may_work``) keeps his place in that order: his time is in
    here too, because it is nobody else's.
    """
    providers = {provider.prov_num: provider for provider in office.providers}
    own = {operatory.operatory_num: own_provider(operatory, office) for operatory in office.operatories}
    dynamic: dict[int, list[int]] = defaultdict(list)
    for operatory_num, prov_num in own.items():
        dynamic[prov_num].append(operatory_num)
    hygiene = {operatory.operatory_num for operatory in office.operatories if operatory.is_hygiene}
    rows: dict[int, list[_Ranked]] = defaultdict(list)
    for schedule in office.schedules:
        stretch = provider_stretch(schedule)
        if stretch is None:
            continue
        provider = providers.get(schedule.prov_num)
        is_secondary = provider is not None and provider.is_secondary
        for operatory_num in schedule.operatories or dynamic.get(schedule.prov_num, []):
            wrong_role = is_secondary != (operatory_num in hygiene)
            rank = (wrong_role, not schedule.operatories, schedule.start_time, schedule.schedule_num)
            rows[operatory_num].append((rank, stretch, schedule.prov_num))
    return {operatory_num: _acting(ranked) for operatory_num, ranked in rows.items()}


def own_provider(operatory: Operatory, office: Office) -> int:
    """The ProvNum whose dynamic hours apply in ``operatory``: its dentist or hygienist by its role.

    Where it has none, Open Dental takes the preference ScheduleProvUnassigned (default 1).
    """
    number = operatory.prov_hygienist if operatory.is_hygiene else operatory.prov_dentist
    return number or preference_number(office.preferences, "ScheduleProvUnassigned", 1)


def may_work(provider: Provider) -> bool:
    """Whether a provider's time may be offered: not if hidden or deleted, nor if that could not be read.

    Hiding a provider does not take the schedule rows away, and Open Dental's API lists them all the same. One who has
    rows but is not among the listed providers may not work either (safe assumption).
    """
    return not (provider.unreadable or provider.is_hidden or provider.prov_status == "Deleted")


def provider_stretch(schedule: Schedule) -> Interval | None:
    """The whole units inside a provider's row; None for other rows, rows of no length, and rows that make no sense.

    Whatever could not be read never makes time look free. A row to 23:59:59 ends with its last whole unit, 23:55.
    """
    if schedule.sched_type != SchedType.PROVIDER or schedule.sched_date is None or not schedule.prov_num:
        return None
    if schedule.unreadable & {"SchedDate", "StartTime", "StopTime", "ProvNum", "operatories", "SchedType"}:
        return None
    start = ceil_unit(datetime.combine(schedule.sched_date, schedule.start_time))
    stop = floor_unit(datetime.combine(schedule.sched_date, schedule.stop_time))
    return (start, stop) if stop > start else None


def _acting(rows: Iterable[_Ranked]) -> list[tuple[Interval, int]]:
    """Of overlapping rows the better ranked keep the time; the rest of the others stays theirs."""
    covered: list[Interval] = []
    result: list[tuple[Interval, int]] = []
    for _rank, stretch, prov_num in sorted(rows):
        result += [(part, prov_num) for part in subtract([stretch], covered)]
        covered.append(stretch)
    joined: list[tuple[Interval, int]] = []
    for (start, end), prov_num in sorted(result):
        if joined and joined[-1][1] == prov_num and joined[-1][0][1] == start:
            joined[-1] = ((joined[-1][0][0], end), prov_num)
        else:
            joined.append(((start, end), prov_num))
    return joined


FREE_STATUSES = frozenset({AptStatus.UNSCHEDULED, AptStatus.PLANNED})
"""Open Dental: everything else with an operatory lies on the schedule, Broken, Complete and notes included."""

_WHOSE = frozenset({"ProvNum", "ProvHyg", "IsHygiene"})
_NOT_OBSTACLES = frozenset({SchedType.PROVIDER, SchedType.PRACTICE, SchedType.EMPLOYEE, SchedType.WEB_SCHED_ASAP})


EVERYBODY = -1
"""In place of a ProvNum: a visit whose provider could not be read takes every provider's time."""


@dataclass(frozen=True, slots=True)
class Blockout:
    """A blockout in one operatory. ``span``: the units it touches, perhaps of no length; ``inside``: the units that
    lie wholly in it. ``allowed``: the policy may offer over it. ``readable``: a blockout indeed; otherwise a row that
    is taken for one because it makes no sense.
    """

    span: Interval
    inside: Interval
    blockout_type: int
    allowed: bool
    readable: bool = True


def whole(office: Office) -> Interval:
    """All units of the days that are known."""
    return day_start(office.first), day_start(office.last) + DAY


def occupies(appointment: Appointment) -> bool:
    """Whether it lies on the schedule (Open Dental: any status but UnschedList and Planned); in doubt it does."""
    return appointment.apt_status not in FREE_STATUSES


def is_pattern(pattern: str) -> bool:
    """Whether a pattern is one: "X" and "/" only (Open Dental: provider and assistant time), and not empty."""
    return bool(pattern) and not pattern.strip("X/")


def appointment_span(appointment: Appointment, office: Office) -> Interval | None:
    """The units an appointment takes, or None when it has no time. Open Dental: 5 minutes a character of the pattern.

    An empty or odd pattern should not occur: it takes at least the office's default length. A time that cannot be
    read takes all known days; one between two units takes both.
    """
    if "AptDateTime" in appointment.unreadable:
        return whole(office)
    if appointment.apt_date_time is None:
        return None
    length = len(appointment.pattern)
    if not is_pattern(appointment.pattern):
        length = max(length, _default_length(office))
    return floor_unit(appointment.apt_date_time), ceil_unit(appointment.apt_date_time) + length


def _default_length(office: Office) -> int:
    minutes = preference_number(office.preferences, "AppointmentWithoutProcsDefaultLength", 30)
    return max(-(-minutes // MINUTES), 30 // MINUTES)


def taken_by_appointments(office: Office) -> dict[int, list[Interval]]:
    """Per OperatoryNum the units that appointments take; in all of them where the operatory cannot be read."""
    taken: dict[int, list[Interval]] = defaultdict(list)
    everywhere: list[Interval] = []
    for appointment in office.appointments:
        if not occupies(appointment):
            continue
        span = appointment_span(appointment, office)
        if span is None:
            continue
        if "Op" in appointment.unreadable:
            everywhere.append(span)
        elif appointment.op:
            taken[appointment.op].append(span)
    for operatory in office.operatories:
        taken[operatory.operatory_num] += everywhere
    return taken


def provider_of(appointment: Appointment) -> int:
    """Whose time an appointment takes (Open Dental: ProvHyg when IsHygiene, else ProvNum)."""
    return (appointment.prov_hyg or appointment.prov_num) if appointment.is_hygiene else appointment.prov_num


@lru_cache(maxsize=4096)
def provider_units(pattern: str) -> tuple[Interval, ...]:
    """The runs of a pattern during which the provider is needed, as offsets: all but "/", the assistant's time.

    Remembered: an office has a few dozen patterns, asked for thousands of times in each cycle.
    """
    runs: list[Interval] = []
    for offset, character in enumerate(pattern):
        if character == "/":
            continue
        if runs and runs[-1][1] == offset:
            runs[-1] = (runs[-1][0], offset + 1)
        else:
            runs.append((offset, offset + 1))
    return tuple(runs)


def provider_busy(office: Office) -> dict[int, list[tuple[Interval, int]]]:
    """Per ProvNum the units during which the provider is with a patient in any operatory, each with its AptNum; those
    of visits whose provider cannot be read are under ``EVERYBODY``.

    Open Dental: only provider time counts; assistant time of two visits may overlap. A visit with an empty or odd
    pattern, or between two units, is all provider time.
    """
    busy: dict[int, list[tuple[Interval, int]]] = defaultdict(list)
    for appointment in office.appointments:
        span = appointment_span(appointment, office) if occupies(appointment) else None
        if span is None:
            continue
        aligned = is_pattern(appointment.pattern) and span[1] - span[0] == len(appointment.pattern)
        runs = provider_units(appointment.pattern) if aligned else ((0, span[1] - span[0]),)
        provider = EVERYBODY if appointment.unreadable & _WHOSE else provider_of(appointment)
        busy[provider] += [((span[0] + start, span[0] + end), appointment.apt_num) for start, end in runs]
    return busy


def blockouts(office: Office, allowed: Iterable[int]) -> dict[int, list[Blockout]]:
    """Per OperatoryNum the blockouts that lie in it; ``allowed`` are the DefNums that the policy permits to offer over.

    Open Dental: a blockout counts only in the operatories linked to it; types whose ItemValue has NS forbid scheduling,
    so they are never allowed; neither are hidden types, nor types that no definition explains. WebSchedASAP rows do
    not block.
    """
    types = {definition.def_num: definition for definition in office.blockout_types}
    permitted = {number for number in allowed if number in types and may_be_allowed(types[number])}
    result: dict[int, list[Blockout]] = defaultdict(list)
    for schedule in office.schedules:
        if schedule.sched_type in _NOT_OBSTACLES and "SchedType" not in schedule.unreadable:
            continue
        inside = _whole_units(schedule)
        known = schedule.sched_type == SchedType.BLOCKOUT and not schedule.unreadable and inside is not None
        blockout = Blockout(
            span=_blockout_span(schedule, office),
            inside=inside or (0, 0),
            blockout_type=schedule.blockout_type,
            allowed=known and schedule.blockout_type in permitted,
            readable=known,
        )
        anywhere = "operatories" in schedule.unreadable
        for operatory_num in _all_operatories(office) if anywhere else schedule.operatories:
            result[operatory_num].append(blockout)
    return result


def may_be_allowed(definition: Definition) -> bool:
    """Whether a policy may allow this blockout type (Open Dental: NS in ItemValue forbids scheduling over it)."""
    return not (definition.unreadable or definition.is_hidden or "NS" in definition.item_value.upper())


def _all_operatories(office: Office) -> list[int]:
    return [operatory.operatory_num for operatory in office.operatories]


def _blockout_span(schedule: Schedule, office: Office) -> Interval:
    """The units a blockout touches; one of no length stays so, to be split at (Open Dental: it overlaps what it lies
    strictly inside of). One that makes no sense takes its day, or all; one that ends before it starts takes its day
    and, as if it were meant to run over midnight, the next up to its end.
    """
    if schedule.sched_date is None:
        return whole(office)
    day = day_start(schedule.sched_date)
    if schedule.unreadable & {"StartTime", "StopTime"}:
        return day, day + DAY
    start = datetime.combine(schedule.sched_date, schedule.start_time)
    stop = datetime.combine(schedule.sched_date, schedule.stop_time)
    if stop < start:
        return day, ceil_unit(stop) + DAY
    return floor_unit(start), ceil_unit(stop)


def _whole_units(schedule: Schedule) -> Interval | None:
    """The units that lie wholly in a row; None if it has no day or ends before it starts."""
    if schedule.sched_date is None or schedule.stop_time < schedule.start_time:
        return None
    start = ceil_unit(datetime.combine(schedule.sched_date, schedule.start_time))
    return start, max(start, floor_unit(datetime.combine(schedule.sched_date, schedule.stop_time)))
