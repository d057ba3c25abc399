"""Patients who were asked about, with their lab cases.

Their phones and birthdates live in memory only. What may outlive this process is written without them: of a phone its
keyed hash, of a birthdate whether somebody is of age. It serves to plan after a restart without reading everybody
again; before a text goes out, the patient is read anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from asapfill.core.candidates import ADULT, phone_digits
from asapfill.core.lengths import age
from asapfill.core.rows import LabCase, Patient
from asapfill.mirror.names import optional
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotFound
from asapfill.store.database import moment_of, moment_text

KEPT: Final = timedelta(hours=12)
FORGOTTEN: Final = timedelta(days=2)
"""Whoever was not asked about for so long is nobody's candidate any more."""
_SPREAD: Final = 360
"""Minutes by which some grow old sooner than others, so that not all are read again at once."""

_SOME_PHONE: Final = "2015550100"
_BIRTHDATES: Final = {"adult": date(1900, 1, 1), "minor": date(2999, 1, 1), "unknown": None}
"""What stands in a patient's row for the phone and the birthdate that were not written."""

HashPhone = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Read:
    """A patient as read at ``at``. ``phone``: the keyed hash, of one who was remembered; None: the row tells it."""

    patient: Patient
    lab_cases: tuple[LabCase, ...]
    at: datetime
    phone: str | None = None


@dataclass(slots=True)
class Patients:
    """The patients read so far. ``phones_anywhere``: see ``Office``."""

    phones_anywhere: bool = False
    _read: dict[int, _Read] = field(default_factory=dict)
    _touched: set[int] = field(default_factory=set)

    def patients(self) -> dict[int, Patient]:
        """By PatNum."""
        return {number: read.patient for number, read in self._read.items()}

    def lab_cases(self) -> tuple[LabCase, ...]:
        """Everybody's."""
        return tuple(case for read in self._read.values() for case in read.lab_cases)

    def phones(self, hash_phone: HashPhone) -> dict[int, str]:
        """Keyed hash of the wireless phone by PatNum, of those who have a usable one."""
        found = {number: _phone(read, hash_phone, anywhere=self.phones_anywhere) for number, read in self._read.items()}
        return {number: phone for number, phone in found.items() if phone}

    def wanted(self, numbers: Iterable[int], now: datetime, kept: timedelta | None) -> list[int]:
        """Those who must be read: not known, or longer ago than ``kept`` (None: than half a day, or somewhat less)."""
        return [number for number in sorted(set(numbers)) if not self._is_fresh(number, now, kept)]

    def wanted_since(self, moments: Mapping[int, datetime], now: datetime) -> list[int]:
        """Those who were not read at their moment (aware) or later."""
        return [
            number
            for number, moment in sorted(moments.items())
            if number not in self._read or not moment <= self._read[number].at <= now
        ]

    def read(self, number: int, client: OpenDental, version: tuple[int, ...] | None, now: datetime) -> bool:
        """Read a patient; whether that is news. One who is gone is remembered as unusable.

        Raises OpenDentalError: the office could not be read.
        """
        try:
            patient = client.patient(number)
        except NotFound:
            patient = Patient(pat_num=number, pat_status="Deleted")
        cases = optional(partial(client.lab_cases, number), "labcases", version).rows
        before = self._read.get(number)
        self._read[number] = _Read(patient, cases, now)
        self._touched.add(number)
        return before is None or (before.patient, before.lab_cases) != (patient, cases)

    def forget_old(self, now: datetime) -> bool:
        """Forget whom nobody asked about for days; whether there were any."""
        gone = [number for number, read in self._read.items() if now - read.at > FORGOTTEN]
        for number in gone:
            del self._read[number]
        self._touched.update(gone)
        return bool(gone)

    def changes(self, hash_phone: HashPhone) -> dict[int, str | None]:
        """What is to be written since ``saved``; None for those who are forgotten, or are not written."""
        return {
            number: _text(self._read[number], _phone(self._read[number], hash_phone, anywhere=self.phones_anywhere))
            if number in self._read
            else None
            for number in self._touched
        }

    def saved(self) -> None:
        """What ``changes`` told is written."""
        self._touched.clear()

    def remember(self, texts: Mapping[int, str]) -> None:
        """Begin with what was written before.

        Raises ValueError, KeyError or TypeError: it makes no sense.
        """
        self._read = {number: _of_text(number, json.loads(text)) for number, text in texts.items()}

    def _is_fresh(self, number: int, now: datetime, kept: timedelta | None) -> bool:
        known = self._read.get(number)
        if known is None or (kept is not None and known.phone is not None):
            return False
        enough = KEPT - timedelta(minutes=number * 37 % _SPREAD) if kept is None else kept
        return timedelta(0) <= now - known.at < enough


def _phone(read: _Read, hash_phone: HashPhone, *, anywhere: bool) -> str:
    if read.phone is not None:
        return read.phone
    digits = phone_digits(read.patient.wireless_phone, anywhere=anywhere)
    return "" if digits is None else hash_phone(digits)


def _text(read: _Read, phone: str) -> str | None:
    """What is written about a patient; None where something could not be read whole."""
    patient, cases = read.patient, read.lab_cases
    if patient.unreadable or any(case.unreadable for case in cases):
        return None
    return json.dumps(
        {
            "patient": patient.model_dump(include={"pat_status", "txt_msg_ok", "clinic_num", "pri_prov", "sec_prov"}),
            "phone": phone,
            "age": _age(read),
            "lab_cases": [case.model_dump(mode="json", exclude={"unreadable"}) for case in cases],
            "at": moment_text(read.at),
        }
    )


def _age(read: _Read) -> str:
    born = read.patient.birthdate
    if born is None:
        return "unknown"
    # A day before: the office's day may not be that of our clock.
    return "adult" if age(born, read.at.date() - timedelta(days=1)) >= ADULT else "minor"


def _of_text(number: int, written: dict[str, Any]) -> _Read:
    phone, cases = written["phone"], written["lab_cases"]
    if not isinstance(phone, str) or not isinstance(cases, list):
        raise TypeError("this is no patient as it is written")
    born = _BIRTHDATES[written["age"]]
    stand_ins = {"pat_num": number, "birthdate": born, "wireless_phone": _SOME_PHONE if phone else ""}
    patient = Patient.model_validate({**written["patient"], **stand_ins})
    return _Read(patient, tuple(LabCase.model_validate(case) for case in cases), moment_of(str(written["at"])), phone)
