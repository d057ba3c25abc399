"""The mirror: what asapfill knows of one office, kept up to date with few requests.

Cold, everything is read once. After that, appointments come by ``DateTStamp`` with an overlap; deletions, which
never show there, are found by reading days again in turn; schedules of near days are read every time, the rest now
and then. What the mirror believes is looked at again before anything is sent: see ``read_day`` and ``read_candidate``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

from asapfill.clock import Clock
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotFound, TooOld
from asapfill.opendental.models import (
    ASAP,
    Appointment,
    AppointmentType,
    AsapComm,
    Clinic,
    Definition,
    LabCase,
    Operatory,
    Patient,
    Provider,
    Recall,
    RecallType,
    Row,
    Schedule,
)
from asapfill.opendental.paging import Listing
from asapfill.opendental.versions import read_version, supports
from asapfill.scheduling.office import Office

Item = TypeVar("Item", bound=Row)
log = logging.getLogger(__name__)

BLOCKOUT_TYPES = 25
COMMLOG_TYPES = 27
NAMES_KEPT = timedelta(hours=1)
RECALLS_KEPT = timedelta(hours=12)
APPOINTMENTS_KEPT = timedelta(hours=6)
SCHEDULES_KEPT = timedelta(minutes=15)
PATIENTS_KEPT = timedelta(hours=4)
NEAR_DAYS = 2
OVERLAP = timedelta(minutes=2)
"""How far before the last reading changed appointments are asked for again: rows are stamped when a change begins."""
MOST_HISTORIES = 20
"""So many changed appointments are traced at the first look; an office where more changed in a few minutes is in the
middle of something, and what was not traced is found settled or not at the next look."""
COUNTED_DAYS = 8
"""AsapComms of this many days are read: a week's texts count, and one day for clocks."""


@dataclass(frozen=True, slots=True)
class Names:
    """The lists that seldom change."""

    operatories: tuple[Operatory, ...]
    providers: tuple[Provider, ...]
    blockout_types: tuple[Definition, ...]
    commlog_types: tuple[Definition, ...]
    clinics: tuple[Clinic, ...]
    preferences: dict[str, str]
    recall_types: tuple[RecallType, ...]
    appointment_types: tuple[AppointmentType, ...]
    version: tuple[int, ...] | None


@dataclass(slots=True)
class _Read:
    """When each part was last read (aware)."""

    names: datetime | None = None
    recalls: datetime | None = None
    appointments: datetime | None = None
    schedules: datetime | None = None


