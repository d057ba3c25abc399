"""POST /asapcomms over real HTTP: what is refused (facts 3.4, 3.5) and what is written (3.2, 3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.desk import HIDDEN_NS, LUNCH, OPENING, PRODUCTION, Desk, blockout, office_file, served


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as desk:
        yield desk


def test_an_offer_is_two_rows(desk: Desk) -> None:
    reply = desk.offer(11)
    assert reply.status == 201
    assert reply.headers["Location"] == f"/api/v1/asapcomms/{reply.body['AsapCommNum']}"
    schedule = reply.body.pop("ScheduleNum")
    assert reply.body == {
        "AsapCommNum": 1,
        "FKey": 11,
        "FKeyType": "ScheduledAppt",
        "PatNum": 2,
        "ClinicNum": 0,
        "DateTimeEntry": "2026-04-14 09:00:00",
        "DateTimeExpire": "2026-04-21 13:00:00",
        "DateTimeSmsScheduled": "2026-04-14 09:00:00",
        "SmsSendStatus": "SendNotAttempted",
        "DateTimeSmsSent": "0001-01-01 00:00:00",
        "ResponseStatus": "AwaitingTransmit",
        "DateTimeOrig": "2026-04-20 10:00:00",
        "TemplateText": "[NameF], an appointment opening has become available on 04/14/2026 at 1:00 PM"
        " at Sandbox Dental. Visit [AsapURL] to reserve it.",
        "Note": "",
    }
    slot = desk.get(f"schedules/{schedule}")
    assert (slot["SchedType"], slot["SchedDate"], slot["operatories"]) == ("WebSchedASAP", "2026-04-14", "1")
    assert (slot["StartTime"], slot["StopTime"]) == ("13:00:00", "13:40:00")
    assert slot["Note"] == "1 text to be sent 0 emails to be sent"


@pytest.mark.parametrize(
    ("number", "kind", "orig", "stop"),
    [
        (11, "ScheduledAppt", "2026-04-20 10:00:00", "13:40:00"),
        (12, "UnscheduledAppt", "2026-03-02 10:00:00", "13:30:00"),
        (13, "Broken", "2026-04-14 15:00:00", "13:30:00"),
        (14, "PlannedAppt", "0001-01-01 00:00:00", "14:00:00"),
    ],
)
def test_the_key_type_is_the_status_at_that_moment(desk: Desk, number: int, kind: str, orig: str, stop: str) -> None:
    row = desk.offer(number).body
    assert (row["FKey"], row["FKeyType"], row["DateTimeOrig"]) == (number, kind, orig)
    assert desk.get(f"schedules/{row['ScheduleNum']}")["StopTime"] == stop


def test_a_recall_is_as_long_as_its_pattern_times_the_increment(desk: Desk) -> None:
    row = desk.offer(21, op=2, recall=True).body
    assert (row["FKey"], row["FKeyType"], row["DateTimeOrig"]) == (21, "Recall", "2026-03-01 00:00:00")
    assert desk.get(f"schedules/{row['ScheduleNum']}")["StopTime"] == "14:00:00"


def test_a_slot_past_midnight_stops_at_the_last_second(desk: Desk) -> None:
    row = desk.offer(11, start="2026-04-14 23:45:00").body
    assert desk.get(f"schedules/{row['ScheduleNum']}")["StopTime"] == "23:59:59"


def test_the_same_offer_is_made_as_often_as_it_is_posted(desk: Desk) -> None:
    assert [desk.offer(11).body["AsapCommNum"] for _ in range(3)] == [1, 2, 3]
    assert desk.log()["sent_twice"] == 1


def test_another_start_or_operatory_is_not_the_same_offer(desk: Desk) -> None:
    desk.offer(11)
    desk.offer(11, op=2)
    desk.offer(11, start="2026-04-14 14:00:00")
    desk.offer(12)
    assert desk.log()["sent_twice"] == 0


GOOD: dict[str, Any] = {"op": 1, "aptNum": 11, "dateTimeStart": OPENING}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"op": None}, 400),
        ({"op": "1"}, 400),
        ({"op": 99}, 404),
        ({"dateTimeStart": None}, 400),
        ({"dateTimeStart": "2026-04-14T13:00"}, 400),
        ({"dateTimeStart": "2026-4-14 13:00:00"}, 400),
        ({"aptNum": None}, 400),
        ({"recallNum": 21}, 400),
        ({"aptNum": 999}, 404),
        ({"aptNum": None, "recallNum": 999}, 404),
        ({"aptNum": 10}, 400),  # Priority is not ASAP
        ({"aptNum": None, "recallNum": 22}, 400),
        ({"dateTimeStart": "2026-04-14 11:30:00"}, 400),  # runs into lunch
    ],
)
def test_a_wrong_post_is_refused_with_a_sentence_and_writes_nothing(
    desk: Desk, change: dict[str, Any], status: int
) -> None:
    reply = desk.call("POST", "asapcomms", GOOD | change)
    assert reply.status == status
    assert isinstance(reply.body, str)
    assert desk.get("asapcomms?date=2026-04-14") == []
    assert desk.get("schedules?SchedType=WebSchedASAP") == []


def test_a_body_that_is_no_json_object_is_refused(desk: Desk) -> None:
    assert desk.call("POST", "asapcomms", [1]).status == 400
    assert desk.call("POST", "asapcomms").status == 400


@pytest.mark.parametrize("changes", [{"subscribed": False}, {"preferences": {"WebSchedAsapEnabled": "0"}}])
def test_an_office_that_is_not_signed_up_refuses(changes: dict[str, Any]) -> None:
    with served(office_file(**changes)) as desk:
        assert desk.offer(11).status == 400


def test_recalls_can_be_offered_since_25_2_9() -> None:
    with served(office_file(version="25.2.8.0")) as desk:
        assert desk.offer(21, op=2, recall=True).status == 400
        assert desk.offer(11).status == 201


@pytest.mark.parametrize(
    ("kind", "start", "stop", "operatories", "status"),
    [
        (LUNCH, "13:00:00", "13:05:00", [1], 400),
        (LUNCH, "13:35:00", "17:00:00", [1], 400),
        (LUNCH, "13:40:00", "17:00:00", [1], 201),  # edges that touch do not overlap (facts 5)
        (LUNCH, "13:00:00", "14:00:00", [2], 201),  # another operatory
        (LUNCH, "13:00:00", "14:00:00", [], 201),  # a blockout without operatories is nowhere
        (PRODUCTION, "13:00:00", "14:00:00", [1], 201),  # no NS
        (HIDDEN_NS, "13:00:00", "14:00:00", [1], 400),  # hidden definitions count
        (9999, "13:00:00", "14:00:00", [1], 400),  # so does a definition that is gone
    ],
)
def test_blockouts_that_forbid(kind: int, start: str, stop: str, operatories: list[int], status: int) -> None:
    office = office_file()
    office["schedules"].append(blockout(kind, start, stop, operatories))
    with served(office) as desk:
        assert desk.offer(11).status == status


@pytest.mark.parametrize(("permitted", "status"), [("", 201), ("248", 201), ("250", 400)])
def test_an_appointment_type_permits_blockout_types(permitted: str, status: int) -> None:
    office = office_file(appointmenttypes=[{"AppointmentTypeNum": 5, "BlockoutTypes": permitted}])
    office["appointments"][1]["AppointmentTypeNum"] = 5
    office["schedules"].append(blockout(PRODUCTION, "13:00:00", "14:00:00", [1]))
    with served(office) as desk:
        assert desk.offer(11).status == status


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("2026-04-14 10:30:00", 400),  # on a scheduled visit
        ("2026-04-14 11:00:00", 201),
        ("2026-04-14 14:40:00", 400),  # on a broken one that was left on the schedule
    ],
)
def test_visits_forbid_only_when_overlap_is_not_allowed(start: str, status: int) -> None:
    with served(office_file(preferences={"ApptsAllowOverlap": "0"})) as strict:
        assert strict.offer(11, start=start).status == status
    with served() as lenient:
        assert lenient.offer(11, start=start).status == 201


def test_the_offered_visit_itself_is_no_obstacle_to_the_post() -> None:
    with served(office_file(preferences={"ApptsAllowOverlap": "0"})) as desk:
        assert desk.offer(11, start="2026-04-20 09:45:00").status == 201


def test_opening_hours_hidden_operatories_and_the_past_are_not_checked() -> None:
    office = office_file()
    office["operatories"].append({"OperatoryNum": 9, "IsHidden": True})
    with served(office) as desk:
        assert desk.offer(11, op=9, start="2026-04-18 03:00:00").status == 201
        past = desk.offer(11, start="2026-04-14 08:00:00")
        assert (past.status, past.body["SmsSendStatus"]) == (201, "DoNotSend")


def test_the_clinic_is_the_operatorys() -> None:
    office = office_file(preferences={"EasyNoClinics": "0"}, clinics=[{"ClinicNum": 4, "Description": "North Side"}])
    office["operatories"][0]["ClinicNum"] = 4
    with served(office) as desk:
        row = desk.offer(11).body
        assert row["ClinicNum"] == 4
        assert "at North Side." in row["TemplateText"]
        assert len(desk.get("asapcomms?date=2026-04-14&ClinicNum=4")) == 1
        assert desk.get("asapcomms?date=2026-04-14&ClinicNum=3") == []


def test_a_suppressed_offer_is_201_with_a_note_and_a_schedule_row() -> None:
    office = office_file()
    office["patients"][1]["TxtMsgOk"] = "No"
    with served(office) as desk:
        row = desk.offer(11).body
        assert (row["SmsSendStatus"], row["ResponseStatus"]) == ("DoNotSend", "UnableToSend")
        assert row["Note"] == "Not sending text because this patient is set to not receive texts."
        assert row["DateTimeSmsScheduled"] == "0001-01-01 00:00:00"
        assert desk.get(f"schedules/{row['ScheduleNum']}")["SchedType"] == "WebSchedASAP"


def test_a_suppressed_recall_has_no_note() -> None:
    office = office_file()
    office["patients"][5]["TxtMsgOk"] = "No"
    with served(office) as desk:
        row = desk.offer(21, op=2, recall=True).body
        assert (row["SmsSendStatus"], row["Note"]) == ("DoNotSend", "")
