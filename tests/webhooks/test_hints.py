"""What a delivery says, read from Open Dental's own shapes."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asapfill.webhooks.deliveries import Hint, NotADelivery, every_day, read_delivery
from tests.depth import DEPTH

APPOINTMENT = {"AptNum": 18, "PatNum": 17, "AptStatus": "Scheduled", "Op": 3, "AptDateTime": "2020-07-31 08:30:00"}
DELETED = {"HistApptNum": 7, "AptNum": 19, "AptDateTime": "2020-08-01 09:00:00", "HistApptAction": "Deleted"}
SCHEDULE = {"ScheduleNum": "12", "SchedDate": "2020-08-03", "SchedType": "Provider", "StartTime": "08:00:00"}
OFFER_BLOCK = SCHEDULE | {"SchedType": "WebSchedASAP"}


def read(value: Any) -> Hint:
    return read_delivery(json.dumps(value).encode())


def test_a_delivery_names_days_and_appointments() -> None:
    hint = read([APPOINTMENT, DELETED, SCHEDULE])
    assert hint == Hint(frozenset({date(2020, 8, 3)}), frozenset({18, 19}), unclear=False, rows=3)
    assert hint


def test_a_ui_event_is_one_object() -> None:
    assert read(APPOINTMENT) == Hint(appointments=frozenset({18}), rows=1)


def test_a_deleted_appointment_may_have_nothing_but_its_number() -> None:
    empty = {"HistApptNum": 7, "AptNum": 19, "AptDateTime": "0001-01-01 00:00:00", "HistApptAction": "Deleted"}
    assert read([empty]) == Hint(appointments=frozenset({19}), rows=1)


@pytest.mark.parametrize("nothing", [[], [OFFER_BLOCK, OFFER_BLOCK]])
def test_empty_deliveries_and_the_blocks_that_offers_leave_need_no_look(nothing: Any) -> None:
    assert not read(nothing)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"PatNum": 5, "LName": "x"},
        {"ScheduleNum": 12},
        SCHEDULE | {"SchedDate": "soon"},
        {"AptNum": "eighteen"},
        {"AptNum": None, "AptDateTime": None},
    ],
)
def test_a_row_that_does_not_say_where_is_a_reason_to_look(odd: dict[str, Any]) -> None:
    assert read([odd]).unclear
    assert read([odd])
    assert read([APPOINTMENT, odd]).appointments == {18}


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"x",
        b"5",
        b'"text"',
        b"null",
        b"[1]",
        b"[[]]",
        b'[{"AptNum": 18}, 5]',
        b"\xff\xfe",
        b"[" * 100_000,
        b'[{"a":' * 100_000,
        b"[" + b"9" * 5000 + b"]",
        b'{"AptNum": 1',
    ],
)
def test_garbage_is_told_from_deliveries(garbage: bytes) -> None:
    with pytest.raises(NotADelivery):
        read_delivery(garbage)


def test_numbers_beyond_all_bounds_do_no_harm() -> None:
    row = b'[{"AptNum": 1e400, "AptDateTime": "9999-99-99"}, {"AptNum": ' + b"9" * 4000 + b"}]"
    assert read_delivery(row).unclear


def test_an_appointment_without_a_readable_number_still_has_its_day() -> None:
    assert read([APPOINTMENT | {"AptNum": "?"}]) == Hint(frozenset({date(2020, 7, 31)}), rows=1)


def test_every_day_reaches_beyond_any_policys_look_ahead() -> None:
    days = every_day(date(2026, 4, 14)).days
    assert {date(2026, 4, 12), date(2027, 4, 14)} <= days


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
COLUMNS = st.sampled_from(["AptNum", "AptDateTime", "ScheduleNum", "SchedDate", "SchedType", "HistApptNum", "Op"])


@settings(max_examples=DEPTH.examples(60))
@given(st.lists(st.dictionaries(COLUMNS, VALUES), max_size=5))
def test_whatever_the_columns_hold_it_is_a_hint(rows: list[dict[str, Any]]) -> None:
    hint = read(rows)
    assert hint.rows == len(rows)


@settings(max_examples=DEPTH.examples(60))
@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_hint_or_no_delivery(body: bytes) -> None:
    try:
        read_delivery(body)
    except NotADelivery as error:
        assert str(error) in {"not JSON", "not an array of objects"}  # noqa: PT017  what was sent must not be in it
