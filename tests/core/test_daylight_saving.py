"""Both nights on which the office's clock is changed: times stay wall-clock, and only the notice counts real hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from asapfill.clock import first_wall, instant, minutes_until, office_now
from asapfill.core.candidates import find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.office import Office
from asapfill.core.openings import find_openings
from asapfill.core.policy import Hours, Policy
from tests.core.rows import PACIFIC, asap, office, policy, row

SPRING = date(2026, 3, 8)
"""2:00 becomes 3:00."""
AUTUMN = date(2026, 11, 1)
"""2:00 becomes 1:00."""


def night(day: date) -> Office:
    """An office that works from midnight to 8."""
    hours = row("0:00", "8:00", prov_num=1, operatories=(1,), sched_date=day)
    return office(first=day, last=day, schedules=[hours], asap=[asap(60)])


def always(notice: timedelta) -> Policy:
    return policy(notice=notice, days=frozenset(range(7)), hours=Hours(time(0), time(0)))


def first_start(day: date, now: datetime, notice: timedelta) -> datetime:
    return find_openings(night(day), always(notice), now, {}).openings[0].start


@pytest.mark.parametrize(
    ("day", "now", "notice", "first"),
    [
        pytest.param(
            SPRING, datetime(2026, 3, 8, 9, tzinfo=UTC), 2, time(4), id="spring: from 1:00, two hours are until 4:00"
        ),
        pytest.param(SPRING, datetime(2026, 3, 8, 10, tzinfo=UTC), 2, time(5), id="spring: from 3:00, until 5:00"),
        pytest.param(
            AUTUMN, datetime(2026, 11, 1, 7, tzinfo=UTC), 4, time(3), id="autumn: from 0:00, four hours are until 3:00"
        ),
        pytest.param(
            AUTUMN, datetime(2026, 11, 1, 7, 30, tzinfo=UTC), 1, time(1, 30), id="autumn: until the first 1:30"
        ),
        pytest.param(
            AUTUMN, datetime(2026, 11, 1, 8, 30, tzinfo=UTC), 1, time(2), id="autumn: not until a second 1:30"
        ),
        pytest.param(
            AUTUMN, datetime(2026, 11, 1, 9, 30, tzinfo=UTC), 1, time(2, 30), id="autumn: from the second 1:30"
        ),
    ],
)
def test_the_notice_is_counted_in_real_hours(day: date, now: datetime, notice: int, first: time) -> None:
    assert first_start(day, now, timedelta(hours=notice)) == datetime.combine(day, first)


@pytest.mark.parametrize(
    ("day", "zone"),
    [
        (SPRING, "America/Los_Angeles"),
        (AUTUMN, "America/Los_Angeles"),
        pytest.param(date(2026, 4, 5), "Australia/Lord_Howe", id="half an hour is shown twice"),
    ],
)
def test_the_first_wall_clock_time_is_the_earliest_that_the_clock_shows_and_not_before_the_moment(
    day: date, zone: str
) -> None:
    there = ZoneInfo(zone)
    midnight = datetime.combine(day, time(0), tzinfo=there).astimezone(UTC)
    moments = [midnight + timedelta(minutes=minutes) for minutes in range(8 * 60)]
    shown = sorted({office_now(moment, there) for moment in moments})
    for moment in moments[: 6 * 60]:
        assert first_wall(moment, there) == next(wall for wall in shown if instant(wall, there) >= moment)


def test_seconds_are_kept_but_where_an_hour_is_skipped() -> None:
    at = datetime(2026, 11, 1, 8, 30, 20, tzinfo=UTC)
    assert first_wall(at, PACIFIC) == datetime(2026, 11, 1, 1, 30, 20)
    assert first_wall(at + timedelta(hours=1), PACIFIC) == datetime(2026, 11, 1, 2)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_nothing_ever_starts_sooner_than_the_notice(day: date) -> None:
    midnight = datetime.combine(day, time(0), tzinfo=PACIFIC).astimezone(UTC)
    for minutes in range(-120, 6 * 60, 7):
        now = midnight + timedelta(minutes=minutes)
        for notice in (timedelta(0), timedelta(minutes=50), timedelta(hours=2)):
            for opening in find_openings(night(day), always(notice), now, {}).openings:
                assert minutes_until(opening.start, now, PACIFIC) >= notice.total_seconds() / 60


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_an_open_day_is_as_long_as_on_any_other(day: date) -> None:
    before = datetime.combine(day - timedelta(days=1), time(12), tzinfo=PACIFIC)
    a_policy = always(timedelta(0))
    found = find_openings(night(day), a_policy, before, {})
    assert [(opening.start.time(), opening.end.time()) for opening in found.openings] == [(time(0), time(8))]
    candidates, _ = find_candidates(night(day), a_policy, before.replace(tzinfo=None))
    assert len(fits(candidates[0], prepare(night(day), a_policy, found))) == 7 * 6 + 1
