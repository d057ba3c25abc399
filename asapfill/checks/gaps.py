"""What is not covered, in sentences: clinics for which there is no policy, days of a policy on which nobody works."""

from __future__ import annotations

from calendar import day_abbr
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from asapfill.core.office import Office
from asapfill.core.policy import Policy
from asapfill.core.rows import Schedule
from asapfill.core.schedule import working_hours
from asapfill.core.units import day_of
from asapfill.mirror.names import Names
from asapfill.policy.model import PolicyFile
from asapfill.policy.resolve import clinic_of

FAR: Final = timedelta(days=27)
"""From today on: four of each weekday. Holidays of two weeks are no reason to ask."""


def clinics_without_policy(files: Collection[PolicyFile], names: Names) -> str:
    """Which visible clinics no policy is for; empty when there is none, and for an office without any policy."""
    covered = {clinic_of(file, names) for file in files}
    missing = [row for row in names.clinics if not row.is_hidden and row.clinic_num not in covered]
    if not files or not missing:
        return ""
    listed = " and ".join(row.abbr.strip() or row.description.strip() or str(row.clinic_num) for row in missing)
    return (
        f"No policy is for {listed}, so nothing is offered there. If something should be: `asapfill policy new "
        "--clinic NAME`."
    )


def idle_days(policy: Policy, office: Office, today: date, further: Callable[[date, date], Iterable[Schedule]]) -> str:
    """On which days of the policy nobody works in its operatories; empty when somebody does on all, or on none at all.

    ``further``: reads the schedule from one day to another, both inclusive. It is asked only if the days of ``office``
    leave a doubt.
    """
    worked = _weekdays(policy, office)
    if policy.openings.days <= worked:
        return ""
    if office.last < today + FAR:
        rows = tuple(further(office.last + timedelta(days=1), today + FAR))
        worked |= _weekdays(policy, replace(office, schedules=rows))
    idle = sorted(policy.openings.days - worked)
    if not idle or not worked:
        return ""
    listed = " or ".join(day_abbr[day] for day in idle)
    return (
        f"Nobody has hours on any {listed} until {today + FAR:%b %d}, so nothing is free then. Is that so? Then take "
        "it out of the days of `openings`, or see to the schedule in Open Dental."
    )


def _weekdays(policy: Policy, office: Office) -> set[int]:
    """The weekdays (0 is Monday) on which somebody works in an operatory that the policy is for."""
    wanted, excepted = policy.openings.operatories, policy.openings.except_operatories
    rooms = {
        row.operatory_num
        for row in office.operatories
        if not row.is_hidden
        and row.clinic_num in {0, policy.clinic}
        and row.operatory_num not in excepted
        and (wanted is None or row.operatory_num in wanted)
    }
    hours = working_hours(office)
    return {day_of(start).weekday() for room in rooms for (start, _), _ in hours.get(room, [])}
