"""The simulated office's database: tables of plain rows, and the few ways in which anything changes them.

Imports nothing of asapfill but the clock: it behaves as Open Dental does, not as our client wishes.

**Values.** A row is a plain ``dict`` with Open Dental's column names and native values, in memory just as in the file:

* numbers are ``int`` (money ``float``), booleans ``bool``;
* a moment is text ``"yyyy-MM-dd HH:mm:ss"``, a day ``"yyyy-MM-dd"``, a time of day ``"HH:mm:ss"``: office wall-clock,
  so that they sort as text; "none" is ``"0001-01-01 00:00:00"`` and ``"0001-01-01"``;
* enumerations are their names (AptStatus ``"UnschedList"``, TxtMsgOk ``"No"``, SchedType ``"Blockout"`` …);
* ``operatories`` of a schedule row is a list of OperatoryNum.

Columns that the API derives (``confirmed``, ``provAbbr``, ``blockoutType``, ``serverDateTime`` …) are not stored.

**In memory** each table is an attribute of ``Office``: ``office.appointments: dict[int, Row]`` by primary key, in key
order of insertion. ``office.preferences: dict[str, str]``; ``office.securityperms: dict[str, bool]``;
``office.now: datetime`` (naive office wall-clock; set by life.py).

**OFFICE FILE** (``asapfill sandbox --office FILE``): one JSON object::

    {"now": "2026-11-20 07:00:00",          # office wall-clock at which the sandbox starts
     "timezone": "America/Los_Angeles",
     "version": "25.2.30.0",
     "preferences": {"EasyNoClinics": "1", "AppointmentTimeIncrement": "10", ...},
     "securityperms": {"ApiReadAll": true, "ApiTextingASAP": true, "ApiComm": true, ...},
     "subscribed": true,                    # Web Sched ASAP and Integrated Texting are on; optional
     "keys": [["sandbox-developer", "sandbox-customer"]],                        # optional
     "appointments": [row, ...], "schedules": [...], "operatories": [...], "definitions": [...], "clinics": [...],
     "providers": [...], "recalls": [...], "recalltypes": [...], "appointmenttypes": [...], "patients": [...],
     "asapcomms": [...], "commlogs": [...], "histappointments": [...], "signalods": [...], "labcases": [...],
     "subscriptions": [...]}

Every table may be missing or empty, every column may be left out (``columns.DEFAULTS`` has the rest), and so may the
primary key. Columns that the API hides: ``schedules.Status`` ("Open" | "Closed" | "Holiday") and
``schedules.ClinicNum``, ``clinics.SmsContractDate`` (texting is enabled when it is set), ``patients.OptedOut`` (bool:
the opt-out table), ``patients.SmsFails`` (bool: the carrier refuses). A wrong file raises ``OfficeFileError`` with one
sentence.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from asapfill.sandbox.office.columns import (
    DEFAULTS,
    KEYS,
    NO_DAY,
    NO_MOMENT,
    PERMISSIONS,
    PREFERENCES,
    Row,
    moment,
    stamp,
)

DEVELOPER_KEY = "sandbox-developer"
CUSTOMER_KEY = "sandbox-customer"

_FORMATS = {
    NO_MOMENT: (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), datetime.fromisoformat, "yyyy-MM-dd HH:mm:ss"),
    NO_DAY: (re.compile(r"\d{4}-\d\d-\d\d"), date.fromisoformat, "yyyy-MM-dd"),
}
"""How text must look in columns whose default is "no moment" or "no day"."""

_FITS: dict[type, Callable[[Any], bool]] = {
    bool: lambda found: isinstance(found, bool),
    int: lambda found: isinstance(found, int) and not isinstance(found, bool),
    float: lambda found: isinstance(found, (int, float)) and not isinstance(found, bool),
    str: lambda found: isinstance(found, str),
    list: lambda found: isinstance(found, list) and all(type(number) is int for number in found),
}
"""Whether a value can stand in a column, by the type of the column's default."""

_SETTINGS = ("now", "timezone", "version", "preferences", "securityperms", "subscribed", "keys")


