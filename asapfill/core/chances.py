"""How likely somebody says yes to an offer, and how soon: from published rates, then from the office's own outcomes.

The formulas are explained in docs/waves.md. Pure: the outcomes are counted in ``store.outcomes``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from asapfill.core.offer import Kind

PUBLISHED_YES: Final = 6_603 + 14_717
PUBLISHED_TEXTS: Final = 60_660 + 177_311
"""Accepted and made: JMIR 2024 e52071 and PMC7315363, together 9.0 %."""
PRIOR_TEXTS: Final = 60.0
"""As much as the published rate counts, in texts: a month of an office's own outcomes outweighs it."""
HALF_ANSWER: Final = timedelta(minutes=20)
"""Until half of those who say yes have said it, as long as nothing is known of an office. Our own assumption."""
PRIOR_ANSWERS: Final = 10.0
"""As much as that counts, in answers."""
STEEPNESS: Final = 1.7
"""How closely answers lie around their half time (log-logistic): after three half times 87 %, after ten 98 %."""
FORGOTTEN_BY_HALF: Final = timedelta(days=120)
"""An outcome so old counts half."""
LOOKED: Final = 2.0
"""Somebody who has opened the link says yes so much more often than one of whom nothing is known: assumed by us."""
MOST: Final = 0.9
"""No single person is counted on for more."""

_STEPS: Final = (timedelta(hours=6), timedelta(hours=24), timedelta(hours=72))


def how_far(ahead: timedelta) -> int:
    """Which of four distances ahead an offer is: today (0), tomorrow, within three days, later (3)."""
    return sum(ahead >= step for step in _STEPS)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of texts: each counts less the older it is. ``texts``: those that could have been accepted."""

    texts: float = 0.0
    yes: float = 0.0


@dataclass(frozen=True, slots=True)
class Chances:
    """What is known of an office. ``outcomes``: by kind and ``how_far``. ``minutes``: the logarithms of the minutes
    that answers of yes took, summed up, over ``answers``.
    """

    outcomes: Mapping[tuple[Kind, int], Outcomes] = field(default_factory=dict)
    log_minutes: float = 0.0
    answers: float = 0.0

    def yes(self, kind: Kind, ahead: timedelta) -> float:
        """The chance that a text of this kind so far ahead is accepted: the mean of its Beta distribution.

        The published rate is the prior of the office's own rate, and that one the prior of each kind and distance.
        """
        office = _posterior(PUBLISHED_YES / PUBLISHED_TEXTS, self.outcomes.values())
        own = self.outcomes.get((kind, how_far(ahead)))
        return _posterior(office, [own] if own is not None else [])

    @property
    def half(self) -> timedelta:
        """Until half of those who say yes have said it: the geometric mean of their times and the assumed one."""
        assumed = math.log(HALF_ANSWER / timedelta(minutes=1)) * PRIOR_ANSWERS
        return timedelta(minutes=math.exp((self.log_minutes + assumed) / (self.answers + PRIOR_ANSWERS)))

    def answered(self, after: timedelta) -> float:
        """Which share of those who say yes have said it ``after`` so long."""
        return answered(after, self.half)

    def still(self, kind: Kind, ahead: timedelta, since: timedelta, *, viewed: bool) -> float:
        """The chance that somebody who was texted ``since`` so long, and has not answered, still says yes."""
        chance = min(MOST, self.yes(kind, ahead) * (LOOKED if viewed else 1))
        late = 1 - self.answered(since)
        return chance * late / (1 - chance * (1 - late))


def answered(after: timedelta, half: timedelta) -> float:
    """The share of answers that have come ``after`` so long when half of them have come after ``half``."""
    if after <= timedelta(0):
        return 0.0
    return float(1 / (1 + (half / after) ** STEEPNESS))


def fading(age: timedelta) -> float:
    """How much an outcome of this age counts."""
    return float(0.5 ** (max(age, timedelta(0)) / FORGOTTEN_BY_HALF))


def _posterior(prior: float, outcomes: Iterable[Outcomes]) -> float:
    texts, yes = PRIOR_TEXTS, prior * PRIOR_TEXTS
    for one in outcomes:
        texts += one.texts
        yes += one.yes
    return yes / texts


PUBLISHED: Final = Chances()
"""An office of which nothing is known yet."""
