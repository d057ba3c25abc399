"""What is kept of each office beside its rows and offers: its names, pauses, rests, policies and events.

Policies: the last good version of each file stays in force while an edit has a mistake, also over a restart. It is
kept when it was read without a mistake and the office had all its names.
Events: whether asapfill can listen, and each office's subscriptions, deliveries and troubles, so that ``status`` can
tell, and our subscriptions are still known when the settings name another address or none any more. Counts and codes;
nothing of what a delivery said.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from asapfill.core.office import Labels
from asapfill.store.database import Store, as_written, moment_of, moment_text
from asapfill.store.records import Readers, insert, keep_value, kept_value, read_row, upsert

_LABELS: Final = ("operatories", "providers", "clinics")


@dataclass(frozen=True, slots=True)
class KnownOffice:
    """An office as it was last served."""

    timezone: ZoneInfo
    labels: Labels = field(default_factory=Labels)


def keep_office(store: Store, office: str, known: KnownOffice) -> None:
    """Remember an office as it is now. The same again writes nothing."""
    labels = {name: dict(sorted(getattr(known.labels, name).items())) for name in _LABELS}
    keep_value(store, f"office {office}", json.dumps({"timezone": known.timezone.key, **labels}))


def known_office(store: Store, office: str) -> KnownOffice | None:
    """The office as it was last served; None when it never was."""
    text = kept_value(store, f"office {office}")
    if text is None:
        return None
    with as_written("what is known of an office"):
        kept = json.loads(text)
        # JSON has made texts of the numbers.
        labels = [{int(number): str(label) for number, label in kept[name].items()} for name in _LABELS]
        return KnownOffice(ZoneInfo(kept["timezone"]), Labels(*labels))


EVERY_OFFICE: Final = "*"


def pause(store: Store, office: str = EVERY_OFFICE) -> None:
    """Stop sending for one office, or for all. Pausing again keeps the first time."""
    with store.transaction() as database:
        row = {"office": office, "at": moment_text(store.clock.now())}
        insert(database, "paused", [row], "ON CONFLICT DO NOTHING")


def resume(store: Store, office: str = EVERY_OFFICE) -> bool:
    """Let one office send again; ``EVERY_OFFICE`` lifts every pause. Returns whether anything was paused."""
    with store.transaction() as database:
        cursor = database.execute("DELETE FROM paused WHERE office = ?1 OR ?1 = '*'", [office])
        return cursor.rowcount > 0


def is_paused(store: Store, office: str) -> bool:
    """Whether ``office`` must not send now, on its own or because all are paused."""
    return bool(store.rows("SELECT 1 FROM paused WHERE office IN (?, ?)", [office, EVERY_OFFICE]))


def paused(store: Store) -> dict[str, datetime]:
    """Every pause in force and since when (aware); ``EVERY_OFFICE`` is one of its keys if all are paused."""
    return {row["office"]: moment_of(row["at"]) for row in store.rows("SELECT * FROM paused ORDER BY office")}


@dataclass(frozen=True, slots=True)
class Rest:
    """``failures``: cycles in a row that the office did not answer; ``until``: when it is tried again (aware)."""

    failures: int
    until: datetime


def keep_rest(store: Store, office: str, failures: int, until: datetime) -> None:
    """Remember that an office rests."""
    with store.transaction() as database:
        row = {"office": office, "failures": failures, "until": moment_text(until)}
        upsert(database, "resting", ["office"], [row])


def end_rest(store: Store, office: str | None = None) -> None:
    """An office answers again; None: whatever an earlier daemon kept means nothing any more."""
    if resting(store):
        with store.transaction() as database:
            database.execute("DELETE FROM resting WHERE office = ?1 OR ?1 IS NULL", [office])


def resting(store: Store) -> dict[str, Rest]:
    """Every office that rests."""
    rows = store.rows("SELECT * FROM resting ORDER BY office")
    return {row["office"]: read_row(Rest, row, {"until": moment_of}) for row in rows}


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A version of a policy file: its name in the folder of policies, its text, and the clinic it was good for.

    ``at``: when it was first served, an aware UTC moment as ISO text.
    """

    office: str
    clinic: int
    file: str
    text: str
    at: str


