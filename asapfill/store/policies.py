"""The last good version of each policy file: it stays in force while an edit has a mistake, also over a restart.

A version is kept when it was read without a mistake and the office had all its names.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from asapfill.store.database import Store
from asapfill.store.times import moment_text


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
