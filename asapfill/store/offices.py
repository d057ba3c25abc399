"""What each office was like when it was last served: its time zone, and what it calls its rooms and people at work.

So ``status`` and ``history`` speak as the office does without asking it, and offers that were sent are still followed
while no policy can be read. Nothing of patients.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from asapfill.labels import Labels
from asapfill.store.database import Store


@dataclass(frozen=True, slots=True)
class KnownOffice:
    """An office as it was last served."""

    timezone: ZoneInfo
    labels: Labels = field(default_factory=Labels)


def keep_office(store: Store, office: str, known: KnownOffice) -> None:
    """Remember an office as it is now. The same again writes nothing."""
    value = json.dumps(
        {
            "timezone": known.timezone.key,
            "operatories": _text_keys(known.labels.operatories),
            "providers": _text_keys(known.labels.providers),
            "clinics": _text_keys(known.labels.clinics),
        }
    )
    if [row["value"] for row in _rows(store, office)] == [value]:
        return
    with store.transaction() as database:
        database.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [_key(office), value],
        )


def known_office(store: Store, office: str) -> KnownOffice | None:
    """The office as it was last served; None when it never was."""
    for row in _rows(store, office):
        kept = json.loads(row["value"])
        labels = Labels(*(_number_keys(kept[name]) for name in ("operatories", "providers", "clinics")))
        return KnownOffice(ZoneInfo(kept["timezone"]), labels)
    return None


def _key(office: str) -> str:
    return f"office {office}"


def _rows(store: Store, office: str) -> list[dict[str, str]]:
    return store.rows("SELECT value FROM meta WHERE name = ?", [_key(office)])


def _text_keys(names: Mapping[int, str]) -> dict[str, str]:
    return {str(number): name for number, name in sorted(names.items())}


def _number_keys(names: Mapping[str, str]) -> dict[int, str]:
    return {int(number): name for number, name in names.items()}
