"""How likely somebody says yes: published rates first, then the office's own outcomes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.chances import HALF_ANSWER, PUBLISHED, Chances, Outcomes, answered, fading, how_far
from asapfill.core.offer import Kind

COUNTS = st.tuples(st.floats(0, 5000), st.floats(0, 1)).map(lambda drawn: Outcomes(drawn[0], drawn[0] * drawn[1]))


def test_an_office_without_outcomes_has_the_published_rate() -> None:
    assert PUBLISHED.yes("appointment", timedelta(hours=3)) == pytest.approx(0.0896, abs=0.0001)
    assert PUBLISHED.half == HALF_ANSWER


def test_many_outcomes_of_its_own_outweigh_it() -> None:
    own = Chances({("recall", 0): Outcomes(6000, 1200)})
    assert own.yes("recall", timedelta(hours=1)) == pytest.approx(0.2, abs=0.005)
    # What is known of one kind is the prior of the others.
    assert 0.15 < own.yes("appointment", timedelta(days=5)) < 0.2


KINDS: st.SearchStrategy[Kind] = st.sampled_from(["appointment", "recall"])


@given(cells=st.dictionaries(st.tuples(KINDS, st.integers(0, 3)), COUNTS))
def test_a_chance_is_always_between_nothing_and_certainty(cells: dict[tuple[Kind, int], Outcomes]) -> None:
    chances = Chances(cells)
    for hours in (1, 10, 50, 100):
        assert 0 < chances.yes("appointment", timedelta(hours=hours)) < 1


def test_the_distances_ahead() -> None:
    hours = (-1, 5, 6, 23, 24, 71, 72, 500)
    assert [how_far(timedelta(hours=number)) for number in hours] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_an_offer_without_an_answer_is_hoped_for_less_and_less() -> None:
    hopes = [
        PUBLISHED.still("appointment", timedelta(hours=9), timedelta(minutes=minutes), viewed=False)
        for minutes in (0, 10, 20, 60, 240)
    ]
    assert hopes == sorted(hopes, reverse=True)
    assert hopes[0] == PUBLISHED.yes("appointment", timedelta(hours=9))
    assert hopes[-1] < 0.002


def test_half_have_answered_after_the_half_time() -> None:
    assert answered(HALF_ANSWER, HALF_ANSWER) == 0.5
    assert answered(timedelta(0), HALF_ANSWER) == 0
    assert answered(timedelta(days=1), HALF_ANSWER) > 0.99


def test_outcomes_are_forgotten_slowly() -> None:
    assert fading(timedelta(days=120)) == 0.5
    assert fading(timedelta(days=240)) == 0.25
    assert fading(timedelta(days=-1)) == 1
