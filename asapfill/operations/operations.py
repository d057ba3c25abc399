"""What the commands do, without a terminal: look, plan, run one cycle. ``cli`` turns results into text and exit
codes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from asapfill.clock import Clock
from asapfill.labels import Labels
from asapfill.offers.commlogs import recover_commlogs
from asapfill.offers.journal import Journal, Step
from asapfill.offers.offer import Offer
from asapfill.offers.reconcile import recover
from asapfill.offers.states import IllegalStep, State
from asapfill.opendental.errors import OpenDentalError
from asapfill.operations.explaining import (
    Kind,
    explain_candidate,
    explain_opening,
    explanation_document,
    openings_called,
)
from asapfill.problems import Problem
from asapfill.service.as_if import AsIf
from asapfill.service.cycle import run_cycle
from asapfill.service.desk import Desk
from asapfill.service.desks import open_desks
from asapfill.service.policies import policies_for
from asapfill.service.results import ClinicResult, Trouble
from asapfill.service.witness import compare_all
from asapfill.settings import Settings
from asapfill.store.database import open_for_reading, open_store
from asapfill.store.lock import only_one
from asapfill.store.offices import known_office
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
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    stop: threading.Event,
    *,
    act: bool,
    remember: bool = False,
) -> Iterator[list[Desk]]:
    """Desks for these offices. ``act``: the state is made, locked and recovered; otherwise it is only read, if there
    is one. ``remember``: see ``open_desks``; only with ``act``.

    Raises:
        StoreError: the state cannot be used.
        AlreadyRunning: ``act``, and another asapfill works on this state.
    """
    with only_one(settings.state) if act else nullcontext():
        store = open_store(settings.state, clock) if act else open_for_reading(settings.state, clock)
        try:
            with open_desks(settings, offices, clock, store, stop, remember=act and remember) as desks:
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
    at: AsIf | None = None,
) -> Cycle:
    """One cycle over ``offices``; ``act`` False looks and plans only.

    ``compare``: put Open Dental's own search beside ours. ``at``: plan as if it were then, see ``run_cycle``.

    Raises:
        ConfigurationError: no policy is for any of these offices.
        StoreError, AlreadyRunning: see ``desks_for``.
    """
    policies = policies_for(settings, offices, clock)
    served = {file.office for file in policies.files}.intersection(offices)
    results: list[ClinicResult] = []
    with desks_for(settings, served, clock, stop or threading.Event(), act=act) as desks:
        for desk in desks:
            of_office = run_cycle(desk, policies.of(desk.office), act=act, still_valid=policies.still_valid, at=at)
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


def explain_one(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    *,
    appointment: int | None = None,
    recall: int | None = None,
    opening: str | None = None,
) -> dict[str, Any]:
    """The explanation of one candidate or opening, from the first clinic that has it.

    Raises:
        ConfigurationError: no policy is for any of these offices, or its names are wrong.
        OpenDentalError: the office could not be read.
        Unserved: none of them has it; the message says what there is.
    """
    policies = policies_for(settings, offices, clock)
    served = {file.office for file in policies.files}.intersection(offices)
    found: dict[str, Any] | None = None
    instead: tuple[str, ...] = ()
    with desks_for(settings, served, clock, threading.Event(), act=False) as desks:
        for desk in desks:
            for result in run_cycle(desk, policies.of(desk.office), act=False):
                for trouble in result.errors:
                    raise Unserved(trouble.message, configuration=trouble.configuration)
                document = _explain(desk, result, appointment, recall, opening)
                if document is not None and "other_clinic" not in str(document.get("reason")):
                    return document
                found = found or document
                instead += openings_called(desk, result, opening) if opening is not None else ()
    if found is None:
        raise Unserved(_not_there(appointment, recall, opening, instead), configuration=False)
    return found


def _not_there(appointment: int | None, recall: int | None, opening: str | None, instead: Sequence[str]) -> str:
    """What to say about something that no office has. ``instead``: the openings of the operatory that was named."""
    if opening is None:
        what = f"appointment {appointment}" if appointment is not None else f"recall {recall}"
        return f"No office that asapfill serves has {what}."
    if not instead:
        return f"No office that asapfill serves has opening {opening}. `asapfill openings` lists them with their ids."
    ids = "".join(f"\n  {name}" for name in instead)
    return f"{opening} is an operatory, not an opening. Its openings now:{ids}"


def _explain(
    desk: Desk, result: ClinicResult, appointment: int | None, recall: int | None, opening: str | None
) -> dict[str, Any] | None:
    if opening is not None:
        return explain_opening(desk, result, opening)
    kind: Kind = "appointment" if appointment is not None else "recall"
    item = explain_candidate(desk, result, kind, appointment or recall or 0)
    return None if item is None else explanation_document(result, item)


class Unserved(Exception):  # noqa: N818  a fact about an office, told to a person
    """An office could not be looked at, or lacks what was asked for; the message is for a person."""

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
        return sorted(stories, key=lambda story: story[0].id)


def office_labels(settings: Settings, clock: Clock) -> dict[str, Labels]:
    """What the offices call their operatories and providers, as far as they were ever served."""
    store = open_for_reading(settings.state, clock)
    if store is None:
        return {}
    with store:
        known = {office: known_office(store, office) for office in settings.offices}
        return {office: found.labels for office, found in known.items() if found is not None}


def set_pause(settings: Settings, office: str | None, clock: Clock, *, paused: bool) -> None:
    """Pause or resume one office, or all. A running daemon sees it between two POSTs."""
    with open_store(settings.state, clock) as store:
        if paused:
            pause(store, office or EVERY_OFFICE)
        else:
            resume(store, office or EVERY_OFFICE)


def answer_waiting(
    settings: Settings, clock: Clock, ids: Collection[int] | None, *, yes: bool, office: str | None = None
) -> tuple[list[Offer], list[str]]:
    """A person's answer to waiting offers (``ids`` None: all), of one ``office`` or of all.

    Returns those answered, and a sentence for each that was not.
    """
    answered: list[Offer] = []
    refused: list[str] = []
    with open_store(settings.state, clock) as store:
        journals = [Journal(store, name) for name in settings.offices if office in {None, name}]
        waiting = {offer.id: journal for journal in journals for offer in journal.waiting()}
        for number in waiting if ids is None else ids:
            if number not in waiting:
                refused.append(f"Offer {number} does not wait for an answer.")
                continue
            journal = waiting[number]
            try:
                answered += journal.approve([number]) if yes else journal.decline([number])
            except IllegalStep:  # a running asapfill let it lapse just now
                refused.append(f"Offer {number} does not wait for an answer any more.")
    return answered, refused
