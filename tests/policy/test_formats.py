"""How people write values: what is understood, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.policy import Hours
from asapfill.policy import formats, hours
from asapfill.policy.formats import Unreadable


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2 hours", 120),
        ("1 hour", 60),
        ("90 min", 90),
        ("90min", 90),
        ("15 Minutes", 15),
        ("14 days", 14 * 1440),
        ("1 hour 30 minutes", 90),
        ("1 hour and 30 minutes", 90),
        ("1 hour, 30 min", 90),
        ("1h 30m", 90),
        ("1h30m", 90),
        ("1.5 hours", 90),
        ("2 weeks", 14 * 1440),
        ("0 minutes", 0),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, minutes: int) -> None:
    assert formats.duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["2", "2.5", "two hours", "2 months", "-2 hours", "1:30", "hours", "2 hours ago", "٢ hours"]
)
def test_what_is_no_clear_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        formats.duration(text)


@given(st.integers(min_value=0, max_value=999_999))
def test_a_length_written_in_words_reads_back_the_same(minutes: int) -> None:
    length = timedelta(minutes=minutes)
    assert formats.duration(formats.in_words(length)) == length


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("08:00-17:00", time(8), time(17)),
        ("8:00 - 17:30", time(8), time(17, 30)),
        ("8am-5pm", time(8), time(17)),
        ("8 AM to 5 PM", time(8), time(17)),
        ("8:30 a.m. – 5:15 p.m.", time(8, 30), time(17, 15)),
        ("0:00-12pm", time(0), time(12)),
        ("noon-8pm", time(12), time(20)),
        ("00:00-24:00", time(0), time(0)),
        ("18:00-00:00", time(18), time(0)),
        ("6pm-24:00", time(18), time(0)),
        ("8:00 until 9pm", time(8), time(21)),
        ("8-5", time(8), time(17)),
        ("8 to 4", time(8), time(16)),
        ("from 8 to 4", time(8), time(16)),
        ("8am-4", time(8), time(16)),
        ("8 to 4pm", time(8), time(16)),
        ("7:30-4", time(7, 30), time(16)),
        ("8 to 4:30", time(8), time(16, 30)),
        ("9-9", time(9), time(21)),
        ("10-12", time(10), time(12)),
        ("12-5", time(12), time(17)),
        ("1pm-5", time(13), time(17)),
        ("9-19", time(9), time(19)),
        ("0-24", time(0), time(0)),
    ],
)
def test_a_stretch_of_the_day_is_read_as_people_write_it(text: str, start: time, end: time) -> None:
    assert hours.hours(text) == Hours(start, end)


@pytest.mark.parametrize(
    "text",
    [
        *("1-5", "1-5pm", "17-8", "13-2", "25-26", "8:30-4:30", "8", "8am", "5pm-8am", "0:00-0:00", "8:00-24:01"),
        *("13am-2pm", "0am-3am", "8.00-9.00", "-", "480"),
    ],
)
def test_what_is_no_clear_stretch_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        hours.hours(text)


def test_a_start_that_may_be_in_the_afternoon_is_asked_for() -> None:
    with pytest.raises(Unreadable, match="in the morning or in the afternoon") as refusal:
        hours.hours("1 to 5")
    assert refusal.value.hint == "Write 1am or 1pm."


@pytest.mark.parametrize(
    "text",
    ["9am-12am", "9 to 12 a.m.", "9:00-12:00 AM", "9am until midnight", "8-midnight", "12am-5pm", "12 am - 12 pm"],
)
def test_noon_or_midnight_is_asked_for(text: str) -> None:
    with pytest.raises(Unreadable, match=r"noon or midnight\?") as refusal:
        hours.hours(text)
    assert "12:00 for noon" in refusal.value.hint


@pytest.mark.parametrize("text", ["no Sunday", "not Friday", "except Mon", "none", "all but Fri", "S", "T", "never"])
def test_no_day_is_guessed_behind_a_no(text: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        hours.days(text)
    assert refusal.value.hint == hours.DAYS_HINT


@pytest.mark.parametrize(("text", "day"), [("Sa", 5), ("Su", 6), ("Tu", 1), ("Th", 3), ("mo.", 0), ("Sa-Su", 5)])
def test_the_clear_beginning_of_a_day_is_completed(text: str, day: int) -> None:
    assert day in hours.days(text)


def test_no_word_is_guessed_that_says_the_opposite_or_more() -> None:
    groups = formats.choice("unscheduled", "planned", "broken", "scheduled", "recalls")
    order = formats.choice("unscheduled first", "recalls first", "recalls last", "soonest first", "longest first")
    for read, text in [
        *((groups, text) for text in ("all", "none", "no recalls", "not planned", "everybody", "except recalls")),
        *((order, text) for text in ("unscheduled last", "soonest last", "longest last", "no recalls first")),
        (formats.choice("skip", "text"), "no text"),
        (formats.choice("preview", "ask", "automatic"), "not automatic"),
        (formats.choice("preview", "ask", "automatic"), "automatic off"),
    ]:
        with pytest.raises(Unreadable) as refusal:
            read(text)
        assert refusal.value.hint.startswith("Allowed: "), text
    with pytest.raises(Unreadable) as refusal:
        groups("recal")
    assert refusal.value.hint.startswith("Did you mean recalls?")


def test_a_single_time_of_day_is_read_as_people_write_it() -> None:
    assert [hours.time_of_day(text) for text in ("10:00", "5:30pm", "noon")] == [time(10), time(17, 30), time(12)]
    for text in ("10", "24:00", "ten", ""):
        with pytest.raises(Unreadable):
            hours.time_of_day(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon", {0}),
        ("monday", {0}),
        ("Tues", {1}),
        ("Weds", {2}),
        ("Thurs.", {3}),
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("Monday to Thursday", {0, 1, 2, 3}),
        ("Sat-Mon", {5, 6, 0}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("every day", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert hours.days(text) == days


@pytest.mark.parametrize("text", ["M", "S", "1", "Montag", "Mon-", "Mon-Wed-Fri"])
def test_what_is_no_clear_day_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        hours.days(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("No", False), ("TRUE", True), ("false", False), ("on", True), ("Off", False)],
)
def test_yes_and_no_have_three_spellings(text: str, value: bool) -> None:  # noqa: FBT001  a table's column
    assert formats.yes_no(text) is value


@pytest.mark.parametrize("text", ["1", "0", "y", "maybe", ""])
def test_other_words_are_neither_yes_nor_no(text: str) -> None:
    with pytest.raises(Unreadable):
        formats.yes_no(text)


def test_a_number_with_leading_noughts_is_that_number_and_not_an_octal_one() -> None:
    assert formats.patient_number("0123") == 123


def test_waiting_may_be_auto_or_minutes_or_a_length() -> None:
    assert formats.auto_or_duration("Auto") is None
    assert formats.auto_or_duration("10") == timedelta(minutes=10)
    assert formats.auto_or_duration("1 hour") == timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("America/Los_Angeles", "America/Los_Angeles"),
        ("america/los angeles", "America/Los_Angeles"),
        ("US/Pacific", "US/Pacific"),
        ("UTC", "UTC"),
    ],
)
def test_a_time_zone_is_named_by_its_place(text: str, zone: str) -> None:
    assert formats.timezone(text).key == zone


@pytest.mark.parametrize(
    "text", ["EST", "PST8PDT", "localtime", "Factory", "America", "../etc", "Eastern", "GMT+3", "\x00"]
)
def test_a_time_zone_without_a_place_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        formats.timezone(text)


@pytest.mark.parametrize("text", ["Furthest out first", "furthest-out_first", "  furthest  out first "])
def test_choices_forgive_case_blanks_and_hyphens(text: str) -> None:
    assert formats.choice("furthest out first", "soonest first")(text) == "furthest out first"


READERS = (
    formats.duration,
    hours.hours,
    hours.days,
    formats.yes_no,
    formats.timezone,
    formats.patient_number,
    formats.auto_or_duration,
    formats.whole_number(1, 9),
    formats.auto_or_number(1, 9),
    formats.choice("one", "two"),
)
VALUES = st.recursive(
    st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)


@given(VALUES)
def test_every_reader_understands_or_refuses_and_never_breaks(value: object) -> None:
    for read in READERS:
        try:
            read(value)
        except Unreadable as refusal:
            assert str(refusal)  # noqa: PT017  either way is right; a refusal must have a sentence
