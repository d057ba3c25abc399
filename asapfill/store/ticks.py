"""The last tick of each clinic, so that ``status`` can tell whether the daemon is alive and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from asapfill.store.database import Store
from asapfill.store.times import moment_of, moment_text


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
