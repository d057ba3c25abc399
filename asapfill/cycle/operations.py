"""What the commands do, without a terminal: look, plan, run one cycle. ``cli`` turns results into text and exit
codes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from asapfill.clock import Clock
from asapfill.core.errors import Problem
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.results import AsIf, ClinicResult, Trouble
from asapfill.cycle.session import OfficeSession, open_sessions
from asapfill.cycle.slot_search import compare_all
from asapfill.offers.commlogs import recover_commlogs
from asapfill.offers.reconcile import recover
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.in_force import policies_for
from asapfill.settings.settings import Settings
from asapfill.store.database import open_for_reading, open_store
from asapfill.store.lock import only_one

log = logging.getLogger(__name__)


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


@contextmanager
def sessions_for(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    stop: threading.Event,
    *,
    act: bool,
    remember: bool = False,
) -> Iterator[list[OfficeSession]]:
    """Sessions for these offices. ``act``: the state is made, locked and recovered; otherwise it is only read, if there
    is one. ``remember``: see ``open_sessions``; only with ``act``.

    Raises:
        StoreError: the state cannot be used.
        AlreadyRunning: ``act``, and another asapfill works on this state.
    """
    with only_one(settings.state) if act else nullcontext():
        store = open_store(settings.state, clock) if act else open_for_reading(settings.state, clock)
        try:
            with open_sessions(settings, offices, clock, store, stop, remember=act and remember) as sessions:
                if act:
                    recover_sessions(sessions)
                yield sessions
        finally:
            if store is not None:
                store.close()


def recover_sessions(sessions: Iterable[OfficeSession]) -> None:
    """What an earlier asapfill had begun and not finished becomes unknown: nobody can tell whether it happened.

    Only while the lock of the state is held and before anything is sent.
    """
    for session in sessions:
        if session.journal is not None:
            dead = recover(session.journal) + recover_commlogs(session.journal)
            if dead:
                log.warning("state.recovered office=%s unknown=%d", session.office, dead)


def run_once(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    *,
    act: bool,
    stop: threading.Event | None = None,
    compare: bool = False,
    at: AsIf | None = None,
) -> Cycle:
    """One cycle over ``offices``; ``act`` False looks and plans only.

    ``compare``: put Open Dental's own search beside ours. ``at``: plan as if it were then, see ``run_cycle``.

    Raises:
        ConfigurationError: no policy is for any of these offices.
        StoreError, AlreadyRunning: see ``sessions_for``.
    """
    policies = policies_for(settings, offices, clock)
    served = {file.office for file in policies.files}.intersection(offices)
    results: list[ClinicResult] = []
    with sessions_for(settings, served, clock, stop or threading.Event(), act=act) as sessions:
        for session in sessions:
            of_office = run_cycle(
                session, policies.of(session.office), act=act, still_valid=policies.still_valid, at=at
            )
            for result in of_office if compare else ():
                _compare(session, result)
            results += of_office
    return Cycle(tuple(results), policies.problems)


def _compare(session: OfficeSession, result: ClinicResult) -> None:
    """Put Open Dental's own search beside ours."""
    if result.policy is None or result.found is None:
        return
    try:
        result.differences, result.compared = compare_all(session, result.policy, result.found)
    except OpenDentalError as error:
        result.errors.append(Trouble(str(error)))
