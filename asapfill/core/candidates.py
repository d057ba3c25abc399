"""Candidates: who on the ASAP list may be asked at all, whatever the openings; and for everybody else, why not.

Whether a candidate fits somewhere is in ``fits``, whether a text may go out now is in ``limits``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

from asapfill.core.lengths import age, recall_pattern
from asapfill.core.offer import Kind
from asapfill.core.office import Office, preference_flag
from asapfill.core.policy import Group, Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import ASAP, Appointment, AptStatus, Patient, Recall
from asapfill.core.schedule import appointment_span, is_pattern, occupies, provider_of
from asapfill.core.units import Interval
from asapfill.core.values import can_be_dialled, local_digits, may_be_a_phone, supports

GROUPS: Mapping[str, Group] = {
    AptStatus.UNSCHEDULED: "unscheduled",
    AptStatus.PLANNED: "planned",
    AptStatus.BROKEN: "broken",
    AptStatus.SCHEDULED: "scheduled",
}
ADULT = 18


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ASAP appointment or recall that may be asked.

    ``pattern``: 5-minute units. ``providers``: whose time will do when the policy wants the same provider.
    ``is_hygiene``: every recall is. ``operatory``: the present appointment's, 0 for none. ``at``: the present
    appointment (naive office time), or when the recall is due. ``not_after``: with a present appointment, the latest
    start that is worth a move. ``not_before``: a recall's due day. ``busy``: units of the patient's other appointments.
    ``provisional``: the patient's row has not been read yet, so consent, phone and age are still open.
    """

    kind: Kind
    number: int
    patient: int
    group: Group
    pattern: str
    providers: frozenset[int]
    appointment_type: int = 0
    is_hygiene: bool = False
    operatory: int = 0
    at: datetime | None = None
    not_after: datetime | None = None
    not_before: date | None = None
    busy: tuple[Interval, ...] = ()
    provisional: bool = False

    @property
    def key(self) -> tuple[Kind, int]:
        """What it is in Open Dental: its kind, and AptNum or RecallNum."""
        return self.kind, self.number

    @property
    def length(self) -> timedelta:
        """How long the visit is."""
        return timedelta(minutes=5 * len(self.pattern))


