"""The last tick of each clinic, so that ``status`` can tell whether the daemon is alive and what went wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asapfill.store.database import Store, moment_of, moment_text


@dataclass(frozen=True, slots=True)
class Tick:
    """One finished tick. ``at`` is aware; ``problems`` are codes or plain sentences without people's data.

    ``codes``: of each problem, for notices (see ``notices.codes``). ``failed``: cycles in a row that did not serve the
    clinic, this one included; ``failing_since``: the end of the first of them, aware.
    """

    office: str
    clinic: int
    at: datetime
    ok: bool
    requests: int
    problems: tuple[str, ...]
    codes: tuple[str, ...] = ()
    failed: int = 0
    failing_since: datetime | None = None


def record_tick(
    store: Store,
    office: str,
    clinic: int,
    *,
    ok: bool,
    requests: int,
    problems: Sequence[str] = (),
    codes: Sequence[str] = (),
) -> None:
    """Keep the tick that ends now as the clinic's last."""
    row = {
        "office": office,
        "clinic": clinic,
        "at": moment_text(store.clock.now()),
        "ok": int(ok),
        "requests": requests,
        "problems": json.dumps(list(problems)),
        "codes": json.dumps(list(codes)),
    }
    with store.transaction() as database:
        database.execute(
            "INSERT INTO ticks (office, clinic, at, ok, requests, problems, codes, failed, failing_since) "
            "VALUES (:office, :clinic, :at, :ok, :requests, :problems, :codes, 1 - :ok, iif(:ok, NULL, :at)) "
            "ON CONFLICT (office, clinic) DO UPDATE SET at = :at, ok = :ok, requests = :requests, "
            "problems = :problems, codes = :codes, failed = iif(:ok, 0, failed + 1), "
            "failing_since = iif(:ok, NULL, coalesce(failing_since, :at))",
            row,
        )


def forget_ticks(store: Store, office: str, served: Collection[int]) -> None:
    """Forget the ticks of an office's clinics that are not ``served`` any more: they would look late for ever."""
    gone = {row["clinic"] for row in store.rows("SELECT clinic FROM ticks WHERE office = ?", [office])} - set(served)
    if gone:
        with store.transaction() as database:
            for clinic in gone:
                database.execute("DELETE FROM ticks WHERE office = ? AND clinic = ?", [office, clinic])


def last_ticks(store: Store, office: str | None = None) -> tuple[Tick, ...]:
    """The last tick of every clinic that ever had one; of one office, or of all."""
    where, parameters = ("", []) if office is None else ("WHERE office = ?", [office])
    return tuple(
        Tick(
            office=row["office"],
            clinic=row["clinic"],
            at=moment_of(row["at"]),
            ok=bool(row["ok"]),
            requests=row["requests"],
            problems=tuple(json.loads(row["problems"])),
            codes=tuple(json.loads(row["codes"])),
            failed=row["failed"],
            failing_since=None if row["failing_since"] is None else moment_of(row["failing_since"]),
        )
        for row in store.rows(f"SELECT * FROM ticks {where} ORDER BY office, clinic", parameters)  # noqa: S608  our own words
    )


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
