"""Lengths, providers and the check before sending: facts 3.5, 6.1 and 6.2."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from asapfill.sandbox.office import rules
from asapfill.sandbox.office.tables import SimulatedOffice
from tests.sandbox.desk import small_office

SLOT = {"SchedDate": "2026-04-14", "StartTime": "13:00:00", "StopTime": "13:40:00", "operatories": [1]}


def test_an_appointment_takes_five_minutes_a_character_whatever_the_increment() -> None:
    office = small_office(preferences={"AppointmentTimeIncrement": "15"})
    assert rules.appointment_length(office.appointments[11]) == timedelta(minutes=40)


@pytest.mark.parametrize(
    ("increment", "pattern", "override", "minutes", "checked"),
    [
        ("10", "/XXXX/", "", 60, 60),
        ("5", "/XXXX/", "", 30, 30),
        ("15", "/XXXX/", "", 90, 90),
        ("10", "/XXXX/", "XX", 20, 60),  # the later check ignores the override
        ("10", "", "", 30, 0),  # and knows no default
        ("15", "", "", 45, 0),
    ],
)
def test_a_recall_takes_an_increment_a_character(
    increment: str, pattern: str, override: str, minutes: int, checked: int
) -> None:
    office = small_office(preferences={"AppointmentTimeIncrement": increment})
    office.recalltypes[1]["TimePattern"] = pattern
    office.recalls[21]["TimePatternOverride"] = override
    assert rules.recall_length(office, office.recalls[21]) == timedelta(minutes=minutes)
    assert rules.checked_length(office, "Recall", office.recalls[21]) == timedelta(minutes=checked)


def test_a_booked_recall_has_a_five_minute_pattern() -> None:
    office = small_office()
    assert rules.booked_recall_pattern(office, office.recalls[21], date(2026, 4, 14)) == "//XXXXXXXX//"
    office.recalltypes[1]["TimePattern"] = ""
    assert rules.booked_recall_pattern(office, office.recalls[21], date(2026, 4, 14)) == "XXXXXX"


def special_office() -> SimulatedOffice:
    office = small_office(
        preferences={"RecallTypeSpecialProphy": "1", "RecallTypeSpecialChildProphy": "2"},
        recalltypes=[
            {"RecallTypeNum": 1, "TimePattern": "/XX/"},
            {"RecallTypeNum": 2, "TimePattern": "/X/"},
            {"RecallTypeNum": 3, "TimePattern": "X", "AppendToSpecial": True},
        ],
    )
    office.insert("recalls", {"PatNum": 6, "RecallTypeNum": 3})
    return office


def test_recalls_that_append_to_a_special_one_make_it_longer() -> None:
    office = special_office()
    assert rules.booked_recall_pattern(office, office.recalls[21], date(2026, 4, 14)) == "//XXXX//" + "XX"


def test_a_child_gets_the_child_prophys_pattern() -> None:
    office = special_office()
    office.patients[6]["Birthdate"] = "2014-04-15"
    assert rules.booked_recall_pattern(office, office.recalls[21], date(2026, 4, 14)) == "//XX//" + "XX"
    assert rules.booked_recall_pattern(office, office.recalls[21], date(2026, 4, 15)) == "//XXXX//" + "XX"


def taken(office: SimulatedOffice, number: int = 11, slot: dict[str, Any] | None = None) -> bool:
    return rules.slot_taken(office, "ScheduledAppt", office.appointments[number], slot or SLOT)


@pytest.mark.parametrize(
    ("status", "blocks"),
    [
        ("Scheduled", True),
        ("Complete", True),
        ("Broken", True),
        ("PtNote", True),
        ("UnschedList", False),
        ("Planned", False),
    ],
)
def test_every_status_but_unscheduled_and_planned_takes_the_slot(status: str, *, blocks: bool) -> None:
    office = small_office()
    row = {"AptStatus": status, "Op": 1, "AptDateTime": "2026-04-14 13:35:00", "Pattern": "X"}
    office.insert("appointments", row)
    assert taken(office) is blocks


def test_touching_edges_do_not_take_the_slot_nor_do_other_operatories() -> None:
    office = small_office()
    for operatory, when in ((1, "12:55:00"), (1, "13:40:00"), (2, "13:10:00")):
        office.insert("appointments", {"Op": operatory, "AptDateTime": f"2026-04-14 {when}", "Pattern": "X"})
    assert not taken(office)


def test_the_offered_visits_own_place_takes_the_slot() -> None:
    slot = {"SchedDate": "2026-04-20", "StartTime": "09:40:00", "StopTime": "10:20:00", "operatories": [1]}
    assert taken(small_office(), slot=slot)


def test_the_span_ends_with_the_schedule_row() -> None:
    office = small_office()
    office.appointments[11]["Pattern"] = "X" * 24
    office.insert("appointments", {"Op": 1, "AptDateTime": "2026-04-14 13:40:00", "Pattern": "X"})
    assert not taken(office)


def test_blockouts_do_not_matter_any_more_when_the_text_goes_out() -> None:
    office = small_office()
    times = {"SchedDate": "2026-04-14", "StartTime": "13:00:00", "StopTime": "14:00:00"}
    office.insert("schedules", times | {"SchedType": "Blockout", "BlockoutType": 247, "operatories": [1]})
    assert not taken(office)


@pytest.mark.parametrize(
    ("rows", "dentist"),
    [
        ([], 1),  # nobody scheduled there: the operatory's own
        ([{"ProvNum": 3, "operatories": [1]}], 3),
        ([{"ProvNum": 3, "operatories": [2]}], 1),
        ([{"ProvNum": 3, "operatories": []}], 1),  # a dynamic row is not for that very spot
        ([{"ProvNum": 3, "operatories": [1], "StopTime": "13:00:00"}], 1),
        ([{"ProvNum": 2, "operatories": [1]}], 1),  # a hygienist is no dentist
    ],
)
def test_the_dentist_is_who_is_scheduled_in_that_operatory(rows: list[dict[str, Any]], dentist: int) -> None:
    hours = {"SchedDate": "2026-04-14", "StartTime": "08:00:00", "StopTime": "17:00:00"}
    office = small_office(schedules=[hours | row for row in rows])
    found = rules.assigned_provider(office, office.operatories[1], datetime(2026, 4, 14, 13, 0), hygienist=False)
    assert found == dentist


def test_in_a_hygiene_operatory_the_visit_becomes_hygiene_with_its_hygienist() -> None:
    office = small_office()
    values = rules.placed(office, office.operatories[2], datetime(2026, 4, 14, 13, 0), office.appointments[11])
    assert values == {"Op": 2, "ProvNum": 1, "ProvHyg": 2, "IsHygiene": True, "ClinicNum": 0}
