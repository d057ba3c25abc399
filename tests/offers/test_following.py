from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.asapcomms import contacts_of_others, outcome
from asapfill.core.offer import COUNTED, NewOffer, Offer, State
from asapfill.core.rows import AsapComm, ResponseStatus, Schedule
from asapfill.offers.following import Followed, follow
from asapfill.offers.journal import Check, Journal

Meant = Callable[..., NewOffer]
RowBuilder = Callable[..., AsapComm]
NOW = datetime(2026, 11, 20, 9, 30)
SLOT = datetime(2026, 11, 20, 14, 0)

EXPECTED = {
    "UnableToSend": State.SENT,  # because a text is queued
    "AwaitingTransmit": State.SENT,
    "PendingRsvp": State.SENT,
    "Viewed": State.VIEWED,
    "ViewedNotAvailable": State.TAKEN,
    "AcceptedAndMoved": State.ACCEPTED,
    "AcceptedAndNotAvailable": State.TAKEN,
    "Declined": State.DECLINED,
    "ChoseDifferentSlot": State.OTHER_SLOT,
    "Expired": State.EXPIRED,
    "Failed": State.FAILED,
    "DeclinedStopComm": State.STOPPED,
}

BEGUN = SLOT + timedelta(minutes=5)
"""The slot has begun for certain, also where the office's clock is behind ours as far as it may be."""


@pytest.fixture
def offer(journal: Journal, meant: Meant, anything: Check) -> Offer:
    intent = journal.begin(meant(), check=anything)
    return journal.step(intent.id, State.SENT, asapcomm=2374, schedule=52527)


def free(_: Offer) -> bool:
    return False


def test_every_response_status_is_mapped(row: RowBuilder) -> None:
    assert set(EXPECTED) == {str(status) for status in ResponseStatus}
    found = {status: outcome(row(ResponseStatus=status, SmsSendStatus="SendNotAttempted")) for status in EXPECTED}
    assert found == EXPECTED


def test_failed_with_do_not_send_means_that_the_slot_was_taken_before_sending(row: RowBuilder) -> None:
    note = "Not sending because the time slot has been taken by another appointment."
    assert outcome(row(ResponseStatus="Failed", SmsSendStatus="DoNotSend", Note=note)) is State.TAKEN
    assert outcome(row(ResponseStatus="Failed", SmsSendStatus="SendFailed")) is State.FAILED


def test_unable_to_send_with_do_not_send_is_suppressed(row: RowBuilder) -> None:
    assert outcome(row(ResponseStatus="UnableToSend", SmsSendStatus="DoNotSend")) is State.SUPPRESSED


@pytest.mark.parametrize("status", ["SomethingNew", [], ""])
def test_a_status_that_nobody_knows_yet_changes_nothing_and_is_reported(
    journal: Journal, offer: Offer, row: RowBuilder, status: object
) -> None:
    followed = follow(journal, [row(ResponseStatus=status)], NOW, free)
    assert followed == Followed(problems=("AsapComm 2374 has a status that asapfill does not know.",))
    assert journal.get(offer.id) == offer


@pytest.mark.parametrize("status", sorted(set(EXPECTED) - {"UnableToSend", "AwaitingTransmit", "PendingRsvp"}))
def test_an_offer_follows_its_row(journal: Journal, offer: Offer, row: RowBuilder, status: str) -> None:
    followed = follow(journal, [row(AsapCommNum=1), row(ResponseStatus=status)], NOW, free)
    assert [one.state for one in followed.changed] == [EXPECTED[status]]
    assert journal.get(offer.id).state is EXPECTED[status]
    assert follow(journal, [row(ResponseStatus=status)], NOW, free) == Followed()


def test_accepted_offers_are_handed_back_once(journal: Journal, offer: Offer, row: RowBuilder) -> None:
    accepted = row(ResponseStatus="AcceptedAndMoved")
    assert [one.id for one in follow(journal, [accepted], NOW, free).accepted] == [offer.id]
    assert follow(journal, [accepted], NOW, free).accepted == ()


def test_a_viewed_offer_does_not_go_back_when_an_old_backup_was_restored(
    journal: Journal, offer: Offer, row: RowBuilder
) -> None:
    follow(journal, [row(ResponseStatus="Viewed")], NOW, free)
    assert follow(journal, [row(ResponseStatus="PendingRsvp")], NOW, free) == Followed()
    assert journal.get(offer.id).state is State.VIEWED


@pytest.mark.parametrize(("now", "state"), [(BEGUN - timedelta(seconds=1), State.SENT), (BEGUN, State.PASSED)])
def test_an_offer_whose_time_came_without_an_answer_is_over(
    journal: Journal, offer: Offer, row: RowBuilder, now: datetime, state: State
) -> None:
    follow(journal, [row()], now, free)
    assert journal.get(offer.id).state is state


def test_what_the_row_tells_comes_before_the_clock_and_the_schedule(
    journal: Journal, offer: Offer, row: RowBuilder
) -> None:
    follow(journal, [row(ResponseStatus="AcceptedAndMoved")], SLOT, lambda _: True)
    assert journal.get(offer.id).state is State.ACCEPTED


