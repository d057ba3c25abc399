"""Phone numbers as keyed hashes: relatives who share a phone are recognised, the number itself is never kept."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from asapfill.phones import local_digits
from asapfill.store.database import Store

_KEY: Final = "phone_key"


def phone_key(store: Store) -> bytes:
    """The random key of this state's phone hashes, made once and never changed."""
    found = store.rows("SELECT value FROM meta WHERE name = ?", [_KEY])
    if not found:
        with store.transaction() as database:
            database.execute(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                [_KEY, secrets.token_hex(32)],
            )
        found = store.rows("SELECT value FROM meta WHERE name = ?", [_KEY])
    return bytes.fromhex(found[0]["value"])


def phone_hash(key: bytes, phone: str) -> str:
    """The hash of a phone number however it is written (``local_digits``); empty for a number without digits."""
    digits = local_digits(phone)
    if not digits:
        return ""
    return hashlib.blake2b(digits.encode("ascii"), key=key, digest_size=16).hexdigest()
