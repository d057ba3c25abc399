"""After each cycle: what it saw that the weekly report is to tell (see ``store.figures``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from asapfill.core.rows import AptStatus
from asapfill.core.schedule import appointment_span
from asapfill.core.units import moment_of
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession
from asapfill.store.cycles import record_requests
from asapfill.store.figures import HELD, DayCounts, LeftPlace, OpenTime, keep


def keep_figures(session: OfficeSession, results: Sequence[ClinicResult]) -> None:
    """Keep the openings of a cycle, the places of the visits that were offered another, and its counts."""
    if session.store is None or not results:
        return
    now = session.clock.now()
    found = [
        OpenTime(result.clinic, opening.operatory, opening.start, opening.end, now)
        for result in results
        for opening in result.openings
    ]
    counts = [_counts(result, first=result is results[0]) for result in results]
    keep(session.store, session.office, results[0].now.date(), found, list(_left(session, results)), counts)


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


def keep_up(session: OfficeSession) -> None:
    """Read again what is due, unless asapfill is to stop.

    Raises OpenDentalError: the office could not be read.
    """
    if not session.stop.is_set():
        session.mirror.keep_up()


def write_down(session: OfficeSession, requests_before: Counter[str]) -> None:
    """Keep the mirror, and how many requests were made for what since ``requests_before``.

    Raises StoreError: the state cannot be written.
    """
    if session.store is not None:
        session.mirror.save()
        record_requests(session.store, session.office, session.client.requests - requests_before)
