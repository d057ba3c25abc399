"""The recall table: Open Dental cannot be asked for ASAP recalls alone, so it is read page by page, round after round.

Kept are the ASAP recalls and the other recalls of the same patients, which decide how long a visit takes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from asapfill.core.rows import ASAP, Recall
from asapfill.mirror.known import Numbered
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotFound, NotOpenDental, TooOld
from asapfill.opendental.paging import MOST_PAGES, Chunk

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sweep:
    """How far this round through the table has come. Rows are sorted by RecallNum, pages counted in rows.

    ``offset``: where the next page begins. ``up_to``: every recall up to this number was read in this round. ``whole``:
    this round is the first, and keeps everything until its end, because who is on the list is not known before.
    """

    offset: int = 0
    up_to: int = 0
    whole: bool = True

    def read_on(self, client: OpenDental, recalls: Numbered[Recall], note: Callable[[tuple[str, ...]], None]) -> bool:
        """Read the next page, in the first round all that are left; whether there is news. ``note``: gets the sentences
        about rows that could not be read.

        Raises OpenDentalError: the office could not be read; the round goes on where it stands.
        """
        news = False
        try:
            for _ in range(MOST_PAGES):
                page = client.recall_page(self.offset)
                if not page.rows and not self.offset:
                    page = client.recall_page(0)
                note(page.problems)
                news |= self.take(page, recalls, lambda patient: client.recalls(pat_num=patient).rows)
                if not self.whole:
                    return news
        except (NotFound, TooOld) as error:
            log.info("office.list_missing %s", error)
            return news
        raise NotOpenDental(f"GET /recalls: the list did not end after {MOST_PAGES} pages. See what runs at the urls.")

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
