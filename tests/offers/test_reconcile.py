from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import NewOffer, Offer, State
from asapfill.core.rows import AsapComm, Schedule
from asapfill.offers.journal import Check, Journal
from asapfill.offers.reconcile import Reconciled, reconcile, recover
from asapfill.opendental.errors import NotFound, OpenDentalError, Unreachable

Meant = Callable[..., NewOffer]
RowBuilder = Callable[..., AsapComm]
PACIFIC = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class Listing:
    rows: tuple[AsapComm, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class Office:
    """Answers reads from what it holds; ``down`` is raised instead. Knows no POST: reconciling must never send."""

    rows: list[AsapComm] = field(default_factory=list)
    schedules: dict[int, Schedule] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    down: OpenDentalError | None = None
    schedules_down: OpenDentalError | None = None
    readings: list[tuple[date, date]] = field(default_factory=list)

    def asapcomms(self, *, date_start: date, date_end: date) -> Listing:
        self.readings.append((date_start, date_end))
        if self.down is not None:
            raise self.down
        return Listing(tuple(self.rows), self.problems)

    def schedule(self, schedule_num: int) -> Schedule:
        if self.schedules_down is not None:
            raise self.schedules_down
        if schedule_num not in self.schedules:
            raise NotFound("Schedule not found", status=404)
        return self.schedules[schedule_num]


def block(**columns: Any) -> Schedule:
    values = {
        "ScheduleNum": "52527",
        "SchedDate": "2026-11-20",
        "StartTime": "14:00:00",
        "StopTime": "15:00:00",
        "SchedType": "WebSchedASAP",
        "operatories": "3",
    }
    return Schedule.read({**values, **columns})


@pytest.fixture
def office(row: RowBuilder) -> Office:
    """An office at which our POST took effect."""
    return Office(rows=[row()], schedules={52527: block()})


@pytest.fixture
def unknown(journal: Journal, meant: Meant, anything: Check) -> Offer:
    return journal.step(journal.begin(meant(), check=anything).id, State.UNKNOWN, "no_answer")


@pytest.fixture
def look(journal: Journal, clock: SteppedClock) -> Callable[..., Reconciled]:
    """Lets ``seconds`` pass and reads the office."""

    def run(office: Office, seconds: float = 75) -> Reconciled:
        clock.sleep(seconds)
        return reconcile(journal, office, clock, PACIFIC)

    return run


Look = Callable[..., Reconciled]


def test_found_at_the_office_it_was_sent(journal: Journal, unknown: Offer, office: Office, look: Look) -> None:
    result = look(office)
    offer = journal.get(unknown.id)
    assert (offer.state, offer.reason, offer.asapcomm, offer.schedule) == (State.SENT, "found_at_office", 2374, 52527)
    assert result == Reconciled(settled=(offer,))


def test_found_but_suppressed(journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder) -> None:
    note = "Not sending text because this patient is set to not receive texts."
    office.rows = [row(SmsSendStatus="DoNotSend", ResponseStatus="UnableToSend", Note=note)]
    look(office)
    offer = journal.get(unknown.id)
    assert (offer.state, offer.reason) == (State.SUPPRESSED, "suppressed_opted_out")


def test_the_office_is_not_asked_before_the_servers_limit_has_passed_for_certain(
    unknown: Offer, office: Office, look: Look
) -> None:
    result = look(office, 74)
    assert (result.settled, result.unclear, office.readings) == ((), (unknown,), [])
    look(office, 1)
    assert len(office.readings) == 1


def test_the_limit_counts_from_the_end_of_the_post_not_from_the_intent(
    journal: Journal, meant: Meant, anything: Check, clock: SteppedClock, office: Office, look: Look
) -> None:
    intent = journal.begin(meant(), check=anything)
    clock.sleep(74)
    journal.step(intent.id, State.UNKNOWN)
    look(office, 10)
    assert office.readings == []


@pytest.mark.usefixtures("unknown")
def test_the_reading_covers_yesterday_to_tomorrow_by_the_offices_calendar(office: Office, look: Look) -> None:
    look(office)
    # The end is exclusive in Open Dental: tomorrow is still in.
    assert office.readings == [(date(2026, 11, 19), date(2026, 11, 22))]


def test_two_readings_a_minute_apart_that_do_not_find_it_prove_that_it_was_not_sent(
    journal: Journal, unknown: Offer, look: Look
) -> None:
    office = Office()
    look(office)
    assert journal.get(unknown.id).state is State.UNKNOWN
    look(office, 59)
    assert journal.get(unknown.id).state is State.UNKNOWN
    result = look(office, 1)
    assert [(offer.state, offer.reason) for offer in result.settled] == [(State.UNSENT, "not_at_office")]


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("read_before", [True, False])
def test_after_our_clock_was_set_back_the_wait_begins_anew(  # and does not last until the clock is as far again
    journal: Journal, unknown: Offer, office: Office, clock: SteppedClock, look: Look, *, read_before: bool, found: bool
) -> None:
    rows, office.rows = office.rows, []
    if read_before:
        look(office)
    clock._now -= timedelta(minutes=20)
    readings = len(office.readings)
    look(office, 0)
    assert (journal.get(unknown.id).state, journal.get(unknown.id).reason) == (State.UNKNOWN, "clock_set_back")
    look(office, 74)
    assert len(office.readings) == readings
    look(office, 1)
    office.rows = rows if found else []
    look(office, 59)
    assert journal.get(unknown.id).state is (State.SENT if found else State.UNKNOWN)
    look(office, 1)
    assert journal.get(unknown.id).state is (State.SENT if found else State.UNSENT)
    assert len(journal.steps(unknown.id)) == 4


def test_a_row_that_appears_late_is_found_by_the_second_reading(
    journal: Journal, unknown: Offer, office: Office, look: Look
) -> None:
    late, office.rows = office.rows, []
    look(office)
    office.rows = late
    look(office, 60)
    assert journal.get(unknown.id).state is State.SENT


@pytest.mark.parametrize("entry", ["2026-11-20 08:50:05", "2026-11-20 09:09:55", "", [], "0001-01-01 00:00:00"])
def test_the_offices_clock_may_be_off_by_minutes_or_its_stamp_unreadable(
    journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder, entry: object
) -> None:
    office.rows = [row(DateTimeEntry=entry)]
    look(office)
    assert journal.get(unknown.id).state is State.SENT


@pytest.mark.parametrize(
    "columns",
    [
        {"FKey": 5},
        {"FKeyType": "Recall"},
        {"PatNum": 5},
        {"DateTimeEntry": "2026-11-20 08:49:00"},
        {"DateTimeEntry": "2026-11-20 09:20:00"},
    ],
    ids=["candidate", "kind", "patient", "before", "after"],
)
def test_a_row_about_something_else_or_from_another_time_is_not_ours(
    journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder, columns: dict[str, Any]
) -> None:
    office.rows = [row(**columns)]
    assert look(office).settled == ()
    assert journal.get(unknown.id).missing_since is not None


@pytest.mark.parametrize(
    "columns",
    [{"StartTime": "15:00:00"}, {"operatories": "4"}, {"SchedDate": "2026-11-21"}],
    ids=["start", "operatory", "day"],
)
def test_staffs_offer_of_another_slot_to_the_same_candidate_is_not_ours(
    journal: Journal, unknown: Offer, office: Office, look: Look, columns: dict[str, Any]
) -> None:
    office.schedules = {52527: block(**columns)}
    look(office)
    assert journal.get(unknown.id).state is State.UNKNOWN


def test_a_row_that_staff_made_before_the_intent_is_not_ours_however_alike(
    journal: Journal, meant: Meant, anything: Check, clock: SteppedClock, office: Office, look: Look
) -> None:
    journal.saw([2374])
    clock.sleep(1)
    offer = journal.step(journal.begin(meant(), check=anything).id, State.UNKNOWN)
    look(office)
    look(office, 60)
    assert journal.get(offer.id).state is State.UNSENT


def test_beside_a_staff_made_row_for_another_slot_ours_is_found(
    journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder
) -> None:
    staffs = row(AsapCommNum=2373, ScheduleNum=52526, DateTimeEntry="2026-11-20 09:00:01")
    office.rows = [staffs, *office.rows]
    office.schedules[52526] = block(ScheduleNum="52526", StartTime="16:00:00")
    look(office)
    assert journal.get(unknown.id).asapcomm == 2374


def test_of_two_rows_for_the_same_slot_the_one_after_the_intent_is_ours(
    journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder
) -> None:
    staffs = row(AsapCommNum=2373, ScheduleNum=52526, DateTimeEntry="2026-11-20 08:59:58")
    office.rows = [staffs, *office.rows]
    office.schedules[52526] = block(ScheduleNum="52526")
    look(office)
    assert journal.get(unknown.id).asapcomm == 2374


def test_a_row_that_belongs_to_another_of_our_offers_is_not_taken_again(
    journal: Journal, meant: Meant, anything: Check, unknown: Offer, office: Office, look: Look
) -> None:
    other = journal.begin(meant(patient=1, number=77), check=anything)
    journal.step(other.id, State.SENT, asapcomm=2374)
    look(office)
    assert journal.get(unknown.id).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("expire", "state"),
    [
        ("2026-11-27 14:00:00", State.SENT),
        ("", State.SENT),  # nothing tells them apart: taken as ours
        ("2026-11-27 15:00:00", State.UNKNOWN),  # the start plus seven days: another slot
    ],
)
def test_when_staff_deleted_the_schedule_row_the_expiry_tells_the_slot(
    journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder, expire: str, state: State
) -> None:
    office.rows, office.schedules = [row(DateTimeExpire=expire)], {}
    look(office)
    assert journal.get(unknown.id).state is state


