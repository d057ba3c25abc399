"""One cycle of one office: sync → openings → candidates → plan → send → follow, each step a function of another module.

A cycle may be killed anywhere and run again. It raises nothing for what an office, its rows or a person's policy can
do: those become ``errors`` of the result, and the other offices go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from asapfill.clock import office_now
from asapfill.core.errors import Problem
from asapfill.core.offer import CLOCKS_MAY_DIFFER
from asapfill.core.office import labels_of
from asapfill.core.policy import Policy
from asapfill.core.values import MINIMUM, supports
from asapfill.cycle.finish import keep_figures, keep_up, write_down
from asapfill.cycle.follow import find_out, follow_alone
from asapfill.cycle.lapse import let_lapse
from asapfill.cycle.openings import openings_now
from asapfill.cycle.plan import plan_clinic
from asapfill.cycle.prefetch import rehearse
from asapfill.cycle.results import CLOCK_OFF, POLICY, AsIf, Clinic, ClinicResult, OfferLine, StillValid, Trouble
from asapfill.cycle.send import act_on_plan
from asapfill.cycle.session import OfficeSession
from asapfill.offers.journal import Journal
from asapfill.offers.reconcile import give_up
from asapfill.opendental.errors import OpenDentalError, TooOld
from asapfill.policy.in_force import LastGood, in_force
from asapfill.policy.model import PolicyFile
from asapfill.policy.resolve import claimed_twice, clinic_of
from asapfill.store.care import forget_old
from asapfill.store.cycles import forget_ticks, record_tick
from asapfill.store.offices import KnownOffice, keep_office, keep_policy, kept_policies

log = logging.getLogger(__name__)

NAMES_DOUBTED = timedelta(minutes=5)
"""A name that the office did not have then may have been given to something since."""

TIDIED_FOR = 86_400.0
"""Seconds from one tidying of the state to the next."""


def run_cycle(
    session: OfficeSession,
    files: Sequence[PolicyFile],
    *,
    act: bool,
    still_valid: StillValid = lambda _: True,
    last_good: LastGood = lambda _: None,
    at: AsIf | None = None,
) -> list[ClinicResult]:
    """Serve one office once, by its policies (one per clinic).

    ``act`` False: only look and plan; neither the office nor the state is changed. ``still_valid``: asked between two
    POSTs whether a policy is still the one in force. ``last_good``: the version that stays in force while a file names
    what the office does not have. ``at``: plan as if it were then; only where nothing is done.

    Raises:
        StoreError: the state cannot be read or written; nothing more is sent.
    """
    if act and at is not None:
        raise ValueError("what is done is done now")
    before = session.client.requests.copy()
    results = [
        ClinicResult(
            session.office, _clinic_before(session, file), file.mode, session.clock.now().astimezone(file.timezone)
        )
        for file in files
    ]
    try:
        _serve(session, files, results, act=act, still_valid=still_valid, last_good=last_good, at=at)
    except OpenDentalError as error:
        log.warning("office.failed office=%s error=%s", session.office, type(error).__name__)
        if act and session.journal is not None:
            give_up(session.journal, session.clock)
        for result in results:
            result.errors.append(Trouble(str(error), code=error.code))
    for result in results:
        result.requests = session.client.request_total - before.total()
        result.notes += session.mirror.problems
        if act and session.store is not None and not (session.stop.is_set() and result.errors):
            record_tick(
                session.store,
                session.office,
                result.clinic,
                ok=result.served,
                requests=result.requests,
                problems=[trouble.message for trouble in result.errors],
                codes=[trouble.code for trouble in result.errors],
            )
    if act and session.store is not None:
        forget_ticks(session.store, session.office, {result.clinic for result in results})
        keep_figures(session, results)
        write_down(session, before)
    return results


def _clinic_before(session: OfficeSession, file: PolicyFile) -> int:
    """The clinic that the file was last served for: until the office tells, and when it does not."""
    kept = kept_policies(session.store, session.office) if session.store is not None else ()
    return next((row.clinic for row in kept if row.office == session.office and row.file == file.source.path.name), 0)


def _serve(
    session: OfficeSession,
    files: Sequence[PolicyFile],
    results: Sequence[ClinicResult],
    *,
    act: bool,
    still_valid: StillValid,
    last_good: LastGood,
    at: AsIf | None,
) -> None:
    """The cycle itself, in the order of the words."""
    clinics = _resolve(session, files, results, last_good)
    if not clinics:
        if act and files:
            follow_alone(session, files[0].timezone, max(file.openings.look_ahead for file in files))
        return
    if act and session.store is not None:
        keep_office(session.store, session.office, KnownOffice(clinics[0].policy.timezone, clinics[0].result.labels))
        for clinic in clinics:
            source = clinic.file.source
            keep_policy(session.store, session.office, clinic.policy.clinic, source.path.name, source.text)
    clinics = _sync(session, clinics)
    if act and clinics:
        _tidy(session)
    if act and session.journal is not None:
        _follow(session, session.journal, clinics)
    for clinic in clinics:
        _plan(session, clinic, act=act, at=at)
        if act and session.journal is not None:
            act_on_plan(session, session.journal, clinic, still_valid)
    if act:
        _afterwards(session, clinics)


def _afterwards(session: OfficeSession, clinics: Sequence[Clinic]) -> None:
    """What need not be done before a text goes out: read whom the next cycles may ask, and what is due to be read."""
    for clinic in clinics:
        rehearse(session, clinic.policy, clinic.young, session.clock.now())
    keep_up(session)


def _resolve(
    session: OfficeSession, files: Sequence[PolicyFile], results: Sequence[ClinicResult], last_good: LastGood
) -> list[Clinic]:
    """The policies whose names the office has; the others get an error that a person can act on."""
    names = session.mirror.read_names(session.clock.now())
    if not supports(names.version, "asapcomms"):
        raise TooOld(
            f"Office {session.office} runs Open Dental {'.'.join(map(str, names.version or ()))}; offers need "
            f"{'.'.join(map(str, MINIMUM['asapcomms']))} or later. Update Open Dental. Nothing was sent."
        )
    if not any(not row.is_hidden for row in names.operatories):
        for result in results:
            result.notes.append("The office has no visible operatory, so there is nothing to fill.")
    labels = labels_of(names.operatories, names.providers, names.clinics)
    clinics = []
    for file, result in zip(files, results, strict=True):
        result.labels = labels
        written, policy, problems = _in_force(session, file, last_good)
        result.errors += [Trouble(str(problem), configuration=True, code=POLICY) for problem in problems]
        if policy is None:
            result.clinic = clinic_of(file, session.mirror.read_names(session.clock.now())) or result.clinic
        else:
            result.clinic, result.policy, result.mode = policy.clinic, policy, policy.mode
            clinics.append(Clinic(written, policy, result))
    doubles = claimed_twice((clinic.file, clinic.policy) for clinic in clinics)
    for clinic in clinics:
        mine = [problem for problem in doubles if problem.file == clinic.file.source.path]
        clinic.result.errors += [Trouble(str(problem), configuration=True, code=POLICY) for problem in mine]
    refused = {problem.file for problem in doubles}
    return [clinic for clinic in clinics if clinic.file.source.path not in refused]


def _in_force(
    session: OfficeSession, file: PolicyFile, last_good: LastGood
) -> tuple[PolicyFile, Policy | None, tuple[Problem, ...]]:
    """The version of a policy file that is in force; the office's lists are read anew before a name is called wrong."""
    now = session.clock.now()
    found = in_force(file, session.mirror.read_names(now), last_good)
    if not found[2]:
        return found
    return in_force(file, session.mirror.read_names(now, kept=NAMES_DOUBTED), last_good)


