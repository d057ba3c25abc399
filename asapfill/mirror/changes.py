"""What changed while nobody looked: by Open Dental's time stamps, and by its history of appointments. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asapfill.core.rows import Appointment, HistAppointment

OVERLAP = timedelta(minutes=2)
"""How far before the last reading changed appointments are asked for again: rows are stamped when a change begins."""

LONGEST_CHANGES = timedelta(hours=3)
"""After so long without a look, the days are read anew instead of what changed since."""

MOST_NEWEST = 20
"""Rows that changed last; more of them (a bulk change) are not asked for again in each cycle."""

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


@dataclass(slots=True)
class Changes:
    """The appointments that changed, as last read. ``up_to``: by the office's own clock; None: nothing tells it, and
    the days must be read. ``since`` and ``rows``: from when on was asked, and what came, by AptNum.
    """

    up_to: datetime | None = None
    since: datetime | None = None
    rows: dict[int, Appointment] = field(default_factory=dict)
    _newest: datetime | None = None

    def can_tell(self, office_now: datetime) -> bool:
        """Whether what changed since is a shorter list than that of all appointments."""
        return self.up_to is not None and self.up_to >= office_now - LONGEST_CHANGES

    def ask_since(self, wall: datetime, known: Iterable[Appointment]) -> datetime:
        """From when on to ask now. Our reckoning ``wall`` keeps it from running ahead when the office's clock goes
        back, as in the autumn night. What changed last is asked for again, because an empty list tells no time.
        """
        since = min(self.up_to or wall, wall) - OVERLAP
        newest = self._newest or newest_stamp(known, MOST_NEWEST)
        return since if newest is None else min(since, newest)

    def take(self, rows: Iterable[Appointment], since: datetime) -> None:
        """These changed since then."""
        rows = list(rows)
        self.rows, self.since = {row.apt_num: row for row in rows}, since
        self._newest = newest_stamp(rows, MOST_NEWEST)

    def after(self, moment: datetime) -> list[Appointment] | None:
        """What changed at ``moment`` (naive office time) or later; None when that was not asked."""
        if self.since is None or self.since > moment:
            return None
        return [row for row in self.rows.values() if row.date_t_stamp and row.date_t_stamp >= moment]


def newest_stamp(rows: Iterable[Appointment], most: int) -> datetime | None:
    """The time stamp of the row that changed last; None when more than ``most`` rows have it, or none tells."""
    stamps = Counter(row.date_t_stamp for row in rows if row.date_t_stamp is not None)
    newest = max(stamps, default=None)
    return newest if newest is not None and stamps[newest] <= most else None


def went_back(known: Mapping[int, Appointment], rows: Iterable[Appointment]) -> bool:
    """Whether a row is older than we know it to have been: the office was restored from a backup."""
    for row in rows:
        before = known.get(row.number)
        if before is not None and before.date_t_stamp and row.date_t_stamp and row.date_t_stamp < before.date_t_stamp:
            return True
    return False
