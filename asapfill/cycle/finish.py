"""Step: finish. What need not be done before a text: reading ahead, figures for the report, the upkeep of the state."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from asapfill.core.openings import find_openings, still_settling
from asapfill.core.rows import AptStatus
from asapfill.core.schedule import appointment_span
from asapfill.core.units import moment_of
from asapfill.cycle.openings import free_time_before
from asapfill.cycle.plan import plan_clinic
from asapfill.cycle.recheck import PATIENT_GOOD_FOR
from asapfill.cycle.results import ClinicResult, ServedClinic
from asapfill.cycle.session import OfficeSession
from asapfill.store.care import forget_old
from asapfill.store.cycles import (
    HELD,
    DayCounts,
    LeftPlace,
    OpenTime,
    forget_ticks,
    keep_figures,
    record_requests,
    record_tick,
)

log = logging.getLogger(__name__)

SOON = timedelta(minutes=2)
"""What settles within so long is planned for already; nothing of that plan is sent."""

PRUNED_FOR = 86_400.0
"""Seconds until what is too old to matter is looked for again."""


def prefetch(session: OfficeSession, clinic: ServedClinic) -> None:
    """Plan as if what settles soon had settled, and read the patients of that plan, so that the text need not wait.

    The plan itself is thrown away.

    Raises OpenDentalError: the office could not be read.
    """
    policy = clinic.policy
    if policy.mode != "automatic" or not clinic.settling or session.stop.is_set():
        return
    now = session.now(policy.timezone)
    free = free_time_before(session, policy) or []
    later = still_settling(free, now.moment + SOON, policy.openings.settle)
    if later == clinic.settling:
        return
    found = find_openings(session.mirror.office(), policy, now.moment, later)
    plan = plan_clinic(session, policy, found, now)
    # Read so lately that the recheck before the text, at most SOON from now, need not read them again.
    session.mirror.read_patients({offer.patient for offer in plan.offers}, kept=PATIENT_GOOD_FOR - SOON)


def refresh_due(session: OfficeSession) -> None:
    """Read again what is due, unless asapfill is to stop.

    Raises OpenDentalError: the office could not be read.
    """
    if not session.stop.is_set():
        session.mirror.keep_up()


def prune(session: OfficeSession) -> None:
    """Once a day, forget what is too old to matter.

    Raises StoreError: the state cannot be written.
    """
    now = session.clock.monotonic()
    if now - session.pruned > PRUNED_FOR:
        gone = forget_old(session.store, session.office)
        session.pruned = now
        if gone:
            log.info("state.forgot office=%s offers=%d", session.office, gone)


def save(session: OfficeSession, results: Sequence[ClinicResult], requests_before: Counter[str]) -> None:
    """Keep how the cycle went, its figures, the mirror, and how many requests were made for what.

    Raises StoreError: the state cannot be written.
    """
    for result in results:
        if session.stop.is_set() and result.errors:
            continue
        record_tick(
            session.store,
            session.office,
            result.clinic,
            ok=result.served,
            requests=result.requests,
            problems=[trouble.message for trouble in result.errors],
            codes=[trouble.code for trouble in result.errors],
        )
    forget_ticks(session.store, session.office, {result.clinic for result in results})
    _keep_figures(session, results)
    session.mirror.save()
    record_requests(session.store, session.office, session.client.requests - requests_before)


def _keep_figures(session: OfficeSession, results: Sequence[ClinicResult]) -> None:
    """Keep the openings of a cycle, the places of the visits that were offered another, and its counts."""
    if not results:
        return
    now = session.clock.now()
    found = [
        OpenTime(result.clinic, opening.operatory, opening.start, opening.end, now)
        for result in results
        for opening in result.openings
    ]
    counts = [_counts(result, first=result is results[0]) for result in results]
    keep_figures(session.store, session.office, results[0].now.date(), found, list(_left(session, results)), counts)


def _left(session: OfficeSession, results: Sequence[ClinicResult]) -> Iterator[LeftPlace]:
    """Where the visits stand that were offered another time just now."""
    sent = {
        line.offer.number
        for result in results
        for line in result.offers
        if line.state == "sent" and line.offer.kind == "appointment"
    }
    if not sent:
        return
    office = session.mirror.office()
    for row in office.appointments:
        span = appointment_span(row, office) if row.apt_num in sent and row.apt_status == AptStatus.SCHEDULED else None
        if span is not None:
            yield LeftPlace(row.apt_num, row.op, moment_of(span[0]), moment_of(span[1]))


def _counts(result: ClinicResult, *, first: bool) -> DayCounts:
    """``first``: requests are those of the whole office, and are counted once."""
    held = Counter(
        code
        for code, _, _ in {
            (item.reason.code, item.kind, item.number) for item in result.skipped if item.number is not None
        }
    )
    added = {"cycles": 1, "cycles_failed": int(not result.served), "requests": result.requests if first else 0}
    return DayCounts(result.clinic, added, {HELD + code: count for code, count in held.items()})
