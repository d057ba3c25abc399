"""Step: send. What the policy's mode says is done with a plan: shown, kept for a yes, or sent; and commlogs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from asapfill.clock import Now
from asapfill.core.limits import checker, may_text_now
from asapfill.core.offer import WORDS, IllegalStep, NewOffer, Offer, State
from asapfill.core.reasons import Reason
from asapfill.core.values import supports
from asapfill.cycle.candidates import others_contacts
from asapfill.cycle.plan import Limits, limits_of
from asapfill.cycle.recheck import Recheck, still_fits
from asapfill.cycle.results import OfferLine, ServedClinic, Trouble
from asapfill.cycle.session import OfficeSession
from asapfill.offers.commlogs import keep_commlogs
from asapfill.offers.journal import Held, Journal
from asapfill.offers.sending import send
from asapfill.policy.model import PolicyFile
from asapfill.store.offices import is_paused

log = logging.getLogger(__name__)

StillValid = Callable[[PolicyFile], bool]
"""Whether a policy file is still the one that was read: asked between two POSTs."""

_STOP_AFTER = frozenset({"wrong_key", "missing_permission", "throttled", "not_sent"})
"""Faults of the connection or the key: the offers after this one would meet the same."""


def lapse(session: OfficeSession, clinic: ServedClinic, now: Now) -> None:
    """Mode ``ask``: let those offers lapse that nobody should say yes to any more, or that must not be sent after all.

    That is: what the policy as it is now, the schedule or the candidate does not allow any more (the opening is taken,
    blocked or nearer than ``notice``; the patient left the ASAP list), and everything when the mode is not ask any
    more: its place and its patient are free for planning again. Judged by the mirror, with no request but for
    patients not read lately; what is sent is rechecked anyway.

    Raises OpenDentalError: a patient could not be read; nothing lapsed.
    """
    policy, journal = clinic.policy, session.journal
    waiting = [offer for offer in (*journal.waiting(), *journal.approved()) if offer.clinic == policy.clinic]
    # Who the patient is decides how long a recall takes, so those who were planned with must be known here too.
    session.mirror.read_patients({offer.patient for offer in waiting})
    office = session.mirror.office()
    for offer in waiting:
        reason = Reason("no_longer_wanted")
        if policy.mode == "ask":
            found = still_fits(offer.again(now.wall), office, policy, now, clinic.settling)
            if found is None:
                continue
            reason = found
        try:
            journal.step(offer.id, State.LAPSED, "no_longer_wanted")
        except IllegalStep:
            # A person answered just now; the next cycle looks again.
            continue
        log.info("offer.lapsed office=%s offer=%d because=%s", session.office, offer.id, reason.code)


def act_on_plan(session: OfficeSession, clinic: ServedClinic, still_valid: StillValid) -> None:
    """Do what the policy's mode says with the planned offers.

    Raises:
        OpenDentalError: the office could not be read, so nothing more is sent.
        StoreError: the state cannot be written.
    """
    policy, result, journal = clinic.policy, clinic.result, session.journal
    planned = [line.offer for line in result.offers]
    if policy.mode == "preview":
        result.offers = [OfferLine(offer, reason="preview") for offer in planned]
        return
    if policy.mode == "ask":
        # Afresh: planning may have read many patients, and an offer is kept with the time at which it was made.
        now = session.now(policy.timezone)
        limits = limits_of(session, policy, now)
        # The next wave for a place waits until somebody answered for the one before: approved together they were one.
        asked = [*journal.waiting(), *journal.approved()]
        waiting = [
            OfferLine(offer, reason="waiting_for_answers")
            if any(_same_time(offer, other) for other in asked)
            else _keep_waiting(journal, offer, limits, now)
            for offer in planned
        ]
        approved = [offer.again(now.wall) for offer in journal.approved() if offer.clinic == policy.clinic]
        result.offers = waiting + _send_all(session, clinic, approved, still_valid)
    else:
        result.offers = _send_all(session, clinic, planned, still_valid)
    if policy.commlog.write:
        _write_commlogs(session, clinic, still_valid)


def _same_time(offer: NewOffer, other: Offer) -> bool:
    """Whether two offers are for the same operatory and time that overlaps."""
    return offer.operatory == other.operatory and offer.start < other.end and other.start < offer.end


def _keep_waiting(journal: Journal, new: NewOffer, limits: Limits, now: Now) -> OfferLine:
    """An offer that waits for a person's yes."""
    check = checker(new, limits.others, limits.policy.texts, now.wall, office_limit=limits.office_limit)
    try:
        offer = journal.wait(new, check=check)
    except Held as held:
        return OfferLine(new, reason=held.reason.code)
    return OfferLine(new, state="waiting", id=offer.id)


