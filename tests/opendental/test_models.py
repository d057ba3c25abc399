"""Rows are read from whatever comes, and what makes no sense is named, never guessed."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asapfill.core import rows as models
from asapfill.core.rows import Appointment, HistAppointment, Recall, Row, Schedule, SecurityPerm, Slot
from tests.depth import DEPTH

TABLES = sorted(
    (kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, Row)),
    key=lambda kind: kind.__name__,
)

COMPLETE = {
    "AptNum": 18,
    "PatNum": 17,
    "AptStatus": "Scheduled",
    "Pattern": "//XX//",
    "Op": 3,
    "AptDateTime": "2020-07-31 08:30:00",
    "ClinicNum": 0,
    "ProvNum": 1,
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2020-13-01", "25:00", "1e5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def json_objects(draw: st.DrawFn, table: type[Row]) -> dict[str, Any]:
    """Any JSON object, most of its names being columns, attributes or our own marker."""
    names = [*table.names, *table.names.values(), "unreadable", "asapfill.unreadable", "serverDateTime"]
    return draw(st.dictionaries(st.sampled_from(names) | st.text(max_size=5), json_values))


@settings(max_examples=DEPTH.examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("table", TABLES)
def test_any_json_object_becomes_a_row(table: type[Row], data: st.DataObject) -> None:
    row = table.read(data.draw(json_objects(table)))

    assert row.unreadable <= set(table.names)
    assert isinstance(row.number, int)
    assert hash(row) == hash(row.model_copy())


@pytest.mark.parametrize(
    ("column", "written", "attribute", "expected"),
    [
        ("Op", "3", "op", 3),
        ("Op", 3.0, "op", 3),
        ("IsHygiene", "True", "is_hygiene", True),
        ("IsHygiene", "false", "is_hygiene", False),
        ("IsHygiene", 1, "is_hygiene", True),
        ("AptDateTime", "0001-01-01 00:00:00", "apt_date_time", None),
        ("AptDateTime", "2020-07-31", "apt_date_time", datetime(2020, 7, 31)),
        ("AptStatus", "SomethingNew", "apt_status", "SomethingNew"),
    ],
)
def test_reads_the_ways_in_which_values_are_written(
    column: str, written: Any, attribute: str, expected: object
) -> None:
    row = Appointment.read({**COMPLETE, column: written})

    assert getattr(row, attribute) == expected
    assert row.unreadable == frozenset()


@pytest.mark.parametrize(
    ("column", "odd"),
    [
        ("Op", "three"),
        ("Op", True),
        ("Op", 2.5),
        ("Op", 10**30),
        ("Op", None),
        ("IsHygiene", "maybe"),
        ("AptDateTime", "31/07/2020"),
        ("AptDateTime", "2020-07-31 08:30:00+02:00"),
        ("AptDateTime", None),
        ("Pattern", ["X"]),
    ],
)
def test_names_a_value_that_makes_no_sense(column: str, odd: Any) -> None:
    row = Appointment.read({**COMPLETE, column: odd})

    assert row.unreadable == {column}
    assert row.apt_num == 18


@pytest.mark.parametrize("column", ["AptNum", "Op", "AptDateTime", "AptStatus"])
def test_an_appointment_without_its_place_is_unreadable_and_not_nowhere(column: str) -> None:
    row = Appointment.read({name: value for name, value in COMPLETE.items() if name != column})

    assert row.unreadable == {column}


def test_a_recall_that_does_not_tell_whether_it_is_scheduled_is_unreadable() -> None:
    whole = {"RecallNum": 4, "PatNum": 3, "IsDisabled": "false", "RecallTypeNum": 1, "Priority": "ASAP"}

    assert Recall.read(whole).unreadable == {"DateScheduled"}
    assert Recall.read({**whole, "DateScheduled": "0001-01-01"}).unreadable == frozenset()


def test_columns_may_not_be_smuggled_in_under_our_own_names() -> None:
    row = Appointment.read({**COMPLETE, "op": 7, "unreadable": ["Op"], "asapfill.unreadable": ["Op"]})

    assert (row.op, row.unreadable) == (3, frozenset())


@pytest.mark.parametrize(
    ("written", "expected"), [("", ()), ("2", (2,)), ("5, 6", (5, 6)), ([5, "6"], (5, 6)), ("5,six", None)]
)
def test_reads_the_operatories_of_a_schedule(written: Any, expected: tuple[int, ...] | None) -> None:
    row = Schedule.read({"operatories": written})

    assert row.operatories == (expected or ())
    assert ("operatories" in row.unreadable) == (expected is None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("08:30:00", time(8, 30)),
        ("8:30", time(8, 30)),
        ("0001-01-01 17:05:00", time(17, 5)),
        ("24:00", None),
        (830, None),
    ],
)
def test_reads_a_time_of_day(written: Any, expected: time | None) -> None:
    row = Schedule.read({"StartTime": written})

    assert row.start_time == (expected or time(0))
    assert ("StartTime" in row.unreadable) == (expected is None)


def test_a_history_row_may_hold_nothing_but_its_numbers() -> None:
    row = HistAppointment.read({"HistApptNum": 9, "AptNum": 266})

    assert (row.number, row.apt_num, row.unreadable) == (9, 266, frozenset())


def test_rows_without_a_number_have_no_identity() -> None:
    assert Slot.read({"OpNum": 3}).identity is None
    assert Appointment.read({**COMPLETE, "AptNum": "x"}).identity is None
    assert Appointment.read(COMPLETE).identity == 18
    assert SecurityPerm.read({"Permission": "ApiReadAll", "HasPermission": "true"}).identity == "ApiReadAll"
    assert SecurityPerm.read({"Permission": "ApiReadAll"}).number == 0


def test_rows_are_made_by_attribute_in_code() -> None:
    assert Schedule(schedule_num=1, sched_date=date(2026, 11, 20)).number == 1
