"""Whether and when a text goes out: facts 3.3, 3.7 and 7, rule by rule."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import pytest

from asapfill.sandbox.office import texting
from tests.sandbox.desk import small_office

SLOT = datetime(2026, 4, 14, 13, 0)
NOW = datetime(2026, 4, 14, 9, 0)
OFFER = {"FKey": 11, "FKeyType": "ScheduledAppt", "PatNum": 2, "ClinicNum": 0}


def why(
    patient: dict[str, Any] | None = None, when: datetime = NOW, *earlier: dict[str, Any], **preferences: str
) -> str | None:
    """The reason not to text patient 2 with those columns, earlier offers and preferences."""
    office = small_office(preferences=preferences, asapcomms=list(earlier))
    office.patients[2].update(patient or {})
    return texting.why_not_texted(office, OFFER, SLOT, when)


def test_a_patient_who_can_be_texted_is() -> None:
    assert why() is None


@pytest.mark.parametrize(
    ("patient", "preferences", "reason"),
    [
        ({}, {"SmsContractDate": ""}, "texting is not enabled for this clinic"),
        ({"TxtMsgOk": "No"}, {}, "this patient is set to not receive texts"),
        ({"TxtMsgOk": "Unknown"}, {}, None),
        ({"TxtMsgOk": "Unknown"}, {"TextMsgOkStatusTreatAsNo": "1"}, "this patient is set to not receive texts"),
        ({"WirelessPhone": "", "HmPhone": "5555550100"}, {}, "this patient does not have a wireless phone entered"),
        ({"WirelessPhone": "555-0100"}, {}, "this patient's wireless phone is not valid"),
        ({"WirelessPhone": "1 (555) 555-0100"}, {}, None),
        ({"PatStatus": "Deceased"}, {}, "this patient is not able to receive texts"),
        ({"PatStatus": "Archived"}, {}, None),  # Open Dental does not look
        ({"OptedOut": True}, {}, "the patient has opted out of automated messaging"),
    ],
)
def test_patients_who_cannot_be_texted(
    patient: dict[str, Any], preferences: dict[str, str], reason: str | None
) -> None:
    expected = None if reason is None else f"Not sending text because {reason}."
    assert why(patient, NOW, **preferences) == expected


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (datetime(2026, 4, 14, 12, 30), None),  # exactly 30 minutes is allowed
        (datetime(2026, 4, 14, 12, 30, 1), "would be sent less than 30 minutes before the time slot"),
        (datetime(2026, 4, 14, 13, 0), None),  # exactly equal slips through
        (datetime(2026, 4, 14, 13, 0, 1), "would be sent after the time slot"),
    ],
)
def test_a_text_must_go_out_in_time(when: datetime, reason: str | None) -> None:
    assert why(None, when) == (None if reason is None else f"Not sending text because the text {reason}.")


def earlier(status: str, when: str, **more: Any) -> dict[str, Any]:
    column = "DateTimeSmsScheduled" if status == "SendNotAttempted" else "DateTimeSmsSent"
    return {"PatNum": 2, "FKey": 8, "FKeyType": "Recall", "SmsSendStatus": status, column: when} | more


TODAY, YESTERDAY = "2026-04-14 08:00:00", "2026-04-13 08:00:00"


@pytest.mark.parametrize(
    ("rows", "limited"),
    [
        ([earlier("SendSuccessful", TODAY)], False),
        ([earlier("SendSuccessful", TODAY), earlier("SendNotAttempted", TODAY)], True),
        ([earlier("SendSuccessful", TODAY), earlier("SendSuccessful", YESTERDAY)], False),
        ([earlier("SendSuccessful", TODAY), earlier("SentAwaitingReceipt", TODAY)], False),
        ([earlier("SendSuccessful", TODAY), earlier("SendFailed", TODAY)], False),
        ([earlier("SendSuccessful", TODAY), earlier("SendSuccessful", TODAY, PatNum=3)], False),
    ],
)
def test_the_daily_limit_counts_queued_and_sent_texts_of_the_day(rows: list[dict[str, Any]], *, limited: bool) -> None:
    note = "Not sending text because this patient has received 2 texts today."
    assert why(None, NOW, *rows) == (note if limited else None)


def test_a_blank_limit_is_none() -> None:
    rows = [earlier("SendSuccessful", TODAY)] * 5
    assert why(None, NOW, *rows, WebSchedAsapTextLimit="") is None


@pytest.mark.parametrize(
    ("key", "kind", "stopped"), [(11, "ScheduledAppt", True), (11, "Broken", False), (12, "ScheduledAppt", False)]
)
def test_stop_holds_for_the_same_key_and_key_type_only(key: int, kind: str, *, stopped: bool) -> None:
    row = {"PatNum": 2, "FKey": key, "FKeyType": kind, "ResponseStatus": "DeclinedStopComm"}
    note = "Not sending text because this patient has requested to not be texted or emailed about this appointment."
    assert why(None, NOW, row) == (note if stopped else None)


def test_the_order_of_reasons_is_stop_limit_time_patient() -> None:
    stop = {"PatNum": 2, "FKey": 11, "FKeyType": "ScheduledAppt", "ResponseStatus": "DeclinedStopComm"}
    sent = [earlier("SendSuccessful", TODAY)] * 2
    late = datetime(2026, 4, 14, 12, 45)
    unwilling = {"TxtMsgOk": "No"}
    assert "requested to not be texted" in str(why(unwilling, late, stop, *sent))
    assert "has received 2 texts" in str(why(unwilling, late, *sent))
    assert "less than 30 minutes" in str(why(unwilling, late))
    assert "set to not receive" in str(why(unwilling, NOW))


def test_a_patient_who_is_gone_is_not_texted_without_words() -> None:
    office = small_office()
    del office.patients[2]
    assert texting.why_not_texted(office, OFFER, SLOT, NOW) == ""


def test_with_clinics_the_sending_clinic_needs_the_contract() -> None:
    office = small_office(
        preferences={"EasyNoClinics": "0", "TextingDefaultClinicNum": "5"},
        clinics=[{"ClinicNum": 4, "SmsContractDate": ""}, {"ClinicNum": 5}],
    )
    assert "not enabled" in str(texting.why_not_texted(office, OFFER | {"ClinicNum": 4}, SLOT, NOW))
    assert texting.why_not_texted(office, OFFER | {"ClinicNum": 5}, SLOT, NOW) is None
    assert texting.why_not_texted(office, OFFER, SLOT, NOW) is None  # 0: the default clinic's


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 4, 14, 6, 59), datetime(2026, 4, 14, 7, 0)),
        (datetime(2026, 4, 14, 7, 0), datetime(2026, 4, 14, 7, 0)),
        (datetime(2026, 4, 14, 21, 59, 59), datetime(2026, 4, 14, 21, 59, 59)),
        (datetime(2026, 4, 14, 22, 0, 1), datetime(2026, 4, 15, 7, 0)),
    ],
)
def test_texts_wait_for_the_window(now: datetime, expected: datetime) -> None:
    assert texting.send_time(small_office(), now) == expected


def test_equal_ends_of_the_window_mean_no_window() -> None:
    midnight = "01-01-0001 00:00:00"
    office = small_office(
        preferences={"AutomaticCommunicationTimeStart": midnight, "AutomaticCommunicationTimeEnd": midnight}
    )
    assert texting.send_time(office, datetime(2026, 4, 14, 3, 0)) == datetime(2026, 4, 14, 3, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01-01-0001 07:00:00", time(7)),
        ("1/1/0001 7:30:00 AM", time(7, 30)),
        ("1/1/0001 10:00:00 PM", time(22)),
        ("1/1/0001 12:00:00 AM", time(0)),
        ("", time(0)),
    ],
)
def test_time_preferences_are_not_iso(text: str, expected: time) -> None:
    assert texting.preference_time(text) == expected
