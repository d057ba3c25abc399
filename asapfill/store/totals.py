"""Counts over the journal, for metrics and for a support bundle: how many offers are in which state, and why."""

from __future__ import annotations

from dataclasses import dataclass

from asapfill.store.database import Store


@dataclass(frozen=True, slots=True)
class Total:
    """How many offers of an office have a state; ``reason`` is its code, '' for none."""

    office: str
    state: str
    reason: str
    offers: int


def totals(store: Store) -> tuple[Total, ...]:
    """Every office, state and reason that the journal has, in this order."""
    rows = store.rows(
        "SELECT office, state, coalesce(reason, '') AS reason, count(*) AS offers FROM offers "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    return tuple(Total(row["office"], row["state"], row["reason"], row["offers"]) for row in rows)
