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
from asapfill.cycle.session import Desk
from asapfill.mirror.names import Names
from asapfill.offers.journal import Journal
from asapfill.offers.reconcile import give_up
from asapfill.opendental.errors import OpenDentalError, TooOld
from asapfill.policy.in_force import LastGood, in_force
from asapfill.policy.model import PolicyFile
from asapfill.policy.names import OfficeNames, claimed_twice, clinic_of
from asapfill.store.care import forget_old
from asapfill.store.cycles import forget_ticks, record_tick
from asapfill.store.offices import KnownOffice, keep_office, keep_policy, kept_policies

log = logging.getLogger(__name__)

NAMES_DOUBTED = timedelta(minutes=5)
"""A name that the office did not have then may have been given to something since."""

TIDIED_FOR = 86_400.0
"""Seconds from one tidying of the state to the next."""


def run_cycle(
    desk: Desk,
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
    before = desk.client.requests.copy()
    results = [
        ClinicResult(desk.office, _clinic_before(desk, file), file.mode, desk.clock.now().astimezone(file.timezone))
        for file in files
    ]
    try:
        _serve(desk, files, results, act=act, still_valid=still_valid, last_good=last_good, at=at)
    except OpenDentalError as error:
        log.warning("office.failed office=%s error=%s", desk.office, type(error).__name__)
        if act and desk.journal is not None:
            give_up(desk.journal, desk.clock)
        for result in results:
            result.errors.append(Trouble(str(error), code=error.code))
    for result in results:
        result.requests = desk.client.request_total - before.total()
        result.notes += desk.mirror.problems
        if act and desk.store is not None and not (desk.stop.is_set() and result.errors):
            record_tick(
                desk.store,
                desk.office,
                result.clinic,
                ok=result.served,
                requests=result.requests,
                problems=[trouble.message for trouble in result.errors],
                codes=[trouble.code for trouble in result.errors],
            )
    if act and desk.store is not None:
        forget_ticks(desk.store, desk.office, {result.clinic for result in results})
        keep_figures(desk, results)
        write_down(desk, before)
    return results


def _clinic_before(desk: Desk, file: PolicyFile) -> int:
    """The clinic that the file was last served for: until the office tells, and when it does not."""
    kept = kept_policies(desk.store, desk.office) if desk.store is not None else ()
    return next((row.clinic for row in kept if row.office == desk.office and row.file == file.source.path.name), 0)


def _serve(
    desk: Desk,
    files: Sequence[PolicyFile],
    results: Sequence[ClinicResult],
    *,
    act: bool,
    still_valid: StillValid,
    last_good: LastGood,
    at: AsIf | None,
) -> None:
    """The cycle itself, in the order of the words."""
    clinics = _resolve(desk, files, results, last_good)
    if not clinics:
        if act and files:
            follow_alone(desk, files[0].timezone, max(file.openings.look_ahead for file in files))
        return
    if act and desk.store is not None:
        keep_office(desk.store, desk.office, KnownOffice(clinics[0].policy.timezone, clinics[0].result.labels))
        for clinic in clinics:
            source = clinic.file.source
            keep_policy(desk.store, desk.office, clinic.policy.clinic, source.path.name, source.text)
    clinics = _sync(desk, clinics)
    if act and clinics:
        _tidy(desk)
    if act and desk.journal is not None:
        _follow(desk, desk.journal, clinics)
    for clinic in clinics:
        _plan(desk, clinic, act=act, at=at)
        if act and desk.journal is not None:
            act_on_plan(desk, desk.journal, clinic, still_valid)
    if act:
        _afterwards(desk, clinics)


def _afterwards(desk: Desk, clinics: Sequence[Clinic]) -> None:
    """What need not be done before a text goes out: read whom the next cycles may ask, and what is due to be read."""
    for clinic in clinics:
        rehearse(desk, clinic.policy, clinic.young, desk.clock.now())
    keep_up(desk)


def _resolve(
    desk: Desk, files: Sequence[PolicyFile], results: Sequence[ClinicResult], last_good: LastGood
) -> list[Clinic]:
    """The policies whose names the office has; the others get an error that a person can act on."""
    names = desk.mirror.read_names(desk.clock.now())
    if not supports(names.version, "asapcomms"):
        raise TooOld(
            f"Office {desk.office} runs Open Dental {'.'.join(map(str, names.version or ()))}; offers need "
            f"{'.'.join(map(str, MINIMUM['asapcomms']))} or later. Update Open Dental. Nothing was sent."
        )
    if not any(not row.is_hidden for row in names.operatories):
        for result in results:
            result.notes.append("The office has no visible operatory, so there is nothing to fill.")
    labels = labels_of(names.operatories, names.providers, names.clinics)
    clinics = []
    for file, result in zip(files, results, strict=True):
        result.labels = labels
        written, policy, problems = _in_force(desk, file, last_good)
        result.errors += [Trouble(str(problem), configuration=True, code=POLICY) for problem in problems]
        if policy is None:
            result.clinic = clinic_of(file, office_names(desk.mirror.read_names(desk.clock.now()))) or result.clinic
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
    desk: Desk, file: PolicyFile, last_good: LastGood
) -> tuple[PolicyFile, Policy | None, tuple[Problem, ...]]:
    """The version of a policy file that is in force; the office's lists are read anew before a name is called wrong."""
    now = desk.clock.now()
    found = in_force(file, office_names(desk.mirror.read_names(now)), last_good)
    if not found[2]:
        return found
    return in_force(file, office_names(desk.mirror.read_names(now, kept=NAMES_DOUBTED)), last_good)


