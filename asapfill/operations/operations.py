"""What the commands do, without a terminal: look, plan, run one cycle. ``cli`` turns results into text and exit
codes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from asapfill.clock import Clock
from asapfill.offers.commlogs import recover_commlogs
from asapfill.offers.journal import Journal, Step
from asapfill.offers.offer import Offer
from asapfill.offers.reconcile import recover
from asapfill.offers.states import State
from asapfill.opendental.errors import OpenDentalError
from asapfill.problems import ConfigurationError, Problem
from asapfill.service.checking import Finding, check_office
from asapfill.service.cycle import run_cycle
from asapfill.service.desk import Desk
from asapfill.service.desks import open_desks
from asapfill.service.explaining import Kind, explain_candidate, explain_opening, explanation_document
from asapfill.service.policies import PolicyBook
from asapfill.service.results import ClinicResult, Trouble
from asapfill.service.witness import compare_all
from asapfill.settings import Settings
from asapfill.store.database import open_for_reading, open_store
from asapfill.store.lock import only_one
from asapfill.store.pause import EVERY_OFFICE, pause, resume

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
def desks_for(
    settings: Settings, offices: Collection[str], clock: Clock, stop: threading.Event, *, act: bool
) -> Iterator[list[Desk]]:
    """Desks for these offices. ``act``: the state is made, locked and recovered; otherwise it is only read, if there
    is one.

    Raises:
        StoreError: the state cannot be used.
        AlreadyRunning: ``act``, and another asapfill works on this state.
    """
    with only_one(settings.state) if act else nullcontext():
        store = open_store(settings.state, clock) if act else open_for_reading(settings.state, clock)
        try:
            with open_desks(settings, offices, clock, store, stop) as desks:
                if act:
                    recover_desks(desks)
                yield desks
        finally:
            if store is not None:
                store.close()


def recover_desks(desks: Iterable[Desk]) -> None:
    """What an earlier asapfill had begun and not finished becomes unknown: nobody can tell whether it happened.

    Only while the lock of the state is held and before anything is sent.
    """
    for desk in desks:
        if desk.journal is not None:
            dead = recover(desk.journal) + recover_commlogs(desk.journal)
            if dead:
                log.warning("state.recovered office=%s unknown=%d", desk.office, dead)


def run_once(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    *,
    act: bool,
    stop: threading.Event | None = None,
    compare: bool = False,
) -> Cycle:
    """One cycle over ``offices``; ``act`` False looks and plans only.

    ``compare``: put Open Dental's own search beside ours.

    Raises:
        ConfigurationError: no policy is for any of these offices.
        StoreError, AlreadyRunning: see ``desks_for``.
    """
    policies = PolicyBook(settings.policies, tuple(settings.offices)).read()
    files = [file for file in policies.files if file.office in offices]
    if not files:
        raise ConfigurationError(policies.problems or (no_policy(settings, offices),))
    results: list[ClinicResult] = []
    with desks_for(settings, {file.office for file in files}, clock, stop or threading.Event(), act=act) as desks:
        for desk in desks:
            of_office = run_cycle(desk, policies.of(desk.office), act=act, still_valid=policies.still_valid)
            for result in of_office if compare else ():
                _compare(desk, result)
            results += of_office
    return Cycle(tuple(results), policies.problems)


def _compare(desk: Desk, result: ClinicResult) -> None:
    """Put Open Dental's own search beside ours."""
    if result.policy is None or result.found is None:
        return
    try:
        result.differences, result.compared = compare_all(desk, result.policy, result.found)
    except OpenDentalError as error:
        result.errors.append(Trouble(str(error)))


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``check`` found: mistakes in files, and findings per office."""

    problems: tuple[Problem, ...]
    findings: Mapping[str, Sequence[Finding]]

    @property
    def exit_code(self) -> int:
        """78 when settings or policies are wrong, 1 when an office is, else 0."""
        wrong = [finding for findings in self.findings.values() for finding in findings if finding.verdict == "wrong"]
        if self.problems or any(finding.configuration for finding in wrong):
            return 78
        return 1 if wrong else 0

    def document(self) -> dict[str, Any]:
        """``check --json``."""
        return {
            "problems": [
                {
                    "file": str(item.file),
                    "line": item.line,
                    "column": item.column,
                    "message": item.message,
                    "hint": item.hint,
                }
                for item in self.problems
            ],
            "offices": [
                {
                    "office": office,
                    "findings": [
                        {"verdict": item.verdict, "subject": item.subject, "message": item.message} for item in findings
                    ],
                }
                for office, findings in self.findings.items()
            ],
        }


def check_all(settings: Settings, offices: Collection[str], clock: Clock, *, offline: bool) -> Checked:
    """Check the policies and, unless ``offline``, every office."""
    policies = PolicyBook(settings.policies, tuple(settings.offices)).read()
    problems = list(policies.problems)
    unserved = [office for office in offices if not policies.of(office)]
    if unserved and not problems:
        problems.append(no_policy(settings, unserved))
    findings: dict[str, Sequence[Finding]] = {}
    if not offline:
        with open_desks(settings, offices, clock, None, threading.Event()) as desks:
            findings = {desk.office: check_office(desk, policies.of(desk.office)) for desk in desks}
    return Checked(tuple(problems), findings)


def explain_one(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    *,
    appointment: int | None = None,
    recall: int | None = None,
    opening: str | None = None,
) -> dict[str, Any] | None:
    """The explanation of one candidate or opening, from the first clinic that has it; None when none has.

    Raises:
        ConfigurationError: no policy is for any of these offices, or its names are wrong.
        OpenDentalError: the office could not be read.
    """
    policies = PolicyBook(settings.policies, tuple(settings.offices)).read()
    files = [file for file in policies.files if file.office in offices]
    if not files:
        raise ConfigurationError(policies.problems or (no_policy(settings, offices),))
    found: dict[str, Any] | None = None
    with desks_for(settings, {file.office for file in files}, clock, threading.Event(), act=False) as desks:
        for desk in desks:
            for result in run_cycle(desk, policies.of(desk.office), act=False):
                for trouble in result.errors:
                    raise Unserved(trouble.message, configuration=trouble.configuration)
                document = _explain(desk, result, appointment, recall, opening)
                if document is not None and "other_clinic" not in str(document.get("reason")):
                    return document
                found = found or document
    return found


def _explain(
    desk: Desk, result: ClinicResult, appointment: int | None, recall: int | None, opening: str | None
) -> dict[str, Any] | None:
    if opening is not None:
        return explain_opening(desk, result, opening)
    kind: Kind = "appointment" if appointment is not None else "recall"
    item = explain_candidate(desk, result, kind, appointment or recall or 0)
    return None if item is None else explanation_document(result, item)


class Unserved(Exception):  # noqa: N818  a fact about an office, told to a person
    """An office could not be looked at; the message is for a person."""

    def __init__(self, message: str, *, configuration: bool) -> None:
        self.configuration = configuration
        super().__init__(message)


def settle_offer(settings: Settings, clock: Clock, number: int, *, sent: bool) -> str | None:
    """A person's word on an offer that could not be found out; returns why not if that is not for a person to say."""
    with open_store(settings.state, clock) as store:
        for office in settings.offices:
            journal = Journal(store, office)
            offer = next((offer for offer in journal.unknowns() if offer.id == number), None)
            if offer is None:
                continue
            if offer.state is not State.UNSETTLED:
                return f"Offer {number} is still being found out. If that fails for a day, it is yours to settle."
            journal.step(number, State.SENT if sent else State.UNSENT, "settled_by_person")
            return None
    return f"Offer {number} is not unsettled (see `asapfill status`)."


