"""How many people are asked for a place, and when the next ones are."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.chances import MOST, PUBLISHED, Chances, Outcomes
from asapfill.core.limits import MOST_FOR_A_PLACE, verdict
from asapfill.core.offer import Contact, NewOffer, Offer, State
from asapfill.core.policy import TextsPolicy
from asapfill.core.reasons import Reason
from asapfill.core.waves import LATEST, MOST_AT_ONCE, TARGET, Wave, next_wave, texting_time

AUTO = TextsPolicy()
TUESDAY = datetime(2026, 4, 14, 9, 0)
NOTICE = timedelta(hours=2)
HOURS = st.floats(min_value=0, max_value=24 * 14).map(lambda hours: timedelta(hours=hours))


def asked(
    at: datetime, start: datetime, number: int = 1, state: State = State.SENT, end: datetime | None = None
) -> Offer:
    moment = datetime(2026, 4, 14, tzinfo=UTC)
    return Offer(
        clinic=0,
        kind="appointment",
        number=number,
        patient=number,
        phone=f"phone {number}",
        operatory=1,
        provider=1,
        start=start,
        end=end or start + timedelta(hours=1),
        wave=1,
        opening="op1",
        made=at,
        id=number,
        office="office",
        state=state,
        created=moment,
        changed=moment,
    )


def wave(
    start: datetime, live: list[Offer], now: datetime, texts: TextsPolicy = AUTO, chances: Chances = PUBLISHED
) -> Wave:
    return next_wave(start, live, texts, chances, now, notice=NOTICE)


def test_the_first_is_asked_at_once_and_alone_when_there_is_time() -> None:
    found = wave(TUESDAY + timedelta(days=2), [], TUESDAY)
    assert (found.size, found.again) == (1, timedelta(0))
    assert found.needed == pytest.approx(math.log(0.3) / math.log(1 - found.yes))


def test_the_pause_shares_out_the_texting_hours_that_are_left() -> None:
    start = TUESDAY + timedelta(hours=6)
    found = wave(start, [], TUESDAY)
    assert found.left == timedelta(hours=4)
    assert found.pause == found.left / found.needed
    assert found.pause < timedelta(minutes=20)


def test_nobody_waits_longer_than_an_hour_for_the_next() -> None:
    start = TUESDAY + timedelta(days=10)
    live = [asked(TUESDAY, start)]
    assert wave(start, live, TUESDAY + timedelta(minutes=59)).size == 0
    assert wave(start, live, TUESDAY + timedelta(minutes=60)).size == 1


def test_several_are_asked_at_once_when_less_than_five_minutes_are_left_for_each() -> None:
    start = TUESDAY + NOTICE + timedelta(minutes=20)
    first = wave(start, [], TUESDAY)
    assert 1 < first.size <= MOST_AT_ONCE
    live = [asked(TUESDAY, start, number) for number in range(1, first.size + 1)]
    assert wave(start, live, TUESDAY + timedelta(minutes=4)).size == 0
    assert wave(start, live, TUESDAY + timedelta(minutes=5)).size > 1


@given(hours=HOURS, minutes=st.integers(0, 2000), people=st.integers(0, 12))
def test_there_is_always_somebody_to_ask_first_and_never_a_crowd(hours: timedelta, minutes: int, people: int) -> None:
    start = TUESDAY + hours
    now = TUESDAY + timedelta(minutes=minutes)
    live = [asked(TUESDAY, start, number) for number in range(1, people + 1)]
    found = wave(start, live, now)
    assert 0 <= found.size <= MOST_AT_ONCE
    assert people or found.size >= 1
    assert (found.size == 0) == (found.again > timedelta(0))
    assert 0 <= found.on_its_way < 1


@given(hours=HOURS, minutes=st.integers(0, 600))
def test_the_longer_nobody_answers_the_less_is_hoped_of_them(hours: timedelta, minutes: int) -> None:
    start = TUESDAY + hours
    live = [asked(TUESDAY, start, number) for number in range(1, 6)]
    sooner = wave(start, live, TUESDAY + timedelta(minutes=minutes))
    later = wave(start, live, TUESDAY + timedelta(minutes=minutes + 10))
    assert later.on_its_way <= sooner.on_its_way


def test_enough_answers_on_their_way_keep_the_next_from_being_asked_at_the_pace_of_the_hours() -> None:
    eager = Chances({("appointment", 0): Outcomes(1000, 600)})
    start = TUESDAY + timedelta(hours=5)
    live = [asked(TUESDAY, start, 1), asked(TUESDAY, start, 2)]
    found = wave(start, live, TUESDAY + timedelta(minutes=6), chances=eager)
    assert found.on_its_way > TARGET
    assert found.needed == 0
    assert found.size == 0


def test_who_has_looked_is_counted_on_more() -> None:
    start = TUESDAY + timedelta(hours=5)
    now = TUESDAY + timedelta(minutes=5)
    looked = wave(start, [asked(TUESDAY, start, state=State.VIEWED)], now)
    silent = wave(start, [asked(TUESDAY, start)], now)
    assert looked.on_its_way > silent.on_its_way
    assert looked.needed < silent.needed


def test_an_office_where_more_say_yes_asks_more_slowly() -> None:
    start = TUESDAY + timedelta(hours=5)
    eager = Chances({("appointment", 0): Outcomes(200, 60)})
    assert wave(start, [], TUESDAY, chances=eager).pause > wave(start, [], TUESDAY).pause
    assert eager.yes("appointment", timedelta(hours=5)) < MOST


def test_the_policys_numbers_go_before_auto() -> None:
    numbers = TextsPolicy(wave=7, wait=timedelta(minutes=3))
    start = TUESDAY + timedelta(days=1)
    assert wave(start, [], TUESDAY, numbers).size == 7
    live = [asked(TUESDAY, start)]
    assert wave(start, live, TUESDAY + timedelta(minutes=2), numbers).size == 0
    assert wave(start, live, TUESDAY + timedelta(minutes=3), numbers).size == 7
    viewed = [asked(TUESDAY, start, state=State.VIEWED)]
    assert wave(start, viewed, TUESDAY + timedelta(minutes=4), numbers).size == 0
    assert wave(start, viewed, TUESDAY + timedelta(minutes=5), numbers).size == 7


def test_a_wave_of_so_many_waits_as_long_as_so_many_would_take_one_by_one() -> None:
    start = TUESDAY + timedelta(days=9)
    live = [asked(TUESDAY, start)]
    texts = TextsPolicy(wave=3)
    assert wave(start, live, TUESDAY + timedelta(minutes=179), texts).size == 0
    assert wave(start, live, TUESDAY + timedelta(minutes=180), texts).size == 3


def test_texting_time_leaves_out_nights_and_days_without_texts() -> None:
    friday = datetime(2026, 4, 17, 18, 0)
    monday = datetime(2026, 4, 20, 10, 0)
    assert texting_time(AUTO, friday, monday) == timedelta(hours=1 + 10 + 1)
    assert texting_time(AUTO, monday, friday) == timedelta(0)


def test_a_place_too_near_has_no_texting_time_left() -> None:
    assert wave(TUESDAY + LATEST, [], TUESDAY).left == timedelta(0)


def test_auto_asks_thirty_people_for_a_place_and_as_many_for_the_next_one_in_the_same_opening() -> None:
    start = TUESDAY + timedelta(days=1)
    end = start + timedelta(minutes=30)
    past: list[Contact] = [
        asked(TUESDAY - timedelta(days=8), start, number, State.UNANSWERED, end)
        for number in range(1, MOST_FOR_A_PLACE + 1)
    ]

    def against(begin: datetime, texts: TextsPolicy, contacts: list[Contact]) -> Reason | None:
        new = NewOffer(
            clinic=0,
            kind="appointment",
            number=900,
            patient=900,
            phone="",
            operatory=1,
            provider=1,
            start=begin,
            end=begin + timedelta(minutes=30),
            wave=2,
            opening="op1",
            made=TUESDAY,
        )
        return verdict(new, contacts, texts, TUESDAY)

    assert against(start, AUTO, past[1:]) is None
    assert against(start, AUTO, past) == Reason("per_opening", "30 asked")
    assert against(end, AUTO, past) is None
    # A number is meant for the whole opening, as before.
    assert against(end, TextsPolicy(per_opening=30), past) == Reason("per_opening", "30 asked")
