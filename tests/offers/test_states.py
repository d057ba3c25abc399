from __future__ import annotations

from itertools import product

import pytest

from asapfill.core.offer import (
    COUNTED,
    FINAL,
    FIRST,
    LATE,
    LIVE,
    NEVER_WAS,
    STEPS,
    UNCLEAR,
    WORDS,
    IllegalStep,
    State,
    require,
)

LEGAL = {
    ("waiting", "approved"), ("waiting", "withdrawn"), ("waiting", "lapsed"),
    ("approved", "intent"), ("approved", "withdrawn"), ("approved", "lapsed"),
    ("intent", "unknown"), ("intent", "unsent"), ("intent", "refused"), ("intent", "suppressed"), ("intent", "sent"),
    ("unknown", "unsent"), ("unknown", "suppressed"), ("unknown", "sent"), ("unknown", "unsettled"),
    ("unknown", "unknown"),
    ("unsettled", "unsent"), ("unsettled", "suppressed"), ("unsettled", "sent"), ("unsettled", "passed"),
    ("sent", "suppressed"), ("sent", "viewed"), ("sent", "accepted"), ("sent", "declined"), ("sent", "stopped"),
    ("sent", "other_slot"), ("sent", "taken"), ("sent", "failed"), ("sent", "expired"), ("sent", "passed"),
    ("sent", "closed"), ("sent", "unanswered"), ("viewed", "unanswered"),
    ("unanswered", "failed"), ("unanswered", "expired"), ("unanswered", "passed"), ("unanswered", "closed"),
    ("viewed", "accepted"), ("viewed", "declined"), ("viewed", "stopped"), ("viewed", "other_slot"),
    ("viewed", "taken"), ("viewed", "failed"), ("viewed", "expired"), ("viewed", "passed"), ("viewed", "closed"),
    ("declined", "stopped"), ("other_slot", "stopped"), ("taken", "stopped"), ("taken", "other_slot"),
} | {
    (before, after)
    for before in ("suppressed", "unanswered", "expired", "passed", "closed")
    for after in ("accepted", "declined", "stopped", "other_slot", "taken")
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_exactly_the_legal_steps_are_allowed(before: State, after: State) -> None:
    if (str(before), str(after)) in LEGAL:
        require(before, after)
    else:
        with pytest.raises(IllegalStep, match=f"from {before} to {after}"):
            require(before, after)


@pytest.mark.parametrize("state", list(State))
def test_an_offer_enters_the_journal_waiting_or_as_an_intent_only(state: State) -> None:
    if state in {State.WAITING, State.INTENT}:
        require(None, state)
    else:
        with pytest.raises(IllegalStep, match="from nowhere"):
            require(None, state)


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    reached, fresh = set(FIRST), set(FIRST)
    while fresh:
        fresh = {after for before in fresh for after in STEPS[before]} - reached
        reached |= fresh
    assert reached == set(State)
    ending = set(FINAL)
    while grown := {state for state in State if STEPS[state] & ending} - ending:
        ending |= grown
    assert ending == set(State)


def test_nothing_closed_ever_opens_again() -> None:
    """The unique indexes over open offers rely on it."""
    assert not [(before, after) for before in FINAL for after in STEPS[before] if after in LIVE]


def test_a_text_that_may_have_gone_out_never_stops_counting_except_when_proven_otherwise() -> None:
    leaving = {(before, after) for before in COUNTED for after in STEPS[before] if after not in COUNTED}
    assert {after for _, after in leaving} == {State.UNSENT, State.REFUSED, State.SUPPRESSED}
    assert {before for before, _ in leaving} == {State.INTENT, State.UNKNOWN, State.UNSETTLED, State.SENT}


def test_the_sets_of_states() -> None:
    assert set(UNCLEAR) == {State.INTENT, State.UNKNOWN, State.UNSETTLED}
    assert set(State) - LIVE == FINAL
    assert not COUNTED & {State.WAITING, State.APPROVED, State.WITHDRAWN, *NEVER_WAS, State.REFUSED, State.SUPPRESSED}
    assert State.SUPPRESSED in LATE
    assert State.ACCEPTED not in LATE


def test_every_state_has_one_of_the_six_words_of_the_contract() -> None:
    words = {"planned", "waiting", "sent", "suppressed", "refused", "unknown"}
    assert {WORDS[state].once for state in State} == words
    assert WORDS[State.INTENT].once == "unknown"
    assert WORDS[State.ACCEPTED].once == "sent"
