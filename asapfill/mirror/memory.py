"""The mirror in the state: what is written of it, how, and whether it may be believed after a restart.

Written are the columns that asapfill uses, of a patient neither phone nor birthdate (see ``patients``), and no offers:
what became of those is read anew.
Rows that could not be read whole are not written; the days on which they lie are read again after a restart.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol

from asapfill.core.rows import Appointment, Recall, Row, Schedule
from asapfill.mirror.freshness import ALL_OFFERS, APPOINTMENTS, ASAP_LIST, NAMES, OFFERS, RECALLS, SCHEDULES, Part
from asapfill.mirror.known import Known
from asapfill.mirror.names import LISTS
from asapfill.mirror.patients import HashPhone, Patients
from asapfill.store.database import Misread, moment_of, moment_text, wall_of, wall_text

log = logging.getLogger(__name__)

UNWRITTEN: Final = timedelta(minutes=5)
"""For so long it is not written that parts were read again and nothing had changed."""

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_UNWRITTEN: Final = {"unreadable"}
_PATIENTS: Final = "patients"
_NUMBERS: Final = {name: number for number, name in enumerate(LISTS, 1)}
_KINDS: Final[Mapping[str, type[Row]]] = {
    "appointments": Appointment,
    "schedules": Schedule,
    "asap": Appointment,
    "recalls": Recall,
}
_COLUMNS: Final = hashlib.blake2b(
    repr([(kind, sorted(row_type.names)) for kind, row_type in {**_KINDS, **LISTS}.items()]).encode(), digest_size=8
).hexdigest()
"""The columns that this version writes; rows written with others would lack some."""


Written = tuple[str, dict[str, dict[int, str]]]
"""Marks, and contents by kind and number: all of one moment."""


class Write(Protocol):
    """Writes what changed, in one transaction; see ``store.mirror``."""

    def __call__(self, marks: str, changes: Mapping[str, Mapping[int, str | None]], *, anew: bool) -> None:
        """``anew``: what was written before does not count any more."""


@dataclass(slots=True)
class Remembered:
    """Everything that a mirror knows when it begins. ``read_at``: aware, by part."""

    first: date
    last: date
    changed_since: datetime | None
    read_at: dict[Part, datetime]
    rows: dict[str, dict[int, Any]]
    lists: dict[str, tuple[Any, ...]]
    patients: Patients


@dataclass(slots=True)
class Memory:
    """One office's mirror in the state. ``mark``: how the office is reached; by another way it may be another one."""

    read: Callable[[], Written | None]
    write: Write
    mark: str
    hash_phone: HashPhone
    _lists: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The lists as they were last written."""
    _saved: datetime | None = None
    """When it was last written (aware); None: nothing of this mirror is written yet."""

    def recall(self) -> Remembered | None:
        """What was written about the same office; None when there is nothing to believe.

        Raises:
            StoreError: the state cannot be read.
        """
        found = self.read()
        if found is None:
            return None
        try:
            remembered = _decoded(json.loads(found[0]), found[1], self.mark)
        except (ValueError, KeyError, TypeError, Misread) as error:  # pydantic's ValidationError is a ValueError
            log.warning("mirror.unusable error=%s", type(error).__name__)
            return None
        if remembered is not None:
            self._saved = _LONG_AGO
        return remembered

    def save(self, mirror: Remembered, known: Known, now: datetime) -> None:
        """Write what changed since the last time, in one transaction; if it is only time, every few minutes.

        ``mirror``: its days, times and lists; the rows are those of ``known``.

        Raises:
            StoreError: the state cannot be written.
        """
        numbered = known.numbered()
        changes: dict[str, dict[int, str | None]] = {
            kind: {number: None if row is None else _text(row) for number, row in rows.changes().items()}
            for kind, rows in numbered.items()
        }
        changes[_PATIENTS] = mirror.patients.changes(self.hash_phone)
        changes[NAMES] = {
            _NUMBERS[name]: _list_text(rows) for name, rows in mirror.lists.items() if self._lists.get(name) != rows
        }
        # A clock that was set back is no reason to wait.
        fresh = self._saved is not None and timedelta(0) <= now - self._saved < UNWRITTEN
        if fresh and not any(changes.values()):
            return
        self.write(_marks(mirror, known, self.mark), changes, anew=self._saved is None)
        self._saved, self._lists = now, dict(mirror.lists)
        for rows in numbered.values():
            rows.saved()
        mirror.patients.saved()


def _decoded(marks: Mapping[str, Any], texts: Mapping[str, Mapping[int, str]], mark: str) -> Remembered | None:
    """What was written, if it is about this office and has the columns that are used now."""
    if (marks["mark"], marks["columns"]) != (mark, _COLUMNS):
        return None
    rows = {
        kind: {number: row_type.model_validate_json(text) for number, text in texts.get(kind, {}).items()}
        for kind, row_type in _KINDS.items()
    }
    lists = {
        name: tuple(row_type.model_validate(row) for row in json.loads(texts[NAMES][_NUMBERS[name]]))
        for name, row_type in LISTS.items()
        if _NUMBERS[name] in texts.get(NAMES, {})
    }
    patients = Patients()
    patients.remember(texts.get(_PATIENTS, {}))
    changed = marks["changed_since"]
    return Remembered(
        first=date.fromisoformat(marks["first"]),
        last=date.fromisoformat(marks["last"]),
        changed_since=None if changed is None else wall_of(changed),
        read_at={_part(name): moment_of(at) for name, at in marks["read_at"].items()},
        rows=rows,
        lists=lists,
        patients=patients,
    )


def _marks(mirror: Remembered, known: Known, mark: str) -> str:
    """When each part was read, without those of which not everything is written."""
    unwritten = _unwritten(mirror.lists, known)
    return json.dumps(
        {
            "mark": mark,
            "columns": _COLUMNS,
            "first": mirror.first.isoformat(),
            "last": mirror.last.isoformat(),
            "changed_since": None if mirror.changed_since is None else wall_text(mirror.changed_since),
            "read_at": {_name(part): moment_text(at) for part, at in mirror.read_at.items() if part not in unwritten},
        }
    )


def _unwritten(lists: Mapping[str, Iterable[Row]], known: Known) -> set[Part]:
    """Parts that are read again after a restart: offers, and what has rows that could not be read whole."""
    parts = {OFFERS, ALL_OFFERS} | {Part(APPOINTMENTS, day) for day in known.appointments.unkept()}
    parts |= {Part(SCHEDULES, day) for day in known.schedules.unkept()}
    parts |= {Part(NAMES, name) for name, rows in lists.items() if any(row.unreadable for row in rows)}
    if not known.recalls.whole():
        parts.add(RECALLS)
    if not known.asap.whole():
        parts |= {Part(ASAP_LIST, clinic) for clinic in known.asap_clinics}
    return parts


def _text(row: Row) -> str:
    return row.model_dump_json(exclude=_UNWRITTEN, exclude_defaults=True)


def _list_text(rows: Iterable[Row]) -> str:
    return json.dumps([row.model_dump(mode="json", exclude=_UNWRITTEN, exclude_defaults=True) for row in rows])


def _name(part: Part) -> str:
    return f"{part.kind}|{part.key}"


def _part(name: str) -> Part:
    kind, _, key = name.partition("|")
    return Part(kind, date.fromisoformat(key) if kind in {APPOINTMENTS, SCHEDULES} else key)
