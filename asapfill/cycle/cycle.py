"""One cycle of one office, from reading what changed to the texts and what follows them.

``run_cycle`` acts, ``plan_cycle`` only looks. Each step is a function of another module; their order stands here. A
cycle may be killed anywhere and run again. It raises nothing for what an office, its rows or a person's policy can do:
those become ``errors`` of the results, and the other offices go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from asapfill.clock import Now
from asapfill.cycle.finish import prefetch, prune, refresh_due, save
from asapfill.cycle.follow import follow_alone, follow_offers, remember_asapcomms
from asapfill.cycle.openings import OpeningsNow, keep_free_time, openings_now
from asapfill.cycle.plan import PlanTime, plan_clinic
from asapfill.cycle.results import ClinicResult, OfferLine, ServedClinic, Trouble
from asapfill.cycle.send import StillValid, act_on_plan, lapse
from asapfill.cycle.session import OfficeSession
from asapfill.cycle.sync import keep_policies, last_served_clinic, resolve_policies, sync
from asapfill.offers.reconcile import give_up
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.in_force import LastGood
from asapfill.policy.model import PolicyFile
from asapfill.store.offices import is_paused

log = logging.getLogger(__name__)

CHECK_FAILED = (
    "A plan did not pass asapfill's own check, so it was not used; a simpler one that did stands in. This is a mistake "
    "in asapfill: please report it with the log's line plan.check_failed."
)


def run_cycle(
    session: OfficeSession,
    files: Sequence[PolicyFile],
    *,
    still_valid: StillValid = lambda _: True,
    last_good: LastGood = lambda _: None,
) -> list[ClinicResult]:
    """Serve one office once, by its policies (one per clinic), and keep in the state what came of it.

    ``still_valid``: asked between two POSTs whether a policy is still the one in force. ``last_good``: the version that
    stays in force while a file names what the office does not have.

    Raises:
        StoreError: the state cannot be read or written; nothing more is sent.
    """
    before = session.client.requests.copy()
    results = _results(session, files)
    try:
        _serve(session, files, results, still_valid, last_good)
    except OpenDentalError as error:
        _tell_failure(session, results, error)
        give_up(session.journal, session.clock)
    _count(session, results, before.total())
    save(session, results, before)
    return results


def _serve(
    session: OfficeSession,
    files: Sequence[PolicyFile],
    results: Sequence[ClinicResult],
    still_valid: StillValid,
    last_good: LastGood,
) -> None:
    """The steps of a cycle that acts."""
    resolved = resolve_policies(session, files, results, last_good)
    if not resolved:
        if files:
            follow_alone(session, files[0].timezone, max(file.openings.look_ahead for file in files))
        return
    keep_policies(session, resolved)

    clinics = sync(session, resolved)
    remember_asapcomms(session)
    if clinics:
        prune(session)
        follow_offers(session, clinics)

    for clinic in clinics:
        now = session.now(clinic.policy.timezone)
        openings = openings_now(session, clinic.policy, now)
        keep_free_time(session, clinic.policy, openings.free, now)
        clinic.settling = openings.settling
        lapse(session, clinic, now)
        _plan(session, clinic, openings, now)
        act_on_plan(session, clinic, still_valid)

    for clinic in clinics:
        prefetch(session, clinic)
    refresh_due(session)


def plan_cycle(
    session: OfficeSession, files: Sequence[PolicyFile], *, at: PlanTime | None = None
) -> list[ClinicResult]:
    """What a cycle would do by these policies, now or as if it were the time ``at``; nothing is changed anywhere.

    Raises:
        StoreError: the state cannot be read.
    """
    before = session.client.request_total
    results = _results(session, files)
    try:
        for clinic in sync(session, resolve_policies(session, files, results, lambda _: None)):
            now = session.now(clinic.policy.timezone)
            if at is not None:
                now = at.coming(now, clinic.policy.timezone)
                clinic.result.now, clinic.result.as_if = now.moment.astimezone(clinic.policy.timezone), True
            _plan(session, clinic, openings_now(session, clinic.policy, now), now)
    except OpenDentalError as error:
        _tell_failure(session, results, error)
    _count(session, results, before)
    return results


def _plan(session: OfficeSession, clinic: ServedClinic, openings: OpeningsNow, now: Now) -> None:
    """The candidates and the plan of one clinic, into its result."""
    plan = plan_clinic(session, clinic.policy, openings.found, now)
    clinic.result.found = openings.found
    clinic.result.skipped = list(plan.skipped)
    clinic.result.offers = [OfferLine(offer) for offer in plan.offers]
    if plan.mistakes:
        log.error(
            "plan.check_failed office=%s clinic=%d %s", session.office, clinic.policy.clinic, " | ".join(plan.mistakes)
        )
        clinic.result.errors.append(Trouble(CHECK_FAILED))


def _results(session: OfficeSession, files: Sequence[PolicyFile]) -> list[ClinicResult]:
    """A result for each policy, to be filled by the steps."""
    now, paused = session.clock.now(), is_paused(session.store, session.office)
    return [
        ClinicResult(
            session.office,
            last_served_clinic(session, file),
            file.mode,
            now.astimezone(file.timezone),
            paused=paused,
        )
        for file in files
    ]


def _tell_failure(session: OfficeSession, results: Sequence[ClinicResult], error: OpenDentalError) -> None:
    """The office could not be read: that concerns all of its clinics."""
    log.warning("office.failed office=%s error=%s", session.office, type(error).__name__)
    for result in results:
        result.errors.append(Trouble(str(error), code=error.code))


def _count(session: OfficeSession, results: Sequence[ClinicResult], requests_before: int) -> None:
    """What all clinics of the office share: its requests, and its rows that could not be read."""
    for result in results:
        result.requests = session.client.request_total - requests_before
        result.notes += session.mirror.problems