@pytest.mark.parametrize("columns", [{"operatories": ""}, {"StartTime": "soon"}, {"SchedDate": "soon"}])
def test_what_cannot_be_told_apart_is_taken_as_ours(
    journal: Journal, unknown: Offer, office: Office, look: Look, columns: dict[str, Any]
) -> None:
    office.schedules = {52527: block(**columns)}
    look(office)
    assert journal.get(unknown.id).state is State.SENT


def test_a_row_whose_candidate_cannot_be_read_is_taken_as_ours(
    journal: Journal, unknown: Offer, office: Office, look: Look, row: RowBuilder
) -> None:
    office.rows = [row(FKey="?")]
    office.problems = ("AsapComm 2374: FKey could not be read",)
    look(office)
    assert journal.get(unknown.id).state is State.SENT


def test_a_list_with_elements_set_aside_proves_nothing(journal: Journal, unknown: Offer, look: Look) -> None:
    office = Office(problems=("an element is not an object",))
    for _ in range(3):
        look(office)
    offer = journal.get(unknown.id)
    assert (offer.state, offer.missing_since) == (State.UNKNOWN, None)


def test_an_office_that_cannot_be_read_proves_nothing(
    journal: Journal, unknown: Offer, office: Office, look: Look
) -> None:
    office.rows, office.down = [], Unreachable("no answer")
    for _ in range(3):
        result = look(office)
        assert (result.error, [offer.state for offer in result.unclear]) == (office.down, [State.UNKNOWN])
    assert journal.get(unknown.id).missing_since is None