def keep_policy(store: Store, office: str, clinic: int, file: str, text: str) -> None:
    """Remember ``text`` as the last good version of ``file``, and that it is for this clinic.

    What was kept for the clinic before, and what was kept of the file for another clinic, is forgotten: a clinic has
    one policy, and a file is for one clinic. The same again changes nothing.
    """
    known = store.rows(
        "SELECT office, clinic, file, text FROM policy_versions WHERE file = ? OR (office = ? AND clinic = ?)",
        [file, office, clinic],
    )
    if [tuple(row.values()) for row in known] == [(office, clinic, file, text)]:
        return
    with store.transaction() as database:
        database.execute(
            "DELETE FROM policy_versions WHERE file = ? OR (office = ? AND clinic = ?)", [file, office, clinic]
        )
        database.execute(
            "INSERT INTO policy_versions (office, clinic, file, text, at) VALUES (?, ?, ?, ?, ?)",
            [office, clinic, file, text, moment_text(store.clock.now())],
        )


def kept_policies(store: Store, office: str | None = None) -> tuple[KeptPolicy, ...]:
    """Every kept version, of one office or of all, in the order of offices and clinics."""
    where, parameters = ("", []) if office is None else ("WHERE office = ?", [office])
    rows = store.rows(
        f"SELECT office, clinic, file, text, at FROM policy_versions {where} ORDER BY office, clinic",  # noqa: S608  ours
        parameters,
    )
    return tuple(KeptPolicy(**row) for row in rows)


def forget_policies(store: Store, files: Collection[str]) -> None:
    """Forget the kept versions of these files: they were taken away, and must not come back by a later mistake."""
    gone = set(files).intersection(kept.file for kept in kept_policies(store))
    if gone:
        with store.transaction() as database:
            for file in gone:
                database.execute("DELETE FROM policy_versions WHERE file = ?", [file])


_FAILURE: Final = "events_deaf"


@dataclass(frozen=True, slots=True)
class KeptEvents:
    """The events of one office. Moments are aware.

    ``addresses``: every EndPointUrl that subscriptions of ours had and may still have. ``watched``: the tables that are
    subscribed to. ``checked``: when that was last looked at. ``problem``: a sentence for a person, or empty.
    ``deliveries``, ``refused`` (by reason) and ``last`` tell what came; ``since`` when the counting began.
    """

    addresses: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    checked: datetime | None = None
    problem: str = ""
    deliveries: int = 0
    last: datetime | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None


_READERS: Final[Readers] = {
    **dict.fromkeys(("addresses", "watched"), tuple),
    **dict.fromkeys(("checked", "last", "since"), moment_of),
}


@dataclass(frozen=True, slots=True)
class ListenFailure:
    """Why asapfill cannot listen, for any office. ``code``: ``port`` or ``certificate``; ``problem``: a sentence."""

    code: str
    problem: str


def keep_listen_failure(store: Store, failure: ListenFailure | None) -> None:
    """Remember why asapfill cannot listen; None: it can, or need not."""
    keep_value(store, _FAILURE, None if failure is None else json.dumps([failure.code, failure.problem]))


def kept_listen_failure(store: Store) -> ListenFailure | None:
    """Why asapfill could not listen when it last tried; None when it could."""
    text = kept_value(store, _FAILURE)
    with as_written("why asapfill cannot listen"):
        return None if text is None else ListenFailure(*map(str, json.loads(text)))


def keep_events(store: Store, office: str, kept: KeptEvents) -> None:
    """Remember how the events of an office are."""
    value = {field.name: getattr(kept, field.name) for field in fields(kept)} | {"refused": dict(kept.refused)}
    keep_value(store, _key(office), json.dumps(value, default=moment_text))


def kept_events(store: Store, office: str) -> KeptEvents:
    """How the events of an office were when that was last kept; all empty when there never were any."""
    text = kept_value(store, _key(office))
    with as_written("what is known of an office's events"):
        return KeptEvents() if text is None else read_row(KeptEvents, json.loads(text), _READERS)


def forget_events(store: Store, office: str) -> None:
    """Nothing of ours is left in Open Dental."""
    keep_value(store, _key(office), None)


def _key(office: str) -> str:
    return f"events {office}"
