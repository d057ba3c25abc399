"""What is known of an office at one moment: the rows read from Open Dental, and a few look-ups over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from asapfill.opendental.models import (
    Appointment,
    AppointmentType,
    Clinic,
    Definition,
    LabCase,
    Operatory,
    Patient,
    Provider,
    Recall,
    RecallType,
    Schedule,
)

DEFAULT_INCREMENT = 10


@dataclass(frozen=True, slots=True)
class Office:
    """The rows that decide what is free and who may be asked.

    ``first`` and ``last``: the days (inclusive) for which schedules and appointments are complete; nothing outside them
    is ever offered. ``appointments``: every status, all clinics. ``asap``: the ASAP list. ``recalls``: every recall
    of each patient who has one with ASAP priority. ``patients``: those read so far; a candidate whose patient is
    missing here is provisional.
    """

    first: date
    last: date
    operatories: tuple[Operatory, ...] = ()
    providers: tuple[Provider, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    asap: tuple[Appointment, ...] = ()
    recalls: tuple[Recall, ...] = ()
    recall_types: tuple[RecallType, ...] = ()
    appointment_types: tuple[AppointmentType, ...] = ()
    blockout_types: tuple[Definition, ...] = ()
    clinics: tuple[Clinic, ...] = ()
    patients: Mapping[int, Patient] = field(default_factory=dict)
    lab_cases: tuple[LabCase, ...] = ()
    preferences: Mapping[str, str] = field(default_factory=dict)
    version: tuple[int, ...] | None = None

    @property
    def increment(self) -> int:
        """Minutes of the office's time grid and of a recall pattern's character (AppointmentTimeIncrement: 5, 10 or
        15).
        """
        minutes = preference_number(self.preferences, "AppointmentTimeIncrement", DEFAULT_INCREMENT)
        return minutes if minutes in {5, 10, 15} else DEFAULT_INCREMENT


def preference_number(preferences: Mapping[str, str], name: str, default: int) -> int:
    """A preference that is a whole number; ``default`` where it is missing or something else."""
    text = preferences.get(name, "").strip()
    return int(text) if text.isdecimal() else default


def preference_flag(preferences: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A preference that is yes or no (Open Dental: "1" or "0")."""
    text = preferences.get(name, "").strip().lower()
    return default if not text else text in {"1", "true"}
