"""What each cycle leaves: the clinic's last tick, requests by purpose, and the figures of the weekly report.

The figures are chair time found open, places that movers left, and counts by day: numbers and codes only. A cycle that
finds nothing new writes a few counts.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlite_utils import Database

from asapfill.store.database import Store, as_written, moment_of, moment_text, wall_of, wall_text
from asapfill.store.records import Readers, insert, keep_value, kept_value, read_row


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


_TICK: Final[Readers] = {
    "ok": bool,
    **dict.fromkeys(("at", "failing_since"), moment_of),
    **dict.fromkeys(("problems", "codes"), lambda text: tuple(json.loads(text))),
}


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
    rows = store.rows(f"SELECT * FROM ticks {where} ORDER BY office, clinic", parameters)  # noqa: S608  our own words
    return tuple(read_row(Tick, row, _TICK) for row in rows)


_SERVING: Final = "serving"


def keep_serving(store: Store, *, serving: bool) -> None:
    """Remember that the service has begun, or that it has ended as it was asked to."""
    keep_value(store, _SERVING, moment_text(store.clock.now()) if serving else None)


def serving_since(store: Store) -> datetime | None:
    """When the service began; None: it never did, or has ended as it was asked to. Aware.

    Where nothing runs, a moment says that the service was killed, or its machine.
    """
    text = kept_value(store, _SERVING)
    return None if text is None else moment_of(text)


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
        rows = [
            {"office": office, "since": since, "purpose": purpose, "count": count}
            for purpose, count in counts.items()
            if count
        ]
        insert(database, "requests", rows, "ON CONFLICT DO UPDATE SET count = count + excluded.count")
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
    return tuple(Total(**row) for row in rows)


HELD: Final = "held:"
"""Before a reason code: the most people who were held back by it at one time of the day."""


@dataclass(frozen=True, slots=True)
class OpenTime:
    """Chair time that was found open at some time. ``start``, ``end``: naive office time; ``found``: first, aware."""

    clinic: int
    operatory: int
    start: datetime
    end: datetime
    found: datetime


@dataclass(frozen=True, slots=True)
class LeftPlace:
    """Where a visit (AptNum) stood when it was offered another time. Naive office times."""

    number: int
    operatory: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Counts of one clinic. ``added`` grow over the day; of ``highest`` the largest value of the day is kept."""

    clinic: int
    added: Mapping[str, int]
    highest: Mapping[str, int]


def keep_figures(
    store: Store,
    office: str,
    day: date,
    found: Sequence[OpenTime],
    left: Iterable[LeftPlace],
    counts: Iterable[DayCounts],
) -> None:
    """Add what one cycle of an office has seen. ``day``: the office's. One transaction."""
    grown = _grown(_not_past(store, office, found), found)
    with store.transaction() as database:
        for gone, merged in grown:
            database.conn.executemany("DELETE FROM open_time WHERE id = ?", [(number,) for number in gone])
            times = {"start": wall_text(merged.start), "end": wall_text(merged.end), "found": moment_text(merged.found)}
            row = {"office": office, "clinic": merged.clinic, "operatory": merged.operatory, **times}
            insert(database, "open_time", [row])
        noted = moment_text(store.clock.now())
        places = [
            {
                **asdict(place),
                "start": wall_text(place.start),
                "end": wall_text(place.end),
                "office": office,
                "noted": noted,
            }
            for place in left
        ]
        insert(database, "left_places", places, "ON CONFLICT DO NOTHING")
        for clinic in counts:
            _count(database, office, day, clinic)


def _count(database: Database, office: str, day: date, counts: DayCounts) -> None:
    insert = "INSERT INTO day_counts (office, clinic, day, what, count) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
    rules = {"count + excluded.count": counts.added, "max(count, excluded.count)": counts.highest}
    for rule, values in rules.items():
        rows = [(office, counts.clinic, day.isoformat(), what, count) for what, count in values.items() if count]
        database.conn.executemany(f"{insert}SET count = {rule}", rows)


def _not_past(store: Store, office: str, found: Sequence[OpenTime]) -> dict[int, OpenTime]:
    """What was found before and may lie under ``found``, by its row."""
    if not found:
        return {}
    first = min(item.start for item in found)
    rows = store.rows('SELECT * FROM open_time WHERE office = ? AND "end" > ?', [office, wall_text(first)])
    return {row["id"]: _open_time(row) for row in rows}


def _grown(known: dict[int, OpenTime], found: Sequence[OpenTime]) -> list[tuple[frozenset[int], OpenTime]]:
    """What was not known to be open: the rows under it, and the whole of them and it."""
    chairs: dict[tuple[int, int], list[tuple[frozenset[int], OpenTime]]] = defaultdict(list)
    for row, item in known.items():
        chairs[item.clinic, item.operatory].append((frozenset({row}), item))
    for item in found:
        pieces = chairs[item.clinic, item.operatory]
        under = [piece for piece in pieces if piece[1].start < item.end and item.start < piece[1].end]
        if any(whole.start <= item.start and item.end <= whole.end for _, whole in under):
            continue
        everything = [item, *(whole for _, whole in under)]
        merged = replace(
            item,
            start=min(each.start for each in everything),
            end=max(each.end for each in everything),
            found=min(each.found for each in everything),
        )
        rows = frozenset[int]().union(*(rows for rows, _ in under))
        chairs[item.clinic, item.operatory] = [*(piece for piece in pieces if piece not in under), (rows, merged)]
    everywhere = [piece for pieces in chairs.values() for piece in pieces]
    return [(rows, whole) for rows, whole in everywhere if not any(known[row] is whole for row in rows)]


def open_times(store: Store, office: str, since: datetime, until: datetime) -> tuple[OpenTime, ...]:
    """What was first found open from ``since`` on and before ``until`` (aware)."""
    rows = store.rows(
        "SELECT * FROM open_time WHERE office = ? AND found >= ? AND found < ? ORDER BY id",
        [office, moment_text(since), moment_text(until)],
    )
    return tuple(_open_time(row) for row in rows)


def left_places(store: Store, office: str) -> tuple[LeftPlace, ...]:
    """Every place that is remembered."""
    rows = store.rows("SELECT * FROM left_places WHERE office = ?", [office])
    return tuple(read_row(LeftPlace, row, {"start": wall_of, "end": wall_of}) for row in rows)


def day_counts(store: Store, office: str, first: date, last: date) -> tuple[tuple[int, date, str, int], ...]:
    """Clinic, day, what and count, from ``first`` to ``last`` inclusive."""
    rows = store.rows(
        "SELECT * FROM day_counts WHERE office = ? AND day BETWEEN ? AND ? ORDER BY day, clinic, what",
        [office, first.isoformat(), last.isoformat()],
    )
    with as_written("a day of the weekly report"):
        return tuple((row["clinic"], date.fromisoformat(row["day"]), row["what"], row["count"]) for row in rows)


def forget_figures(database: Database, office: str, wall: str, moment: str) -> None:
    """Delete what is older than both times, as the state has them: naive office time, and aware."""
    database.execute('DELETE FROM open_time WHERE office = ? AND "end" < ? AND found < ?', [office, wall, moment])
    database.execute("DELETE FROM left_places WHERE office = ? AND noted < ?", [office, moment])
    database.execute("DELETE FROM day_counts WHERE office = ? AND day < ?", [office, wall[:10]])


def _open_time(row: dict[str, Any]) -> OpenTime:
    return read_row(OpenTime, row, {"start": wall_of, "end": wall_of, "found": moment_of})
