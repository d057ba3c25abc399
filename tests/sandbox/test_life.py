"""Time passes: texts go out, patients answer, staff work. Facts 3.7 to 3.9."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office import staff, web_sched
from asapfill.sandbox.office.life import Life
from asapfill.sandbox.office.people import People
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice
from tests.sandbox.desk import OPENING, Row, small_life, small_office


class Scripted(People):
    """People who do what the test says."""

    def __init__(
        self, reactions: list[tuple[timedelta, str]] | None = None, events: list[tuple[datetime, Row]] | None = None
    ) -> None:
        self.reactions = reactions or []
        self.events = events or []

    def texted(self, office: SimulatedOffice, asapcomm: Row, at: datetime) -> list[tuple[timedelta, str]]:
        assert office.now == at
        assert asapcomm["SmsSendStatus"] == "SendSuccessful"
        return self.reactions

    def day_events(self, office: SimulatedOffice, day: date) -> list[tuple[datetime, Row]]:
        del office
        return [event for event in self.events if event[0].date() == day]


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 4, 14, hour, minute, second)


def offer(life: Life, number: int, *, op: int = 1, start: str = OPENING, recall: bool = False) -> Row:
    """What POST /asapcomms does."""
    row = web_sched.create(life.office, {"recallNum" if recall else "aptNum": number, "op": op, "dateTimeStart": start})
    life.offered(row)
    return row


def sent(life: Life, number: int, **more: Any) -> Row:
    """An offer whose text has gone out."""
    row = offer(life, number, **more)
    life.advance(life.office.now + timedelta(minutes=1))
    assert row["ResponseStatus"] == "PendingRsvp"
    return row


def test_a_text_goes_out_at_the_next_whole_minute() -> None:
    life = small_life()
    life.advance(at(9, 0, 20))
    row = offer(life, 11)
    life.advance(at(9, 0, 59))
    assert (row["SmsSendStatus"], life.sent) == ("SendNotAttempted", [])
    life.advance(at(9, 1))
    assert (row["SmsSendStatus"], row["ResponseStatus"]) == ("SendSuccessful", "PendingRsvp")
    assert row["DateTimeSmsSent"] == "2026-04-14 09:01:00"
    assert life.sent == [
        {
            "at": "2026-04-14 09:01:00",
            "AsapCommNum": 1,
            "FKey": 11,
            "FKeyType": "ScheduledAppt",
            "PatNum": 2,
            "op": 1,
            "dateTimeStart": OPENING,
        }
    ]
    slot = life.office.schedules[row["ScheduleNum"]]
    assert slot["Note"].startswith("1 text sent, 0 texts to be sent")
    assert slot["DateTStamp"] == "2026-04-14 09:01:00"


def test_a_text_made_at_night_waits_for_the_morning() -> None:
    life = small_life(now="2026-04-14 22:30:00")
    row = offer(life, 11, start="2026-04-15 13:00:00")
    life.advance(datetime(2026, 4, 15, 6, 59))
    assert row["SmsSendStatus"] == "SendNotAttempted"
    life.advance(datetime(2026, 4, 15, 7, 1))
    assert row["DateTimeSmsSent"] == "2026-04-15 07:01:00"


def test_a_slot_taken_before_sending_is_not_texted() -> None:
    life = small_life()
    row = offer(life, 11)
    staff.apply(life.office, {"action": "move", "AptNum": 10, "Op": 1, "AptDateTime": OPENING})
    life.advance(at(9, 1))
    assert (row["SmsSendStatus"], row["ResponseStatus"]) == ("DoNotSend", "Failed")
    assert row["Note"] == "Not sending because the time slot has been taken by another appointment."
    assert row["DateTimeSmsSent"] == row["DateTimeSmsScheduled"]
    assert life.sent == []


def test_the_candidates_own_place_counts_as_taken_before_sending() -> None:
    life = small_life()
    row = offer(life, 11, start="2026-04-20 09:45:00")
    life.advance(at(9, 1))
    assert row["ResponseStatus"] == "Failed"


@pytest.mark.parametrize("gone", ["appointment", "schedule"])
def test_an_offer_whose_visit_or_slot_is_gone_is_not_texted(gone: str) -> None:
    life = small_life()
    row = offer(life, 11)
    action = {"action": "delete", "AptNum": 11}
    staff.apply(
        life.office,
        action if gone == "appointment" else {"action": "delete_schedule", "ScheduleNum": row["ScheduleNum"]},
    )
    life.advance(at(9, 1))
    assert (row["ResponseStatus"], life.sent) == ("Failed", [])


def test_a_carrier_that_refuses_makes_the_offer_fail() -> None:
    life = small_life()
    life.office.patients[2]["SmsFails"] = True
    row = offer(life, 11)
    life.advance(at(9, 1))
    assert (row["SmsSendStatus"], row["ResponseStatus"], life.sent) == ("SendFailed", "Failed", [])


def test_an_unanswered_offer_expires_a_week_after_its_slot() -> None:
    life = small_life()
    row = sent(life, 11)
    life.advance(datetime(2026, 4, 21, 12, 59, 59))
    assert row["ResponseStatus"] == "PendingRsvp"
    life.advance(datetime(2026, 4, 21, 13, 0))
    assert row["ResponseStatus"] == "Expired"


def test_accepting_moves_a_scheduled_visit_and_frees_its_place() -> None:
    life = small_life()
    row = sent(life, 11, op=2)
    assert life.respond(row["AsapCommNum"], "view") == "Viewed"
    assert life.respond(row["AsapCommNum"], "accept") == "AcceptedAndMoved"
    visit = life.office.appointments[11]
    assert (visit["Op"], visit["AptDateTime"], visit["AptStatus"]) == (2, OPENING, "Scheduled")
    assert (visit["ProvHyg"], visit["IsHygiene"], visit["Priority"]) == (2, True, "Normal")
    assert visit["Confirmed"] == 20  # moved to today: stays confirmed
    assert visit["DateTStamp"] == "2026-04-14 09:01:00"
    history = list(life.office.histappointments.values())[-1]
    assert (history["AptNum"], history["ApptSource"]) == (11, "EConnector")
    assert not [found for found in life.office.appointments.values() if found["AptDateTime"].startswith("2026-04-20")]


def test_a_visit_moved_to_another_day_loses_its_confirmation_and_keeps_its_early_arrival() -> None:
    life = small_life()
    life.office.appointments[11]["DateTimeAskedToArrive"] = "2026-04-20 09:50:00"
    row = sent(life, 11, start="2026-04-15 13:00:00")
    life.respond(row["AsapCommNum"], "accept")
    visit = life.office.appointments[11]
    assert (visit["Confirmed"], visit["DateTimeAskedToArrive"]) == (19, "2026-04-15 12:50:00")


@pytest.mark.parametrize("number", [12, 13])
def test_unscheduled_and_broken_visits_become_scheduled(number: int) -> None:
    life = small_life()
    row = sent(life, number)
    assert life.respond(row["AsapCommNum"], "accept") == "AcceptedAndMoved"
    visit = life.office.appointments[number]
    assert (visit["AptStatus"], visit["Op"], visit["AptDateTime"]) == ("Scheduled", 1, OPENING)


def test_accepting_a_planned_visit_makes_a_new_one() -> None:
    life = small_life()
    row = sent(life, 14)
    life.respond(row["AsapCommNum"], "accept")
    new = max(life.office.appointments.values(), key=lambda found: found["AptNum"])
    assert (new["AptNum"], new["NextAptNum"], new["AptStatus"]) == (15, 14, "Scheduled")
    assert (new["PatNum"], new["Priority"], len(new["Pattern"])) == (5, "Normal", 12)
    assert life.office.appointments[14]["AptStatus"] == "Planned"


def test_accepting_a_recall_makes_a_visit_and_takes_it_off_the_list() -> None:
    life = small_life()
    row = sent(life, 21, op=2, recall=True)
    life.respond(row["AsapCommNum"], "accept")
    new = life.office.appointments[15]
    assert (new["PatNum"], new["Op"], new["Pattern"], new["ProvHyg"]) == (6, 2, "//XXXXXXXX//", 2)
    assert (new["EServiceLogType"], new["ProvNum"]) == ("Recall", 1)
    recall = life.office.recalls[21]
    assert (recall["Priority"], recall["DateScheduled"]) == ("Normal", "2026-04-14")


def test_the_second_who_accepts_comes_too_late() -> None:
    life = small_life()
    first, second = sent(life, 11), sent(life, 12)
    third = sent(life, 14)
    assert life.respond(first["AsapCommNum"], "accept") == "AcceptedAndMoved"
    assert second["ResponseStatus"] == "PendingRsvp"  # nobody tells them
    assert life.respond(second["AsapCommNum"], "accept") == "AcceptedAndNotAvailable"
    assert life.respond(third["AsapCommNum"], "view") == "ViewedNotAvailable"
    assert life.office.appointments[12]["AptStatus"] == "UnschedList"


def test_a_slot_that_has_begun_is_no_longer_to_be_had() -> None:
    life = small_life()
    row = sent(life, 11)
    life.advance(at(13))
    assert life.respond(row["AsapCommNum"], "accept") == "AcceptedAndNotAvailable"


def test_a_recall_or_planned_visit_is_booked_once() -> None:
    life = small_life(preferences={"WebSchedAsapTextLimit": ""})
    recall, planned = sent(life, 21, op=2, recall=True), sent(life, 14)
    life.office.recalls[21]["DateScheduled"] = "2026-05-01"
    staff.apply(
        life.office,
        {"action": "book", "PatNum": 5, "Op": 1, "AptDateTime": "2026-04-15 09:00:00", "NextAptNum": 14},
    )
    assert life.respond(recall["AsapCommNum"], "accept") == "AcceptedAndNotAvailable"
    assert life.respond(planned["AsapCommNum"], "accept") == "AcceptedAndNotAvailable"


def test_the_patients_other_offers_end_when_one_is_accepted() -> None:
    life = small_life()
    first = sent(life, 11)
    other = sent(life, 11, start="2026-04-14 14:00:00")
    somebody = sent(life, 12, start="2026-04-14 14:00:00")
    unsent = life.office.insert(
        "asapcomms", {"PatNum": 2, "ResponseStatus": "AwaitingTransmit", "SmsSendStatus": "SendNotAttempted"}
    )
    life.respond(first["AsapCommNum"], "accept")
    assert other["ResponseStatus"] == "ChoseDifferentSlot"
    assert (unsent["ResponseStatus"], unsent["SmsSendStatus"]) == ("ChoseDifferentSlot", "DoNotSend")
    assert somebody["ResponseStatus"] == "PendingRsvp"


@pytest.mark.parametrize(("action", "status"), [("decline", "Declined"), ("stop", "DeclinedStopComm")])
def test_declining_ends_the_offer_and_keeps_the_visit(action: str, status: str) -> None:
    life = small_life()
    row = sent(life, 11)
    assert life.respond(row["AsapCommNum"], action) == status
    assert life.office.appointments[11]["Priority"] == "ASAP"
    with pytest.raises(Refusal, match="cannot be used"):
        life.respond(row["AsapCommNum"], "accept")


def test_an_answer_that_makes_no_sense_is_refused() -> None:
    life = small_life()
    row = sent(life, 11)
    with pytest.raises(Refusal, match="view, accept, decline or stop"):
        life.respond(row["AsapCommNum"], "dance")
    with pytest.raises(Refusal, match="no asapcomm 99"):
        life.respond(99, "view")


def test_patients_react_after_their_delay() -> None:
    people = Scripted([(timedelta(minutes=5), "view"), (timedelta(minutes=7), "accept")])
    life = Life(small_office(), people)
    row = offer(life, 11)
    life.advance(at(9, 6))
    assert row["ResponseStatus"] == "Viewed"
    life.advance(at(9, 8))
    assert row["ResponseStatus"] == "AcceptedAndMoved"
    assert life.office.appointments[11]["DateTStamp"] == "2026-04-14 09:08:00"
    assert [event["action"] for event in life.happened] == ["view", "accept"]


def test_staff_do_at_their_hour_what_still_makes_sense() -> None:
    events: list[tuple[datetime, Row]] = [
        (at(8), {"action": "cancel", "AptNum": 10}),  # before the sandbox started
        (at(10), {"action": "cancel", "AptNum": 11, "Priority": "ASAP"}),
        (at(11), {"action": "move", "AptNum": 11, "Op": 1, "AptDateTime": OPENING}),  # no longer scheduled
        (at(11), {"action": "book", "PatNum": 7, "Op": 1, "AptDateTime": "2026-04-14 10:30:00", "Pattern": "X"}),
        (at(11), {"action": "book", "PatNum": 7, "Op": 1, "AptDateTime": "2026-04-14 12:30:00", "Pattern": "X"}),
        (at(11, 30), {"action": "book", "PatNum": 7, "Op": 1, "AptDateTime": OPENING, "Pattern": "XX"}),
        (datetime(2026, 4, 15, 8), {"action": "delete", "AptNum": 11}),
    ]
    life = Life(small_office(), Scripted(events=events))
    life.advance(at(18))
    assert [(event["at"][11:16], event["action"]) for event in life.happened] == [
        ("10:00", "cancel"),
        ("11:30", "book"),
    ]
    assert life.skipped == {"move": 1, "book": 2}
    assert life.office.appointments[10]["AptStatus"] == "Scheduled"
    life.advance(datetime(2026, 4, 15, 9))
    assert 11 not in life.office.appointments


def test_waiting_texts_of_an_office_file_go_out() -> None:
    row = {"PatNum": 2, "FKey": 11, "FKeyType": "ScheduledAppt", "ScheduleNum": 99, "SmsSendStatus": "SendNotAttempted"}
    row |= {"ResponseStatus": "AwaitingTransmit", "DateTimeSmsScheduled": "2026-04-14 08:59:00"}
    slot = {"ScheduleNum": 99, "SchedDate": "2026-04-14", "StartTime": "13:00:00", "StopTime": "13:40:00"}
    office = small_office(asapcomms=[row | {"DateTimeExpire": "2026-04-21 13:00:00"}])
    office.insert("schedules", slot | {"SchedType": "WebSchedASAP", "operatories": [1]})
    life = Life(office)
    life.advance(at(9, 1))
    assert len(life.sent) == 1


def test_old_signals_are_forgotten_on_sundays() -> None:
    life = small_life()
    staff.apply(life.office, {"action": "break", "AptNum": 10})
    life.advance(datetime(2026, 4, 18, 23, 59))
    assert life.office.signalods
    life.advance(datetime(2026, 4, 19, 0, 0))
    assert not life.office.signalods


def a_day(seed: int) -> tuple[Life, float]:
    """A day of a generated office in which each ASAP visit is offered the overflow room; and its processor seconds."""
    office = SimulatedOffice.load(make_office(seed, start=datetime(2026, 4, 14, 7, 0), operatories=6))
    begun = time.process_time()
    life = Life(office, People(seed, eagerness=0.5))
    for row in [row for row in office.appointments.values() if row["Priority"] == "ASAP" and row["Pattern"]]:
        offers_made = {"aptNum": row["AptNum"], "op": 7, "dateTimeStart": "2026-04-21 08:00:00"}
        life.offered(web_sched.create(office, offers_made))
        life.advance(office.now + timedelta(minutes=5))
    life.advance(datetime(2026, 4, 14, 20, 0))
    return life, time.process_time() - begun


def test_the_same_seed_gives_the_same_day() -> None:
    (one, _), (two, _) = a_day(5), a_day(5)
    assert one.happened == two.happened
    assert one.office.dump() == two.office.dump()
    assert {event["who"] for event in one.happened} == {"staff", "patient"}
    assert a_day(6)[0].happened != one.happened


def test_a_working_day_of_six_operatories_takes_less_than_a_second() -> None:
    assert a_day(7)[1] < 1
