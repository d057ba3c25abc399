"""What staff do by POST /sandbox/staff, as the API then shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.desk import LUNCH, OPENING, Desk, served


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as desk:
        yield desk


def test_cancelling_sends_to_the_unscheduled_list_and_keeps_the_time(desk: Desk) -> None:
    desk.advance(minutes=5)
    assert desk.staff("cancel", AptNum=10, Priority="ASAP") == {"AptNum": 10}
    row = desk.get("appointments/10")
    assert (row["AptStatus"], row["Op"], row["AptDateTime"]) == ("UnschedList", 0, "2026-04-14 10:00:00")
    assert (row["Priority"], row["DateTStamp"]) == ("ASAP", "2026-04-14 09:05:00")


def test_breaking_leaves_the_visit_on_the_schedule(desk: Desk) -> None:
    desk.staff("break", AptNum=10, charted="Missed")
    row = desk.get("appointments/10")
    assert (row["AptStatus"], row["Op"], row["Priority"]) == ("Broken", 1, "Normal")
    assert [found["HistApptAction"] for found in desk.get("histappointments")] == ["Missed"]


def test_moving_schedules_it_again(desk: Desk) -> None:
    desk.staff("move", AptNum=13, Op=2, AptDateTime=OPENING)
    row = desk.get("appointments/13")
    assert (row["AptStatus"], row["Op"], row["AptDateTime"]) == ("Scheduled", 2, OPENING)


def test_booking_takes_the_operatorys_providers(desk: Desk) -> None:
    number = desk.staff("book", PatNum=7, Op=2, AptDateTime=OPENING, Pattern="XXXX", Note="n")["AptNum"]
    row = desk.get(f"appointments/{number}")
    assert (row["ProvHyg"], row["IsHygiene"], row["Pattern"], row["Note"]) == (2, "true", "XXXX", "n")
    assert row["AptStatus"] == "Scheduled"


def test_a_deleted_visit_is_404_and_its_number_is_not_used_again(desk: Desk) -> None:
    desk.staff("delete", AptNum=14)
    assert desk.call("GET", "appointments/14").status == 404
    assert desk.staff("book", PatNum=7, Op=2, AptDateTime=OPENING)["AptNum"] == 15


def test_completing_and_priorities(desk: Desk) -> None:
    desk.staff("complete", AptNum=10)
    desk.staff("priority", AptNum=11, Priority="Normal")
    desk.staff("priority", RecallNum=22, Priority="ASAP")
    assert desk.get("appointments/10")["AptStatus"] == "Complete"
    assert 11 not in [row["AptNum"] for row in desk.get("appointments/ASAP")]
    assert [row["Priority"] for row in desk.get("recalls")] == ["ASAP", "ASAP"]


def test_a_blockout_comes_and_goes(desk: Desk) -> None:
    times = {"SchedDate": "2026-04-14", "StartTime": "13:00:00", "StopTime": "14:00:00"}
    number = desk.staff("blockout", **times, operatories=[1], BlockoutType=LUNCH)["ScheduleNum"]
    assert desk.offer(11).status == 400
    desk.staff("delete_schedule", ScheduleNum=number)
    assert desk.offer(11).status == 201


def test_patients_preferences_and_permissions_change(desk: Desk) -> None:
    desk.staff("patient", PatNum=2, TxtMsgOk="No")
    assert desk.offer(11).body["SmsSendStatus"] == "DoNotSend"
    desk.staff("preference", PrefName="WebSchedAsapEnabled", ValueString="0")
    assert desk.offer(12).status == 400
    desk.staff("permission", Permission="ApiTextingASAP", HasPermission=False)
    assert desk.offer(12).status == 401


@pytest.mark.parametrize(
    "action",
    [
        {"action": "dance"},
        {"action": "cancel"},
        {"action": "cancel", "AptNum": 999},
        {"action": "book", "PatNum": 7, "Op": 99, "AptDateTime": OPENING},
        {"action": "patient", "PatNum": 2, "NoColumn": 1},
    ],
)
def test_an_action_that_makes_no_sense_is_refused_with_a_sentence(desk: Desk, action: dict[str, Any]) -> None:
    reply = desk.call("POST", "/sandbox/staff", action)
    assert reply.status == 400
    assert reply.body.endswith((".", "row."))