def _send_all(
    session: OfficeSession, clinic: ServedClinic, offers: Iterable[NewOffer], still_valid: StillValid
) -> list[OfferLine]:
    """Send one offer after the other; after a fault that the next would meet too, the rest waits for the next cycle."""
    recheck = Recheck(session, clinic.policy, clinic.settling)
    lines: list[OfferLine] = []
    halted: str | None = None
    for new in offers:
        if halted is not None:
            lines.append(OfferLine(new, reason=halted))
            continue
        line = _send_one(session, clinic, new, recheck, still_valid)
        lines.append(line)
        if line.state == "unknown" or line.reason in _STOP_AFTER:
            halted = line.reason
            clinic.result.errors.append(Trouble(_halt_sentence(line), code=line.reason or "no_answer"))
    return lines


def _send_one(
    session: OfficeSession, clinic: ServedClinic, new: NewOffer, recheck: Recheck, still_valid: StillValid
) -> OfferLine:
    policy = clinic.policy
    begun = session.now(policy.timezone)
    limits = limits_of(session, policy, begun)

    def may_go_on() -> Reason | None:
        reason = _held_up(session, clinic, still_valid)
        # The clock, asked afresh each time, and the office's: they may be minutes apart.
        for skew in (timedelta(0), session.mirror.skew or timedelta(0)):
            now = session.clock.now() + skew
            reason = reason or may_text_now(policy.texts, limits.office_window, new.start, now, policy.timezone)
        return reason

    def check(offers: Sequence[Offer]) -> Reason | None:
        # After the recheck, which has read everybody's offers anew.
        others = others_contacts(session, begun)
        return checker(new, others, policy.texts, begun.wall, office_limit=limits.office_limit)(offers)

    with session.client.purpose("send"):
        outcome = send(
            new,
            journal=session.journal,
            api=session.client,
            check=check,
            look_again=lambda: recheck(new),
            may_go_on=may_go_on,
        )
    if isinstance(outcome, Reason):
        log.info(
            "offer.held office=%s %s=%d op=%d start=%s reason=%s",
            session.office, new.logged_as, new.number, new.operatory,
            new.start.isoformat(timespec="minutes"), outcome.code,
        )  # fmt: skip
        return OfferLine(new, reason=outcome.code)
    return OfferLine(new, WORDS[outcome.state].once, outcome.asapcomm, outcome.reason, outcome.id)


def _held_up(session: OfficeSession, clinic: ServedClinic, still_valid: StillValid) -> Reason | None:
    """Whether a person or the system wants us to stop: asked between two POSTs."""
    if session.stop.is_set():
        return Reason("stopping")
    if is_paused(session.store, session.office):
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


def _write_commlogs(session: OfficeSession, clinic: ServedClinic, still_valid: StillValid) -> None:
    """Note offers and outcomes in the charts."""
    policy = clinic.policy
    now = session.now(policy.timezone)
    with session.client.purpose("commlogs"):
        error = keep_commlogs(
            session.journal,
            session.client,
            clinic=policy.clinic,
            comm_type=policy.commlog.type,
            now=now.wall,
            may_update=supports(session.mirror.read_names(now.moment).version, "commlogs PUT"),
            may_go_on=lambda: _held_up(session, clinic, still_valid),
            second_entry=policy.commlog.second_entry,
        )
    if error is not None:
        clinic.result.errors.append(Trouble(f"Commlogs could not be written: {error}", code="commlogs"))
