"""The mirror: what asapfill knows of one office, kept up to date with few requests.

In each cycle it reads what changed by time stamp, and the offers while patients may be answering. Everything else is
read again in turn, a request or two at the end of each cycle (see ``turns``); so are deletions, which never show in
what changed. What was not read for too long, or never, is read before anything is planned: that makes a first reading
of everything, a restart and the end of an outage the same thing. What the mirror believes is looked at again before
anything is sent: see ``read_day`` and its neighbours.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from asapfill.clock import Clock
from asapfill.core.office import Office
from asapfill.core.rows import ASAP, AsapComm, HistAppointment
from asapfill.mirror.freshness import (
    ALL_OFFERS,
    APPOINTMENTS,
    ASAP_LIST,
    CHANGES,
    DELETIONS,
    DUE,
    LATE,
    MOST_PER_CYCLE,
    NAMES,
    OFFERS,
    PREFERENCE,
    RECALLS,
    SCHEDULES,
    Part,
)
from asapfill.mirror.known import Known
from asapfill.mirror.memory import Memory, Remembered
from asapfill.mirror.names import LISTS, PREFERENCES, Names, names_of
from asapfill.mirror.patients import HashPhone, Patients
from asapfill.mirror.reader import WEEK, Reader
from asapfill.mirror.recalls import MOST_HISTORIES, Place, replace_patient, vacated
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotFound

log = logging.getLogger(__name__)


class Hints:
    """Days and AptNums, added by any thread, taken by the one that reads the office."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: set[date] = set()
        self._appointments: set[int] = set()

    def add(self, days: Iterable[date], appointments: Iterable[int]) -> None:
        """Something changed there."""
        with self._lock:
            self._days.update(days)
            self._appointments.update(appointments)

    def take(self) -> tuple[set[date], set[int]]:
        """What was heard so far; it is not told again."""
        with self._lock:
            taken = (self._days, self._appointments)
            self._days, self._appointments = set(), set()
        return taken


ASAP_WHILE_WAITING = timedelta(minutes=10)
"""How old the ASAP list may become while a person is asked about those on it."""

LONGEST_CHANGES = timedelta(hours=3)
"""After so long without a look, the days are read anew instead of what changed since."""