def test_offers_left_over_for_a_slot_that_somebody_fills_are_closed(
    journal: Journal, offer: Offer, row: RowBuilder
) -> None:
    followed = follow(journal, [row()], NOW, lambda one: one.id == offer.id)
    assert [(one.state, one.reason) for one in followed.changed] == [(State.CLOSED, "filled_by_another")]


@pytest.mark.parametrize(
    ("status", "state"),
    [("AcceptedAndMoved", State.ACCEPTED), ("DeclinedStopComm", State.STOPPED), ("ViewedNotAvailable", State.TAKEN)],
)
def test_late_news_about_a_closed_offer_is_still_heard(
    journal: Journal, offer: Offer, row: RowBuilder, status: str, state: State
) -> None:
    follow(journal, [row()], NOW, lambda _: True)
    follow(journal, [row(ResponseStatus=status)], NOW, lambda _: True)
    assert journal.get(offer.id).state is state


def test_a_row_that_is_missing_from_the_reading_changes_nothing(journal: Journal, offer: Offer) -> None:
    assert follow(journal, [], NOW, free) == Followed()
    assert journal.get(offer.id).state is State.SENT


def test_unknown_offers_are_not_followed(journal: Journal, meant: Meant, anything: Check) -> None:
    unknown = journal.begin(meant(), check=anything)
    journal.step(unknown.id, State.UNKNOWN)
    assert follow(journal, [], SLOT + timedelta(days=1), lambda _: True) == Followed()


@pytest.mark.parametrize("approved", [True, False])
@pytest.mark.parametrize(
    ("now", "is_taken", "lapses"),
    [
        (SLOT - timedelta(minutes=61), False, False),
        (SLOT - timedelta(minutes=60), False, True),
        (NOW, True, True),
    ],
    ids=["in time", "too late to text", "taken"],
)
def test_what_nobody_answered_lapses_when_it_makes_no_sense_any_more(
    journal: Journal,
    meant: Meant,
    anything: Check,
    approved: bool,  # noqa: FBT001  a case
    now: datetime,
    is_taken: bool,  # noqa: FBT001  a case
    lapses: bool,  # noqa: FBT001  a case
) -> None:
    waiting = journal.wait(meant(), check=anything)
    if approved:
        journal.approve([waiting.id])
    follow(journal, [], now, lambda _: is_taken)
    assert (journal.get(waiting.id).state is State.LAPSED) is lapses


def test_an_unsettled_offer_stops_blocking_when_its_time_is_over(
    journal: Journal, meant: Meant, anything: Check
) -> None:
    intent = journal.begin(meant(), check=anything)
    for state in (State.UNKNOWN, State.UNSETTLED):
        journal.step(intent.id, state)
    assert [one.state for one in follow(journal, [], BEGUN, free).changed] == [State.PASSED]


# Texts of others


def schedule(**columns: Any) -> Schedule:
    values = {"ScheduleNum": "52527", "SchedDate": "2026-11-20", "StartTime": "14:00:00", "StopTime": "14:40:00"}
    return Schedule.read({**values, "SchedType": "WebSchedASAP", "operatories": "3", **columns})


def test_others_rows_become_contacts_and_ours_do_not(row: RowBuilder) -> None:
    rows = [row(), row(AsapCommNum=2375, FKey=40, FKeyType="Recall", PatNum=9)]
    (contact,) = contacts_of_others(rows, {2374}, NOW, phones={9: "ab"}, schedules={52527: schedule()})
    assert (contact.patient, contact.phone, contact.kind, contact.number) == (9, "ab", "recall", 40)
    assert (contact.operatory, contact.start, contact.end) == (3, SLOT, SLOT + timedelta(minutes=40))
    assert (contact.state, contact.day, contact.opening) == (State.SENT, date(2026, 11, 20), "")


def test_without_its_schedule_row_a_contacts_start_follows_from_its_expiry(row: RowBuilder) -> None:
    (contact,) = contacts_of_others([row()], (), NOW)
    assert (contact.operatory, contact.start, contact.end) == (0, SLOT, None)


@pytest.mark.parametrize(
    ("columns", "day"),
    [
        ({}, 20),
        ({"DateTimeSmsScheduled": "2026-11-21 07:00:00"}, 21),  # held until the window opens
        ({"DateTimeSmsScheduled": "0001-01-01 00:00:00", "DateTimeEntry": "2026-11-19 10:00:00"}, 19),
        ({"DateTimeSmsScheduled": "", "DateTimeEntry": ""}, 20),
    ],
)
def test_a_contact_counts_for_the_day_on_which_its_text_goes_out(
    row: RowBuilder, columns: dict[str, Any], day: int
) -> None:
    (contact,) = contacts_of_others([row(**columns)], (), NOW)
    assert contact.day == date(2026, 11, day)


