"""What an office's patients made of their offers, counted from the journal: what the waves are paced by.

Nothing of it is kept: offers are, for as long as the state remembers them, and the older one is the less it counts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from asapfill.core.chances import Chances, Outcomes, answered, fading, how_far
from asapfill.core.offer import Kind, State
from asapfill.store.database import Store, moment_of, wall_of

COUNTED_FOR: Final = timedelta(days=400)
"""As far back as outcomes are looked at."""

_NO: Final = frozenset({State.DECLINED, State.STOPPED, State.FAILED, State.UNANSWERED, State.EXPIRED, State.PASSED})
"""How an offer ends that could have been accepted and was not."""


def chances_of(store: Store, office: str, now: datetime) -> Chances:
    """How likely the patients of an office say yes, and how soon, as the offers of its journal tell at ``now`` (aware).

    An offer that ended because somebody else took the place counts as a no only as far as its time would have been
    enough for an answer. Whether somebody who found the time gone had wanted it is not known: those do not count.

    Raises StoreError: the state cannot be read.
    """
    rows = store.rows(
        "SELECT kind, state, made, start, created, settled FROM offers "
        "WHERE office = :office AND made >= :since AND settled IS NOT NULL ORDER BY id",
        {"office": office, "since": (now - COUNTED_FOR).date().isoformat()},
    )
    yes = [row for row in rows if row["state"] == State.ACCEPTED]
    pace = _pace(yes, now)
    sums: dict[tuple[Kind, int], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for row in rows:
        counts = fading(now - moment_of(row["created"])) * _share(State(row["state"]), _took(row), pace.half)
        if counts:
            key = (row["kind"], how_far(wall_of(row["start"]) - wall_of(row["made"])))
            texts, accepted = sums[key]
            sums[key] = (texts + counts, accepted + counts * (row["state"] == State.ACCEPTED))
    outcomes = {key: Outcomes(texts, accepted) for key, (texts, accepted) in sums.items()}
    return Chances(outcomes, pace.log_minutes, pace.answers)


def _pace(yes: Iterable[dict[str, Any]], now: datetime) -> Chances:
    """How soon those who said yes have said it."""
    total = count = 0.0
    for row in yes:
        counts = fading(now - moment_of(row["created"]))
        total += counts * math.log(max(_took(row) / timedelta(minutes=1), 1.0))
        count += counts
    return Chances({}, total, count)


def _share(state: State, took: timedelta, half: timedelta) -> float:
    """How much an offer counts as one that could have been accepted."""
    if state is State.ACCEPTED or state in _NO:
        return 1.0
    return answered(took, half) if state is State.CLOSED else 0.0


def _took(row: dict[str, Any]) -> timedelta:
    """From the text to the end of the offer."""
    return moment_of(row["settled"]) - moment_of(row["created"])
