"""The recall table: Open Dental cannot be asked for ASAP recalls alone, so it is read page by page, round after round.

Kept are the ASAP recalls and the other recalls of the same patients, which decide how long a visit takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asapfill.core.rows import ASAP, Appointment, HistAppointment, Recall
from asapfill.mirror.known import Numbered
from asapfill.opendental.paging import Chunk

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
class Sweep:
    """How far this round through the table has come. Rows are sorted by RecallNum, pages counted in rows.

    ``offset``: where the next page begins. ``up_to``: every recall up to this number was read in this round. ``whole``:
    this round is the first, and keeps everything until its end, because who is on the list is not known before.
    """

    offset: int = 0
    up_to: int = 0
    whole: bool = True

    def take(
        self, page: Chunk[Recall], recalls: Numbered[Recall], others_of: Callable[[int], Iterable[Recall]]
    ) -> bool:
        """Take in the next page; whether that is news.

        Each page begins with the last row of the one before. If rows went meanwhile it does not, and what moved
        forward is looked for a page earlier. ``others_of`` reads all recalls of a patient who is new on the list.
        """
        rows = [row for row in page.rows if row.number]
        if self.offset and (not rows or rows[0].number > self.up_to):
            self.offset = max(0, self.offset - max(1, page.limit - 1))
            return False
        if self.offset and not page.last and rows[-1].number <= self.up_to:
            # A whole page of rows that are known: this server does not page, or the table shrank. The round ends.
            self.offset, self.up_to, self.whole = 0, 0, False
            return forget_others(recalls)
        after = self.up_to if self.offset else 0
        end = math.inf if page.last else max((row.number for row in rows), default=after)
        before = {row.pat_num for row in recalls if row.priority == ASAP}
        now = {row.pat_num for row in rows if row.priority == ASAP}
        # Read before anything is kept: if that fails, the page is taken once more.
        theirs = {} if self.whole else {patient: tuple(others_of(patient)) for patient in sorted(now - before)}
        kept = [row for row in rows if self.whole or row.pat_num in before | now]
        news = recalls.replace(kept, lambda row: after < row.number <= end)
        for patient, others in theirs.items():
            news |= replace_patient(recalls, patient, others)
        if page.last:
            self.offset, self.up_to, self.whole = 0, 0, False
        else:
            self.offset, self.up_to = self.offset + len(page.rows) - 1, max(self.up_to, int(end))
        return news if self.whole else news | forget_others(recalls)


def replace_patient(recalls: Numbered[Recall], patient: int, rows: Iterable[Recall]) -> bool:
    """These are all recalls of a patient now; whether that is news."""
    return recalls.replace([row for row in rows if row.number], lambda row: row.pat_num == patient)


def forget_others(recalls: Numbered[Recall]) -> bool:
    """Drop the recalls of patients who have none with ASAP priority; whether there were any."""
    asap = {row.pat_num for row in recalls if row.priority == ASAP}
    return recalls.replace((), lambda row: row.pat_num not in asap)
