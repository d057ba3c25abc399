"""The state database's tables, as an ordered list of migrations. Nothing here runs SQL; ``database`` does.

``PRAGMA user_version`` counts the migrations applied. A migration that was ever released is never edited:
a change is a new one at the end.

How values are kept: moments aware in UTC as ISO text with microseconds; office wall-clock times and days as naive ISO
text; numbers and codes otherwise. No names, no message texts, no phone numbers (a phone is a keyed hash).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_FIRST: Final = (
    # The journal: one row for each candidate, operatory and start that was ever meant to be offered.
    """
    CREATE TABLE offers (
        id INTEGER PRIMARY KEY,
        office TEXT NOT NULL,
        clinic INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('appointment', 'recall')),
        number INTEGER NOT NULL,
        patient INTEGER NOT NULL,
        phone TEXT NOT NULL,
        operatory INTEGER NOT NULL,
        provider INTEGER NOT NULL,
        start TEXT NOT NULL,
        "end" TEXT NOT NULL,
        wave INTEGER NOT NULL,
        opening TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        asapcomm INTEGER,
        schedule INTEGER,
        made TEXT NOT NULL,
        created TEXT NOT NULL,
        changed TEXT NOT NULL,
        settled TEXT,
        missing_since TEXT,
        seen INTEGER NOT NULL,
        CHECK ("end" > start)
    ) STRICT
    """,
    # "Nothing twice", held by SQLite itself, whoever asks and however many threads there are.
    """
    CREATE UNIQUE INDEX offers_once ON offers (office, kind, number, operatory, start)
        WHERE state NOT IN ('unsent', 'lapsed')
    """,
    """
    CREATE UNIQUE INDEX offers_live_patient ON offers (office, patient)
        WHERE state IN ('waiting', 'approved', 'intent', 'unknown', 'unsettled', 'sent', 'viewed')
    """,
    """
    CREATE UNIQUE INDEX offers_live_phone ON offers (office, phone)
        WHERE phone <> '' AND state IN ('waiting', 'approved', 'intent', 'unknown', 'unsettled', 'sent', 'viewed')
    """,
    "CREATE UNIQUE INDEX offers_asapcomm ON offers (office, asapcomm) WHERE asapcomm IS NOT NULL",
    "CREATE INDEX offers_patient ON offers (office, patient)",
    "CREATE INDEX offers_phone ON offers (office, phone)",
    "CREATE INDEX offers_slot ON offers (office, operatory, start)",
    "CREATE INDEX offers_opening ON offers (office, opening)",
    "CREATE INDEX offers_made ON offers (office, made)",
    "CREATE INDEX offers_state ON offers (office, state)",
    # The story of each offer; the first step comes from nowhere ('').
    """
    CREATE TABLE offer_steps (
        id INTEGER PRIMARY KEY,
        offer INTEGER NOT NULL REFERENCES offers (id),
        at TEXT NOT NULL,
        "from" TEXT NOT NULL,
        "to" TEXT NOT NULL,
        reason TEXT
    ) STRICT
    """,
    "CREATE INDEX offer_steps_offer ON offer_steps (offer)",
    # Every AsapComm row that was ever read, ours or not, in the order of reading: what was read before an intent cannot
    # be its result. offers.seen is the last one then. Numbers of our own, because clocks may be set back.
    """
    CREATE TABLE asapcomms_seen (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        office TEXT NOT NULL,
        asapcomm INTEGER NOT NULL,
        at TEXT NOT NULL,
        UNIQUE (office, asapcomm)
    ) STRICT
    """,
    """
    CREATE TABLE commlogs (
        offer INTEGER NOT NULL REFERENCES offers (id),
        entry INTEGER NOT NULL CHECK (entry IN (1, 2)),
        office TEXT NOT NULL,
        patient INTEGER NOT NULL,
        state TEXT NOT NULL,
        commlog INTEGER,
        noted TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        changed TEXT NOT NULL,
        missing_since TEXT,
        PRIMARY KEY (offer, entry)
    ) STRICT
    """,
    "CREATE INDEX commlogs_state ON commlogs (office, state)",
    """
    CREATE TABLE free_time (
        office TEXT NOT NULL,
        clinic INTEGER NOT NULL,
        operatory INTEGER NOT NULL,
        provider INTEGER NOT NULL,
        start TEXT NOT NULL,
        "end" TEXT NOT NULL,
        since TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX free_time_clinic ON free_time (office, clinic)",
    # office '*': every office
    "CREATE TABLE paused (office TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT",
    """
    CREATE TABLE ticks (
        office TEXT NOT NULL,
        clinic INTEGER NOT NULL,
        at TEXT NOT NULL,
        ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
        requests INTEGER NOT NULL,
        problems TEXT NOT NULL,
        PRIMARY KEY (office, clinic)
    ) STRICT
    """,
    """
    CREATE TABLE policy_versions (
        office TEXT NOT NULL,
        clinic INTEGER NOT NULL,
        file TEXT NOT NULL UNIQUE,
        text TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (office, clinic)
    ) STRICT
    """,
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)

