"""What is known of an office at one moment: the rows read from Open Dental, and a few look-ups over them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from unicodedata import normalize

from asapfill.core.rows import (
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
from asapfill.core.values import fit

DEFAULT_INCREMENT = 10


@dataclass(frozen=True, slots=True)
class OfficeNames:
    """The lists of one office in which a policy's names are looked up, hidden rows included.

    ``clinics`` empty: the office does not use clinics.
    """

    operatories: tuple[Operatory, ...]
    providers: tuple[Provider, ...]
    blockout_types: tuple[Definition, ...]
    commlog_types: tuple[Definition, ...]
    clinics: tuple[Clinic, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """The rows that decide what is free and who may be asked.

    ``first`` and ``last``: the days (inclusive) for which schedules and appointments are complete; nothing outside them
    is ever offered. ``appointments``: every status, all clinics. ``asap``: the ASAP list. ``recalls``: every recall
    of each patient who has one with ASAP priority. ``patients``: those read so far; a candidate whose patient is
    missing here is provisional. ``phones_anywhere``: phones need not follow North America's rules.
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
    phones_anywhere: bool = False

    @property
    def increment(self) -> int:
        """Minutes of the time grid and of a recall pattern's character (AppointmentTimeIncrement: 5, 10, 15)."""
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


def sending_window(preferences: Mapping[str, str]) -> tuple[time, time] | None:
    """When Open Dental sends automatic messages; None when it is not restricted.

    Open Dental: AutomaticCommunicationTimeStart and End, 07:00 and 22:00 by default, equal: off. Only the time part
    counts; the format of the date before it varies. A value that cannot be read is taken as the default.
    """
    start = _time_part(preferences.get("AutomaticCommunicationTimeStart", ""), time(7))
    end = _time_part(preferences.get("AutomaticCommunicationTimeEnd", ""), time(22))
    return None if start == end else (start, end)


def text_limit(preferences: Mapping[str, str]) -> int | None:
    """ASAP texts per patient and day; None when the office sets none (Open Dental: default 2, blank: no limit)."""
    text = preferences.get("WebSchedAsapTextLimit")
    if text is None:
        return 2
    text = text.strip()
    if not text:
        return None
    return int(text) if text.isdecimal() else 2


def _time_part(text: str, default: time) -> time:
    match = re.search(r"(\d{1,2}):(\d{2})(?::\d{2})?\s*([AaPp][Mm])?\s*$", text)
    if match is None:
        return default
    hour, minute = int(match[1]), int(match[2])
    if match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else default  # noqa: PLR2004  hours and minutes


@dataclass(frozen=True, slots=True)
class Labels:
    """Names by OperatoryNum, ProvNum and ClinicNum. What has none is called by its number."""

    operatories: Mapping[int, str] = field(default_factory=dict)
    providers: Mapping[int, str] = field(default_factory=dict)
    clinics: Mapping[int, str] = field(default_factory=dict)

    def operatory(self, number: int) -> str:
        """An operatory, for a table or a sentence."""
        return self.operatories.get(number) or f"operatory {number}"

    def provider(self, number: int) -> str:
        """A provider, by the abbreviation."""
        return self.providers.get(number) or f"provider {number}"

    def clinic(self, number: int) -> str:
        """A clinic."""
        return self.clinics.get(number) or f"clinic {number}"


def labels_of(operatories: Iterable[Operatory], providers: Iterable[Provider], clinics: Iterable[Clinic]) -> Labels:
    """The names in an office's own lists, hidden rows included."""
    return Labels(
        operatories={row.operatory_num: operatory_name(row) for row in operatories},
        providers={row.prov_num: row.abbr.strip() for row in providers},
        clinics={row.clinic_num: row.description.strip() or row.abbr.strip() for row in clinics},
    )


def operatory_name(row: Operatory) -> str:
    """The short name, which fits into tables: the abbreviation, else the name."""
    return row.abbrev.strip() or row.op_name.strip()


def folded(name: str) -> str:
    """A name for comparing with others: no difference by capitals, blanks, invisible signs, coding of accents."""
    return "".join(normalize("NFKC", normalize("NFKC", fit(name)).casefold()).split())


def operatory_both(row: Operatory) -> str:
    """Both names, ``Doctor 1 (OP-1)``, where lists of the office are shown: people know the one or the other."""
    short, long = operatory_name(row), row.op_name.strip()
    same = folded(short) == folded(long)
    return short if same or not long else f"{long} ({short})"