@pytest.mark.parametrize(
    ("status", "now", "state"),
    [
        ("PendingRsvp", NOW, State.SENT),
        ("PendingRsvp", BEGUN - timedelta(seconds=1), State.SENT),
        ("PendingRsvp", BEGUN, State.PASSED),
        ("SomethingNew", NOW, State.SENT),
        ("Declined", SLOT, State.DECLINED),
    ],
)
def test_others_offers_are_open_until_their_slot_begins(
    row: RowBuilder, status: str, now: datetime, state: State
) -> None:
    (contact,) = contacts_of_others([row(ResponseStatus=status)], (), now)
    assert contact.state is state


def test_ours_as_contacts_tell_the_office_time_of_the_answer(
    journal: Journal, offer: Offer, clock: SteppedClock
) -> None:
    clock.sleep(25 * 60)
    contact = journal.step(offer.id, State.DECLINED)
    assert contact.answered == datetime.combine(NOW.date(), time(9, 25))
    assert (contact.start, contact.end, contact.opening) == (SLOT, SLOT + timedelta(hours=1), "3-14")


def test_an_offer_that_nobody_answered_for_a_day_does_not_hold_its_patient(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder
) -> None:
    """Our own rule (planning.waves): the link still works and is followed, the caps still count it."""
    next_week = SLOT + timedelta(days=6)
    intent = journal.begin(meant(start=next_week), check=anything)
    offer = journal.step(intent.id, State.SENT, asapcomm=2374)
    pending = row(ResponseStatus="PendingRsvp", DateTimeExpire=str(next_week + timedelta(days=7)))
    made = offer.made
    follow(journal, [pending], made + timedelta(hours=23, minutes=59), free)
    assert journal.get(offer.id).state is State.SENT
    follow(journal, [pending], made + timedelta(hours=24), free)
    assert journal.get(offer.id).state is State.UNANSWERED
    assert journal.live() == ()
    assert State.UNANSWERED in COUNTED
    another = journal.begin(meant(operatory=4, start=next_week), check=anything)
    assert another.state is State.INTENT
    late = row(ResponseStatus="AcceptedAndMoved")
    assert [one.id for one in follow(journal, [late], made + timedelta(hours=30), free).accepted] == [offer.id]


def test_somebody_who_looked_and_did_not_answer_for_a_day_is_not_held_either(
    journal: Journal, offer: Offer, row: RowBuilder
) -> None:
    later = offer.made + timedelta(hours=25)
    journal.step(offer.id, State.VIEWED)
    # The slot itself is later still.
    follow(journal, [row(ResponseStatus="Viewed")], min(later, SLOT - timedelta(minutes=1)), free)
    assert journal.get(offer.id).state is State.VIEWED
    follow(journal, [row(ResponseStatus="Viewed")], later, free)
    assert journal.get(offer.id).state is State.PASSED


def test_others_unanswered_offers_do_not_hold_their_patients_either(row: RowBuilder) -> None:
    asked = row(DateTimeEntry="2026-11-18 09:00:00", DateTimeSmsSent="2026-11-18 09:01:00", ResponseStatus="Viewed")
    (contact,) = contacts_of_others([asked], (), NOW)
    assert contact.state is State.UNANSWERED


def test_an_open_offer_whose_row_has_left_the_list_ends_as_its_row_tells(
    journal: Journal, offer: Offer, row: RowBuilder
) -> None:
    asked: list[int] = []

    def read_one(number: int) -> AsapComm:
        asked.append(number)
        return row(AsapCommNum=number, ResponseStatus="AcceptedAndMoved")

    assert follow(journal, [], NOW, free, read_one) == Followed()
    assert asked == []  # nothing ends it yet
    followed = follow(journal, [], BEGUN, free, read_one)
    assert ([one.state for one in followed.accepted], asked) == ([State.ACCEPTED], [2374])
    assert journal.get(offer.id).state is State.ACCEPTED


def test_where_the_row_is_gone_or_tells_nothing_new_the_clock_ends_the_offer_and_nothing_is_asked_again(
    journal: Journal, offer: Offer, row: RowBuilder
) -> None:
    asked: list[int] = []

    def pending(number: int) -> AsapComm:
        asked.append(number)
        return row(AsapCommNum=number, ResponseStatus="PendingRsvp")

    for _ in range(3):
        follow(journal, [], BEGUN, free, pending)
    assert (journal.get(offer.id).state, asked) == (State.PASSED, [2374])


def test_in_one_round_only_a_few_rows_are_read_by_their_number(journal: Journal, meant: Meant, anything: Check) -> None:
    for number in range(5):
        start = SLOT + timedelta(hours=number)
        new = meant(number=100 + number, patient=200 + number, phone=f"phone {number}", start=start)
        intent = journal.begin(new, check=anything)
        journal.step(intent.id, State.SENT, asapcomm=300 + number)
    asked: list[int] = []
    much_later = SLOT + timedelta(hours=6)
    rounds = [len(follow(journal, [], much_later, free, asked.append).changed) for _ in range(3)]
    assert (rounds, sorted(asked)) == ([3, 2, 0], [300, 301, 302, 303, 304])