def test_a_schedule_row_that_cannot_be_read_now_decides_nothing(
    journal: Journal, unknown: Offer, office: Office, look: Look
) -> None:
    office.schedules_down = Unreachable("no answer")
    for _ in range(3):
        assert look(office).error is office.schedules_down
    assert journal.get(unknown.id) == unknown


def test_after_a_day_a_person_must_look_but_a_later_reading_still_settles_it(
    journal: Journal, unknown: Offer, office: Office, look: Look
) -> None:
    office.down = Unreachable("no answer")
    look(office, 86400)
    assert journal.get(unknown.id).state is State.UNKNOWN
    result = look(office, 1)
    assert [(offer.state, offer.reason) for offer in result.unclear] == [(State.UNSETTLED, "unsettled")]
    office.down = None
    look(office, 3600)
    assert journal.get(unknown.id).state is State.SENT


@pytest.mark.usefixtures("unknown")
def test_intents_of_a_process_that_died_are_unknown_at_the_next_start(
    journal: Journal,
    meant: Meant,
    anything: Check,
) -> None:
    dead = journal.begin(meant(patient=1, number=77), check=anything)
    assert recover(journal) == 1
    assert recover(journal) == 0
    assert (journal.get(dead.id).state, journal.get(dead.id).reason) == (State.UNKNOWN, "interrupted")


