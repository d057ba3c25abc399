"""How long a visit is, as a pattern in 5-minute units: "X" needs the provider, "/" only the assistant.

Appointments carry it. A recall's is put together here, by the longest of the readings that Open Dental's documents
and source allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from asapfill.core.office import Office, preference_number
from asapfill.core.rows import Patient, Recall, RecallType
from asapfill.core.units import MINUTES

_DEFAULT_MINUTES = 30
_DEFAULT_MINUTES_QUARTER_HOURS = 45
_ADULT = 12


def stretched(pattern: str, minutes: int) -> str:
    """A pattern whose characters stand for ``minutes`` (5, 10 or 15) each, in 5-minute units."""
    return "".join(character * (minutes // MINUTES) for character in pattern)


def default_recall_pattern(increment: int) -> str:
    """The pattern of a recall type that has none (Open Dental: 30 minutes, 45 where the increment is 15)."""
    minutes = _DEFAULT_MINUTES_QUARTER_HOURS if increment == 15 else _DEFAULT_MINUTES  # noqa: PLR2004  AppointmentTimeIncrement
    return "X" * (minutes // MINUTES)


def recall_pattern(recall: Recall, others: Iterable[Recall], patient: Patient | None, office: Office) -> str:
    """The pattern to reserve for a recall visit on any of the known days.

    ``others``: the patient's other recalls. The base is the longest of the type's pattern, the override read in
    5-minute units (Open Dental's documentation), the override read in the office's increment (its source), and, for
    one who is a child on the first day, the child prophy's pattern; the provider is needed wherever one of them says
    so. Recalls that are appended to special ones lengthen the visit when they are due by the last day. Nothing
    shortens it.
    """
    types = {kind.recall_type_num: kind for kind in office.recall_types}
    kind = types.get(recall.recall_type_num)
    base = kind.time_pattern if kind is not None else ""
    readings = [stretched(base, office.increment) or default_recall_pattern(office.increment)]
    if recall.time_pattern_override:
        readings += [recall.time_pattern_override, stretched(recall.time_pattern_override, office.increment)]
    child = types.get(preference_number(office.preferences, "RecallTypeSpecialChildProphy", 0))
    if child is not None and _is_child(patient, office):
        readings.append(stretched(child.time_pattern, office.increment))
    return _covering(readings) + "".join(_appended(recall, kind, others, types, office))


def _covering(readings: list[str]) -> str:
    """A pattern as long as the longest, with the provider in each unit in which any of them has it."""
    return "".join(
        "/" if all(offset >= len(reading) or reading[offset] == "/" for reading in readings) else "X"
        for offset in range(max(len(reading) for reading in readings))
    )


def _is_child(patient: Patient | None, office: Office) -> bool:
    """Whether somebody is under RecallAgeAdult on the first known day; without a birthdate that is assumed."""
    if patient is None or patient.birthdate is None:
        return True
    return age(patient.birthdate, office.first) < preference_number(office.preferences, "RecallAgeAdult", _ADULT)


def _appended(
    recall: Recall, kind: RecallType | None, others: Iterable[Recall], types: Mapping[int, RecallType], office: Office
) -> list[str]:
    """The patterns of due recalls that Open Dental books together with a special one (AppendToSpecial). One whose
    type cannot be read is taken for such.
    """
    if kind is not None and kind.append_to_special:
        return []
    patterns = []
    for other in others:
        other_kind = types.get(other.recall_type_num)
        if other.recall_num == recall.recall_num or other_kind is None:
            continue
        if not (other_kind.append_to_special or other_kind.unreadable):
            continue
        if other.is_disabled or other.date_scheduled is not None:
            continue
        due = other.date_due
        # A due day that cannot be read may be any; one that is not set is none.
        if "DateDue" not in other.unreadable and (due is None or due > office.last):
            continue
        pattern = stretched(other_kind.time_pattern, office.increment)
        patterns.append(default_recall_pattern(office.increment) if other_kind.unreadable else pattern)
    return patterns


def age(birthdate: date, on: date) -> int:
    """Full years on the day ``on``."""
    return on.year - birthdate.year - ((on.month, on.day) < (birthdate.month, birthdate.day))
