"""How an office's last cycles went, and what follows for its next one; where in the interval each office begins.

Pure: times are seconds. Starting cycles is the business of ``scheduler``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from asapfill.settings.settings import OfficeSettings

PoolName = Literal["prompt", "slow"]

GOLDEN: Final = 0.618033988749895
"""Multiples of it, without the whole part, are spread evenly however many there are, and so are any that follow each
other: the offices of one host are as far apart as all are."""

SLOW: Final = 30.0
"""Real seconds. An office whose cycle takes longer gets its next one in the slow pool."""

LONGEST_PAUSE: Final = 5
"""Intervals. An office that does not answer is tried again at its first turn after so long, at the latest."""


@dataclass(frozen=True, slots=True)
class OfficeHealth:
    """What the last cycles of an office were like.

    Attributes:
        failures: cycles in a row that ended because the office did not answer as it should.
        seconds: how long the last cycle took, in real seconds; None before the first one has ended.
    """

    failures: int = 0
    seconds: float | None = None

    @property
    def pool(self) -> PoolName:
        """An office is prompt when its last cycle was; one that was never served reads everything and is not."""
        return "slow" if self.failures or self.seconds is None or self.seconds > SLOW else "prompt"

    def after(self, *, answered: bool, seconds: float) -> OfficeHealth:
        """The health after one more cycle."""
        return OfficeHealth(0 if answered else self.failures + 1, seconds)

    def pause(self, interval: float) -> float:
        """Real seconds of rest that this office has to keep at least.

        After the second failure in a row and each further one twice as long, up to ``LONGEST_PAUSE``. A slow office
        rests as long as its cycle took, so that it has a worker for half of the time at most.
        """
        longest = LONGEST_PAUSE * interval
        if self.failures:
            return min(interval * float(2 ** min(self.failures - 1, 10) - 1), longest)
        return min(self.seconds or 0.0, longest) if self.pool == "slow" else 0.0


def offsets(offices: Mapping[str, OfficeSettings]) -> dict[str, float]:
    """Where in the interval the cycles of each office begin, 0 to 1. The first office of the settings may begin at 0.

    Offices of the same host, which may share a developer key or a server, follow each other in the count.
    """
    hosts = {name: urlsplit(office.urls[0]).netloc for name, office in offices.items()}
    first = {host: position for position, host in reversed(list(enumerate(hosts.values())))}
    order: Sequence[str] = sorted(hosts, key=lambda name: first[hosts[name]])
    return {name: (position * GOLDEN) % 1.0 for position, name in enumerate(order)}