def test_an_intent_under_way_is_left_alone(
    journal: Journal, meant: Meant, anything: Check, office: Office, look: Look
) -> None:
    offer = journal.begin(meant(), check=anything)
    look(office, 599)
    assert (journal.get(offer.id), office.readings) == (offer, [])


def test_an_intent_whose_answer_could_not_be_written_is_found_out_without_a_restart(
    journal: Journal, meant: Meant, anything: Check, office: Office, look: Look
) -> None:
    offer = journal.begin(meant(), check=anything)
    look(office, 600)
    assert journal.get(offer.id).state is State.UNKNOWN
    look(office, 75)
    assert journal.get(offer.id).state is State.SENT


@pytest.mark.usefixtures("unknown")
def test_several_unknown_offers_take_one_reading(
    journal: Journal, meant: Meant, anything: Check, office: Office, look: Look, row: RowBuilder
) -> None:
    second = journal.begin(meant(patient=1, number=77, operatory=4), check=anything)
    journal.step(second.id, State.UNKNOWN)
    office.rows.append(row(AsapCommNum=2375, FKey=77, PatNum=1, ScheduleNum=1))
    office.schedules[1] = block(operatories="4")
    result = look(office)
    assert {offer.asapcomm for offer in result.settled} == {2374, 2375}
    assert len(office.readings) == 1


@pytest.mark.parametrize(("entry", "state"), [("2026-11-01 01:00:05", "sent"), ("2026-11-01 00:45:00", "unknown")])
def test_on_the_night_on_which_clocks_go_back_an_hour_the_row_is_still_found(
    journal: Journal, meant: Meant, anything: Check, office: Office, row: RowBuilder, entry: str, state: str
) -> None:
    # 01:59:50 daylight saving time; fifteen seconds later the office's clock shows 01:00:05 again.
    clock = SteppedClock(datetime(2026, 11, 1, 8, 59, 50, tzinfo=UTC))
    journal.store.clock = clock
    slot, made = datetime(2026, 11, 1, 14, 0), datetime(2026, 11, 1, 1, 59, 50)
    offer = journal.begin(meant(made=made, start=slot), check=anything)
    journal.step(offer.id, State.UNKNOWN)
    office.rows = [row(DateTimeEntry=entry, DateTimeExpire="2026-11-08 14:00:00")]
    office.schedules = {}
    clock.sleep(75)
    reconcile(journal, office, clock, PACIFIC)
    assert journal.get(offer.id).state == state


@pytest.mark.usefixtures("unknown")
def test_rows_read_while_reconciling_are_remembered_as_seen(
    journal: Journal, meant: Meant, anything: Check, office: Office, look: Look
) -> None:
    look(office)
    assert journal.seen_before(journal.begin(meant(number=7, patient=7), check=anything)) == {2374}


@pytest.mark.parametrize("set_by", [timedelta(hours=-3), timedelta(minutes=-30), timedelta(minutes=30)])
@pytest.mark.parametrize("was_right", [True, False], ids=["right before", "right after"])
def test_our_clock_set_between_post_and_answer_does_not_make_a_sent_offer_unsent(
    journal: Journal,
    meant: Meant,
    anything: Check,
    office: Office,
    row: RowBuilder,
    set_by: timedelta,
    was_right: bool,  # noqa: FBT001  a case
) -> None:
    offer = journal.begin(meant(), check=anything)
    clock = SteppedClock(journal.store.clock.now() + set_by)
    journal.store.clock = clock
    journal.step(offer.id, State.UNKNOWN)
    entry = datetime(2026, 11, 20, 9, 0, 5) + (timedelta(0) if was_right else set_by)
    office.rows = [row(DateTimeEntry=str(entry))]
    clock.sleep(75)
    reconcile(journal, office, clock, PACIFIC)
    assert journal.get(offer.id).state is State.SENT


def numbers(offers: Iterable[Offer]) -> set[int]:
    return {offer.id for offer in offers}


def test_other_offices_unknown_offers_are_not_touched(
    journal: Journal, unknown: Offer, office: Office, clock: SteppedClock
) -> None:
    clock.sleep(75)
    reconcile(Journal(journal.store, "hill"), office, clock, PACIFIC)
    assert numbers(journal.unknowns()) == {unknown.id}