_SECOND: Final = (
    # Offices that did not answer and rest until the next try, for `status`.
    """
    CREATE TABLE resting (
        office TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        until TEXT NOT NULL
    ) STRICT
    """,
    # Limits ask for offers made or starting on a day or later: without this one, the whole of an office's year is read.
    "CREATE INDEX offers_start ON offers (office, start)",
    "CREATE INDEX offers_reason ON offers (office, reason)",
    "CREATE INDEX offers_number ON offers (office, number)",
    # The mirror of each office: rows as last read, by kind, without what asapfill has no use for (see mirror.memory);
    # and when each part of it was read. It only saves requests: without it, everything is read anew.
    """
    CREATE TABLE mirror_rows (
        office TEXT NOT NULL,
        kind TEXT NOT NULL,
        number INTEGER NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (office, kind, number)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE TABLE mirror_marks (office TEXT PRIMARY KEY, marks TEXT NOT NULL) STRICT",
    # Requests by purpose in pieces of ten minutes, for status.
    """
    CREATE TABLE requests (
        office TEXT NOT NULL,
        since TEXT NOT NULL,
        purpose TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (office, since, purpose)
    ) STRICT, WITHOUT ROWID
    """,
    # Since when a clinic is not served, how many cycles in a row, and the codes of what went wrong, for notices.
    "ALTER TABLE ticks ADD COLUMN codes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE ticks ADD COLUMN failed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ticks ADD COLUMN failing_since TEXT",
    # Notices: what needs a person (about: what makes it another thing to tell), whom it was told, and addresses that do
    # not take what they are told. An address is kept as a hash of where its secret comes from.
    """
    CREATE TABLE notices (
        office TEXT NOT NULL,
        code TEXT NOT NULL,
        subject TEXT NOT NULL,
        about TEXT NOT NULL,
        title TEXT NOT NULL,
        message TEXT NOT NULL,
        since TEXT NOT NULL,
        gone TEXT,
        PRIMARY KEY (office, code, subject)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE notices_told (
        office TEXT NOT NULL,
        code TEXT NOT NULL,
        subject TEXT NOT NULL,
        address TEXT NOT NULL,
        about TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (office, code, subject, address)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE notice_addresses (
        address TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        failing_since TEXT NOT NULL,
        error TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # For the weekly report: chair time that was ever found open, merged, with the moment of its first finding; the
    # place of a visit when it was offered another; counts by the office's day.
    """
    CREATE TABLE open_time (
        id INTEGER PRIMARY KEY,
        office TEXT NOT NULL,
        clinic INTEGER NOT NULL,
        operatory INTEGER NOT NULL,
        start TEXT NOT NULL,
        "end" TEXT NOT NULL,
        found TEXT NOT NULL
    ) STRICT
    """,
    'CREATE INDEX open_time_end ON open_time (office, "end")',
    "CREATE INDEX open_time_found ON open_time (office, found)",
    """
    CREATE TABLE left_places (
        office TEXT NOT NULL,
        number INTEGER NOT NULL,
        operatory INTEGER NOT NULL,
        start TEXT NOT NULL,
        "end" TEXT NOT NULL,
        noted TEXT NOT NULL,
        PRIMARY KEY (office, number, operatory, start)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE day_counts (
        office TEXT NOT NULL,
        clinic INTEGER NOT NULL,
        day TEXT NOT NULL,
        what TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (office, clinic, day, what)
    ) STRICT, WITHOUT ROWID
    """,
)

PHONE_KEY: Final = "phone_key"
"""The name in ``meta`` of the random key of this state's hashes, which belongs to a state as its tables do."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _SECOND)
"""The statements of each migration, oldest first."""

VERSION: Final = len(MIGRATIONS)
"""The schema version that this asapfill reads and writes."""


class CommlogState(StrEnum):
    """Where one commlog stands."""

    INTENT = "intent"
    UNKNOWN = "unknown"
    UNSENT = "unsent"
    REFUSED = "refused"
    WRITTEN = "written"
    LEFT = "left"
    """Written, and staff changed it since (or it cannot be changed): it is left alone."""