@dataclass(slots=True)
class Mirror:
    """One office as last read. Used by one thread at a time; only ``hint`` may be called by any.

    ``memory``: where it outlives this process; None: nowhere.
    """

    client: OpenDental
    clock: Clock
    memory: Memory | None = None
    _reader: Reader = field(init=False)
    _patients: Patients = field(default_factory=Patients)
    _hints: Hints = field(default_factory=Hints)
    _requests_before: int = 0
    _office: Office | None = None
    """What ``office`` told last; made anew when the reader has news."""

    def __post_init__(self) -> None:
        """Nothing is known yet; what the state remembers is recalled when it is first wanted."""
        self._reader = Reader(self.client, self.clock)

    @property
    def _known(self) -> Known:
        return self._reader.known

    def _remember(self, memory: Memory) -> None:
        """Begin with what was known when the last process ended."""
        remembered = memory.recall()
        if remembered is None:
            return
        self._reader.changed_since = remembered.changed_since
        self._reader.turns.read_at = remembered.read_at
        self._known.roll(remembered.first, remembered.last)
        for kind, rows in self._known.numbered().items():
            rows.remember(remembered.rows[kind])
        self._reader.lists, self._patients = remembered.lists, remembered.patients
        if "preferences" in self._reader.lists:
            self._reader.names = names_of(self._reader.lists)
        log.info(
            "mirror.remembered office=%s appointments=%d schedules=%d",
            self.client.name,
            len(self._known.appointments.numbered.rows),
            len(self._known.schedules.numbered.rows),
        )

    # What others ask

    @property
    def skew(self) -> timedelta | None:
        """The office's clock minus ours in the policy's zone, as last measured; None when no answer carried a time."""
        return self._reader.skew

    @property
    def names(self) -> Names | None:
        """The lists as last read; None when they never were."""
        return self._reader.names

    @property
    def asapcomms(self) -> tuple[AsapComm, ...]:
        """Everybody's offers of the last days, as last read."""
        return tuple(self._known.asapcomms)

    @property
    def problems(self) -> list[str]:
        """A sentence for each row that could not be read when it was last met."""
        return list(dict.fromkeys(sentence for part in self._reader.problems.values() for sentence in part))

    def hint(self, *, days: Iterable[date] = (), appointments: Iterable[int] = ()) -> None:
        """Something changed on these days, or these AptNums changed or were deleted: look before the next plan.

        Any thread may call this. Days that are not looked at anyway, and appointments that are not known, cost nothing.
        """
        self._hints.add(days, appointments)

    def office(self) -> Office:
        """Everything known, as the pure core reads it. Only days up to the look-ahead are complete."""
        if self._office is None or self._reader.news:
            self._office = self._as_office()
            self._reader.news = False
        return self._office

    def refresh(
        self,
        office_now: datetime,
        look_ahead: timedelta,
        clinics: Sequence[int],
        *,
        following: bool = True,
        waiting: bool = False,
    ) -> None:
        """Bring the mirror up to date for the days from yesterday to the end of ``look_ahead``.

        ``office_now``: the office's wall clock by our reckoning. ``clinics``: ClinicNums whose ASAP lists are
        wanted; empty when the office does not use clinics. ``following``: patients may be answering offers just now.
        ``waiting``: a person is asked about people on the ASAP list, so who has left it is looked for more often.

        Raises OpenDentalError: the office could not be read; what was known before stays known.
        """
        now = self.clock.now()
        self._reader.begin(office_now)
        self._requests_before = self.client.request_total
        self._reader.offer_days = max(WEEK, look_ahead.days + 2)
        if self._patients.forget_old(now):
            self._reader.news = True
        names = self.read_names(now)
        self._roll(office_now.date() - timedelta(days=1), (office_now + look_ahead).date())
        # With clinics on, Open Dental insists on one.
        without = () if names.clinics else ("",)
        self._known.asap_clinics = tuple(str(clinic) for clinic in clinics) or without
        self._keep_parts()
        mark = self._reader.changed_since
        if mark is None or mark < office_now + (self.skew or timedelta(0)) - LONGEST_CHANGES:
            # Nothing tells what changed since, or it would be a longer list than that of all appointments.
            self._reader.changed_since = None
            self._reader.turns.doubt(Part(APPOINTMENTS, day) for day in self._known.appointments.days())
        else:
            self._reader.read_changes(mark)
        self._take_hints()
        if following:
            self._reader.turns.doubt([OFFERS])
        if waiting:
            parts = [Part(ASAP_LIST, clinic) for clinic in self._known.asap_clinics]
            self._reader.turns.doubt(
                part for part in parts if self._reader.turns.lateness(part, now, ASAP_WHILE_WAITING) >= DUE
            )
        self._catch_up(LATE)

    def keep_up(self) -> None:
        """Read again what is due, as long as the cycle that is ending has made few requests: the rest waits its turn.

        Raises OpenDentalError: the office could not be read.
        """
        self._catch_up(DUE, most=MOST_PER_CYCLE)

    def save(self) -> None:
        """Write what changed into the state, if this mirror is kept there.

        Raises StoreError: the state cannot be written.
        """
        if self.memory is not None and self._reader.began is not None:
            read_at, lists = self._reader.turns.read_at, self._reader.lists
            first, last = self._known.appointments.first, self._known.appointments.last
            now = Remembered(first, last, self._reader.changed_since, read_at, {}, lists, self._patients)
            self.memory.save(now, self._known, self.clock.now())

    def read_names(self, now: datetime, kept: timedelta | None = None) -> Names:
        """The office's lists and preferences; those that are older than ``kept``, or were never read, are read first.

        Raises OpenDentalError: the office could not be read.
        """
        if self.memory is not None and not self._reader.lists:
            self._remember(self.memory)
        for name in LISTS:
            part = Part(NAMES, name)
            doubted = kept is not None and name != "preferences" and self._reader.turns.lateness(part, now, kept) >= DUE
            if doubted or name not in self._reader.lists:
                self._reader.read(part)
        if self._reader.names is None:
            self._reader.names = names_of(self._reader.lists)
        return self._reader.names

    def read_patients(self, numbers: Iterable[int], *, kept: timedelta | None = None) -> None:
        """Read patients, and their lab cases, unless that was done less than ``kept`` ago (None: less than about half
        a day). One who is gone is remembered as unusable.
        """
        self._read_patients(self._patients.wanted(numbers, self.clock.now(), kept))

    def read_patients_since(self, moments: Mapping[int, datetime]) -> None:
        """Read patients who were not read at the moment (aware) given for each, or later. See ``read_patients``."""
        self._read_patients(self._patients.wanted_since(moments, self.clock.now()))

    def _read_patients(self, numbers: Iterable[int]) -> None:
        now = self.clock.now()
        with self.client.purpose("patients"):
            for number in numbers:
                if self._patients.read(number, self.client, self.read_names(now).version, now):
                    self._reader.news = True

    def phones(self, hash_phone: HashPhone) -> dict[int, str]:
        """Keyed hash of the wireless phone by PatNum, of the patients read so far who have a usable one."""
        return self._patients.phones(hash_phone)

    # The look before sending

    def read_day(self, day: date) -> None:
        """Read one day's appointments and schedule again."""
        with self.client.purpose("look again"):
            self._reader.read_days(APPOINTMENTS, day, day)
            self._reader.read_days(SCHEDULES, day, day)

    def read_appointment(self, number: int) -> None:
        """Read one ASAP appointment again; one that is gone leaves the list."""
        with self.client.purpose("look again"):
            try:
                row = self.client.appointment(number)
            except NotFound:
                self._known.appointments.drop(number)
                self._known.asap.drop(number)
            else:
                self._known.appointments.put(row)
                if number in self._known.asap:
                    self._known.asap.put(row)
        self._reader.news = True

    def read_recalls_of(self, patient: int) -> None:
        """Read one patient's recalls again."""
        with self.client.purpose("look again"):
            rows = self.client.recalls(pat_num=patient).rows
        replace_patient(self._known.recalls, patient, rows)
        self._reader.news = True

    def read_asapcomms(self, office_now: datetime) -> tuple[AsapComm, ...]:
        """The offers of all days that count, everybody's."""
        self._reader.begin(office_now)
        self._reader.read(ALL_OFFERS)
        return self.asapcomms

    def vacated_since(self, moment: datetime) -> list[Place]:
        """Places that appointments held before they were moved or deleted since ``moment`` (naive office time).

        Read from the appointments' history; offices older than 23.1.30 have none, and blockouts leave no trace.

        Raises OpenDentalError: the office could not be read.
        """
        if not self._reader.has("histappointments"):
            return []
        if self._reader.lateness(DELETIONS) >= DUE:
            self._reader.read(DELETIONS)
        with self.client.purpose("history"):
            since = self._reader.changes_from
            if since is not None and since <= moment:
                rows = self._reader.changes.values()
                changed = [row for row in rows if row.date_t_stamp and row.date_t_stamp >= moment]
            else:
                changed = list(self.client.appointments(date_t_stamp=moment).rows)
            traced: list[HistAppointment] = []
            for row in changed[:MOST_HISTORIES]:
                traced += self.client.hist_appointments(apt_num=row.apt_num).rows
        return vacated(self._reader.deletions, changed, traced, moment)

    # How

    def _parts(self) -> list[Part]:
        """Everything that is to be known now, in the order in which it is read when nothing is."""
        days = self._known.appointments.days()
        parts = [Part(NAMES, name) for name in LISTS] + [Part(PREFERENCE, name) for name in sorted(PREFERENCES)]
        parts += [Part(APPOINTMENTS, day) for day in days] + [Part(SCHEDULES, day) for day in days]
        parts += [Part(ASAP_LIST, clinic) for clinic in self._known.asap_clinics] + [ALL_OFFERS, OFFERS]
        if self._reader.has("recalls") and self._reader.has("asapcomms POST recallNum"):
            parts.append(RECALLS)
        return [*parts, DELETIONS] if self._reader.has("histappointments") else parts

    def _catch_up(self, late: float, most: int | None = None) -> None:
        """Read what is at least so late, the latest first; with ``most``, until the cycle has made so many requests."""
        while True:
            left = math.inf if most is None else most - (self.client.request_total - self._requests_before)
            parts = [part for part in self._parts() if self._cost(part) <= left]
            now = self.clock.now()
            part = max(parts, key=lambda part: self._reader.lateness(part, now), default=None)
            if part is None or self._reader.lateness(part, now) < late:
                return
            self._reader.read(part)

    def _cost(self, part: Part) -> int:
        """Requests that reading a part takes, by what it had the last time."""
        if part.kind not in {ASAP_LIST, ALL_OFFERS.kind}:
            return 1
        rows = self._known.asap.rows if part.kind == ASAP_LIST else self._known.asapcomms.rows
        return 1 + len(rows) // self.client.page_rows

    def _take_hints(self) -> None:
        days, appointments = self._hints.take()
        self._reader.turns.doubt(Part(kind, day) for day in days for kind in (APPOINTMENTS, SCHEDULES))
        # What only changed has just been read.
        self._reader.doubt_appointments(appointments - self._reader.changes.keys())

    def _keep_parts(self) -> None:
        """Forget when days and lists were read that are not read any more, and what was wrong with them."""
        parts = self._parts()
        self._reader.turns.keep(parts)
        problems = self._reader.problems.items()
        self._reader.problems = {part: told for part, told in problems if part in {*parts, CHANGES}}

    def _roll(self, first: date, last: date) -> None:
        if (first, last) != (self._known.appointments.first, self._known.appointments.last):
            self._reader.news = True
            self._known.roll(first, last)

    def _as_office(self) -> Office:
        names = self._reader.names
        if names is None:
            raise RuntimeError("the mirror is asked for an office before it was refreshed")
        asap_patients = {recall.pat_num for recall in self._known.recalls if recall.priority == ASAP}
        return Office(
            first=self._known.appointments.first + timedelta(days=1),
            last=self._known.appointments.last,
            operatories=names.operatories,
            providers=names.providers,
            schedules=tuple(self._known.schedules),
            appointments=tuple(self._known.appointments),
            asap=tuple(self._known.asap),
            recalls=tuple(recall for recall in self._known.recalls if recall.pat_num in asap_patients),
            recall_types=names.recall_types,
            appointment_types=names.appointment_types,
            blockout_types=names.blockout_types,
            clinics=names.clinics,
            patients=self._patients.patients(),
            lab_cases=self._patients.lab_cases(),
            preferences=names.preferences,
            version=names.version,
        )
