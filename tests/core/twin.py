"""The brute-force twin: the rules of openings and fits asked again for every five minutes, one by one.

Shares no code with ``asapfill.scheduling``; only the rows, the policy and the standard library. It is slow and plain
on purpose: each function is one rule of Open Dental's or of the policy, as a question about one moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import cached_property

from asapfill.core.office import Office
from asapfill.core.policy import Policy
from asapfill.core.rows import (
    Appointment,
    Definition,
    LabCase,
    Operatory,
    Patient,
    Provider,
    Recall,
    RecallType,
    Schedule,
)

FIVE = timedelta(minutes=5)
DAY = timedelta(days=1)
MIDNIGHT = time_of_day(0)

Place = tuple[int, int, datetime]
"""OperatoryNum, ProvNum, moment."""
Settling = frozenset[Place]
Asked = tuple[str, int]
"""Kind and number of a candidate."""


@dataclass(frozen=True)
class Visit:
    """What one candidate needs."""

    patient: int
    own: int
    pattern: str
    providers: frozenset[int]
    kind_of_visit: int
    latest: datetime | None = None
    earliest: date | None = None
    is_hygiene: bool = False
    is_recall: bool = False
    operatory: int = 0


@dataclass(frozen=True)
class Twin:
    """One office, one policy, one moment. ``settling``: places that became free only just now."""

    office: Office
    policy: Policy
    now: datetime
    settling: Settling

    # ---------------------------------------------------------------- who works where

    def works(self, operatory: Operatory, moment: datetime) -> int:
        """The ProvNum whose time it is, or 0."""
        rows = [row for row in self.office.schedules if self.row_applies(row, operatory, moment)]
        if not rows:
            return 0
        first = min(rows, key=lambda row: self.order_of_row(row, operatory))
        provider = self.provider(first.prov_num)
        gone = provider is None or provider.is_hidden or provider.prov_status == "Deleted" or provider.unreadable
        if gone or first.prov_num in self.policy.openings.except_providers:
            return 0
        return first.prov_num

    def row_applies(self, row: Schedule, operatory: Operatory, moment: datetime) -> bool:
        """Whether a provider's row covers these five minutes in this operatory."""
        broken = {"SchedDate", "StartTime", "StopTime", "ProvNum", "operatories", "SchedType"}
        if row.sched_type != "Provider" or row.sched_date is None or row.prov_num == 0 or row.unreadable & broken:
            return False
        if datetime.combine(row.sched_date, row.start_time) > moment:
            return False
        if datetime.combine(row.sched_date, row.stop_time) < moment + FIVE:
            return False
        if row.operatories:
            return operatory.operatory_num in row.operatories
        own = operatory.prov_hygienist if operatory.is_hygiene else operatory.prov_dentist
        if own == 0:
            text = self.office.preferences.get("ScheduleProvUnassigned", "1")
            own = int(text) if text.isdigit() else 1
        return own == row.prov_num

    def order_of_row(self, row: Schedule, operatory: Operatory) -> tuple[int, int, time_of_day, int]:
        """Right role first, then linked rows, then the earlier row."""
        provider = self.provider(row.prov_num)
        hygienist = provider is not None and provider.is_secondary
        role = 0 if hygienist == operatory.is_hygiene else 1
        return role, 0 if row.operatories else 1, row.start_time, row.schedule_num

    def provider(self, number: int) -> Provider | None:
        """The listed provider."""
        return next((provider for provider in self.office.providers if provider.prov_num == number), None)

    # ---------------------------------------------------------------- what is taken

    def units_long(self, appointment: Appointment) -> int:
        """How many five minutes an appointment takes."""
        if appointment.pattern and set(appointment.pattern) <= {"X", "/"}:
            return len(appointment.pattern)
        text = self.office.preferences.get("AppointmentWithoutProcsDefaultLength", "30")
        minutes = int(text) if text.isdigit() else 30
        return max(len(appointment.pattern), (minutes + 4) // 5, 6)

    def on_schedule(self, appointment: Appointment) -> bool:
        """Everything lies on the schedule but UnschedList and Planned."""
        return appointment.apt_status not in ("UnschedList", "Planned")

    def covers(self, appointment: Appointment, moment: datetime) -> bool:
        """Whether an appointment touches these five minutes."""
        if not self.on_schedule(appointment):
            return False
        if "AptDateTime" in appointment.unreadable:
            return True
        start = appointment.apt_date_time
        if start is None:
            return False
        return start < moment + FIVE and start + self.units_long(appointment) * FIVE > moment

    def taken(self, operatory: Operatory, moment: datetime) -> bool:
        """Whether any appointment takes these five minutes of an operatory."""
        return any(
            self.covers(row, moment)
            for row in self.office.appointments
            if row.op == operatory.operatory_num or "Op" in row.unreadable
        )

    def needs(self, appointment: Appointment, provider: int, moment: datetime) -> bool:
        """Whether an appointment needs this provider during these five minutes."""
        if not self.covers(appointment, moment):
            return False
        whose = appointment.prov_num
        if appointment.is_hygiene and appointment.prov_hyg:
            whose = appointment.prov_hyg
        if whose != provider and not appointment.unreadable & {"ProvNum", "ProvHyg", "IsHygiene"}:
            return False
        start = appointment.apt_date_time
        regular = bool(appointment.pattern) and set(appointment.pattern) <= {"X", "/"}
        if "AptDateTime" in appointment.unreadable or start is None or not regular or (moment - start) % FIVE:
            return True
        return appointment.pattern[(moment - start) // FIVE] == "X"

    # ---------------------------------------------------------------- blockouts

    def lies(self, row: Schedule) -> tuple[datetime, datetime]:
        """From when to when a blockout lies."""
        if row.sched_date is None:
            return datetime(2000, 1, 1), datetime(2100, 1, 1)
        midnight = datetime.combine(row.sched_date, MIDNIGHT)
        if row.unreadable & {"StartTime", "StopTime"}:
            return midnight, midnight + DAY
        start = datetime.combine(row.sched_date, row.start_time)
        stop = datetime.combine(row.sched_date, row.stop_time)
        return (midnight, stop + DAY) if stop < start else (start, stop)

    def blockouts(self, operatory: Operatory, *, allowed: bool) -> list[Schedule]:
        """The blockouts in an operatory that the policy allows to offer over, or those that it does not."""
        result = []
        for row in self.office.schedules:
            other = row.sched_type in ("Provider", "Practice", "Employee", "WebSchedASAP")
            if other and "SchedType" not in row.unreadable:
                continue
            here = operatory.operatory_num in row.operatories or "operatories" in row.unreadable
            if here and self.may_offer_over(row) == allowed:
                result.append(row)
        return result

    def may_offer_over(self, row: Schedule) -> bool:
        """Whether the policy allows this blockout, and Open Dental too."""
        senseless = row.sched_date is None or row.stop_time < row.start_time
        if row.sched_type != "Blockout" or row.unreadable or senseless:
            return False
        wanted = self.policy.openings
        if row.blockout_type not in wanted.blockouts_allowed | wanted.hygiene_only_in | wanted.recalls_only_in:
            return False
        kinds = [kind for kind in self.office.blockout_types if kind.def_num == row.blockout_type]
        return bool(kinds) and not any(
            kind.is_hidden or "NS" in kind.item_value.upper() or kind.unreadable for kind in kinds
        )

    def meets(self, row: Schedule, start: datetime, end: datetime) -> bool:
        """Open Dental: end1 > start2 and start1 < end2."""
        lies_from, lies_to = self.lies(row)
        return end > lies_from and start < lies_to

    # ---------------------------------------------------------------- what may be offered

    def free(self, operatory: Operatory, moment: datetime) -> int:
        """Whose free time these five minutes are by the schedule and the policy's hours; 0 if nobody's."""
        hours = self.policy.openings.hours
        midnight = datetime.combine(moment.date(), MIDNIGHT)
        opens = datetime.combine(moment.date(), hours.start)
        closes = midnight + DAY if hours.end == MIDNIGHT else datetime.combine(moment.date(), hours.end)
        if moment.weekday() not in self.policy.openings.days or moment < opens or moment + FIVE > closes:
            return 0
        provider = self.works(operatory, moment)
        if not provider or self.taken(operatory, moment):
            return 0
        blocked = any(self.meets(row, moment, moment + FIVE) for row in self.blockouts(operatory, allowed=False))
        return 0 if blocked else provider

    def in_time(self, moment: datetime) -> bool:
        """Not before the notice is over in real hours, nor after the last day of the look-ahead."""
        zone = self.policy.timezone
        soonest = self.now + self.policy.openings.notice
        wall = soonest.astimezone(zone).replace(tzinfo=None)
        last = (self.now.astimezone(zone).replace(tzinfo=None) + self.policy.openings.look_ahead).date()
        # In the hour that autumn shows twice, a time is its first showing.
        begins = moment.replace(tzinfo=zone).astimezone(UTC)
        return moment >= wall and begins >= soonest and moment.date() <= last

    def usable(self, operatory: Operatory) -> bool:
        """Whether the policy's clinic may fill an operatory at all."""
        chosen = self.policy.openings.operatories
        number = operatory.operatory_num
        return not (
            (self.office.clinics and operatory.clinic_num != self.policy.clinic)
            or operatory.unreadable
            or operatory.is_hidden
            or operatory.set_prospective
            or number in self.policy.openings.except_operatories
            or (chosen is not None and number not in chosen)
        )

    @cached_property
    def free_time(self) -> dict[int, list[list[tuple[datetime, int]]]]:
        """Per OperatoryNum the runs of free five minutes of one provider that a visit could lie across."""
        result: dict[int, list[list[tuple[datetime, int]]]] = {}
        for operatory in self.office.operatories:
            if not self.usable(operatory):
                continue
            walls = {self.lies(row) for row in self.blockouts(operatory, allowed=False)}
            split_at = {start for start, stop in walls if start == stop}
            runs: list[list[tuple[datetime, int]]] = []
            for moment in self.moments():
                provider = self.free(operatory, moment)
                if not provider:
                    continue
                joined = runs and runs[-1][-1] == (moment - FIVE, provider) and moment not in split_at
                if joined:
                    runs[-1].append((moment, provider))
                else:
                    runs.append([(moment, provider)])
            result[operatory.operatory_num] = runs
        return result

    @cached_property
    def openings(self) -> dict[tuple[int, datetime], list[datetime]]:
        """Per operatory and moment that may be offered: all moments of its opening."""
        result: dict[tuple[int, datetime], list[datetime]] = {}
        for operatory, runs in self.free_time.items():
            for run in runs:
                parts: list[list[datetime]] = [[]]
                for moment, provider in run:
                    if self.in_time(moment) and (operatory, provider, moment) not in self.settling:
                        parts[-1].append(moment)
                    else:
                        parts.append([])
                for part in parts:
                    if part and len(part) * FIVE >= self.policy.openings.shortest:
                        result.update({(operatory, moment): part for moment in part})
        return result

    def offerable(self) -> set[Place]:
        """Everything that may be offered now."""
        return {
            (operatory, provider, moment)
            for operatory, runs in self.free_time.items()
            for run in runs
            for moment, provider in run
            if (operatory, moment) in self.openings
        }

    def moments(self) -> Iterator[datetime]:
        """Every five minutes of the known days."""
        moment = datetime.combine(self.office.first, MIDNIGHT)
        while moment.date() <= self.office.last:
            yield moment
            moment += FIVE

    # ---------------------------------------------------------------- fits

    def fits(self, visit: Visit) -> set[Place]:
        """Every place at which a visit may start."""
        result = set()
        for operatory, runs in self.free_time.items():
            for run in runs:
                for moment, provider in run:
                    if self.starts(visit, operatory, provider, moment, run):
                        result.add((operatory, provider, moment))
        return result

    def starts(
        self, visit: Visit, operatory: int, provider: int, moment: datetime, run: list[tuple[datetime, int]]
    ) -> bool:
        """Whether a visit may start here."""
        end = moment + len(visit.pattern) * FIVE
        opening = self.openings.get((operatory, moment), [])
        if not opening or not visit.pattern or end > opening[-1] + FIVE:
            return False
        on_grid = (moment.hour * 60 + moment.minute) % self.increment == 0
        if not (on_grid or moment == run[0][0] or end == run[-1][0] + FIVE):
            return False
        wrong_provider = self.policy.candidates.same_provider and provider not in visit.providers
        wrong_chair = self.policy.openings.hygiene_chairs and not self.right_chair(visit, operatory, provider)
        if wrong_provider or wrong_chair:
            return False
        if visit.latest is not None and moment > visit.latest:
            return False
        if visit.earliest is not None and moment.date() < visit.earliest:
            return False
        return not (
            self.patient_is_elsewhere(visit, moment, end)
            or self.provider_is_elsewhere(visit, provider, moment)
            or self.type_forbids(visit, operatory, moment, end)
            or self.blocks_forbid(visit, operatory, moment, end)
        )

    def right_chair(self, visit: Visit, operatory: int, provider: int) -> bool:
        """Hygiene in hygiene chairs, the rest in the others; nobody is moved out of the operatory that he has."""
        visible = [row for row in self.office.operatories if not row.is_hidden]
        any_marked = any(row.is_hygiene for row in visible)
        hygienists = [row.prov_num for row in self.office.providers if row.is_secondary]
        if visit.operatory == operatory or (not any_marked and not hygienists):
            return True
        (here,) = (row for row in visible if row.operatory_num == operatory)
        if "IsHygiene" in here.unreadable:
            return False
        if visit.is_recall or visit.is_hygiene:
            return here.is_hygiene or provider in hygienists
        return not here.is_hygiene if any_marked else provider not in hygienists

    @property
    def increment(self) -> int:
        """The office's grid in minutes."""
        text = self.office.preferences.get("AppointmentTimeIncrement", "10")
        return int(text) if text in ("5", "10", "15") else 10

    def patient_is_elsewhere(self, visit: Visit, start: datetime, end: datetime) -> bool:
        """Whether the patient has another visit during this one."""
        moments = [start + n * FIVE for n in range((end - start) // FIVE)]
        return any(
            self.covers(row, moment)
            for row in self.office.appointments
            if row.pat_num == visit.patient
            and row.apt_num != visit.own
            and row.apt_status not in ("Broken", "PtNote", "PtNoteCompleted")
            for moment in moments
        )

    def provider_is_elsewhere(self, visit: Visit, provider: int, start: datetime) -> bool:
        """Whether the provider is needed by another visit when this one needs him."""
        moments = [start + n * FIVE for n, character in enumerate(visit.pattern) if character != "/"]
        return any(
            self.needs(row, provider, moment)
            for row in self.office.appointments
            if row.apt_num != visit.own
            for moment in moments
        )

    def type_forbids(self, visit: Visit, number: int, start: datetime, end: datetime) -> bool:
        """Whether the visit's appointment type does not list a blockout under it."""
        if visit.kind_of_visit == 0:
            return False
        kinds = [kind for kind in self.office.appointment_types if kind.appointment_type_num == visit.kind_of_visit]
        if kinds and not kinds[0].blockout_types and "BlockoutTypes" not in kinds[0].unreadable:
            return False
        listed = kinds[0].blockout_types if kinds and "BlockoutTypes" not in kinds[0].unreadable else ()
        operatory = next(row for row in self.office.operatories if row.operatory_num == number)
        return any(
            self.meets(row, start, end) and not self.is_listed(row.blockout_type, listed)
            for row in self.blockouts(operatory, allowed=True)
        )

    def blocks_forbid(self, visit: Visit, number: int, start: datetime, end: datetime) -> bool:
        """Whether the policy keeps the time for other visits, or this visit out of all but its own blockouts."""
        wanted = self.policy.openings
        inside: frozenset[int] = frozenset()
        if visit.is_recall:
            inside = wanted.recalls_only_in or wanted.hygiene_only_in
        elif visit.is_hygiene:
            inside = wanted.hygiene_only_in
        operatory = next(row for row in self.office.operatories if row.operatory_num == number)
        blockouts = self.blockouts(operatory, allowed=True)
        mine = inside | wanted.blockouts_allowed
        if any(self.meets(row, start, end) and row.blockout_type not in mine for row in blockouts):
            return True
        if not inside:
            return False
        own = [self.lies(row) for row in blockouts if row.blockout_type in inside]
        moments = [start + n * FIVE for n in range((end - start) // FIVE)]
        return any(
            not any(lies_from <= moment and moment + FIVE <= lies_to for lies_from, lies_to in own)
            for moment in moments
        )

    def is_listed(self, blockout_type: int, listed: tuple[str, ...]) -> bool:
        """By number or by name."""
        kinds = [kind for kind in self.office.blockout_types if kind.def_num == blockout_type]
        return any(self.is_named(kind, text) for kind in kinds for text in listed)

    def is_named(self, kind: Definition, text: str) -> bool:
        """Whether an appointment type means this blockout type."""
        return text == str(kind.def_num) or text.lower() == kind.item_name.strip().lower()

    # ---------------------------------------------------------------- who is asked

    def visits(self) -> dict[Asked, Visit]:
        """Everybody who may be asked, with what they need."""
        result: dict[Asked, Visit] = {}
        for row in self.office.asap:
            if self.appointment_may_be_asked(row):
                result["appointment", row.apt_num] = self.visit_of(row)
        for recall in self.office.recalls:
            if self.recall_may_be_asked(recall):
                result["recall", recall.recall_num] = self.visit_of_recall(recall)
        return result

    def wall(self) -> datetime:
        """The office's clock."""
        return self.now.astimezone(self.policy.timezone).replace(tzinfo=None)

    def appointment_may_be_asked(self, row: Appointment) -> bool:
        """The rules on ASAP appointments."""
        groups = {"UnschedList": "unscheduled", "Planned": "planned", "Broken": "broken", "Scheduled": "scheduled"}
        group = groups.get(row.apt_status)
        past = group == "scheduled" and (row.apt_date_time is None or row.apt_date_time <= self.wall())
        booked = group == "planned" and row.apt_num in {other.next_apt_num for other in self.office.appointments}
        return not (
            row.unreadable
            or row.priority != "ASAP"
            or group not in self.policy.candidates.include
            or (self.office.clinics and row.clinic_num != self.policy.clinic)
            or past
            or booked
            or not row.pattern
            or set(row.pattern) - {"X", "/"}
            or any(self.waits_for(row, case) for case in self.office.lab_cases)
            or not self.patient_may_be_asked(row.pat_num)
        )

    def waits_for(self, row: Appointment, case: LabCase) -> bool:
        """Whether a visit waits for this lab case."""
        if case.date_time_recd is not None:
            return False
        numbers = [number for number in (case.apt_num, case.planned_apt_num) if number]
        if row.apt_num in numbers or row.next_apt_num in numbers:
            return True
        unclear = not numbers or bool(case.unreadable & {"AptNum", "PlannedAptNum"})
        return unclear and case.pat_num == row.pat_num

    def visit_of(self, row: Appointment) -> Visit:
        """What an ASAP appointment needs."""
        latest = None
        if row.apt_status == "Scheduled" and row.apt_date_time is not None:
            latest = row.apt_date_time - self.policy.candidates.gain
        whose = row.prov_hyg if row.is_hygiene and row.prov_hyg else row.prov_num
        return Visit(
            patient=row.pat_num,
            own=row.apt_num,
            pattern=row.pattern,
            providers=frozenset({whose}),
            kind_of_visit=row.appointment_type_num,
            latest=latest,
            is_hygiene=row.is_hygiene,
            operatory=row.op,
        )

    def recall_may_be_asked(self, recall: Recall) -> bool:
        """The rules on ASAP recalls."""
        kind = self.recall_type(recall.recall_type_num)
        patient = self.office.patients.get(recall.pat_num)
        version = self.office.version
        until = recall.disable_until_date
        return not (
            recall.unreadable
            or recall.priority != "ASAP"
            or "recalls" not in self.policy.candidates.include
            or (version is not None and version < (25, 2, 9))
            or kind is None
            or kind.unreadable
            or (set(kind.time_pattern) | set(recall.time_pattern_override)) - {"X", "/"}
            or recall.is_disabled
            or recall.disable_until_balance > 0
            or recall.date_scheduled is not None
            or (until is not None and until > self.wall().date())
            or recall.date_due is None
            or recall.date_due > self.office.last
            or (self.office.clinics and patient is not None and patient.clinic_num != self.policy.clinic)
            or not self.patient_may_be_asked(recall.pat_num)
        )

    def recall_type(self, number: int) -> RecallType | None:
        """The listed recall type."""
        return next((kind for kind in self.office.recall_types if kind.recall_type_num == number), None)

    def visit_of_recall(self, recall: Recall) -> Visit:
        """What an ASAP recall needs."""
        providers = {provider.prov_num for provider in self.office.providers if provider.is_secondary}
        patient = self.office.patients.get(recall.pat_num)
        if patient is not None:
            providers |= {patient.pri_prov, patient.sec_prov}
        return Visit(
            patient=recall.pat_num,
            own=0,
            pattern=self.recall_pattern(recall, patient),
            providers=frozenset(providers - {0}),
            kind_of_visit=0,
            earliest=recall.date_due,
            is_recall=True,
        )

    def recall_pattern(self, recall: Recall, patient: Patient | None) -> str:
        """The longest reading, with the provider wherever any reading has him, and what is appended."""
        times = self.increment // 5
        kind = self.recall_type(recall.recall_type_num)
        base = kind.time_pattern if kind is not None else ""
        readings = [[mark for mark in base for _ in range(times)] or ["X"] * (9 if times == 3 else 6)]
        readings.append(list(recall.time_pattern_override))
        readings.append([mark for mark in recall.time_pattern_override for _ in range(times)])
        child = self.recall_type(int(self.office.preferences.get("RecallTypeSpecialChildProphy", "0")))
        if child is not None and self.years(patient, self.office.first) < 12:
            readings.append([mark for mark in child.time_pattern for _ in range(times)])
        marks = ["/"] * max(len(reading) for reading in readings)
        for reading in readings:
            for place, mark in enumerate(reading):
                if mark != "/":
                    marks[place] = "X"
        if kind is None or not kind.append_to_special:
            for other in self.office.recalls:
                marks += self.appended(other, times) if other.pat_num == recall.pat_num and other != recall else []
        return "".join(marks)

    def appended(self, other: Recall, times: int) -> list[str]:
        """What another recall of the patient adds."""
        kind = self.recall_type(other.recall_type_num)
        due = "DateDue" in other.unreadable or (other.date_due is not None and other.date_due <= self.office.last)
        if kind is None or other.is_disabled or other.date_scheduled or not due:
            return []
        if kind.unreadable:
            return ["X"] * (9 if times == 3 else 6)
        return [] if not kind.append_to_special else [mark for mark in kind.time_pattern for _ in range(times)]

    def years(self, patient: Patient | None, day: date) -> int:
        """Age in full years; 0 when not known."""
        if patient is None or patient.birthdate is None:
            return 0
        born = patient.birthdate
        return day.year - born.year - (1 if (day.month, day.day) < (born.month, born.day) else 0)

    def patient_may_be_asked(self, number: int) -> bool:
        """The rules on the patient; those about the row wait until it was read."""
        if number in self.policy.candidates.except_patients:
            return False
        patient = self.office.patients.get(number)
        if patient is None:
            return True
        unknown_is_no = self.office.preferences.get("TextMsgOkStatusTreatAsNo", "0") == "1"
        consents = patient.txt_msg_ok == "Yes" or (patient.txt_msg_ok == "Unknown" and not unknown_is_no)
        digits = [character for character in patient.wireless_phone if character in "0123456789"]
        phone = len(digits) == 10 or (len(digits) == 11 and digits[0] == "1")
        adult = patient.birthdate is not None and self.years(patient, self.wall().date()) >= 18
        if self.policy.candidates.under_18 == "skip" and not adult:
            return False
        return not patient.unreadable and patient.pat_status == "Patient" and consents and phone
