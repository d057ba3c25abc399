"""What was booked and freed while nobody looked, by Open Dental's own history of appointments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from asapfill.opendental.models import Appointment, HistAppointment

MOST_HISTORIES = 20
"""So many changed appointments are traced at the first look; an office where more changed in a few minutes is in the
middle of something, and what was not traced is found settled or not at the next look."""

Place = tuple[int, datetime, timedelta]
"""OperatoryNum, start (naive office time) and length."""


def vacated(
    deletions: Iterable[HistAppointment],
    changed: Iterable[Appointment],
    histories: Iterable[HistAppointment],
    moment: datetime,
) -> list[Place]:
    """Places that appointments held before they were moved or deleted since ``moment`` (naive office time).

    ``changed``: appointments that changed since then, ``histories``: what was done to them.
    """
    history = [*deletions, *histories]
    deleted = {row.apt_num for row in history if row.hist_appt_action == "Deleted"}
    recent = {row.apt_num for row in changed} | {
        row.apt_num
        for row in history
        if row.apt_num in deleted and row.hist_date_t_stamp is not None and row.hist_date_t_stamp >= moment
    }
    return [
        (row.op, row.apt_date_time, timedelta(minutes=5 * max(len(row.pattern), 6)))
        for row in history
        if row.apt_num in recent and row.op and row.apt_date_time is not None
    ]
