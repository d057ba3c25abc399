"""How many are asked at once, and how long they have."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.policy import TextsPolicy
from asapfill.core.waves import Pace, pace

AUTO = TextsPolicy()
TIMES = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30))


@given(near=TIMES, far=TIMES)
def test_auto_asks_more_at_once_and_waits_less_as_the_opening_comes_nearer(near: timedelta, far: timedelta) -> None:
    near, far = sorted((near, far))
    assert pace(AUTO, near).size >= pace(AUTO, far).size
    assert pace(AUTO, near).wait <= pace(AUTO, far).wait


@given(until=TIMES)
def test_auto_always_asks_somebody_and_always_waits(until: timedelta) -> None:
    assert pace(AUTO, until).size >= 1
    assert pace(AUTO, until).wait > timedelta(0)
    assert pace(AUTO, until).size <= AUTO.per_opening


@given(until=TIMES)
def test_the_policys_numbers_go_before_auto(until: timedelta) -> None:
    numbers = TextsPolicy(wave=7, wait=timedelta(minutes=3))
    assert pace(numbers, until) == Pace(7, timedelta(minutes=3))
    assert pace(TextsPolicy(wave=7), until) == Pace(7, pace(AUTO, until).wait)
    assert pace(TextsPolicy(wait=timedelta(minutes=3)), until) == Pace(pace(AUTO, until).size, timedelta(minutes=3))


def test_an_opening_that_has_started_is_the_nearest_of_all() -> None:
    assert pace(AUTO, timedelta(minutes=-5)) == pace(AUTO, timedelta(0))
