"""When cycles are due: spread over the interval, later for offices that fail or are slow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.clock import SteppedClock
from asapfill.daemon.scheduler import SLOW, OfficeHealth, OfficeTurns, offsets
from asapfill.settings.settings import OfficeSettings
from asapfill.settings.toml_file import Secret

CLOCK = SteppedClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
ORIGIN = 7000.0
KEY = Secret("env:KEY")


def offices(*urls: str) -> dict[str, OfficeSettings]:
    return {f"office-{number}": OfficeSettings(f"office-{number}", (url,), KEY, KEY) for number, url in enumerate(urls)}


def widest_gap(places: list[float]) -> float:
    ordered = sorted(places)
    return max(later - sooner for sooner, later in zip(ordered, [*ordered[1:], ordered[0] + 1], strict=True))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50, 500])
def test_cycles_are_spread_over_the_interval(count: int) -> None:
    places = list(offsets(offices(*(f"https://{number}.example/api/v1" for number in range(count)))).values())
    assert places[0] == 0
    assert all(0 <= place < 1 for place in places)
    assert widest_gap(places) <= 2 / count


def test_offices_of_one_host_are_spread_among_themselves_wherever_they_stand_in_the_settings() -> None:
    urls = [f"https://{'shared' if number % 25 == 0 else number}.example/api/v1" for number in range(500)]
    found = offsets(offices(*urls))
    shared = [found[f"office-{number}"] for number in range(0, 500, 25)]
    assert len(shared) == 20
    assert widest_gap(shared) <= 2.7 / 20


@given(
    offset=st.floats(0, 1, exclude_max=True),
    interval=st.integers(200, 60_000).map(lambda milliseconds: milliseconds / 1000),
    later=st.floats(-1000, 1_000_000),
)
def test_a_beat_is_never_before_it_was_asked_for_and_always_at_the_office_s_own_place(
    offset: float, interval: float, later: float
) -> None:
    earliest = ORIGIN + later
    turn = OfficeTurns(ORIGIN, offset, interval, CLOCK).next(earliest)
    assert 0 < turn - earliest <= interval * 1.011
    turns = (turn - ORIGIN) / interval - offset
    assert abs(turns - round(turns)) * interval < 0.001


def test_the_turn_after_one_that_has_just_begun_is_a_whole_interval_later_whatever_the_machine_s_clock_shows() -> None:
    clock = SteppedClock(datetime(1970, 1, 1, tzinfo=UTC))
    turns = OfficeTurns(0.0, 0.25, 60, clock)
    clock.sleep(15.0 - 0.004)
    for year in (1970, 2026, 2038):
        now = datetime(year, 1, 1, tzinfo=UTC)
        passed = (turns.get_next_fire_time(now, now) - now).total_seconds()
        assert passed == pytest.approx(60.004, abs=1e-5)


def test_an_office_that_fails_rests_longer_each_time_up_to_five_intervals() -> None:
    health, pauses = OfficeHealth(0, 1.0), []
    for _ in range(12):
        health = health.after(answered=False, seconds=5)
        assert health.pool == "slow"
        pauses.append(health.pause(60))
    assert pauses == [0, 60, 180, *[300] * 9]
    well = health.after(answered=True, seconds=2)
    assert (well.failures, well.pool, well.pause(60)) == (0, "prompt", 0)


def test_a_slow_office_rests_as_long_as_its_cycle_took_and_has_a_lane_of_its_own() -> None:
    slow = OfficeHealth(0, 1.0).after(answered=True, seconds=SLOW + 20)
    assert (slow.pool, slow.pause(60)) == ("slow", SLOW + 20)
    assert OfficeHealth(0, 1.0).after(answered=True, seconds=4000).pause(60) == 300
    assert slow.after(answered=True, seconds=SLOW - 1).pool == "prompt"


def test_an_office_that_was_never_served_is_taken_for_a_slow_one_and_does_not_rest() -> None:
    assert (OfficeHealth().pool, OfficeHealth().pause(60)) == ("slow", 0)