class OfficeFileError(ValueError):
    """The office file is not usable; the message is one sentence that says where and why."""


class SimulatedOffice:
    """The database of one simulated office. Rows are changed by staff.py, web_sched.py and life.py."""

    def __init__(self, *, now: datetime, timezone: str = "America/Los_Angeles", version: str = "25.2.30.0") -> None:
        self.now = now
        self.timezone = ZoneInfo(timezone)
        self.version = version
        self.preferences: dict[str, str] = {**PREFERENCES, "ProgramVersion": version}
        self.securityperms: dict[str, bool] = dict.fromkeys(PERMISSIONS, True)
        self.subscribed = True
        self.keys: list[tuple[str, str]] = [(DEVELOPER_KEY, CUSTOMER_KEY)]
        self.appointments: dict[int, Row] = {}
        self.schedules: dict[int, Row] = {}
        self.operatories: dict[int, Row] = {}
        self.definitions: dict[int, Row] = {}
        self.clinics: dict[int, Row] = {}
        self.providers: dict[int, Row] = {}
        self.recalls: dict[int, Row] = {}
        self.recalltypes: dict[int, Row] = {}
        self.appointmenttypes: dict[int, Row] = {}
        self.patients: dict[int, Row] = {}
        self.asapcomms: dict[int, Row] = {}
        self.commlogs: dict[int, Row] = {}
        self.histappointments: dict[int, Row] = {}
        self.signalods: dict[int, Row] = {}
        self.labcases: dict[int, Row] = {}
        self.subscriptions: dict[int, Row] = {}
        self._last_keys = dict.fromkeys(KEYS, 0)

    @classmethod
    def load(cls, raw: object) -> SimulatedOffice:
        """Make an office from an office file's JSON.

        Raises:
            OfficeFileError: something in it is missing or makes no sense.
        """
        if not isinstance(raw, dict):
            raise OfficeFileError("An office file is one JSON object with the tables of an office.")
        unknown = sorted(set(raw) - set(_SETTINGS) - set(KEYS))
        if unknown:
            raise OfficeFileError(f"The office file has {unknown[0]!r}, which is neither a table nor a setting.")
        try:
            office = cls(
                now=moment(raw["now"]),
                timezone=raw.get("timezone", "America/Los_Angeles"),
                version=raw.get("version", "25.2.30.0"),
            )
        except KeyError as error:
            raise OfficeFileError(f"The office file needs {error.args[0]!r}, or its time zone is not known.") from error
        except (TypeError, ValueError) as error:
            raise OfficeFileError(f"The office file's 'now' or 'timezone' is not usable: {error}.") from error
        if not re.fullmatch(r"\d+(\.\d+){1,3}", str(office.version)):
            raise OfficeFileError(f"The office file's version is {office.version!r}; it looks like '25.2.30.0'.")
        office.preferences |= _texts(raw, "preferences") | {"ProgramVersion": office.version}
        if "securityperms" in raw:
            office.securityperms = {name: bool(has) for name, has in _object(raw, "securityperms").items()}
        office.subscribed = bool(raw.get("subscribed", True))
        if "keys" in raw:
            office.keys = [(str(developer), str(customer)) for developer, customer in raw["keys"]]
        for name in KEYS:
            _load_table(office, name, raw.get(name, []))
        return office

    def dump(self) -> Row:
        """The office as an office file; loading it again gives the same office."""
        tables = {name: [copy.deepcopy(row) for row in self.table(name).values()] for name in KEYS}
        return {
            "now": stamp(self.now),
            "timezone": self.timezone.key,
            "version": self.version,
            "preferences": dict(self.preferences),
            "securityperms": dict(self.securityperms),
            "subscribed": self.subscribed,
            "keys": [list(pair) for pair in self.keys],
            **tables,
        }

    def table(self, name: str) -> dict[int, Row]:
        """The table of that name (one of ``columns.KEYS``), rows by primary key."""
        rows: dict[int, Row] = getattr(self, name)
        return rows

    def insert(self, name: str, values: Row) -> Row:
        """Add a row; missing columns get their defaults, a missing key the next number, never one used before."""
        key = KEYS[name]
        row: Row = {
            column: list(value) if isinstance(value, list) else value
            for column, value in (DEFAULTS[name] | values).items()
        }
        row[key] = row[key] or self._last_keys[name] + 1
        self._last_keys[name] = max(self._last_keys[name], row[key])
        self.table(name)[row[key]] = row
        return row

    def at_least(self, *version: int) -> bool:
        """Whether this Open Dental is of that version or newer."""
        return _version(self.version) >= version

    @property
    def clinics_on(self) -> bool:
        """Whether the office uses the Clinics feature (preference EasyNoClinics is the negation)."""
        return self.preferences.get("EasyNoClinics", "1") == "0"

    @property
    def increment(self) -> int:
        """Preference AppointmentTimeIncrement: minutes that one character of a recall type's pattern stands for."""
        text = self.preferences.get("AppointmentTimeIncrement", "")
        return int(text) if text in {"5", "10", "15"} else 10

    def preferred(self, name: str, default: int = 0) -> int:
        """A preference that is a number; ``default`` when it is empty or missing."""
        return int(self.preferences.get(name) or default)

    def definitions_of(self, category: int) -> list[Row]:
        """The definitions of a category, such as ``BLOCKOUT_TYPES``."""
        return [row for row in self.definitions.values() if row["Category"] == category]


