"""How many requests were made for what, in pieces of ten minutes, for ``status``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from asapfill.store.database import Store
from asapfill.store.times import moment_text

PIECE: Final = timedelta(minutes=10)
KEPT: Final = timedelta(days=2)


def record_requests(store: Store, office: str, counts: Mapping[str, int]) -> None:
    """Add the requests of a cycle that ends now, by purpose; what is older than ``KEPT`` is forgotten.

    Raises:
        StoreError: the state cannot be written.
    """
    if not any(counts.values()):
        return
    now = store.clock.now()
    since = moment_text(_piece(now))
    with store.transaction() as database:
        database.conn.executemany(
            "INSERT INTO requests (office, since, purpose, count) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (office, since, purpose) DO UPDATE SET count = count + excluded.count",
            [(office, since, purpose, count) for purpose, count in counts.items() if count],
        )
        database.execute("DELETE FROM requests WHERE office = ? AND since < ?", [office, moment_text(now - KEPT)])


def requests_since(store: Store, office: str, moment: datetime) -> Counter[str]:
    """Requests by purpose in the pieces of ten minutes that reach beyond ``moment`` (aware).

    Raises:
        StoreError: the state cannot be read.
    """
    rows = store.rows(
        "SELECT purpose, sum(count) AS count FROM requests WHERE office = ? AND since > ? GROUP BY purpose",
        [office, moment_text(moment - PIECE)],
    )
    return Counter({row["purpose"]: row["count"] for row in rows})


def _piece(moment: datetime) -> datetime:
    """When the ten minutes began in which a moment lies."""
    return moment.replace(minute=moment.minute // 10 * 10, second=0, microsecond=0)