@dataclass(slots=True)
class Mirror:
    """One office as last read. Not shared between threads."""

    client: OpenDental
    clock: Clock
    names: Names | None = None
    asapcomms: tuple[AsapComm, ...] = ()
    skew: timedelta | None = None
    """The office's clock minus ours in the policy's zone, as last measured; None when no answer carried a time."""
    problems: list[str] = field(default_factory=list)
    """Rows that could not be read in the last refresh, one sentence each."""
    _first: date = date.min
    _last: date = date.min
    _appointments: dict[int, Appointment] = field(default_factory=dict)
    _unnumbered: tuple[Appointment, ...] = ()
    _changed_since: datetime | None = None
    _schedules: dict[date | None, tuple[Schedule, ...]] = field(default_factory=dict)
    _asap: tuple[Appointment, ...] = ()
    _recalls: tuple[Recall, ...] = ()
    _patients: dict[int, tuple[Patient, datetime]] = field(default_factory=dict)
    _lab_cases: dict[int, tuple[LabCase, ...]] = field(default_factory=dict)
    _turn: int = 0
    _began: tuple[datetime, datetime] | None = None
    _read: _Read = field(default_factory=_Read)

    def refresh(self, office_now: datetime, look_ahead: timedelta, clinics: Sequence[int]) -> None:
        """Bring the mirror up to date for the days from yesterday to the end of ``look_ahead``.

        ``office_now``: the office's wall clock by our reckoning. ``clinics``: ClinicNums whose ASAP lists are
        wanted; empty when the office does not use clinics.

        Raises OpenDentalError: the office could not be read; what was known before stays known.
        """
        now = self.clock.now()
        self._began = (now, office_now)
        self.problems = []
        self.read_names(now)
        first, last = office_now.date() - timedelta(days=1), (office_now + look_ahead).date()
        if _old(self._read.appointments, now, APPOINTMENTS_KEPT) or last > self._last or self._changed_since is None:
            self._read_all_appointments(first, last, now)
        else:
            self._read_changed_appointments(office_now)
        if _old(self._read.schedules, now, SCHEDULES_KEPT) or last > self._last:
            self._read_schedules(first, last)
            self._read.schedules = now
        else:
            self._read_schedules(office_now.date(), office_now.date() + timedelta(days=NEAR_DAYS - 1))
        self._first, self._last = first, last
        self._read_asap(clinics)
        if _old(self._read.recalls, now, RECALLS_KEPT):
            self._read_recalls()
            self._read.recalls = now
        self.read_asapcomms(office_now)

    def read_names(self, now: datetime, kept: timedelta = NAMES_KEPT) -> Names:
        """The office's lists and preferences, read again when they are older than ``kept``."""
        if self.names is None or _old(self._read.names, now, kept):
            with self.client.purpose("names"):
                self.names = self._fetch_names()
            self._read.names = now
        return self.names

    def office(self) -> Office:
        """Everything known, as the pure core reads it. Only days up to the look-ahead are complete."""
        names = self.names
        if names is None:
            raise RuntimeError("the mirror is asked for an office before it was refreshed")
        asap_patients = {recall.pat_num for recall in self._recalls if recall.priority == ASAP}
        return Office(
            first=self._first + timedelta(days=1),
            last=self._last,
            operatories=names.operatories,
            providers=names.providers,
            schedules=tuple(row for rows in self._schedules.values() for row in rows),
            appointments=(*self._appointments.values(), *self._unnumbered),
            asap=self._asap,
            recalls=tuple(recall for recall in self._recalls if recall.pat_num in asap_patients),
            recall_types=names.recall_types,
            appointment_types=names.appointment_types,
            blockout_types=names.blockout_types,
            clinics=names.clinics,
            patients={number: patient for number, (patient, _) in self._patients.items()},
            lab_cases=tuple(case for cases in self._lab_cases.values() for case in cases),
            preferences=names.preferences,
            version=names.version,
        )

    def read_patients(self, numbers: Iterable[int], *, kept: timedelta = PATIENTS_KEPT) -> None:
        """Read patients, and their lab cases, unless that was done less than ``kept`` ago. One who is gone is
        remembered as unusable.
        """
        now = self.clock.now()
        with self.client.purpose("patients"):
            for number in sorted(numbers):
                known = self._patients.get(number)
                if known is not None and now - known[1] < kept:
                    continue
                try:
                    patient = self.client.patient(number)
                except NotFound:
                    patient = Patient(pat_num=number, pat_status="Deleted")
                self._patients[number] = (patient, now)
                if supports(self.read_names(now).version, "labcases"):
                    cases = _optional(partial(self.client.lab_cases, pat_num=number))
                    self._lab_cases[number] = cases.rows if cases is not None else ()

    def vacated_since(self, moment: datetime) -> list[tuple[int, datetime, timedelta]]:
        """Places (OperatoryNum, start, length) that appointments held before they were moved or deleted since
        ``moment``.

        ``moment``: naive office time. Read from the appointments' history; offices older than 23.1.30 have none, and
        blockouts leave no trace.
        """
        if not supports(self.read_names(self.clock.now()).version, "histappointments"):
            return []
        with self.client.purpose("history"):
            deletions = _optional(
                partial(self.client.hist_appointments, action="Deleted", date_start=self._first, date_end=self._last)
            )
            if deletions is None:
                return []
            history = list(deletions.rows)
            changed = self.client.appointments(date_t_stamp=moment).rows
            for row in changed[:MOST_HISTORIES]:
                history += self.client.hist_appointments(apt_num=row.apt_num).rows
        deleted = {row.apt_num for row in history if row.hist_appt_action == "Deleted"}
        recent = {row.apt_num for row in changed} | {
            row.apt_num
            for row in history
            if row.apt_num in deleted and row.hist_date_t_stamp is not None and row.hist_date_t_stamp >= moment
        }
        return [
            (row.op, row.apt_date_time, timedelta(minutes=5 * max(len(row.pattern), 6)))
            for row in history
            if row.apt_num in recent and row.op and row.apt_date_time is not None
        ]

    def read_day(self, day: date) -> None:
        """Read one day's appointments and schedule again: the look before sending."""
        with self.client.purpose("look again"):
            self._replace_days(self._noted(self.client.appointments(date_start=day, date_end=day)), day, day)
            self._read_schedules(day, day)

    def read_appointment(self, number: int) -> None:
        """Read one ASAP appointment again; one that is gone leaves the list."""
        with self.client.purpose("look again"):
            try:
                row = self.client.appointment(number)
            except NotFound:
                self._appointments.pop(number, None)
                self._asap = tuple(item for item in self._asap if item.apt_num != number)
                return
        self._keep([row])
        self._asap = tuple(row if item.apt_num == number else item for item in self._asap)

    def read_recalls_of(self, patient: int) -> None:
        """Read one patient's recalls again."""
        with self.client.purpose("look again"):
            rows = self.client.recalls(pat_num=patient).rows
        self._recalls = (*(item for item in self._recalls if item.pat_num != patient), *rows)

    def read_asapcomms(self, office_now: datetime) -> tuple[AsapComm, ...]:
        """The offers of the last days, everybody's. The end is given: Open Dental's default hides today's."""
        today = office_now.date()
        with self.client.purpose("offers"):
            listing = self.client.asapcomms(
                date_start=today - timedelta(days=COUNTED_DAYS), date_end=today + timedelta(days=2)
            )
        self.problems += listing.problems
        self.asapcomms = listing.rows
        return self.asapcomms

    def _fetch_names(self) -> Names:
        client = self.client
        preferences = {row.pref_name: row.value_string for row in client.preferences().rows}
        version = read_version(preferences.get("ProgramVersion"))
        recall_types = _optional(client.recall_types) if supports(version, "recalltypes") else None
        types = _optional(client.appointment_types) if supports(version, "appointmenttypes") else None
        names = Names(
            operatories=self._noted(client.operatories()),
            providers=self._noted(client.providers()),
            blockout_types=self._noted(client.definitions(BLOCKOUT_TYPES)),
            commlog_types=self._noted(client.definitions(COMMLOG_TYPES)),
            clinics=self._noted(client.clinics()),
            preferences=preferences,
            recall_types=recall_types.rows if recall_types is not None else (),
            appointment_types=types.rows if types is not None else (),
            version=version,
        )
        log.info(
            "office.names operatories=%d providers=%d blockout_types=%d clinics=%d",
            len(names.operatories),
            len(names.providers),
            len(names.blockout_types),
            len(names.clinics),
        )
        return names

    def _read_all_appointments(self, first: date, last: date, now: datetime) -> None:
        with self.client.purpose("appointments"):
            listing = self.client.appointments(date_start=first, date_end=last)
        rows = self._noted(listing)
        self._appointments = {row.apt_num: row for row in rows if row.apt_num}
        self._unnumbered = tuple(row for row in rows if not row.apt_num)
        self._changed_since = listing.server_time
        self._read.appointments = now

    def _read_changed_appointments(self, office_now: datetime) -> None:
        """What changed since the last reading, and one day in turn (today every other time) for what was deleted."""
        if self._changed_since is None:
            raise RuntimeError("changes are asked for before anything was read")
        with self.client.purpose("appointments"):
            listing = self.client.appointments(date_t_stamp=self._changed_since - OVERLAP)
            self._keep(self._noted(listing))
            self._changed_since = listing.server_time or self._changed_since
            days = (self._last - self._first).days
            self._turn += 1
            day = office_now.date()
            if self._turn % 2:
                day = self._first + timedelta(days=1 + (self._turn // 2) % days)
            self._replace_days(self._noted(self.client.appointments(date_start=day, date_end=day)), day, day)

    def _keep(self, rows: Iterable[Appointment]) -> None:
        for row in rows:
            if row.apt_num:
                self._appointments[row.apt_num] = row

    def _replace_days(self, rows: Iterable[Appointment], first: date, last: date) -> None:
        """What lies on these days now is all that lies there: rows that are gone were deleted or moved."""
        rows = list(rows)
        found = {row.apt_num for row in rows}
        gone = [
            number
            for number, row in self._appointments.items()
            if row.apt_date_time is not None and first <= row.apt_date_time.date() <= last and number not in found
        ]
        for number in gone:
            del self._appointments[number]
        self._keep(rows)

    def _read_schedules(self, first: date, last: date) -> None:
        with self.client.purpose("schedules"):
            rows = self._noted(self.client.schedules(date_start=first, date_end=last))
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            self._schedules.pop(date.fromordinal(ordinal), None)
        self._schedules.pop(None, None)
        by_day: dict[date | None, list[Schedule]] = {}
        for row in rows:
            by_day.setdefault(row.sched_date, []).append(row)
        for day, day_rows in by_day.items():
            self._schedules[day] = tuple(day_rows)

    def _read_asap(self, clinics: Sequence[int]) -> None:
        rows: dict[int, Appointment] = {}
        with self.client.purpose("asap"):
            for clinic in clinics or (None,):
                for row in self._noted(self.client.asap_appointments(clinic)):
                    rows[row.apt_num] = row
        self._asap = tuple(rows.values())

    def _read_recalls(self) -> None:
        version = self.read_names(self.clock.now()).version
        if not (supports(version, "recalls") and supports(version, "asapcomms POST recallNum")):
            return
        with self.client.purpose("recalls"):
            listing = _optional(self.client.recalls)
        self._recalls = self._noted(listing) if listing is not None else ()

    def _noted(self, listing: Listing[Item]) -> tuple[Item, ...]:
        """The rows of a listing; what could not be read and the office's clock are noted on the way."""
        self.problems += listing.problems
        if listing.server_time is not None and self._began is not None:
            began, wall = self._began
            self.skew = listing.server_time - (wall + (self.clock.now() - began))
        return listing.rows


def _optional(read: Callable[[], Listing[Item]]) -> Listing[Item] | None:
    """A list that some offices do not have: an older version answers that there is no such thing."""
    try:
        return read()
    except (NotFound, TooOld) as error:
        log.info("office.list_missing %s", error)
        return None


def _old(read: datetime | None, now: datetime, kept: timedelta) -> bool:
    return read is None or now - read >= kept or now < read