@cache
def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _object(raw: Row, name: str) -> Row:
    """The part of the file that must be a JSON object."""
    part = raw.get(name, {})
    if not isinstance(part, dict):
        raise OfficeFileError(f"In the office file, {name!r} must be an object of names and values.")
    return part


def _texts(raw: Row, name: str) -> dict[str, str]:
    """The part of the file that must be an object of texts: Open Dental keeps every preference as text."""
    part = _object(raw, name)
    for key, value in part.items():
        if not isinstance(value, str):
            raise OfficeFileError(f"In the office file, {name} {key!r} must be text, as Open Dental keeps it.")
    return part


def _load_table(office: SimulatedOffice, name: str, rows: object) -> None:
    """Check and add the rows of one table; those without a key come last, so that they never take another's."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OfficeFileError(f"In the office file, {name!r} must be a list of rows.")
    key = KEYS[name]
    for position, row in enumerate(rows, 1):
        for column, value in row.items():
            reason = _wrong(name, column, value)
            if reason:
                raise OfficeFileError(f"In the office file, {name} row {position}: {reason}.")
    for row in sorted(rows, key=lambda row: not row.get(key)):
        if row.get(key) in office.table(name):
            raise OfficeFileError(f"In the office file, {name} has {key} {row[key]} twice.")
        office.insert(name, row)


def _wrong(name: str, column: str, value: Any) -> str:  # noqa: ANN401 - whatever the file says there
    """Why a value cannot stand in a column; empty when it can."""
    defaults = DEFAULTS[name]
    if column not in defaults:
        return f"there is no column {column!r}"
    default = defaults[column]
    if not _FITS[type(default)](value):
        return f"{column} is {value!r}, a {type(default).__name__} was expected"
    if default in (NO_MOMENT, NO_DAY):
        pattern, parse, form = _FORMATS[default]
        try:
            if pattern.fullmatch(value):
                parse(value)
                return ""
        except ValueError:
            pass
        return f"{column} is {value!r}, a time like {form} was expected"
    return ""


class Refusal(Exception):  # noqa: N818 - an answer of Open Dental, not an error of ours
    """Open Dental says no: a status and an explaining sentence. Nothing was written."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


def read_moment(text: object, name: str) -> datetime:
    """A ``yyyy-MM-dd HH:mm:ss`` input. Raises Refusal naming the field."""
    try:
        found = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise Refusal(400, f"{name} format must be yyyy-MM-dd HH:mm:ss.") from error
    if stamp(found) != text:  # such as 2026-4-14 9:00:00
        raise Refusal(400, f"{name} format must be yyyy-MM-dd HH:mm:ss.")
    return found
