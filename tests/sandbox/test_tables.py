"""The office file."""

from __future__ import annotations

from typing import Any

import pytest

from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY, OfficeFileError, SimulatedOffice
from tests.sandbox.desk import office_file


def test_an_office_survives_dumping_and_loading() -> None:
    office = SimulatedOffice.load(office_file())
    assert SimulatedOffice.load(office.dump()).dump() == office.dump()


def test_what_is_missing_gets_defaults() -> None:
    office = SimulatedOffice.load({"now": "2026-04-14 09:00:00", "appointments": [{"PatNum": 5}]})
    assert office.appointments[1]["AptStatus"] == "Scheduled"
    assert office.keys == [(DEVELOPER_KEY, CUSTOMER_KEY)]
    assert office.preferences["ProgramVersion"] == office.version
    assert office.securityperms["ApiTextingASAP"]
    assert "ApiEnterprise" not in office.securityperms


def test_missing_keys_take_no_numbers_that_are_taken() -> None:
    office = SimulatedOffice.load(
        {"now": "2026-04-14 09:00:00", "patients": [{"LName": "A"}, {"PatNum": 1}, {"LName": "B"}]}
    )
    assert {number: row["LName"] for number, row in office.patients.items()} == {1: "", 2: "A", 3: "B"}


def test_lists_in_rows_are_the_offices_own() -> None:
    office = SimulatedOffice.load({"now": "2026-04-14 09:00:00", "schedules": [{}, {}]})
    office.schedules[1]["operatories"].append(7)
    assert office.schedules[2]["operatories"] == []
    assert SimulatedOffice.load({"now": "2026-04-14 09:00:00", "schedules": [{}]}).schedules[1]["operatories"] == []


@pytest.mark.parametrize(
    ("version", "at_least"), [("25.2.9.0", True), ("25.2.8.9", False), ("25.10.0.0", True), ("24.4.40.0", False)]
)
def test_versions_compare_as_numbers(version: str, *, at_least: bool) -> None:
    assert SimulatedOffice.load(office_file(version=version)).at_least(25, 2, 9) is at_least


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"now": "soon"}, "'now'"),
        ({"timezone": "America/Nowhere"}, "time zone"),
        ({"version": "new"}, "version"),
        ({"appointment": []}, "neither a table nor a setting"),
        ({"appointments": {}}, "must be a list of rows"),
        ({"appointments": [{"AptNum": 1}, {"AptNum": 1}]}, "twice"),
        ({"appointments": [{"AptDatetime": "x"}]}, "row 1: there is no column 'AptDatetime'"),
        ({"appointments": [{"Op": "1"}]}, "row 1: Op is '1'"),
        ({"appointments": [{"Op": True}]}, "Op is True"),
        ({"appointments": [{"AptDateTime": "2026-04-14"}]}, "yyyy-MM-dd HH:mm:ss"),
        ({"appointments": [{"AptDateTime": "2026-13-14 09:00:00"}]}, "yyyy-MM-dd HH:mm:ss"),
        ({"recalls": [{"DateDue": "tomorrow"}]}, "DateDue is 'tomorrow'"),
        ({"schedules": [{"operatories": "1,2"}]}, "a list was expected"),
        ({"preferences": {"EasyNoClinics": 1}}, "must be text"),
    ],
)
def test_a_wrong_file_is_one_clear_sentence(changes: dict[str, Any], words: str) -> None:
    office = office_file() | changes
    with pytest.raises(OfficeFileError) as caught:
        SimulatedOffice.load(office)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_object_or_has_no_time_is_refused() -> None:
    nothing: list[object] = [[], {}, {"appointments": []}]
    for raw in nothing:
        with pytest.raises(OfficeFileError):
            SimulatedOffice.load(raw)
