"""Whom the office has talked to lately, by the commlogs: read only for the patients who are about to be asked.

Every commlog of a patient counts but our own. Which ones Open Dental wrote by itself cannot be told: what the API
shows as their source does not differ, so those count too, on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from asapfill.clock import office_now
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Commlog
from asapfill.core.values import supports
from asapfill.cycle.session import OfficeSession
from asapfill.offers.commlogs import MARK

GOOD_FOR = timedelta(minutes=5)
"""How long one reading of a patient's commlogs serves."""


def patients_to_read(session: OfficeSession, policy: Policy, patients: Iterable[int]) -> frozenset[int]:
    """Those of ``patients`` whose commlogs must be read first; none when the policy does not ask for it."""
    if not policy.candidates.spoken_to:
        return frozenset()
    now = session.clock.monotonic()
    return frozenset(
        patient
        for patient in patients
        if patient not in session.spoken or now - session.spoken[patient][0] > GOOD_FOR.total_seconds()
    )


def read_commlogs(session: OfficeSession, policy: Policy, patients: Iterable[int]) -> None:
    """Read when the office last talked to each of ``patients``.

    Raises OpenDentalError: the office could not be read, so nobody may be asked.
    """
    wall = office_now(session.clock.now(), policy.timezone)
    since = wall - policy.candidates.spoken_to
    filtered = supports(session.mirror.read_names(session.clock.now()).version, "commlogs GET DateTStamp")
    with session.client.purpose("commlogs"):
        for patient in sorted(patients):
            began = session.clock.monotonic()
            rows = session.client.commlogs(patient, date_t_stamp=since if filtered else None).rows
            moments = [_moment(row, wall) for row in rows if not row.note.startswith(MARK)]
            session.spoken[patient] = (began, max(moments, default=None))


def spoken_to(session: OfficeSession, policy: Policy, patient: int, wall: datetime) -> Reason | None:
    """Why a patient is left alone: the office talked to them lately. ``wall``: the office's clock."""
    last = session.spoken.get(patient, (0.0, None))[1]
    if last is None or not policy.candidates.spoken_to or last + policy.candidates.spoken_to <= wall:
        return None
    return Reason("spoken_to", f"on {last:%Y-%m-%d}")


def _moment(row: Commlog, wall: datetime) -> datetime:
    """When they talked; a time that cannot be read is taken as now."""
    return row.comm_date_time or row.date_t_stamp or wall
