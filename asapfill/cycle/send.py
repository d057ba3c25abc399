"""Doing what the policy's mode says with a plan: only showing it, asking a person, sending; and noting it in charts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from asapfill.clock import office_now
from asapfill.core.limits import checker, may_text_now
from asapfill.core.offer import NewOffer, Offer, said
from asapfill.core.reasons import Reason
from asapfill.core.values import supports
from asapfill.cycle.plan import Limits, limits_of
from asapfill.cycle.recheck import Look
from asapfill.cycle.results import Clinic, OfferLine, StillValid, Trouble
from asapfill.cycle.session import OfficeSession
from asapfill.offers.commlogs import keep_commlogs
from asapfill.offers.journal import Held, Journal
from asapfill.offers.sending import send
from asapfill.store.offices import is_paused

log = logging.getLogger(__name__)

_STOP_AFTER = frozenset({"wrong_key", "missing_permission", "throttled", "not_sent"})
"""Faults of the connection or the key: the offers after this one would meet the same."""


def act_on_plan(session: OfficeSession, journal: Journal, clinic: Clinic, still_valid: StillValid) -> None:
    """Do what the policy's mode says with the plan."""
    policy = clinic.policy
    if policy.mode == "preview":
        clinic.result.offers = [OfferLine(offer, reason="preview") for offer in clinic.planned]
        return
    wall = office_now(session.clock.now(), policy.timezone)
    if policy.mode == "ask":
        limits = limits_of(session, policy, wall)
        # The next wave waits until somebody answered for the one before: approved together they would be one.
        asked = {offer.opening for offer in (*journal.waiting(), *journal.approved())}
        waiting = [
            OfferLine(offer, reason="waiting_for_answers")
            if offer.opening in asked
            else _keep_waiting(journal, offer, limits, wall)
            for offer in clinic.planned
        ]
        approved = [offer.again(wall) for offer in journal.approved() if offer.clinic == policy.clinic]
        clinic.result.offers = waiting + _send_all(session, journal, clinic, approved, still_valid)
    else:
        clinic.result.offers = _send_all(session, journal, clinic, clinic.planned, still_valid)
    if policy.commlog.write:
        _write_commlogs(session, journal, clinic, still_valid)


def _keep_waiting(journal: Journal, new: NewOffer, limits: Limits, wall: datetime) -> OfferLine:
    """An offer that waits for a person's yes."""
    check = checker(new, limits.others, limits.policy.texts, wall, office_limit=limits.office_limit)
    try:
        offer = journal.wait(new, check=check)
    except Held as held:
        return OfferLine(new, reason=held.reason.code)
    return OfferLine(new, state="waiting", id=offer.id)


def _send_all(
    session: OfficeSession, journal: Journal, clinic: Clinic, offers: Iterable[NewOffer], still_valid: StillValid
) -> list[OfferLine]:
    """Send one offer after the other; after a fault that the next would meet too, the rest waits for the next cycle."""
    look = Look(session, journal, clinic.policy, clinic.young)
    lines: list[OfferLine] = []
    halted: str | None = None
    for new in offers:
        if halted is not None:
            lines.append(OfferLine(new, reason=halted))
            continue
        line = _send_one(session, journal, clinic, new, look, still_valid)
        lines.append(line)
        if line.state == "unknown" or line.reason in _STOP_AFTER:
            halted = line.reason
            clinic.result.errors.append(Trouble(_halt_sentence(line), code=line.reason or "no_answer"))
    return lines


def _send_one(
    session: OfficeSession, journal: Journal, clinic: Clinic, new: NewOffer, look: Look, still_valid: StillValid
) -> OfferLine:
    policy = clinic.policy
    wall = office_now(session.clock.now(), policy.timezone)
    limits = limits_of(session, policy, wall)

    def may_go_on() -> Reason | None:
        reason = _held_up(session, clinic, still_valid)
        # By our clock and by the office's: they may be minutes apart.
        for skew in (timedelta(0), session.mirror.skew or timedelta(0)):
            now = session.clock.now() + skew
            reason = reason or may_text_now(policy.texts, limits.office_window, new.start, now, policy.timezone)
        return reason

    def check(offers: Sequence[Offer]) -> Reason | None:
        # After the look, which has read everybody's offers anew.
        others = limits_of(session, policy, wall).others
        return checker(new, others, policy.texts, wall, office_limit=limits.office_limit)(offers)

    with session.client.purpose("send"):
        outcome = send(
            new,
            journal=journal,
            api=session.client,
            check=check,
            look_again=lambda: look(new),
            may_go_on=may_go_on,
        )
    if isinstance(outcome, Reason):
        log.info(
            "offer.held office=%s %s=%d op=%d start=%s reason=%s",
            session.office, new.logged_as, new.number, new.operatory,
            new.start.isoformat(timespec="minutes"), outcome.code,
        )  # fmt: skip
        return OfferLine(new, reason=outcome.code)
    return OfferLine(new, said(outcome.state), outcome.asapcomm, outcome.reason, outcome.id)


def _held_up(session: OfficeSession, clinic: Clinic, still_valid: StillValid) -> Reason | None:
    """Whether a person or the system wants us to stop: asked between two POSTs."""
    if session.stop.is_set():
        return Reason("stopping")
    if session.store is not None and is_paused(session.store, session.office):
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


def _write_commlogs(session: OfficeSession, journal: Journal, clinic: Clinic, still_valid: StillValid) -> None:
    """Note offers and outcomes in the charts."""
    policy = clinic.policy
    with session.client.purpose("commlogs"):
        error = keep_commlogs(
            journal,
            session.client,
            clinic=policy.clinic,
            comm_type=policy.commlog.type,
            now=office_now(session.clock.now(), policy.timezone),
            may_update=supports(session.mirror.read_names(session.clock.now()).version, "commlogs PUT"),
            may_go_on=lambda: _held_up(session, clinic, still_valid),
            second_entry=policy.commlog.second_entry,
        )
    if error is not None:
        clinic.result.errors.append(Trouble(f"Commlogs could not be written: {error}", code="commlogs"))
