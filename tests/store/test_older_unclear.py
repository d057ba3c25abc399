"""Offers without a clear answer in a state that an older version wrote: they hold everything back until found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.limits import checker
from asapfill.core.offer import LINK_STAYS_OPEN, UNCLEAR, NewOffer, Offer, State
from asapfill.core.policy import TextsPolicy
from asapfill.core.rows import AsapComm, Schedule
from asapfill.offers.journal import Held, Journal
from asapfill.offers.reconcile import GIVE_UP, reconcile, recover
from asapfill.opendental.errors import NotFound, Unreachable
from asapfill.store.database import open_store
from tests.store.dumps import FIXTURES
from tests.store.test_migrations import EVERY_STATE, put

PACIFIC = ZoneInfo("America/Los_Angeles")
# Two minutes after the older asapfill wrote its last line: the upgrade.
UPGRADED = datetime(2026, 3, 10, 17, 6, tzinfo=UTC)
OFFICE_NOW = datetime(2026, 3, 10, 10, 6)
HOW_MANY = {State.INTENT: 2, State.UNKNOWN: 3, State.UNSETTLED: 2}


@dataclass(frozen=True)
class Listing:
    rows: tuple[AsapComm, ...]
    problems: tuple[str, ...] = ()


@dataclass
class Office:
    """An office at which the texts of ``sent`` were made. Knows no POST: nothing may be sent here."""

    sent: tuple[Offer, ...] = ()
    down: bool = False
    readings: list[tuple[date, date]] = field(default_factory=list)

    def asapcomms(self, *, date_start: date, date_end: date) -> Listing:
        self.readings.append((date_start, date_end))
        if self.down:
            raise Unreachable("nobody is there")
        return Listing(tuple(self._row(offer) for offer in self.sent))

    def schedule(self, schedule_num: int) -> Schedule:
        offer = next((offer for offer in self.sent if 8000 + offer.id == schedule_num), None)
        if offer is None:
            raise NotFound("Schedule not found", status=404)
        return Schedule.read(
            {
                "ScheduleNum": schedule_num,
                "SchedDate": f"{offer.start:%Y-%m-%d}",
                "StartTime": f"{offer.start:%H:%M:%S}",
                "StopTime": f"{offer.end:%H:%M:%S}",
                "SchedType": "WebSchedASAP",
                "operatories": str(offer.operatory),
            }
        )

    def _row(self, offer: Offer) -> AsapComm:
        return AsapComm.read(
            {
                "AsapCommNum": 7000 + offer.id,
                "FKey": offer.number,
                "FKeyType": "Recall" if offer.kind == "recall" else "ScheduledAppt",
                "ScheduleNum": 8000 + offer.id,
                "PatNum": offer.patient,
                "ClinicNum": 0,
                "DateTimeEntry": f"{offer.created.astimezone(PACIFIC):%Y-%m-%d %H:%M:%S}",
                "DateTimeExpire": f"{offer.start + LINK_STAYS_OPEN:%Y-%m-%d %H:%M:%S}",
                "SmsSendStatus": "SendNotAttempted",
                "ResponseStatus": "AwaitingTransmit",
                "Note": "",
            }
        )


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(UPGRADED)


@pytest.fixture
def journal(tmp_path: Path, clock: SteppedClock) -> Iterator[Journal]:
    """The state of the first version, brought up to date."""
    path = put(FIXTURES / EVERY_STATE, tmp_path / "state")
    with open_store(path.parent, clock) as store:
        yield Journal(store, "main-street")


def meant(**changes: object) -> NewOffer:
    """An offer that has nothing in common with any in the fixture, unless told otherwise."""
    start = changes.pop("start", datetime(2026, 3, 20, 9, 0))
    assert isinstance(start, datetime)
    values: dict[str, object] = {"clinic": 0, "kind": "appointment", "number": 1, "patient": 1, "phone": "1" * 32}
    values |= {"operatory": 7, "provider": 1, "start": start, "end": start + timedelta(minutes=30), "wave": 1}
    return NewOffer(**{**values, "opening": "another", "made": OFFICE_NOW, **changes})  # type: ignore[arg-type]


Same = Callable[[Offer], NewOffer]
SAME: dict[str, Same] = {
    "person": lambda offer: meant(patient=offer.patient),
    "phone": lambda offer: meant(phone=offer.phone),
    "slot": lambda offer: meant(operatory=offer.operatory, start=offer.start),
    "part of the slot": lambda offer: meant(
        operatory=offer.operatory, start=offer.start - timedelta(minutes=20), number=offer.number + 1000
    ),
}


def held(journal: Journal, new: NewOffer) -> str | None:
    """Why the journal does not let ``new`` be made, under the default policy; None: it was made."""
    try:
        journal.begin(new, check=checker(new, (), TextsPolicy(), OFFICE_NOW))
    except Held as no:
        return no.reason.code
    return None


def test_what_has_nothing_to_do_with_them_is_not_held_back(journal: Journal) -> None:
    assert held(journal, meant()) is None


@pytest.mark.parametrize("same", SAME)
@pytest.mark.parametrize("started", [False, True], ids=["before recovery", "after recovery"])
def test_they_block_the_person_the_phone_and_the_slot(journal: Journal, same: str, *, started: bool) -> None:
    unclear = journal.unknowns()
    assert {state: [offer.state for offer in unclear].count(state) for state in UNCLEAR} == HOW_MANY
    if started:
        assert recover(journal) == HOW_MANY[State.INTENT]
    assert {offer.id: held(journal, SAME[same](offer)) for offer in unclear} == {
        offer.id: "unknown_offer" for offer in unclear
    }


def test_recovery_makes_the_intents_of_the_older_version_unknown(journal: Journal) -> None:
    intents = [offer.id for offer in journal.unknowns() if offer.state is State.INTENT]
    recover(journal)
    assert {(journal.get(offer).state, journal.get(offer).reason) for offer in intents} == {
        (State.UNKNOWN, "interrupted")
    }


def test_those_whose_text_was_made_are_found_and_never_made_again(journal: Journal, clock: SteppedClock) -> None:
    recover(journal)
    unclear = journal.unknowns()
    office = Office(sent=unclear)
    clock.sleep(75)
    assert {offer.id for offer in reconcile(journal, office, clock, PACIFIC).settled} == {o.id for o in unclear}
    assert journal.unknowns() == ()
    # The oldest is of yesterday's morning; the end is exclusive.
    assert office.readings == [(date(2026, 3, 8), date(2026, 3, 12))]
    for offer in unclear:
        after = journal.get(offer.id)
        assert (after.state, after.reason, after.asapcomm) == (State.SENT, "found_at_office", 7000 + offer.id)
        assert held(journal, offer.again(OFFICE_NOW)) == "already_offered"


def test_those_whose_text_was_not_made_are_free_after_two_readings(journal: Journal, clock: SteppedClock) -> None:
    recover(journal)
    unclear = journal.unknowns()
    looked_for = [offer.id for offer in unclear if offer.missing_since is not None]
    assert len(looked_for) == 1
    clock.sleep(75)
    # The older version had looked for one of them already: this is the second time.
    assert [offer.id for offer in reconcile(journal, Office(), clock, PACIFIC).settled] == looked_for
    clock.sleep(60)
    reconcile(journal, Office(), clock, PACIFIC)
    assert {(o.state, o.reason) for o in map(journal.get, (o.id for o in unclear))} == {(State.UNSENT, "not_at_office")}
    assert {offer.id: held(journal, offer.again(OFFICE_NOW)) for offer in unclear} == dict.fromkeys(
        (offer.id for offer in unclear), None
    )


def test_at_an_office_that_cannot_be_read_they_stay_and_are_a_persons_after_a_day(
    journal: Journal, clock: SteppedClock
) -> None:
    recover(journal)
    before = {offer.id for offer in journal.unknowns()}
    for pause in (timedelta(seconds=75), timedelta(minutes=5), GIVE_UP + timedelta(minutes=1)):
        clock.sleep(pause.total_seconds())
        reconcile(journal, Office(down=True), clock, PACIFIC)
        assert {offer.id for offer in journal.unknowns()} == before
    assert {offer.state for offer in journal.unknowns()} == {State.UNSETTLED}
