"""Who is asked first."""

from __future__ import annotations

import random
from datetime import date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.candidates import Candidate
from asapfill.core.policy import OrderLine, Policy
from asapfill.core.waves import ranked
from tests.core.rows import PACIFIC


def candidate(number: int, **parts: Any) -> Candidate:
    usual = {"kind": "appointment", "number": number, "patient": number, "group": "scheduled", "pattern": "XXXX"}
    return Candidate(**{**usual, "providers": frozenset({1}), "at": datetime(2026, 12, 1, 9), **parts})


EARLY, LATE = datetime(2026, 12, 1, 9), datetime(2026, 12, 24, 9)


@pytest.mark.parametrize(
    ("line", "first", "second"),
    [
        ("unscheduled first", {"group": "unscheduled"}, {}),
        ("planned first", {"group": "planned"}, {}),
        ("broken first", {"group": "broken"}, {}),
        ("scheduled first", {}, {"group": "planned"}),
        ("recalls first", {"group": "recalls"}, {}),
        ("recalls last", {}, {"group": "recalls"}),
        ("furthest out first", {"at": LATE}, {"at": EARLY}),
        ("furthest out first", {"at": None}, {"at": LATE}),
        ("soonest first", {"at": EARLY}, {"at": LATE}),
        ("soonest first", {"at": datetime(2026, 12, 1, 8, 50)}, {"at": EARLY}),
        ("longest first", {"pattern": "XXXXX"}, {}),
        ("shortest first", {"pattern": "X"}, {}),
    ],
)
def test_one_line_decides(line: OrderLine, first: dict[str, Any], second: dict[str, Any]) -> None:
    better, worse = candidate(9, **first), candidate(1, **second)
    assert ranked([worse, better], [line], {}) == [better, worse]


def test_least_recently_texted_first_and_never_texted_before_all() -> None:
    texted = {1: date(2026, 11, 20), 2: date(2026, 11, 3)}
    order = ranked([candidate(n) for n in (1, 2, 3)], ["least recently texted first"], texted)
    assert [one.number for one in order] == [3, 2, 1]


def test_earlier_lines_count_more() -> None:
    unscheduled_soon = candidate(1, group="unscheduled", at=EARLY)
    planned_late = candidate(2, group="planned", at=LATE)
    both = [planned_late, unscheduled_soon]
    assert ranked(both, ["unscheduled first", "furthest out first"], {}) == [unscheduled_soon, planned_late]
    assert ranked(both, ["furthest out first", "unscheduled first"], {}) == [planned_late, unscheduled_soon]


def test_what_the_lines_leave_equal_goes_to_the_longer_visit_and_then_the_lower_number() -> None:
    one, two, long = candidate(1), candidate(2), candidate(3, pattern="XXXXXX")
    assert ranked([two, one, long], [], {}) == [long, one, two]


def test_a_recall_and_an_appointment_of_one_number_have_an_order() -> None:
    appointment, recall = candidate(1), candidate(1, kind="recall")
    assert ranked([recall, appointment], [], {}) == [appointment, recall]


@given(
    lines=st.lists(st.sampled_from(get_args(OrderLine)), unique=True),
    seed=st.integers(0, 99),
    drawn=st.lists(
        st.tuples(
            st.sampled_from(["unscheduled", "planned", "broken", "scheduled"]),
            st.sampled_from([None, EARLY, LATE]),
            st.sampled_from(["X", "XX"]),
        ),
        max_size=8,
    ),
)
def test_the_order_never_depends_on_how_the_rows_came(lines: list[OrderLine], seed: int, drawn: list[Any]) -> None:
    rows = [candidate(n, group=group, at=at, pattern=pattern) for n, (group, at, pattern) in enumerate(drawn)]
    mixed = random.Random(seed).sample(rows, len(rows))
    assert ranked(rows, lines, {}) == ranked(mixed, lines, {})


def test_the_usual_order_is_open_dentals_own() -> None:
    order = ranked(
        [
            candidate(1, group="scheduled", at=EARLY),
            candidate(2, group="scheduled", at=LATE),
            candidate(3, group="unscheduled", at=EARLY),
        ],
        Policy("office", PACIFIC).order,
        {},
    )
    assert [one.number for one in order] == [3, 2, 1]
