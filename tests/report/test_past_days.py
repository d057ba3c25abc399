"""Days behind `--since`, as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.clock import SteppedClock
from asapfill.report.past_days import NoDay, office_day, past_day, read_day
from asapfill.store.database import open_store
from asapfill.store.offices import KnownOffice, keep_office

TUESDAY = date(2026, 4, 14)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-04-09", date(2026, 4, 9)),
        ("2026-4-9", date(2026, 4, 9)),
        ("2026/04/09", date(2026, 4, 9)),
        ("4/9", date(2026, 4, 9)),
        ("4/14", TUESDAY),
        ("4/15", date(2025, 4, 15)),
        ("04/09/2026", date(2026, 4, 9)),
        ("4/9/26", date(2026, 4, 9)),
        ("2/29", date(2024, 2, 29)),
        ("Apr 9", date(2026, 4, 9)),
        ("april 9th, 2025", date(2025, 4, 9)),
        ("9 April", date(2026, 4, 9)),
        ("Sept. 9", date(2025, 9, 9)),
        ("Nov 9", date(2025, 11, 9)),
        ("today", TUESDAY),
        (" Yesterday ", date(2026, 4, 13)),
        ("Tue", TUESDAY),
        ("last Tuesday", date(2026, 4, 7)),
        ("monday", date(2026, 4, 13)),
        ("Wed.", date(2026, 4, 8)),
        ("7 days", date(2026, 4, 7)),
        ("2 weeks ago", date(2026, 3, 31)),
        ("a week ago", date(2026, 4, 7)),
        ("last week", date(2026, 4, 7)),
        ("9999 weeks ago", date(1834, 8, 26)),
    ],
)
def test_a_day_is_read_as_people_write_it(text: str, day: date) -> None:
    assert read_day(text)(TUESDAY) == day


@pytest.mark.parametrize(
    "text", ["", "13/1", "2/30", "2026-13-01", "April", "Aprob 3", "M", "no Monday", "tomorrow", "3", "9.4.2026", "٣/٤"]
)
def test_what_is_no_day_is_refused_with_examples(text: str) -> None:
    with pytest.raises(NoDay, match="Write for example 2026-11-09"):
        read_day(text)


def test_a_day_to_come_is_refused() -> None:
    with pytest.raises(NoDay, match="2026-04-15 is a day to come"):
        past_day(read_day("2026-04-15"), TUESDAY)


@given(st.text(max_size=20), st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_whatever_is_written_is_a_day_or_refused_in_words(text: str, today: date) -> None:
    try:
        read_day(text)(today)
    except NoDay as error:
        assert str(error).endswith(".")  # noqa: PT017  either is right


def test_today_is_the_offices(tmp_path: Path) -> None:
    """At five in the afternoon on the west coast it is tomorrow in Greenwich."""
    clock = SteppedClock(datetime(2026, 4, 15, 1, tzinfo=UTC))
    with open_store(tmp_path, clock) as store:
        assert office_day(store, clock, ["main-street"]) == date(2026, 4, 15), "of an office that was never served"
        keep_office(store, "main-street", KnownOffice(ZoneInfo("America/Los_Angeles")))
        keep_office(store, "elm", KnownOffice(ZoneInfo("America/New_York")))
        assert office_day(store, clock, ["elm", "main-street"]) == TUESDAY