def read_history(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    since: date,
    patient: int | None,
    opening: str | None = None,
) -> list[tuple[Offer, tuple[Step, ...]]]:
    """Offers made on ``since`` (office day) or later with their steps, oldest first; or all of a patient or opening."""
    store = open_for_reading(settings.state, clock)
    if store is None:
        return []
    with store:
        stories = []
        for office in offices:
            journal = Journal(store, office)
            if patient is not None:
                offers = journal.by_patient(patient)
            elif opening is not None:
                offers = journal.by_opening(opening)
            else:
                offers = tuple(offer for offer in journal.since(since) if offer.office_day >= since)
            stories += [(offer, journal.steps(offer.id)) for offer in offers]
        return sorted(stories, key=lambda story: story[0].created)


def set_pause(settings: Settings, office: str | None, clock: Clock, *, paused: bool) -> None:
    """Pause or resume one office, or all. A running daemon sees it between two POSTs."""
    with open_store(settings.state, clock) as store:
        if paused:
            pause(store, office or EVERY_OFFICE)
        else:
            resume(store, office or EVERY_OFFICE)


def answer_waiting(
    settings: Settings, clock: Clock, ids: Collection[int] | None, *, yes: bool
) -> tuple[list[Offer], list[str]]:
    """A person's answer to waiting offers (``ids`` None: all). Returns those answered, and a sentence for each that
    was not.
    """
    answered: list[Offer] = []
    refused: list[str] = []
    with open_store(settings.state, clock) as store:
        waiting = {offer.id: (offer, Journal(store, office)) for office in settings.offices
                   for offer in Journal(store, office).waiting()}  # fmt: skip
        for number in waiting if ids is None else ids:
            if number not in waiting:
                refused.append(f"Offer {number} does not wait for an answer.")
                continue
            journal = waiting[number][1]
            answered += journal.approve([number]) if yes else journal.decline([number])
    return answered, refused


def no_policy(settings: Settings, offices: Collection[str]) -> Problem:
    """What to say when nobody wrote a policy for an office that is to be served."""
    names = ", ".join(sorted(offices))
    return Problem(
        settings.policies,
        f"There is no policy for {names}.",
        hint="`asapfill policy new` writes one that sends nothing yet.",
    )