def _sync(session: OfficeSession, clinics: list[Clinic]) -> list[Clinic]:
    """Bring the mirror up to date; clinics whose clock disagrees with the office's are not served."""
    first = clinics[0].policy
    wall = office_now(session.clock.now(), first.timezone)
    numbers = [clinic.policy.clinic for clinic in clinics if clinic.policy.clinic]
    following = session.journal is not None and bool(session.journal.live())
    waiting = following and session.journal is not None and bool(session.journal.waiting())
    look_ahead = max(clinic.policy.openings.look_ahead for clinic in clinics)
    session.mirror.refresh(wall, look_ahead, numbers, following=following, waiting=waiting)
    if session.journal is not None and session.store is not None and not session.store.read_only:
        session.journal.saw(row.asap_comm_num for row in session.mirror.asapcomms if row.asap_comm_num)
    skew = session.mirror.skew
    return [clinic for clinic in clinics if skew is None or _same_clock(clinic, wall + skew, session.clock.now())]


def _tidy(session: OfficeSession) -> None:
    """Once a day, forget what is too old to matter."""
    now = session.clock.monotonic()
    if session.store is not None and now - session.tidied > TIDIED_FOR:
        gone = forget_old(session.store, session.office)
        session.tidied = now
        if gone:
            log.info("state.forgot office=%s offers=%d", session.office, gone)


def _same_clock(clinic: Clinic, server: datetime, now: datetime) -> bool:
    ahead = server - office_now(now, clinic.policy.timezone)
    if abs(ahead) <= CLOCKS_MAY_DIFFER:
        return True
    minutes = round(ahead.total_seconds() / 60)
    clinic.result.errors.append(
        Trouble(
            f"The office's clock is {abs(minutes)} minutes {'ahead of' if minutes > 0 else 'behind'} ours in "
            f"{clinic.policy.timezone.key}, so nothing is sent. Check `timezone` in {clinic.file.source.path.name} "
            "and the clocks of both machines.",
            code=CLOCK_OFF,
        )
    )
    return False


def _follow(session: OfficeSession, journal: Journal, clinics: list[Clinic]) -> None:
    """Find out what is not clear, and what became of the rest."""
    if not clinics:
        return
    followed, unclear = find_out(session, journal, clinics[0].policy.timezone)
    for clinic in clinics:
        clinic.result.notes += followed.problems
        if unclear.error is not None:
            clinic.result.errors.append(Trouble(str(unclear.error), code=unclear.error.code))


def _plan(session: OfficeSession, clinic: Clinic, *, act: bool, at: AsIf | None) -> None:
    """Find the openings and plan the offers of one clinic."""
    now = session.clock.now()
    if at is not None:
        now = at.moment(now, clinic.policy.timezone)
        clinic.result.now, clinic.result.as_if = now.astimezone(clinic.policy.timezone), True
    found, clinic.young = openings_now(session, clinic.policy, now, keep=act)
    if act and session.journal is not None:
        let_lapse(session, session.journal, clinic.policy, clinic.young)
    plan = plan_clinic(session, clinic.policy, found, now)
    clinic.result.found = found
    clinic.result.skipped = list(plan.skipped)
    clinic.planned = plan.offers
    clinic.result.offers = [OfferLine(offer) for offer in plan.offers]
