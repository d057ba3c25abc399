"""Who on the ASAP list is asked: one case per rule, its code and its source in its name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from asapfill.core.candidates import (
    appointment_checks,
    find_candidates,
    first_failure,
    phone_digits,
    recall_checks,
)
from asapfill.core.policy import CandidatesPolicy
from asapfill.core.reasons import RULES
from asapfill.core.rows import Clinic, LabCase, RecallType
from tests.core.rows import FRIDAY, asap, at, made, office, only_candidate, patient, policy, recall, visit

NOON = at("12:00")
TOMORROW = FRIDAY + timedelta(days=1)
CLINICS = [Clinic(clinic_num=4)]
OTHER_CLINIC = {"clinics": CLINICS, "patients": {5: patient(clinic_num=3)}}


def ask(**changes: Any) -> dict[str, Any]:
    return {"candidates": CandidatesPolicy(**changes)}


def case(code: str | None, name: str, policy_changes: dict[str, Any] | None = None, **parts: Any) -> Any:
    return pytest.param(parts, policy_changes or {}, code, id=f"{code or 'asked'}: {name}")


def odd(name: str) -> frozenset[str]:
    return frozenset({name})


def lab_case(**columns: Any) -> dict[str, Any]:
    return {"lab_cases": [made(LabCase, **{"lab_case_num": 1, "pat_num": 5, "apt_num": 50, **columns})]}


APPOINTMENTS = [
    case(None, "unscheduled", asap=[asap()]),
    case(None, "planned", asap=[asap(apt_status="Planned")]),
    case(None, "broken", asap=[asap(apt_status="Broken", apt_date_time=at("9:00"), op=1)]),
    case(None, "scheduled", asap=[visit("14:00", apt_num=50, pat_num=5, priority="ASAP")]),
    case(
        "past_appointment",
        "Open Dental lists past ones too",
        asap=[visit("12:00", apt_num=50, pat_num=5, priority="ASAP")],
    ),
    case(
        None,
        "Open Dental: a broken visit of the past may still be made up",
        asap=[asap(apt_status="Broken", apt_date_time=at("8:00"))],
    ),
    case("wrong_status", "Open Dental: Complete is never listed", asap=[asap(apt_status="Complete")]),
    case("wrong_status", "safe: a status that is not known", asap=[asap(apt_status="Tentative")]),
    case("not_asap", "Open Dental: Priority was set back", asap=[asap(priority="Normal")]),
    case("not_included", "policy candidates.include", ask(include=frozenset({"recalls"})), asap=[asap()]),
    case("other_clinic", "the policy is for one clinic", {"clinic": 4}, asap=[asap(clinic_num=3)], clinics=CLINICS),
    case("other_clinic", "a visit of no clinic", {"clinic": 4}, asap=[asap()], clinics=CLINICS),
    case(None, "the policy's clinic", {"clinic": 4}, asap=[asap(clinic_num=4)], clinics=CLINICS),
    case(None, "Open Dental: without clinics ClinicNum does not matter", asap=[asap(clinic_num=3)]),
    case(
        "already_booked",
        "Open Dental: NextAptNum names the planned one",
        asap=[asap(apt_status="Planned")],
        appointments=[visit("9:00", pat_num=6, next_apt_num=50)],
    ),
    case("no_length", "an empty pattern", asap=[asap(pattern="")]),
    case("unreadable_candidate", "safe: an odd pattern", asap=[asap(pattern="60")]),
    case("unreadable_candidate", "safe: a value that cannot be read", asap=[asap(unreadable=odd("Op"))]),
    case("unreadable_candidate", "safe: scheduled, but without a time", asap=[asap(apt_status="Scheduled")]),
    case("lab_case", "Open Dental: labcases", asap=[asap()], **lab_case()),
    case(
        "lab_case",
        "Open Dental: of the planned appointment",
        asap=[asap(apt_status="Planned")],
        **lab_case(apt_num=9, planned_apt_num=50),
    ),
    case(
        "lab_case",
        "Open Dental: of the planned one it came from",
        asap=[asap(next_apt_num=44)],
        **lab_case(apt_num=0, planned_apt_num=44),
    ),
    case("lab_case", "safe: of the patient, tied to no visit yet", asap=[asap()], **lab_case(apt_num=0)),
    case(
        "lab_case",
        "safe: of the patient, its visit cannot be read",
        asap=[asap()],
        **lab_case(apt_num=0, planned_apt_num=9, unreadable=odd("AptNum")),
    ),
    case(None, "the lab case is back", asap=[asap()], **lab_case(date_time_recd=datetime(2026, 11, 1))),
    case(None, "the lab case is another visit's", asap=[asap()], **lab_case(apt_num=51)),
    case(None, "the lab case is another patient's", asap=[asap()], **lab_case(apt_num=0, pat_num=6)),
    case("excluded_patient", "policy candidates.except_patients", ask(except_patients=frozenset({5})), asap=[asap()]),
]

PATIENTS = [
    case(None, "an adult who takes texts", asap=[asap()]),
    case(None, "not read yet", asap=[asap()], patients={}),
    case(
        "patient_status",
        "Open Dental does not exclude inactive ones",
        asap=[asap()],
        patients={5: patient(pat_status="Inactive")},
    ),
    case("patient_status", "gone", asap=[asap()], patients={5: patient(pat_status="Deleted")}),
    case("no_text_consent", "Open Dental: TxtMsgOk No", asap=[asap()], patients={5: patient(txt_msg_ok="No")}),
    case(None, "Open Dental: TxtMsgOk Unknown is a yes", asap=[asap()], patients={5: patient(txt_msg_ok="Unknown")}),
    case(
        "no_text_consent",
        "Open Dental: unless TextMsgOkStatusTreatAsNo",
        asap=[asap()],
        patients={5: patient(txt_msg_ok="Unknown")},
        preferences={"TextMsgOkStatusTreatAsNo": "1"},
    ),
    case(
        "no_text_consent",
        "safe: an answer that is not known",
        asap=[asap()],
        patients={5: patient(txt_msg_ok="Sometimes")},
    ),
    case(
        "no_wireless_phone",
        "Open Dental: only WirelessPhone is texted",
        asap=[asap()],
        patients={5: patient(wireless_phone="")},
    ),
    case("under_18", "policy candidates.under_18", asap=[asap()], patients={5: patient(birthdate=date(2008, 11, 21))}),
    case(None, "eighteen today", asap=[asap()], patients={5: patient(birthdate=date(2008, 11, 20))}),
    case("under_18", "safe: no birthdate", asap=[asap()], patients={5: patient(birthdate=None)}),
    case(
        None,
        "policy candidates.under_18: text",
        ask(under_18="text"),
        asap=[asap()],
        patients={5: patient(birthdate=None)},
    ),
    case(
        "unreadable_patient",
        "safe: a value of the patient cannot be read",
        asap=[asap()],
        patients={5: patient(unreadable=odd("TxtMsgOk"))},
    ),
]

RECALLS = [
    case(None, "due", recalls=[recall()]),
    case(None, "due on the last known day", recalls=[recall(date_due=FRIDAY)]),
    case("recall_not_due", "Open Dental: DateDue", recalls=[recall(date_due=TOMORROW)]),
    case("recall_not_due", "never due", recalls=[recall(date_due=None)]),
    case("unreadable_candidate", "safe: a value that cannot be read", recalls=[recall(unreadable=odd("DateDue"))]),
    case("too_old", "Open Dental 25.2.9 added recallNum", recalls=[recall()], version=(25, 2, 8)),
    case(None, "a version that is not known", recalls=[recall()], version=None),
    case("not_included", "policy candidates.include", ask(include=frozenset({"planned"})), recalls=[recall()]),
    case("no_length", "safe: a type that is not known", recalls=[recall(recall_type_num=8)]),
    case(
        "no_length",
        "safe: an odd pattern",
        recalls=[recall()],
        recall_types=[RecallType(recall_type_num=1, time_pattern="30")],
    ),
    case("no_length", "safe: an odd override", recalls=[recall(time_pattern_override="30")]),
    case(
        "no_length",
        "safe: a type that cannot be read",
        recalls=[recall()],
        recall_types=[made(RecallType, recall_type_num=1, unreadable=odd("AppendToSpecial"))],
    ),
    case(
        None,
        "Open Dental: an empty pattern has a documented default",
        recalls=[recall()],
        recall_types=[RecallType(recall_type_num=1)],
    ),
    case("recall_disabled", "Open Dental: IsDisabled", recalls=[recall(is_disabled=True)]),
    case("recall_disabled", "Open Dental: DisableUntilBalance", recalls=[recall(disable_until_balance=10)]),
    case("recall_disabled", "Open Dental: DisableUntilDate", recalls=[recall(disable_until_date=TOMORROW)]),
    case(None, "Open Dental: DisableUntilDate is over", recalls=[recall(disable_until_date=FRIDAY)]),
    case("recall_scheduled", "Open Dental: DateScheduled", recalls=[recall(date_scheduled=TOMORROW)]),
    case("other_clinic", "Open Dental: the patient's clinic", {"clinic": 4}, recalls=[recall()], **OTHER_CLINIC),
    case(
        None,
        "the clinic of a patient not read yet is open",
        {"clinic": 4},
        recalls=[recall()],
        clinics=CLINICS,
        patients={},
    ),
    case(
        "excluded_patient", "policy candidates.except_patients", ask(except_patients=frozenset({5})), recalls=[recall()]
    ),
    case(
        "under_18", "policy candidates.under_18", recalls=[recall()], patients={5: patient(birthdate=date(2015, 1, 1))}
    ),
]


@pytest.mark.parametrize(("parts", "policy_changes", "code"), APPOINTMENTS + PATIENTS + RECALLS)
def test_who_is_asked(parts: dict[str, Any], policy_changes: dict[str, Any], code: str | None) -> None:
    candidates, passed = find_candidates(office(**parts), policy(**policy_changes), NOON)
    assert len(candidates) + len(passed) == 1
    assert [item.reason.code for item in passed] == ([] if code is None else [code])
    assert all(item.reason.sentence for item in passed)


def test_a_recall_that_is_not_asap_is_not_even_mentioned() -> None:
    assert find_candidates(office(recalls=[recall(priority="Normal")]), policy(), NOON) == ([], [])
    failed = first_failure(recall_checks(recall(priority="Normal"), office(), policy(), NOON))
    assert failed is not None
    assert failed.code == "not_asap"


def test_every_rule_is_listed_for_explain_and_has_a_sentence() -> None:
    checks = [*appointment_checks(asap(), office(), policy(), NOON), *recall_checks(recall(), office(), policy(), NOON)]
    tried = {param.values[2] for param in APPOINTMENTS + PATIENTS + RECALLS} - {None} | {"not_asap"}
    assert {check.code for check in checks} == tried
    assert tried <= RULES.keys()
    assert not any(check.failed for check in checks)


def test_a_patient_who_was_not_read_yet_makes_a_provisional_candidate() -> None:
    assert only_candidate(office(asap=[asap()], patients={})).provisional
    assert not only_candidate(office(asap=[asap()])).provisional


def test_what_a_scheduled_candidate_carries() -> None:
    present = visit("14:00", 40, apt_num=50, pat_num=5, priority="ASAP", appointment_type_num=3)
    other = visit("9:00", 30, apt_num=2, pat_num=5)
    found = only_candidate(office(asap=[present], appointments=[present, other]))
    assert (found.kind, found.number, found.patient, found.group) == ("appointment", 50, 5, "scheduled")
    assert found.length == timedelta(minutes=40)
    assert found.not_after == at("14:00") - timedelta(days=2)
    assert [end - start for start, end in found.busy] == [6]


def test_a_recall_goes_to_a_hygienist_or_to_the_patients_own_providers() -> None:
    found = only_candidate(office(recalls=[recall()], patients={5: patient(pri_prov=2, sec_prov=0)}))
    assert found.providers == {2, 3}
    assert found.not_before == date(2026, 8, 1)


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("(503)555-0101", "5035550101"),
        ("1-503-555-0101", "5035550101"),
        ("503.555.0101", "5035550101"),
        ("2-503-555-0101", None),
        ("555-0101", None),
        ("", None),
        ("none", None),
        ("٥٠٣٥٥٥٠١٠١", None),
        ("000-000-0000", None),
        ("999-999-9999", None),
        ("123-456-7890", None),
        ("987-654-3210", None),
        ("234-567-8901", None),
        ("555-555-5555", None),
        ("503-999-9999", None),
        ("503-123-4567", None),
        ("503-555-1212", None),
        ("503-411-0101", None),
        ("911-555-0101", None),
        ("037-555-0101", None),
        ("199-555-0101", None),
        ("376-555-0101", None),
        ("962-555-0101", None),
        ("1-291-555-0101", None),
        ("989-555-0101", "9895550101"),
        ("416-867-5309", "4168675309"),
    ],
)
def test_ten_digits_or_eleven_with_a_leading_1_that_can_be_a_phone(phone: str, digits: str | None) -> None:
    assert phone_digits(phone) == digits
