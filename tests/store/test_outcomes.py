"""What the journal tells of how likely and how soon patients say yes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.chances import HALF_ANSWER, PUBLISHED
from asapfill.core.offer import NewOffer, State
from asapfill.offers.journal import Journal
from asapfill.store.database import EmptyStore, Store, open_store
from asapfill.store.outcomes import chances_of

BEGINS = datetime(2026, 4, 14, 17, 0, tzinfo=UTC)
WALL = datetime(2026, 4, 14, 10, 0)
AHEAD = timedelta(hours=5)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(BEGINS)


@pytest.fixture
def store(tmp_path: Path, clock: SteppedClock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


def texted(store: Store, number: int, end: State | None, minutes: float = 10, office: str = "main-street") -> None:
    """An offer that ends so many minutes after its text; the clock goes on."""
    journal = Journal(store, office)
    made = WALL + (store.clock.now() - BEGINS)
    new = NewOffer(
        clinic=0,
        kind="appointment",
        number=number,
        patient=number,
        phone="",
        operatory=1,
        provider=1,
        start=made + AHEAD,
        end=made + AHEAD + timedelta(hours=1),
        wave=1,
        opening=f"op1-{number}",
        made=made,
    )
    offer = journal.begin(new, check=lambda _: None)
    journal.step(offer.id, State.SENT)
    store.clock.sleep(minutes * 60)
    if end is not None:
        journal.step(offer.id, end)


def test_a_state_without_outcomes_leaves_the_published_rate(store: Store, clock: SteppedClock) -> None:
    assert chances_of(store, "main-street", clock.now()) == PUBLISHED
    with EmptyStore(clock) as nothing:
        assert chances_of(nothing, "main-street", clock.now()) == PUBLISHED


def test_yes_and_no_are_counted_by_kind_and_distance_of_this_office_only(store: Store, clock: SteppedClock) -> None:
    texted(store, 1, State.ACCEPTED)
    for number, state in enumerate((State.DECLINED, State.UNANSWERED, State.FAILED), start=2):
        texted(store, number, state)
    texted(store, 9, State.ACCEPTED, office="elsewhere")
    chances = chances_of(store, "main-street", clock.now())
    (key, found), *others = chances.outcomes.items()
    assert (key, others) == (("appointment", 0), [])
    assert found.texts == pytest.approx(4, rel=0.001)
    assert found.yes == pytest.approx(1, rel=0.001)
    assert chances.yes("appointment", AHEAD) > PUBLISHED.yes("appointment", AHEAD)


def test_what_is_open_or_was_taken_by_somebody_else_first_tells_nothing(store: Store, clock: SteppedClock) -> None:
    texted(store, 1, State.TAKEN)
    texted(store, 2, None)
    assert chances_of(store, "main-street", clock.now()).outcomes == {}


def test_an_offer_that_had_little_time_counts_little(store: Store, clock: SteppedClock) -> None:
    texted(store, 1, State.CLOSED, minutes=HALF_ANSWER / timedelta(minutes=1))
    found = chances_of(store, "main-street", clock.now()).outcomes["appointment", 0]
    assert found.texts == pytest.approx(0.5, rel=0.01)
    assert found.yes == 0


def test_old_outcomes_count_less(store: Store, clock: SteppedClock) -> None:
    texted(store, 1, State.ACCEPTED)
    later = chances_of(store, "main-street", clock.now() + timedelta(days=120))
    assert later.outcomes["appointment", 0].texts == pytest.approx(0.5, rel=0.01)


def test_an_office_that_answers_slowly_is_given_more_time(store: Store, clock: SteppedClock) -> None:
    for number in range(1, 31):
        texted(store, number, State.ACCEPTED, minutes=90)
    half = chances_of(store, "main-street", clock.now()).half
    assert timedelta(minutes=55) < half < timedelta(minutes=90)
