from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import FINAL, NEVER_WAS, STEPS, IllegalStep, NewOffer, Offer, State
from asapfill.core.reasons import Reason
from asapfill.offers.journal import Check, Held, Journal
from asapfill.store.database import Store, open_store

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

Meant = Callable[..., NewOffer]


def path_to(state: State) -> list[State]:
    """A shortest legal way from an intent (or, for what never was sent, from waiting) to ``state``."""
    ways = [[State.INTENT], [State.WAITING]]
    for way in ways:
        if way[-1] is state:
            return way
        ways += [[*way, after] for after in sorted(STEPS[way[-1]]) if after not in way]
    raise AssertionError(state)


def bring_to(journal: Journal, new: NewOffer, state: State, check: Check) -> Offer:
    way = path_to(state)
    offer = journal.begin(new, check=check) if way[0] is State.INTENT else journal.wait(new, check=check)
    for step in way[1:]:
        offer = journal.step(offer.id, step)
    return offer


def test_an_intent_is_on_disk_for_everybody_when_begin_returns(
    journal: Journal, meant: Meant, anything: Check, tmp_path: Path, clock: SteppedClock
) -> None:
    offer = journal.begin(meant(phone="ab"), check=anything)
    with open_store(tmp_path, clock) as other:
        (found,) = Journal(other, "main-street").unknowns()
    assert found == offer
    assert (offer.state, offer.office, offer.created, offer.day) == (
        State.INTENT, "main-street", START, date(2026, 11, 20),
    )  # fmt: skip
    assert offer.key == ("appointment", 11939, 3, datetime(2026, 11, 20, 14, 0))


@pytest.mark.parametrize("state", sorted(set(State) - NEVER_WAS - {State.APPROVED}))
def test_the_same_candidate_and_slot_is_never_begun_twice(
    journal: Journal, meant: Meant, anything: Check, state: State
) -> None:
    bring_to(journal, meant(), state, anything)
    with pytest.raises(Held):
        journal.begin(meant(), check=anything)
    with pytest.raises(Held):
        journal.wait(meant(), check=anything)


@pytest.mark.parametrize("state", sorted(NEVER_WAS))
def test_what_surely_was_not_sent_may_be_planned_afresh(
    journal: Journal, meant: Meant, anything: Check, state: State
) -> None:
    first = bring_to(journal, meant(), state, anything)
    second = journal.begin(meant(), check=anything)
    assert second.id != first.id


