"""One cycle over the offices of a command: ``once`` acts, ``plan`` and ``openings`` only look.

``report`` turns what comes of it into text and JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date

from asapfill.clock import Clock
from asapfill.core.errors import Problem
from asapfill.core.openings import Found, policy_hours, reach
from asapfill.core.policy import Policy
from asapfill.core.rows import Slot
from asapfill.core.slot_search import Difference, compare, is_meaningful
from asapfill.core.units import Interval, day_of
from asapfill.cycle.cycle import plan_cycle, run_cycle
from asapfill.cycle.plan import PlanTime
from asapfill.cycle.recheck import search_slots
from asapfill.cycle.results import ClinicResult, Trouble
from asapfill.cycle.session import OfficeSession, sessions_to_read, sessions_to_send
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.for_commands import policies_for
from asapfill.policy.in_force import Policies
from asapfill.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle over all offices: what came of each clinic, and what is wrong with the policies."""

    results: tuple[ClinicResult, ...]
    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        """0 done; 1 some clinic was not served; 78 settings or policies are wrong and nothing was served."""
        served = [result for result in self.results if result.served]
        wrong = bool(self.problems) or any(trouble.configuration for r in self.results for trouble in r.errors)
        if wrong and not served and all(t.configuration for r in self.results for t in r.errors):
            return 78
        return 1 if wrong or len(served) < len(self.results) else 0


def run_offices(settings: Settings, offices: Collection[str], clock: Clock, waiting: Callable[[str], None]) -> Cycle:
    """Run one cycle of each of ``offices``, as the policies' modes say. ``waiting``: see ``policies_for``.

    Raises:
        ConfigurationError: no policy is for any of these offices.
        StoreError, AlreadyRunning: see ``sessions_to_send``.
    """
    policies = policies_for(settings, offices, clock, waiting=waiting)
    results: list[ClinicResult] = []
    with sessions_to_send(settings, _served(policies, offices), clock) as sessions:
        for session in sessions:
            results += run_cycle(session, policies.of(session.office), still_valid=policies.still_valid)
    return Cycle(tuple(results), policies.problems)


def plan_offices(
    settings: Settings, offices: Collection[str], clock: Clock, *, compare: bool = False, at: PlanTime | None = None
) -> Cycle:
    """Plan one cycle of each of ``offices`` and change nothing.

    ``compare``: put Open Dental's own search beside ours. ``at``: plan as if it were then.

    Raises:
        ConfigurationError: no policy is for any of these offices.
        StoreError: the state cannot be read.
    """
    policies = policies_for(settings, offices, clock)
    results: list[ClinicResult] = []
    with sessions_to_read(settings, _served(policies, offices), clock) as sessions:
        for session in sessions:
            of_office = plan_cycle(session, policies.of(session.office), at=at)
            for result in of_office if compare else ():
                _compare(session, result)
            results += of_office
    return Cycle(tuple(results), policies.problems)


def _served(policies: Policies, offices: Collection[str]) -> set[str]:
    return {file.office for file in policies.files}.intersection(offices)


def _compare(session: OfficeSession, result: ClinicResult) -> None:
    """Put Open Dental's own search beside ours."""
    if result.policy is None or result.found is None:
        return
    try:
        result.differences, result.compared = compare_openings(session, result.policy, result.found)
    except OpenDentalError as error:
        result.errors.append(Trouble(str(error)))


def compare_openings(session: OfficeSession, policy: Policy, found: Found) -> tuple[list[Difference], int]:
    """Every difference between our free time and Open Dental's own search; and how many days could be compared.

    Raises OpenDentalError: the office could not be read.
    """
    office = session.mirror.office()
    low, high = reach(policy, session.clock.now())
    hours = {day_of(start): (start, end) for start, end in policy_hours(policy, office.first, office.last) if end > low}
    differences: list[Difference] = []
    compared = 0
    for (operatory, provider), free in sorted(found.free_time.items()):
        days = [day for day in hours if is_meaningful(office, operatory, provider, day)]
        slots = search_slots(session, operatory, provider, min(days), max(days)) if days else None
        if slots is None:
            continue
        by_day: dict[date, list[Slot]] = defaultdict(list)
        for slot in slots:
            if slot.date_time_start is not None:
                by_day[slot.date_time_start.date()].append(slot)
        for day in days:
            compared += 1
            within: Interval = (max(hours[day][0], low), min(hours[day][1], high))
            if within[0] < within[1]:
                differences += compare(office, (operatory, provider), within, free, by_day[day])
    return differences, compared