@dataclass(frozen=True, slots=True)
class Passed:
    """Somebody on the ASAP list who is not asked, and why."""

    kind: Kind
    number: int
    patient: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied to one candidate, for ``explain``: its reason code, and the reason if it failed."""

    code: str
    failed: Reason | None


def find_candidates(office: Office, policy: Policy, office_now: datetime) -> tuple[list[Candidate], list[Passed]]:
    """Everybody on the ASAP list, as candidates and as passed over. ``office_now``: naive office time."""
    candidates: list[Candidate] = []
    passed: list[Passed] = []
    busy = _busy_by_patient(office)
    for appointment in office.asap:
        failed = first_failure(appointment_checks(appointment, office, policy, office_now))
        if failed is not None:
            passed.append(Passed("appointment", appointment.apt_num, appointment.pat_num, failed))
        else:
            candidates.append(appointment_candidate(appointment, office, policy, busy))
    recalls_of: dict[int, list[Recall]] = defaultdict(list)
    for recall in office.recalls:
        recalls_of[recall.pat_num].append(recall)
    for recall in office.recalls:
        if recall.priority != ASAP:
            continue
        failed = first_failure(recall_checks(recall, office, policy, office_now))
        if failed is not None:
            passed.append(Passed("recall", recall.recall_num, recall.pat_num, failed))
        else:
            candidates.append(recall_candidate(recall, recalls_of[recall.pat_num], office, office_now, busy))
    return candidates, passed


def first_failure(checks: Iterable[Check]) -> Reason | None:
    """The first reason against, or None."""
    return next((check.failed for check in checks if check.failed is not None), None)


def appointment_checks(appointment: Appointment, office: Office, policy: Policy, office_now: datetime) -> list[Check]:
    """Every rule that does not depend on an opening, applied to an ASAP appointment."""
    status = appointment.apt_status
    group = GROUPS.get(status)
    at = appointment.apt_date_time
    past = group == "scheduled" and at is not None and at <= office_now
    odd = appointment.unreadable | ({"AptDateTime"} if group == "scheduled" and at is None else set())
    if appointment.pattern and not is_pattern(appointment.pattern):
        odd |= {"Pattern"}
    booked = group == "planned" and any(
        other.next_apt_num == appointment.apt_num for other in office.appointments if other.next_apt_num
    )
    names = {row.clinic_num: row.description.strip() for row in office.clinics}
    clinic = names.get(appointment.clinic_num) or f"clinic {appointment.clinic_num}"
    return [
        _check("unreadable_candidate", bool(odd), ", ".join(sorted(odd))),
        _check("not_asap", appointment.priority != ASAP, f"priority {appointment.priority or 'none'}"),
        _check("wrong_status", group is None, f"status {status or 'none'}"),
        _check("not_included", group is not None and group not in policy.candidates.include, f"{group}"),
        _check("other_clinic", bool(office.clinics) and appointment.clinic_num != policy.clinic, clinic),
        _check("past_appointment", past, f"{at:%Y-%m-%d %H:%M}" if past else ""),
        _check("already_booked", booked),
        _check("no_length", not appointment.pattern),
        _check("lab_case", _lab_case_out(appointment, office)),
        *patient_checks(appointment.pat_num, office, policy, office_now.date()),
    ]


def recall_checks(recall: Recall, office: Office, policy: Policy, office_now: datetime) -> list[Check]:
    """Every such rule applied to an ASAP recall. Open Dental's POST checks none of them."""
    today = office_now.date()
    patient = office.patients.get(recall.pat_num)
    clinic_known = patient is not None and bool(office.clinics)
    disabled = (
        recall.is_disabled
        or recall.disable_until_balance > 0
        or (recall.disable_until_date is not None and recall.disable_until_date > today)
    )
    return [
        _check("unreadable_candidate", bool(recall.unreadable), ", ".join(sorted(recall.unreadable))),
        _check("not_asap", recall.priority != ASAP, f"priority {recall.priority or 'none'}"),
        _check("too_old", not supports(office.version, "asapcomms POST recallNum")),
        _check("not_included", "recalls" not in policy.candidates.include, "recalls"),
        _check("no_length", not _has_length(recall, office), _recall_type(recall, office)),
        _check("recall_disabled", disabled),
        _check("recall_scheduled", recall.date_scheduled is not None),
        _check(
            "recall_not_due",
            recall.date_due is None or recall.date_due > office.last,
            f"{recall.date_due or 'no date'}",
        ),
        _check("other_clinic", clinic_known and patient is not None and patient.clinic_num != policy.clinic),
        *patient_checks(recall.pat_num, office, policy, today),
    ]


def patient_checks(pat_num: int, office: Office, policy: Policy, today: date) -> list[Check]:
    """The rules about the patient. Those about consent, phone and age wait until the patient's row has been read."""
    excluded = _check("excluded_patient", pat_num in policy.candidates.except_patients)
    patient = office.patients.get(pat_num)
    if patient is None:
        return [excluded]
    odd = ", ".join(sorted(patient.unreadable))
    return [
        excluded,
        _check("unreadable_patient", bool(patient.unreadable), odd),
        _check("patient_status", patient.pat_status != "Patient", f"status {patient.pat_status or 'none'}"),
        _check("no_text_consent", not takes_texts(patient, office), f"TxtMsgOk {patient.txt_msg_ok or 'none'}"),
        _check("no_wireless_phone", phone_digits(patient.wireless_phone, anywhere=office.phones_anywhere) is None),
        _check("under_18", policy.candidates.under_18 == "skip" and not _is_adult(patient, today)),
    ]


def takes_texts(patient: Patient, office: Office) -> bool:
    """Open Dental: Yes, and Unknown unless the preference TextMsgOkStatusTreatAsNo is on."""
    if patient.txt_msg_ok == "Unknown":
        return not preference_flag(office.preferences, "TextMsgOkStatusTreatAsNo", default=False)
    return patient.txt_msg_ok == "Yes"


def phone_digits(wireless_phone: str, *, anywhere: bool = False) -> str | None:
    """The ten digits of a US or Canadian phone, which may have a leading 1; None for anything else (Open Dental).

    None also for what is no phone: 000-000-0000 and its like, area codes that cannot be. ``anywhere``: the office is
    elsewhere, so only what is no phone in any country is None.
    """
    digits = local_digits(wireless_phone)
    usable = may_be_a_phone(digits) if anywhere else can_be_dialled(digits)
    return digits if usable else None


