"""How many people are asked at once for one slot, and how long they have before the next are.

``auto`` asks few while there is time and more as the opening comes nearer. Published acceptance is 8 to 11 % an offer
(JMIR 2024 e52071; PMC7315363), so a slot needs about ten offers for two chances in three; Open Dental itself spaces
texts 1, 2, 4 and 8 minutes apart for slots less than 2, 12 and 48 hours away and further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from asapfill.policy.policy import TextsPolicy


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
