"""Who works where: provider schedule rows turned into time per operatory, each moment with one acting provider."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, time

from asapfill.opendental.models import Operatory, Provider, SchedType, Schedule
from asapfill.scheduling.intervals import Interval, subtract
from asapfill.scheduling.office import Office, preference_number
from asapfill.scheduling.units import ceil_unit, floor_unit

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
