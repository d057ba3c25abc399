"""How long a recall visit is: one case per rule, the rule's source in its name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.lengths import age, default_recall_pattern, recall_pattern, stretched
from asapfill.core.rows import RecallType
from tests.core.rows import FRIDAY, made, office, patient, recall

CHILD = {"RecallTypeSpecialChildProphy": "3"}


def pattern(increment: str = "10", **columns: Any) -> str:
    """The pattern of the usual recall in an office with types 1 (/XX/), 2 (empty), 3 (child), 4 and 5 (appended)."""
    others = columns.pop("others", [])
    an_office = office(
        recall_types=[
            RecallType(recall_type_num=1, time_pattern="/XX/"),
            RecallType(recall_type_num=2),
            RecallType(recall_type_num=3, time_pattern="XXXXX"),
            RecallType(recall_type_num=4, time_pattern="X/", append_to_special=True),
            made(RecallType, recall_type_num=5, time_pattern="X", unreadable=frozenset({"AppendToSpecial"})),
        ],
        preferences={"AppointmentTimeIncrement": increment, **columns.pop("preferences", {})},
    )
    person = columns.pop("person", patient())
    return recall_pattern(recall(**columns), others, person, an_office)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"increment": "5"}, "/XX/", id="Open Dental: AppointmentTimeIncrement a character, 5"),
        pytest.param({"increment": "10"}, "//XXXX//", id="Open Dental: 10"),
        pytest.param({"increment": "15"}, "///XXXXXX///", id="Open Dental: 15"),
        pytest.param({"increment": "7"}, "//XXXX//", id="safe: another increment is Open Dental's default, 10"),
        pytest.param({"recall_type_num": 2}, "X" * 6, id="Open Dental: an empty pattern is 30 minutes"),
        pytest.param(
            {"recall_type_num": 2, "increment": "15"}, "X" * 9, id="Open Dental: 45 where the increment is 15"
        ),
        pytest.param({"time_pattern_override": "X"}, "XXXXXX//", id="safe: an override does not shorten"),
        pytest.param({"time_pattern_override": "/" * 5}, "//XXXX////", id="safe: the longest reading of the override"),
        pytest.param(
            {"increment": "5", "time_pattern_override": "XXXXXX"}, "XXXXXX", id="Open Dental: 5-minute override"
        ),
        pytest.param(
            {"person": patient(birthdate=date(2014, 11, 21)), "preferences": CHILD}, "X" * 10, id="Open Dental: child"
        ),
        pytest.param(
            {"person": patient(birthdate=date(2014, 11, 20)), "preferences": CHILD},
            "//XXXX//",
            id="Open Dental: 12 is adult",
        ),
        pytest.param(
            {"person": patient(birthdate=None), "preferences": CHILD}, "X" * 10, id="safe: without birthdate a child"
        ),
        pytest.param({"person": None, "preferences": CHILD}, "X" * 10, id="safe: not read yet, a child"),
        pytest.param({"person": None}, "//XXXX//", id="Open Dental: no child prophy in use"),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=4)]}, "//XXXX//XX//", id="Open Dental: AppendToSpecial"
        ),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=1)]}, "//XXXX//", id="other types are not appended"
        ),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=4, date_due=date(2026, 11, 21))]},
            "//XXXX//",
            id="nor those not due",
        ),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=4, date_due=None)]}, "//XXXX//", id="nor those never due"
        ),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=4, is_disabled=True)]}, "//XXXX//", id="nor disabled ones"
        ),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=4, date_scheduled=FRIDAY)]},
            "//XXXX//",
            id="nor scheduled ones",
        ),
        pytest.param({"others": [recall(recall_num=70, recall_type_num=4)]}, "//XXXX//", id="nor the recall itself"),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=4, date_due=None, unreadable=frozenset({"DateDue"}))]},
            "//XXXX//XX//",
            id="safe: a due day that cannot be read",
        ),
        pytest.param(
            {"others": [recall(recall_num=71, recall_type_num=5)]},
            "//XXXX//" + "X" * 6,
            id="safe: a type that cannot be read",
        ),
        pytest.param(
            {"recall_type_num": 4, "others": [recall(recall_num=71, recall_type_num=4)]},
            "XX//",
            id="nothing is appended to an appended one",
        ),
    ],
)
def test_the_pattern_of_a_recall_visit(columns: dict[str, Any], expected: str) -> None:
    assert pattern(**columns) == expected


@given(
    override=st.text("X/", max_size=12),
    increment=st.sampled_from(["5", "10", "15"]),
    child=st.booleans(),
    appended=st.booleans(),
)
def test_nothing_shortens_a_recall_visit(override: str, increment: str, child: bool, appended: bool) -> None:  # noqa: FBT001  drawn by Hypothesis
    found = pattern(
        increment,
        time_pattern_override=override,
        preferences=CHILD if child else {},
        others=[recall(recall_num=71, recall_type_num=4)] if appended else [],
        person=None,
    )
    for shortest in (stretched("/XX/", int(increment)), override, stretched(override, int(increment))):
        assert len(found) >= len(shortest)
        assert all(mark == "/" or found[place] == "X" for place, mark in enumerate(shortest))


@pytest.mark.parametrize(("increment", "minutes"), [(5, 30), (10, 30), (15, 45)])
def test_open_dentals_default_length(increment: int, minutes: int) -> None:
    assert len(default_recall_pattern(increment)) * 5 == minutes


@pytest.mark.parametrize(
    ("birthdate", "on", "years"),
    [
        (date(2008, 11, 20), date(2026, 11, 20), 18),
        (date(2008, 11, 21), date(2026, 11, 20), 17),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_age_in_full_years(birthdate: date, on: date, years: int) -> None:
    assert age(birthdate, on) == years