def appointment_candidate(
    appointment: Appointment, office: Office, policy: Policy, busy: Mapping[int, list[tuple[Interval, int]]]
) -> Candidate:
    """An ASAP appointment that passed its checks."""
    group = GROUPS[appointment.apt_status]
    latest = None
    if group == "scheduled" and appointment.apt_date_time is not None:
        latest = appointment.apt_date_time - policy.candidates.gain
    return Candidate(
        kind="appointment",
        number=appointment.apt_num,
        patient=appointment.pat_num,
        group=group,
        pattern=appointment.pattern,
        providers=frozenset({provider_of(appointment)}),
        appointment_type=appointment.appointment_type_num,
        is_hygiene=appointment.is_hygiene,
        operatory=appointment.op,
        at=appointment.apt_date_time,
        not_after=latest,
        busy=tuple(span for span, apt_num in busy.get(appointment.pat_num, []) if apt_num != appointment.apt_num),
        provisional=appointment.pat_num not in office.patients,
    )


def recall_candidate(
    recall: Recall,
    recalls: Iterable[Recall],
    office: Office,
    office_now: datetime,
    busy: Mapping[int, list[tuple[Interval, int]]],
) -> Candidate:
    """An ASAP recall that passed its checks. Any hygienist will do, or the patient's own providers."""
    patient = office.patients.get(recall.pat_num)
    hygienists = {provider.prov_num for provider in office.providers if provider.is_secondary}
    own = {patient.pri_prov, patient.sec_prov} - {0} if patient is not None else set()
    due = recall.date_due
    pattern = recall_pattern(recall, recalls, patient, office)
    return Candidate(
        kind="recall",
        number=recall.recall_num,
        patient=recall.pat_num,
        group="recalls",
        pattern=pattern,
        providers=frozenset(hygienists | own),
        is_hygiene=True,
        at=datetime.combine(due, time_of_day(0)) if due is not None else office_now,
        not_before=due,
        busy=tuple(span for span, _ in busy.get(recall.pat_num, [])),
        provisional=patient is None,
    )


def _check(code: str, failed: bool, detail: str = "") -> Check:  # noqa: FBT001  reads as a sentence
    return Check(code, Reason(code, detail) if failed else None)


def _is_adult(patient: Patient, today: date) -> bool:
    return patient.birthdate is not None and age(patient.birthdate, today) >= ADULT


def _recall_type(recall: Recall, office: Office) -> str:
    """What the office calls a recall's type."""
    names = {kind.recall_type_num: kind.description.strip() for kind in office.recall_types}
    return names.get(recall.recall_type_num) or f"recall type {recall.recall_type_num}"


def _has_length(recall: Recall, office: Office) -> bool:
    """Whether it can be said how long a recall visit is: its type is known, and its patterns are patterns or empty."""
    kind = next((kind for kind in office.recall_types if kind.recall_type_num == recall.recall_type_num), None)
    if kind is None or kind.unreadable:
        return False
    return all(not text or is_pattern(text) for text in (kind.time_pattern, recall.time_pattern_override))


def _lab_case_out(appointment: Appointment, office: Office) -> bool:
    """Whether the visit waits for a lab case that has not come back.

    Open Dental ties a lab case to an appointment, to the planned one it came from, or to both. One that is tied to
    none yet may be for any visit of that patient.
    """
    visit = {appointment.apt_num, appointment.next_apt_num} - {0}
    for case in office.lab_cases:
        if case.date_time_recd is not None:
            continue
        tied = {case.apt_num, case.planned_apt_num} - {0}
        loose = not tied or bool(case.unreadable & {"AptNum", "PlannedAptNum"})
        if tied & visit or (loose and case.pat_num == appointment.pat_num):
            return True
    return False


def _busy_by_patient(office: Office) -> Mapping[int, list[tuple[Interval, int]]]:
    result: dict[int, list[tuple[Interval, int]]] = defaultdict(list)
    for appointment in office.appointments:
        # A note is no visit, and a broken visit does not take place.
        if appointment.apt_status in {AptStatus.NOTE, AptStatus.NOTE_COMPLETED, AptStatus.BROKEN}:
            continue
        span = appointment_span(appointment, office) if occupies(appointment) else None
        if span is not None:
            result[appointment.pat_num].append((span, appointment.apt_num))
    return result
