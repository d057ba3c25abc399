"""One cycle of one office: sync → openings → candidates → plan → send → follow, each step a function of another module.

A cycle may be killed anywhere and run again. It raises nothing for what an office, its rows or a person's policy can
do: those become ``errors`` of the result, and the other offices go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asapfill.clock import office_now
from asapfill.labels import labels_of
from asapfill.mirror.names import Names
from asapfill.notices.codes import CLOCK_OFF, POLICY, code_of
from asapfill.offers.commlogs import keep_commlogs
from asapfill.offers.journal import Held, Journal
from asapfill.offers.offer import CLOCKS_MAY_DIFFER, NewOffer, Offer
from asapfill.offers.reconcile import give_up
from asapfill.offers.sending import send
from asapfill.offers.states import said
from asapfill.opendental.errors import OpenDentalError, TooOld
from asapfill.opendental.versions import MINIMUM, supports
from asapfill.planning.limits import checker, may_text_now
from asapfill.policy.model import PolicyFile
from asapfill.policy.names import OfficeNames, claimed_twice, clinic_of
from asapfill.policy.policy import Policy
from asapfill.problems import Problem
from asapfill.reasons import Reason
from asapfill.service.as_if import AsIf
from asapfill.service.desk import Desk
from asapfill.service.figures import keep_figures
from asapfill.service.free import Young, openings_now
from asapfill.service.look import Look
from asapfill.service.outcomes import find_out, follow_alone
from asapfill.service.policies import LastGood, in_force
from asapfill.service.rehearsal import rehearse
from asapfill.service.results import ClinicResult, OfferLine, Trouble
from asapfill.service.situation import Limits, limits_of, plan_clinic
from asapfill.service.upkeep import keep_up, write_down
from asapfill.service.waiting import let_lapse
from asapfill.store.care import forget_old
from asapfill.store.offices import KnownOffice, keep_office
from asapfill.store.pause import is_paused
from asapfill.store.policies import keep_policy, kept_policies
from asapfill.store.ticks import forget_ticks, record_tick

log = logging.getLogger(__name__)

_STOP_AFTER = frozenset({"wrong_key", "missing_permission", "throttled", "not_sent"})
"""Faults of the connection or the key: the offers after this one would meet the same."""

NAMES_DOUBTED = timedelta(minutes=5)
"""A name that the office did not have then may have been given to something since."""

TIDIED_FOR = 86_400.0
"""Seconds from one tidying of the state to the next."""

StillValid = Callable[[PolicyFile], bool]


@dataclass(slots=True)
class Clinic:
    """One clinic on its way through a cycle: its policy as written and as resolved, and what comes of it."""

    file: PolicyFile
    policy: Policy
    result: ClinicResult
    planned: tuple[NewOffer, ...] = ()
    young: Young = field(default_factory=dict)


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
            result.errors.append(Trouble(str(error), code=code_of(error)))
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
            _act(desk, desk.journal, clinic, still_valid)
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
            clinic.result.errors.append(Trouble(str(unclear.error), code=code_of(unclear.error)))


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


def _act(desk: Desk, journal: Journal, clinic: Clinic, still_valid: StillValid) -> None:
    """Do what the policy's mode says with the plan."""
    policy = clinic.policy
    if policy.mode == "preview":
        clinic.result.offers = [OfferLine(offer, reason="preview") for offer in clinic.planned]
        return
    wall = office_now(desk.clock.now(), policy.timezone)
    if policy.mode == "ask":
        limits = limits_of(desk, policy, wall)
        # The next wave waits until somebody answered for the one before: approved together they would be one.
        asked = {offer.opening for offer in (*journal.waiting(), *journal.approved())}
        waiting = [
            OfferLine(offer, reason="waiting_for_answers")
            if offer.opening in asked
            else _keep_waiting(journal, offer, limits, wall)
            for offer in clinic.planned
        ]
        approved = [offer.again(wall) for offer in journal.approved() if offer.clinic == policy.clinic]
        clinic.result.offers = waiting + _send_all(desk, journal, clinic, approved, still_valid)
    else:
        clinic.result.offers = _send_all(desk, journal, clinic, clinic.planned, still_valid)
    if policy.commlog.write:
        _write_commlogs(desk, journal, clinic, still_valid)


def _keep_waiting(journal: Journal, new: NewOffer, limits: Limits, wall: datetime) -> OfferLine:
    """An offer that waits for a person's yes."""
    check = checker(new, limits.others, limits.policy.texts, wall, office_limit=limits.office_limit)
    try:
        offer = journal.wait(new, check=check)
    except Held as held:
        return OfferLine(new, reason=held.reason.code)
    return OfferLine(new, state="waiting", id=offer.id)


