"""How many people are asked at once for one slot, and how long they have before the next are.

``auto`` asks few while there is time and more as the opening comes nearer. Published acceptance is 8 to 11 % an offer
(JMIR 2024 e52071; PMC7315363), so a slot needs about ten offers for two chances in three; Open Dental itself spaces
texts 1, 2, 4 and 8 minutes apart for slots less than 2, 12 and 48 hours away and further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from asapfill.policy.policy import TextsPolicy

TIME_TO_ANSWER: Final = timedelta(hours=24)
"""An offer that nobody answered for so long does not hold its patient any more.

Our own choice. More than half of those asked never answer (doi 10.1177/11786329251326461: 45 % ever do), and a time
next week must not keep them from one tomorrow. Their link still works (Open Dental: until seven days after the slot)
and is followed; the caps per day and week hold as before, so nobody is texted more often for it (47 CFR 64.1200: one
message a day, three a week).
"""

LONGER_WHEN_VIEWED: Final = 1.5
"""Somebody who has opened the link is about to decide: the next people are asked half a wait later."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``size`` people at once, then ``wait`` before the next wave."""

    size: int
    wait: timedelta


_AUTO = (
    (timedelta(hours=4), Pace(6, timedelta(minutes=10))),
    (timedelta(hours=12), Pace(5, timedelta(minutes=20))),
    (timedelta(hours=48), Pace(4, timedelta(minutes=45))),
)
_AUTO_FAR = Pace(3, timedelta(minutes=120))


def pace(texts: TextsPolicy, until_start: timedelta) -> Pace:
    """The pace for a slot that starts in ``until_start``; the policy's own numbers go before ``auto``."""
    auto = next((pace for limit, pace in _AUTO if until_start < limit), _AUTO_FAR)
    return Pace(
        size=auto.size if texts.wave is None else texts.wave,
        wait=auto.wait if texts.wait is None else texts.wait,
    )
