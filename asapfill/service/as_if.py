"""Planning as if it were another time: what ``plan`` and ``policy diff`` would show at ten, asked at seven.

Only for commands that look. What the office has is read now; nothing is ever sent by a time that is not the present.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from asapfill.clock import instant, office_now
from asapfill.policy.formats import Unreadable, day_of_week
from asapfill.policy.times import time_of_day


@dataclass(frozen=True, slots=True)
class AsIf:
    """A time of the office's day, on any day (``weekday`` None) or on one (0 is Monday)."""

    time: time
    weekday: int | None = None

    def moment(self, now: datetime, timezone: ZoneInfo) -> datetime:
        """The next moment (aware) at which the office's clock shows this; the present minute counts."""
        wall = office_now(now, timezone).replace(second=0, microsecond=0)
        coming = (datetime.combine(wall.date() + timedelta(days=ahead), self.time) for ahead in range(8))
        first = next(moment for moment in coming if moment >= wall and self.weekday in {None, moment.weekday()})
        return instant(first, timezone)


def as_if(text: str) -> AsIf:
    """What a person writes behind ``--at``: ``10:00``, ``10am``, ``Mon 10:00``.

    Raises:
        Unreadable: it is neither.
    """
    day, _, rest = text.strip().partition(" ")
    if rest and day[:1].isalpha():
        return AsIf(time_of_day(rest), day_of_week(day))
    try:
        return AsIf(time_of_day(text))
    except Unreadable as error:
        raise Unreadable(str(error), "Write for example 10:00, 10am or Mon 10:00.") from None
