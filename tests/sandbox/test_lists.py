"""The GET lists as the real API gives them, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.desk import LUNCH, Desk, blockout, office_file, served


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with served() as desk:
        yield desk


def test_appointments_come_with_all_statuses_in_order_of_time(desk: Desk) -> None:
    rows = desk.get("appointments")
    assert [row["AptNum"] for row in rows] == [14, 12, 10, 13, 11]
    assert rows[0]["serverDateTime"] == "2026-04-14 09:00:00"
    assert rows[2]["confirmed"] == "Confirmed"
    assert rows[2]["TimeLocked"] == "false"
    assert "EServiceLogType" not in rows[2]


def test_days_of_appointments_are_inclusive(desk: Desk) -> None:
    rows = desk.get("appointments?dateStart=2026-04-14&dateEnd=2026-04-20")
    assert [row["AptNum"] for row in rows] == [10, 13, 11]
    assert [row["AptNum"] for row in desk.get("appointments?date=2026-04-20")] == [11]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("PatNum=2", [11]), ("AptStatus=Broken", [13]), ("Op=1", [10, 13, 11]), ("Invented=1", [14, 12, 10, 13, 11])],
)
def test_appointments_filter_and_ignore_unknown_filters(desk: Desk, query: str, numbers: list[int]) -> None:
    assert [row["AptNum"] for row in desk.get(f"appointments?{query}")] == numbers


def test_an_enumeration_given_as_a_number_is_refused(desk: Desk) -> None:
    reply = desk.call("GET", "appointments?AptStatus=1")
    assert (reply.status, reply.body) == (400, "AptStatus is invalid")


def test_a_single_appointment_or_404(desk: Desk) -> None:
    assert desk.get("appointments/10")["AptNum"] == 10
    reply = desk.call("GET", "appointments/999")
    assert (reply.status, reply.body) == (404, "Appointment not found")


def test_the_asap_list_has_four_statuses_and_no_recalls(desk: Desk) -> None:
    assert [row["AptNum"] for row in desk.get("appointments/ASAP")] == [14, 12, 13, 11]


def test_the_asap_list_leaves_out_planned_ones_that_are_scheduled() -> None:
    office = office_file()
    office["appointments"].append({"AptNum": 30, "PatNum": 5, "NextAptNum": 14, "AptDateTime": "2026-04-15 09:00:00"})
    with served(office) as desk:
        assert 14 not in [row["AptNum"] for row in desk.get("appointments/ASAP")]


def test_the_asap_list_needs_a_clinic_when_clinics_are_on() -> None:
    office = office_file(preferences={"EasyNoClinics": "0"}, clinics=[{"ClinicNum": 4, "Abbr": "N"}])
    office["appointments"][1]["ClinicNum"] = 4
    with served(office) as desk:
        assert desk.call("GET", "appointments/ASAP").body == "ClinicNum is required."
        assert [row["AptNum"] for row in desk.get("appointments/ASAP?ClinicNum=4")] == [11]
        assert [row["AptNum"] for row in desk.get("appointments/ASAP?ClinicNum=0")] == [14, 12, 13]


def test_the_asap_lists_provider_filter_means_dentist_or_hygienist(desk: Desk) -> None:
    assert [row["AptNum"] for row in desk.get("appointments/ASAP?ProvNum=1")] == [14, 12, 13, 11]
    assert desk.get("appointments/ASAP?ProvNum=2") == []


@pytest.mark.parametrize(
    ("version", "query"),
    [
        ("21.3.0", "PatNum=2"),
        ("22.4.27", "AptStatus=Broken"),
        ("23.2.26", "Op=1"),
        ("24.4.21", "AppointmentTypeNum=7"),
    ],
)
def test_an_older_office_ignores_filters_that_came_later(version: str, query: str) -> None:
    with served(office_file(version=version)) as desk:
        assert len(desk.get(f"appointments?{query}")) == 5


def test_ties_on_the_asap_list_change_places_only_when_switched_on() -> None:
    office = office_file()
    for row in office["appointments"]:
        row["AptDateTime"] = "2026-04-20 10:00:00"

    def orders(*, unstable: bool) -> set[tuple[int, ...]]:
        with served(office, unstable_ties=unstable) as desk:
            return {tuple(row["AptNum"] for row in desk.get("appointments/ASAP")) for _ in range(12)}

    assert len(orders(unstable=False)) == 1
    assert len(orders(unstable=True)) > 1


def test_schedules_show_today_only_by_default(desk: Desk) -> None:
    assert {row["SchedDate"] for row in desk.get("schedules")} == {"2026-04-14"}


def test_schedules_are_sorted_by_time_of_day_across_days_with_numbers_as_text(desk: Desk) -> None:
    rows = desk.get("schedules?dateStart=2026-04-14&dateEnd=2026-04-20")
    assert [row["StartTime"] for row in rows] == sorted(row["StartTime"] for row in rows)
    assert [row["SchedDate"] for row in rows] != sorted(row["SchedDate"] for row in rows)
    lunch = rows[-1]
    assert (lunch["BlockoutType"], lunch["blockoutType"], lunch["operatories"]) == ("247", "Lunch", "1,2")
    for name in ("ScheduleNum", "ProvNum", "BlockoutType", "EmployeeNum"):
        assert isinstance(lunch[name], str)
    assert "Status" not in lunch
    assert "ClinicNum" not in lunch
    assert "serverDateTime" not in lunch


def test_schedules_filter_by_kind_and_blockout_type(desk: Desk) -> None:
    rows = desk.get(f"schedules?SchedType=Blockout&BlockoutDefNum={LUNCH}")
    assert [row["SchedType"] for row in rows] == ["Blockout"]


def test_a_single_schedule_or_404(desk: Desk) -> None:
    assert desk.get("schedules/1")["ScheduleNum"] == "1"
    assert desk.call("GET", "schedules/999").body == "Schedule not found"


def test_scheduleops_take_one_filter_only(desk: Desk) -> None:
    both = desk.get("schedules?SchedType=Blockout")[0]["ScheduleNum"]
    assert [row["OperatoryNum"] for row in desk.get(f"scheduleops?ScheduleNum={both}")] == [1, 2]
    assert desk.get(f"scheduleops?ScheduleNum={both}&OperatoryNum=1") == []


def test_definitions_hide_hidden_ones_and_ignore_a_miscased_category(desk: Desk) -> None:
    assert [row["DefNum"] for row in desk.get("definitions?Category=25")] == [247, 248]
    assert [row["DefNum"] for row in desk.get("definitions?Category=25&includeHidden=true")] == [247, 248, 249]
    assert len(desk.get("definitions?category=BlockoutTypes")) > 2


def test_one_preference_is_a_list_and_an_unknown_one_an_empty_list(desk: Desk) -> None:
    [row] = desk.get("preferences?PrefName=ProgramVersion")
    assert (row["PrefName"], row["ValueString"]) == ("ProgramVersion", "25.2.30.0")
    assert desk.get("preferences?PrefName=NoSuchThing") == []


def test_providers_of_a_clinic_have_no_server_time(desk: Desk) -> None:
    assert desk.get("providers")[0]["serverDateTime"] == "2026-04-14 09:00:00"
    assert desk.get("providers?ClinicNum=0")[0]["serverDateTime"] == ""
    assert desk.get("providers")[1]["IsSecondary"] == "true"


def test_clinics_are_empty_when_the_feature_is_off(desk: Desk) -> None:
    assert desk.get("clinics") == []
    office = office_file(
        preferences={"EasyNoClinics": "0"}, clinics=[{"ClinicNum": 4}, {"ClinicNum": 5, "IsHidden": True}]
    )
    with served(office) as clinics:
        assert [row["ClinicNum"] for row in clinics.get("clinics")] == [4]


def test_recalls_know_no_filter_but_the_patient(desk: Desk) -> None:
    assert [row["RecallNum"] for row in desk.get("recalls?Priority=ASAP")] == [21, 22]
    assert [row["RecallNum"] for row in desk.get("recalls?PatNum=6")] == [21]


def test_zip_is_text_for_one_patient_and_a_number_in_the_search(desk: Desk) -> None:
    assert desk.get("patients/1")["Zip"] == "97301"
    assert desk.get("patients?LName=sample1")[0]["Zip"] == 97301


def test_simple_patients_carry_the_server_time_and_filter_by_date_stamp(desk: Desk) -> None:
    assert desk.get("patients/Simple")[0]["serverDateTime"] == "2026-04-14 09:00:00"
    assert desk.get("patients/Simple?DateTStamp=2026-04-01%2000%3A00%3A00") == []


def test_appointment_types_name_their_blockouts() -> None:
    office = office_file(appointmenttypes=[{"AppointmentTypeNum": 2, "BlockoutTypes": "247,248"}])
    with served(office) as desk:
        assert desk.get("appointmenttypes")[0]["BlockoutTypes"] == "Lunch,High Production"


def test_asapcomms_hide_those_of_today_by_default() -> None:
    with served() as desk:
        desk.offer(11)
        assert desk.get("asapcomms") == []
        assert desk.get("asapcomms?dateStart=2026-04-14") == []
        assert desk.get("asapcomms?dateStart=2026-04-14&dateEnd=2026-04-14") == []
        assert len(desk.get("asapcomms?dateStart=2026-04-14&dateEnd=2026-04-15")) == 1
        assert len(desk.get("asapcomms?date=2026-04-14")) == 1
        desk.advance(minutes=16 * 60)
        assert len(desk.get("asapcomms")) == 1
        desk.advance(minutes=8 * 24 * 60)
        assert desk.get("asapcomms") == []


def test_history_filters_by_the_time_of_the_visit_not_of_the_change() -> None:
    with served() as desk:
        desk.staff("cancel", AptNum=11)
        [row] = desk.get("histappointments?date=2026-04-20")
        assert (row["HistApptAction"], row["AptStatus"], row["Op"]) == ("Changed", "UnschedList", 0)
        assert desk.get("histappointments?date=2026-04-14") == []
        desk.staff("delete", AptNum=10)
        [gone] = desk.get("histappointments?HistApptAction=Deleted")
        assert gone["AptNum"] == 10


def test_signals_carry_provider_and_operatory_of_near_days_only() -> None:
    with served() as desk:
        desk.staff("cancel", AptNum=11)
        desk.staff("break", AptNum=10)
        desk.advance(seconds=5)
        rows = desk.get("signalods?SigDateTime=2026-04-14%2008%3A00%3A00")
        assert [(row["FKeyType"], row["FKey"], row["DateViewing"]) for row in rows] == [
            ("Provider", 1, "2026-04-14"),
            ("Operatory", 1, "2026-04-14"),
        ]
        assert desk.get("signalods?SigDateTime=2026-04-14%2009%3A00%3A00") == []
        assert desk.call("GET", "signalods").body == "SigDateTime is required."


def test_commlogs_need_a_patient_before_25_1_13() -> None:
    with served(office_file(version="24.4.9.0")) as desk:
        assert desk.call("GET", "commlogs").body == "PatNum is required."
        assert desk.get("commlogs?PatNum=1") == []


def test_slots_ignore_blockouts_and_are_blocked_by_broken_and_complete_visits(desk: Desk) -> None:
    rows = desk.get("appointments/Slots?ProvNum=1&OpNum=1&date=2026-04-14")
    assert [(row["DateTimeStart"][11:16], row["DateTimeEnd"][11:16]) for row in rows] == [
        ("08:00", "10:00"),
        ("11:00", "15:00"),  # lunch is no obstacle
        ("15:30", "17:00"),  # the broken visit at 15:00 is
    ]


def test_slots_take_the_default_provider_and_refuse_the_past(desk: Desk) -> None:
    assert {row["ProvNum"] for row in desk.get("appointments/Slots")} == {1}
    assert desk.call("GET", "appointments/Slots?date=2026-04-13").status == 400
    assert desk.get("appointments/Slots?date=2026-04-14&lengthMinutes=300&ProvNum=1") == []


def test_slots_of_a_dynamic_row_need_no_operatory_filter() -> None:
    rows: list[Any] = [{"SchedDate": "2026-04-14", "StartTime": "08:00:00", "StopTime": "09:00:00", "ProvNum": 1}]
    with served(office_file(schedules=[*rows, blockout(LUNCH, "08:00:00", "09:00:00", [1])])) as desk:
        assert desk.get("appointments/Slots?ProvNum=1&OpNum=1&date=2026-04-14") == []
        assert [row["OpNum"] for row in desk.get("appointments/Slots?ProvNum=1&date=2026-04-14")] == [1]


def test_pages_are_cut_silently_and_go_on_by_offset() -> None:
    with served(page_cap=3) as desk:
        first = desk.get("patients/Simple?Limit=50")
        second = desk.get("patients/Simple?Limit=50&Offset=3")
        third = desk.get("patients/Simple?Offset=6")
        assert [row["PatNum"] for page in (first, second, third) for row in page] == [1, 2, 3, 4, 5, 6, 7]
        assert len(desk.get("patients/Simple?Limit=2")) == 2
