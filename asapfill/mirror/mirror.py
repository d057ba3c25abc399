"""The mirror: what asapfill knows of one office, kept up to date with few requests.

In each cycle it reads what changed by time stamp, and the offers while patients may be answering. Everything else is
read again in turn, a request or two at the end of each cycle (see ``freshness``); so are deletions, which never show in
what changed. What was not read for too long, or never, is read before anything is planned: that makes a first reading
of everything, a restart and the end of an outage the same thing. What the mirror believes is read again before
anything is sent: see ``read_day`` and its neighbours. How each part is read is in ``reader``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from asapfill.clock import Clock
from asapfill.core.office import Office
from asapfill.core.rows import ASAP, AsapComm
from asapfill.mirror.changes import Place
from asapfill.mirror.freshness import ALL_OFFERS, APPOINTMENTS, DUE, LATE, MOST_PER_CYCLE, OFFERS, SCHEDULES
from asapfill.mirror.memory import Memory
from asapfill.mirror.names import Names
from asapfill.mirror.patients import HashPhone, Patients
from asapfill.mirror.reader import WEEK, Reader
from asapfill.opendental.client import OpenDental

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


@dataclass(slots=True)
class Mirror:
    """One office as last read. Used by one thread at a time; only ``hint`` may be called by any.

    ``memory``: where it outlives this process; None: nowhere. ``phones_anywhere``: see ``Office``. Whatever reads the
    office raises OpenDentalError when it could not be read; what was known before stays known.
    """

    client: OpenDental
    clock: Clock
    memory: Memory | None = None
    phones_anywhere: bool = False
    _reader: Reader = field(init=False)
    _patients: Patients = field(default_factory=Patients)
    _hints: Hints = field(default_factory=Hints)
    _requests_before: int = 0
    _office: Office | None = None
    """What ``office`` told last; None: there is news of patients since."""

    def __post_init__(self) -> None:
        """Nothing is known yet; what the state remembers is recalled when it is first wanted."""
        self._reader = Reader(self.client, self.clock)
        self._patients.phones_anywhere = self.phones_anywhere

    # What others ask

    @property
    def skew(self) -> timedelta | None:
        """The office's clock minus ours in the policy's zone, as last measured; None when no answer carried a time."""
        return self._reader.time.skew

    @property
    def names(self) -> Names | None:
        """The lists as last read; None when they never were."""
        return self._reader.lists.names

    @property
    def asapcomms(self) -> tuple[AsapComm, ...]:
        """Everybody's offers of the last days, as last read."""
        return tuple(self._reader.known.asapcomms)

    @property
    def problems(self) -> list[str]:
        """A sentence for each row that could not be read when it was last met."""
        return self._reader.problems

    def hint(self, *, days: Iterable[date] = (), appointments: Iterable[int] = ()) -> None:
        """Something changed on these days, or these AptNums changed or were deleted: look before the next plan.

        Any thread may call this. Days that are not looked at anyway, and appointments that are not known, cost nothing.
        """
        self._hints.add(days, appointments)

    def office(self) -> Office:
        """Everything known, as the pure core reads it. Only days up to the look-ahead are complete."""
        if self._reader.take_news() or self._office is None:
            self._office = self._as_office()
        return self._office

    def phones(self, hash_phone: HashPhone) -> dict[int, str]:
        """Keyed hash of the wireless phone by PatNum, of the patients read so far who have a usable one."""
        return self._patients.phones(hash_phone)

    # Keeping it up to date

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
        """
        now = self.clock.now()
        self._reader.begin(office_now)
        self._requests_before = self.client.request_total
        self._reader.offer_days = max(WEEK, look_ahead.days + 2)
        if self._patients.forget_old(now):
            self._office = None
        names = self.read_names(now)
        # With clinics on, Open Dental insists on one.
        without = () if names.clinics else ("",)
        lists = tuple(str(clinic) for clinic in clinics) or without
        self._reader.roll(office_now.date() - timedelta(days=1), (office_now + look_ahead).date(), lists)
        self._reader.read_changes()
        self._reader.invalidate(*self._hints.take())
        if following:
            self._reader.freshness.invalidate([OFFERS])
        if waiting:
            self._reader.invalidate_asap_lists(ASAP_WHILE_WAITING)
        self._reader.catch_up(LATE)

    def keep_up(self) -> None:
        """Read again what is due, while the cycle that is ending has made few requests: the rest waits its turn."""
        self._reader.catch_up(DUE, self._requests_before + MOST_PER_CYCLE)

    def save(self) -> None:
        """Write what changed into the state, if this mirror is kept there.

        Raises StoreError: the state cannot be written.
        """
        now = self._reader.to_remember(self._patients)
        if self.memory is not None and now is not None:
            self.memory.save(now, self._reader.known, self.clock.now())

    def read_names(self, now: datetime, kept: timedelta | None = None) -> Names:
        """The office's lists and preferences; those older than ``kept``, or never read, are read first."""
        if self.memory is not None and self._reader.is_new:
            self._remember(self.memory)
        return self._reader.read_names(now, kept)

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
                    self._office = None

    def vacated_since(self, moment: datetime) -> list[Place]:
        """Places that appointments held before they were moved or deleted since ``moment`` (naive office time).

        Blockouts leave no trace.
        """
        return self._reader.vacated_since(moment)

    # The recheck before sending

    def read_day(self, day: date) -> None:
        """Read one day's appointments and schedule again."""
        with self.client.purpose("look again"):
            self._reader.read_days(APPOINTMENTS, day, day)
            self._reader.read_days(SCHEDULES, day, day)

    def read_appointment(self, number: int) -> None:
        """Read one ASAP appointment again; one that is gone leaves the list."""
        with self.client.purpose("look again"):
            self._reader.read_appointment(number)

    def read_recalls_of(self, patient: int) -> None:
        """Read one patient's recalls again."""
        with self.client.purpose("look again"):
            self._reader.read_recalls_of(patient)

    def read_asapcomms(self, office_now: datetime) -> tuple[AsapComm, ...]:
        """The offers of all days that count, everybody's."""
        self._reader.begin(office_now)
        self._reader.read(ALL_OFFERS)
        return self.asapcomms

    # How

    def _remember(self, memory: Memory) -> None:
        """Begin with what was known when the last process ended."""
        remembered = memory.recall()
        if remembered is None:
            return
        self._reader.remember(remembered)
        self._patients = remembered.patients
        known = self._reader.known
        log.info(
            "mirror.remembered office=%s appointments=%d schedules=%d",
            self.client.name,
            len(known.appointments.numbered.rows),
            len(known.schedules.numbered.rows),
        )

    def _as_office(self) -> Office:
        known, names = self._reader.known, self._reader.lists.names
        if names is None:
            raise RuntimeError("the mirror is asked for an office before it was refreshed")
        asap_patients = {recall.pat_num for recall in known.recalls if recall.priority == ASAP}
        return Office(
            first=known.appointments.first + timedelta(days=1),
            last=known.appointments.last,
            operatories=names.operatories,
            providers=names.providers,
            schedules=tuple(known.schedules),
            appointments=tuple(known.appointments),
            asap=tuple(known.asap),
            recalls=tuple(recall for recall in known.recalls if recall.pat_num in asap_patients),
            recall_types=names.recall_types,
            appointment_types=names.appointment_types,
            blockout_types=names.blockout_types,
            clinics=names.clinics,
            patients=self._patients.patients(),
            lab_cases=self._patients.lab_cases(),
            preferences=names.preferences,
            version=names.version,
            phones_anywhere=self.phones_anywhere,
        )
