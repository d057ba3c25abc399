"""The last good text of each policy: it stays in force while a person's edit has a mistake, also over a restart."""

from __future__ import annotations

import hashlib

from asapfill.store.database import Store
from asapfill.store.times import moment_text


def keep_policy(store: Store, office: str, clinic: int, text: str) -> None:
    """Remember ``text`` as the clinic's last good policy; the same text again changes nothing."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    with store.transaction() as database:
        database.execute(
            "INSERT INTO policy_versions (office, clinic, hash, text, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (office, clinic) DO UPDATE SET hash = excluded.hash, text = excluded.text, at = excluded.at "
            "WHERE hash <> excluded.hash",
            [office, clinic, digest, text, moment_text(store.clock.now())],
        )


def last_good_policy(store: Store, office: str, clinic: int) -> str | None:
    """The text that ``keep_policy`` remembered, or None."""
    rows = store.rows("SELECT text FROM policy_versions WHERE office = ? AND clinic = ?", [office, clinic])
    return str(rows[0]["text"]) if rows else None