def _send_all(
    desk: Desk, journal: Journal, clinic: Clinic, offers: Iterable[NewOffer], still_valid: StillValid
) -> list[OfferLine]:
    """Send one offer after the other; after a fault that the next would meet too, the rest waits for the next cycle."""
    look = Look(desk, journal, clinic.policy, clinic.young)
    lines: list[OfferLine] = []
    halted: str | None = None
    for new in offers:
        if halted is not None:
            lines.append(OfferLine(new, reason=halted))
            continue
        line = _send_one(desk, journal, clinic, new, look, still_valid)
        lines.append(line)
        if line.state == "unknown" or line.reason in _STOP_AFTER:
            halted = line.reason
            clinic.result.errors.append(Trouble(_halt_sentence(line), code=line.reason or "no_answer"))
    return lines


def _send_one(
    desk: Desk, journal: Journal, clinic: Clinic, new: NewOffer, look: Look, still_valid: StillValid
) -> OfferLine:
    policy = clinic.policy
    wall = office_now(desk.clock.now(), policy.timezone)
    limits = limits_of(desk, policy, wall)

    def may_go_on() -> Reason | None:
        reason = _held_up(desk, clinic, still_valid)
        # By our clock and by the office's: they may be minutes apart.
        for skew in (timedelta(0), desk.mirror.skew or timedelta(0)):
            now = desk.clock.now() + skew
            reason = reason or may_text_now(policy.texts, limits.office_window, new.start, now, policy.timezone)
        return reason

    def check(offers: Sequence[Offer]) -> Reason | None:
        # After the look, which has read everybody's offers anew.
        others = limits_of(desk, policy, wall).others
        return checker(new, others, policy.texts, wall, office_limit=limits.office_limit)(offers)

    with desk.client.purpose("send"):
        outcome = send(
            new,
            journal=journal,
            api=desk.client,
            check=check,
            look_again=lambda: look(new),
            may_go_on=may_go_on,
        )
    if isinstance(outcome, Reason):
        log.info(
            "offer.held office=%s %s=%d op=%d start=%s reason=%s",
            desk.office, new.logged_as, new.number, new.operatory,
            new.start.isoformat(timespec="minutes"), outcome.code,
        )  # fmt: skip
        return OfferLine(new, reason=outcome.code)
    return OfferLine(new, said(outcome.state), outcome.asapcomm, outcome.reason, outcome.id)


def _held_up(desk: Desk, clinic: Clinic, still_valid: StillValid) -> Reason | None:
    """Whether a person or the system wants us to stop: asked between two POSTs."""
    if desk.stop.is_set():
        return Reason("stopping")
    if desk.store is not None and is_paused(desk.store, desk.office):
        return Reason("paused")
    return None if still_valid(clinic.file) else Reason("policy_changed")


def _halt_sentence(line: OfferLine) -> str:
    if line.state == "unknown":
        return (
            f"Open Dental gave no clear answer to an offer for {line.offer.kind} {line.offer.number}; it may or may "
            "not go out. Nothing more is sent in this cycle, and nothing to that person and place until it is known."
        )
    return _HALTED[line.reason or "not_sent"]


_HALTED = {
    "wrong_key": "Open Dental refused the key, so nothing was sent. Check the developer and customer key.",
    "missing_permission": "The key may not post offers: it lacks TextingASAP. Nothing was sent. Ask Open Dental.",
    "throttled": "Open Dental asked us to slow down, so the other offers wait. Does another program use the key?",
    "not_sent": "The office could not be reached, so nothing was sent. It is tried again.",
}


def _write_commlogs(desk: Desk, journal: Journal, clinic: Clinic, still_valid: StillValid) -> None:
    """Note offers and outcomes in the charts."""
    policy = clinic.policy
    with desk.client.purpose("commlogs"):
        error = keep_commlogs(
            journal,
            desk.client,
            clinic=policy.clinic,
            comm_type=policy.commlog.type,
            now=office_now(desk.clock.now(), policy.timezone),
            may_update=supports(desk.mirror.read_names(desk.clock.now()).version, "commlogs PUT"),
            may_go_on=lambda: _held_up(desk, clinic, still_valid),
            second_entry=policy.commlog.second_entry,
        )
    if error is not None:
        clinic.result.errors.append(Trouble(f"Commlogs could not be written: {error}", code="commlogs"))