def test_another_slot_or_another_candidate_of_the_same_number_is_not_the_same(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    bring_to(journal, meant(), State.DECLINED, anything)
    bring_to(journal, meant(operatory=4), State.DECLINED, anything)
    bring_to(journal, meant(kind="recall"), State.DECLINED, anything)
    bring_to(journal, meant(start=datetime(2026, 11, 20, 15, 0)), State.DECLINED, anything)


def test_offices_do_not_see_each_other(store: Store, meant: Meant, anything: Check) -> None:
    one, other = Journal(store, "one"), Journal(store, "other")
    offer = one.begin(meant(), check=anything)
    assert other.live() == ()
    other.begin(meant(), check=anything)
    with pytest.raises(LookupError, match="office other has no offer"):
        other.step(offer.id, State.SENT)


def test_a_patient_has_at_most_one_open_offer_even_if_no_check_says_so(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    first = journal.begin(meant(), check=anything)
    with pytest.raises(Held) as held:
        journal.begin(meant(number=77, operatory=9), check=anything)
    assert held.value.reason == Reason("live_offer")
    journal.step(first.id, State.REFUSED)
    journal.begin(meant(number=77, operatory=9), check=anything)


def test_a_phone_has_at_most_one_open_offer_even_if_no_check_says_so(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    journal.begin(meant(phone="ab"), check=anything)
    with pytest.raises(Held) as held:
        journal.begin(meant(phone="ab", number=77, patient=1, operatory=9), check=anything)
    assert held.value.reason == Reason("phone_live_offer")


def test_people_without_a_known_phone_do_not_block_each_other(journal: Journal, meant: Meant, anything: Check) -> None:
    journal.begin(meant(phone=""), check=anything)
    journal.begin(meant(phone="", number=77, patient=1, operatory=9), check=anything)


def test_a_check_that_says_no_leaves_nothing_behind(journal: Journal, meant: Meant, store: Store) -> None:
    with pytest.raises(Held) as held:
        journal.begin(meant(), check=lambda _: Reason("per_opening"))
    assert held.value.reason == Reason("per_opening")
    assert store.rows("SELECT 1 FROM offers UNION ALL SELECT 1 FROM offer_steps") == []


def test_a_check_that_breaks_leaves_nothing_behind_and_the_journal_usable(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    def broken(_: Sequence[Offer]) -> Reason | None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        journal.begin(meant(), check=broken)
    journal.begin(meant(), check=anything)


def test_the_check_sees_everything_that_could_stand_against_the_offer_and_nothing_else(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    def declined(**changes: object) -> int:
        return bring_to(journal, meant(**changes), State.DECLINED, anything).id

    later = datetime(2026, 11, 27, 10, 0)
    against = [
        declined(number=1, operatory=9, opening="x"),
        declined(number=2, operatory=9, opening="x", patient=2, phone="ab"),
        declined(operatory=9, opening="x", patient=3),
        declined(number=3, operatory=9, patient=4),
        declined(number=4, start=datetime(2026, 11, 20, 14, 30), opening="x", patient=5),
    ]
    # Nothing in common; the same operatory but touching; another person without a phone.
    declined(number=5, operatory=9, opening="x", patient=6, start=later)
    declined(number=6, start=datetime(2026, 11, 20, 15, 0), opening="x", patient=7)
    declined(number=7, start=datetime(2026, 11, 20, 13, 0), opening="x", patient=8)
    seen: list[int] = []

    def look(offers: Sequence[Offer]) -> Reason | None:
        seen.extend(offer.id for offer in offers)
        return None

    journal.begin(meant(phone="ab"), check=look)
    assert seen == against


def test_of_many_threads_that_want_the_same_offer_one_gets_it(journal: Journal, meant: Meant, anything: Check) -> None:
    results: list[str] = []

    def ask() -> None:
        try:
            journal.begin(meant(), check=anything)
            results.append("begun")
        except Held:
            results.append("held")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["begun"] + ["held"] * 7


def test_illegal_steps_change_nothing(journal: Journal, meant: Meant, anything: Check) -> None:
    offer = journal.begin(meant(), check=anything)
    with pytest.raises(IllegalStep):
        journal.step(offer.id, State.VIEWED)
    assert journal.get(offer.id) == offer


def test_a_step_keeps_numbers_and_tells_its_story(
    journal: Journal, meant: Meant, anything: Check, clock: SteppedClock
) -> None:
    offer = journal.begin(meant(), check=anything)
    clock.sleep(2)
    sent = journal.step(offer.id, State.SENT, asapcomm=2374, schedule=52527)
    clock.sleep(600)
    passed = journal.step(offer.id, State.PASSED, "no_answer_in_time")
    assert (sent.settled, passed.settled) == (None, START + timedelta(seconds=602))
    assert (passed.asapcomm, passed.schedule, passed.reason) == (2374, 52527, "no_answer_in_time")
    assert [(step.before, step.after, step.reason) for step in journal.steps(offer.id)] == [
        (None, State.INTENT, None),
        (State.INTENT, State.SENT, None),
        (State.SENT, State.PASSED, "no_answer_in_time"),
    ]
    assert [step.at for step in journal.steps(offer.id)] == [START + timedelta(seconds=n) for n in (0, 2, 602)]


def test_texts_are_never_stored_as_reasons(journal: Journal, meant: Meant, anything: Check) -> None:
    offer = journal.begin(meant(), check=anything)
    with pytest.raises(ValueError, match="not a reason code"):
        journal.step(offer.id, State.REFUSED, "Jane Smith does not want this")
    assert journal.get(offer.id).state is State.INTENT


def test_two_offers_cannot_claim_the_same_asapcomm(journal: Journal, meant: Meant, anything: Check) -> None:
    first = journal.begin(meant(), check=anything)
    journal.step(first.id, State.SENT, asapcomm=2374)
    second = journal.begin(meant(patient=1, number=77), check=anything)
    with pytest.raises(sqlite3.IntegrityError):
        journal.step(second.id, State.SENT, asapcomm=2374)
    assert journal.get(second.id).state is State.INTENT
    assert journal.asapcomms() == {2374}


def test_an_approved_offer_becomes_an_intent_in_its_own_row_and_counts_for_the_day_it_is_sent(
    journal: Journal, meant: Meant, anything: Check, clock: SteppedClock
) -> None:
    waiting = journal.wait(meant(), check=anything)
    journal.approve([waiting.id])
    clock.sleep(86400)
    (approved,) = journal.approved()
    seen: list[Offer] = []

    def look(offers: Sequence[Offer]) -> Reason | None:
        seen.extend(offers)
        return None

    intent = journal.begin(approved.again(datetime(2026, 11, 21, 9, 0)), check=look)
    assert seen == []
    assert (intent.id, intent.state, intent.day) == (waiting.id, State.INTENT, date(2026, 11, 21))
    assert intent.created == START + timedelta(days=1)


def test_a_persons_answers_hold_for_all_named_offers_or_for_none(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    one = journal.wait(meant(), check=anything)
    two = journal.wait(meant(number=77, patient=1), check=anything)
    with pytest.raises(LookupError):
        journal.approve([one.id, 999])
    assert {offer.id for offer in journal.waiting()} == {one.id, two.id}
    journal.approve([one.id])
    with pytest.raises(IllegalStep):
        journal.decline([two.id, two.id])
    journal.decline([two.id])
    assert journal.get(two.id).state is State.WITHDRAWN
    assert journal.waiting() == ()


def test_what_limits_must_know_is_kept_in_sight(journal: Journal, meant: Meant, anything: Check) -> None:
    long_ago, day = datetime(2026, 1, 5, 10, 0), date(2026, 11, 13)

    def old(number: int, state: State, **changes: object) -> int:
        new = meant(number=number, patient=number, start=long_ago, made=long_ago, opening="old", **changes)
        return bring_to(journal, new, state, anything).id

    old(1, State.DECLINED)
    wanted = [old(2, State.STOPPED), old(3, State.UNKNOWN)]
    wanted.append(bring_to(journal, meant(number=4, patient=4, made=long_ago), State.DECLINED, anything).id)
    wanted.append(bring_to(journal, meant(), State.DECLINED, anything).id)
    assert [offer.id for offer in journal.since(day)] == wanted
    assert [offer.id for offer in journal.by_patient(6522)] == wanted[-1:]


def test_a_first_missed_reading_keeps_its_time(
    journal: Journal, meant: Meant, anything: Check, clock: SteppedClock
) -> None:
    offer = bring_to(journal, meant(), State.UNKNOWN, anything)
    journal.missing(offer.id)
    clock.sleep(60)
    assert journal.missing(offer.id).missing_since == START


def test_rows_read_before_an_intent_are_told_from_those_read_after_even_if_the_clock_was_set_back(
    store: Store, meant: Meant, anything: Check
) -> None:
    journal = Journal(store, "main-street")
    journal.saw([1, 2])
    offer = journal.begin(meant(), check=anything)
    store.clock = SteppedClock(START - timedelta(hours=1))
    journal.saw([2, 3])
    assert journal.seen_before(offer) == {1, 2}
    second = journal.begin(meant(number=7, patient=7), check=anything)
    assert journal.seen_before(second) == {1, 2, 3}


def test_rows_read_between_a_persons_yes_and_the_intent_are_not_its_result(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    waiting = journal.wait(meant(), check=anything)
    journal.saw([1])
    journal.approve([waiting.id])
    assert journal.seen_before(journal.begin(meant(), check=anything)) == {1}


@pytest.mark.parametrize("state", sorted(State))
def test_exactly_what_is_closed_has_a_time_of_settling(
    journal: Journal, meant: Meant, anything: Check, state: State
) -> None:
    assert (bring_to(journal, meant(), state, anything).settled is not None) == (state in FINAL)


def test_logs_tell_numbers_and_codes_only(
    journal: Journal, meant: Meant, anything: Check, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        offer = journal.begin(meant(phone="0123456789abcdef"), check=anything)
        journal.step(offer.id, State.REFUSED, "answered_400")
    assert "offer.intent office=main-street" in caplog.text
    assert "offer.refused office=main-street" in caplog.text
    assert "reason=answered_400" in caplog.text
    assert "0123456789abcdef" not in caplog.text