def office_names(names: Names) -> OfficeNames:
    """The office's lists as policies look names up in them."""
    return OfficeNames(
        operatories=names.operatories,
        providers=names.providers,
        blockout_types=names.blockout_types,
        commlog_types=names.commlog_types,
        clinics=names.clinics,
    )


def _sync(desk: Desk, clinics: list[Clinic]) -> list[Clinic]:
    """Bring the mirror up to date; clinics whose clock disagrees with the office's are not served."""
    first = clinics[0].policy
    wall = office_now(desk.clock.now(), first.timezone)
    numbers = [clinic.policy.clinic for clinic in clinics if clinic.policy.clinic]
    following = desk.journal is not None and bool(desk.journal.live())
    waiting = following and desk.journal is not None and bool(desk.journal.waiting())
    look_ahead = max(clinic.policy.openings.look_ahead for clinic in clinics)
    desk.mirror.refresh(wall, look_ahead, numbers, following=following, waiting=waiting)
    if desk.journal is not None and desk.store is not None and not desk.store.read_only:
        desk.journal.saw(row.asap_comm_num for row in desk.mirror.asapcomms if row.asap_comm_num)
    skew = desk.mirror.skew
    return [clinic for clinic in clinics if skew is None or _same_clock(clinic, wall + skew, desk.clock.now())]


def _tidy(desk: Desk) -> None:
    """Once a day, forget what is too old to matter."""
    now = desk.clock.monotonic()
    if desk.store is not None and now - desk.tidied > TIDIED_FOR:
        gone = forget_old(desk.store, desk.office)
        desk.tidied = now
        if gone:
            log.info("state.forgot office=%s offers=%d", desk.office, gone)


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


def _follow(desk: Desk, journal: Journal, clinics: list[Clinic]) -> None:
    """Find out what is not clear, and what became of the rest."""
    if not clinics:
        return
    followed, unclear = find_out(desk, journal, clinics[0].policy.timezone)
    for clinic in clinics:
        clinic.result.notes += followed.problems
        if unclear.error is not None:
            clinic.result.errors.append(Trouble(str(unclear.error), code=unclear.error.code))


def _plan(desk: Desk, clinic: Clinic, *, act: bool, at: AsIf | None) -> None:
    """Find the openings and plan the offers of one clinic."""
    now = desk.clock.now()
    if at is not None:
        now = at.moment(now, clinic.policy.timezone)
        clinic.result.now, clinic.result.as_if = now.astimezone(clinic.policy.timezone), True
    found, clinic.young = openings_now(desk, clinic.policy, now, keep=act)
    if act and desk.journal is not None:
        let_lapse(desk, desk.journal, clinic.policy, clinic.young)
    plan = plan_clinic(desk, clinic.policy, found, now)
    clinic.result.found = found
    clinic.result.skipped = list(plan.skipped)
    clinic.planned = plan.offers
    clinic.result.offers = [OfferLine(offer) for offer in plan.offers]
