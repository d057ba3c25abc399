from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import NewOffer, Offer, State
from asapfill.core.reasons import Reason
from asapfill.core.rows import Commlog
from asapfill.offers.commlogs import keep_commlogs, note_text, recover_commlogs
from asapfill.offers.journal import Check, Journal
from asapfill.opendental import errors

Meant = Callable[..., NewOffer]
NOW = datetime(2026, 11, 20, 9, 1)


@dataclass(frozen=True)
class Listing:
    rows: tuple[Commlog, ...]


@dataclass
class Chart:
    """An office's commlogs. ``fail`` is raised by the next write; ``lose``: after the write took effect."""

    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    fail: Exception | None = None
    lose: BaseException | None = None
    names_numbers: bool = True
    posts: int = 0
    puts: int = 0
    singles: int = 0

    def create_commlog(
        self,
        *,
        pat_num: int,
        note: str,
        comm_date_time: datetime,
        comm_type: int | None,
        mode: str = "Text",
        sent_or_received: str = "Sent",
    ) -> Commlog | None:
        self.posts += 1
        self._maybe_fail()
        number = len(self.rows) + 1
        self.rows[number] = {
            "CommlogNum": number,
            "PatNum": pat_num,
            "Note": note,
            "CommDateTime": str(comm_date_time),
            "CommType": str(comm_type or 0),
            "Mode_": mode,
            "SentOrReceived": sent_or_received,
        }
        self._maybe_lose()
        return Commlog.read(self.rows[number]) if self.names_numbers else None

    def update_commlog(self, commlog_num: int, note: str) -> None:
        self.puts += 1
        self._maybe_fail()
        self.rows[commlog_num]["Note"] = note
        self._maybe_lose()

    def commlog(self, commlog_num: int) -> Commlog:
        self.singles += 1
        if commlog_num not in self.rows:
            raise errors.NotFound("deleted")
        return Commlog.read(self.rows[commlog_num])

    def commlogs(self, pat_num: int) -> Listing:
        return Listing(tuple(Commlog.read(row) for row in self.rows.values() if row["PatNum"] == pat_num))

    def _maybe_fail(self) -> None:
        if self.fail is not None:
            raise self.fail

    def _maybe_lose(self) -> None:
        if self.lose is not None:
            raise self.lose

    @property
    def notes(self) -> list[str]:
        return [row["Note"] for row in self.rows.values()]


@pytest.fixture
def chart() -> Chart:
    return Chart()


@pytest.fixture
def offer(journal: Journal, meant: Meant, anything: Check) -> Offer:
    return journal.step(journal.begin(meant(), check=anything).id, State.SENT, asapcomm=123)


@pytest.fixture
def keep(journal: Journal, clock: SteppedClock, chart: Chart) -> Callable[..., errors.OpenDentalError | None]:
    def run(seconds: float = 0, **changes: Any) -> errors.OpenDentalError | None:
        clock.sleep(seconds)
        values: dict[str, Any] = {
            "clinic": 0,
            "comm_type": 235,
            "now": NOW + timedelta(seconds=seconds),
            "may_update": True,
            "may_go_on": lambda: None,
        }
        return keep_commlogs(journal, chart, **{**values, **changes})

    return run


Keep = Callable[..., errors.OpenDentalError | None]


@pytest.mark.usefixtures("offer")
def test_one_commlog_per_offer_with_numbers_and_times_only(chart: Chart, keep: Keep) -> None:
    for _ in range(3):
        keep()
    assert list(chart.rows.values()) == [
        {
            "CommlogNum": 1,
            "PatNum": 6522,
            "Note": "[asapfill AsapCommNum=123] Texted an ASAP offer for 2026-11-20 14:00, operatory 3.",
            "CommDateTime": "2026-11-20 09:01:00",
            "CommType": "235",
            "Mode_": "Text",
            "SentOrReceived": "Sent",
        }
    ]
    assert chart.posts == 1


def test_offers_that_produced_no_text_get_no_commlog(
    journal: Journal, meant: Meant, anything: Check, chart: Chart, keep: Keep
) -> None:
    suppressed = journal.begin(meant(), check=anything)
    journal.step(suppressed.id, State.SUPPRESSED, asapcomm=1)
    unknown = journal.begin(meant(number=7, patient=7), check=anything)
    journal.step(unknown.id, State.UNKNOWN)
    journal.wait(meant(number=8, patient=8), check=anything)
    keep()
    assert chart.posts == 0


@pytest.mark.usefixtures("offer")
def test_other_clinics_and_offers_older_than_two_days_are_left_out(chart: Chart, keep: Keep) -> None:
    keep(clinic=1)
    keep(now=NOW + timedelta(days=2, minutes=1))
    assert chart.posts == 0


def test_the_outcome_is_added_to_the_same_commlog_once(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep()
    journal.step(offer.id, State.ACCEPTED)
    for _ in range(3):
        keep()
    assert chart.notes == [
        "[asapfill AsapCommNum=123] Texted an ASAP offer for 2026-11-20 14:00, operatory 3. Outcome: accepted."
    ]
    assert (chart.posts, chart.puts) == (1, 1)


def test_an_older_office_gets_no_second_entry(journal: Journal, offer: Offer, chart: Chart, keep: Keep) -> None:
    keep(may_update=False)
    journal.step(offer.id, State.ACCEPTED)
    keep(may_update=False)
    assert (chart.posts, chart.puts) == (1, 0)


def test_a_note_that_staff_changed_is_left_alone(journal: Journal, offer: Offer, chart: Chart, keep: Keep) -> None:
    keep()
    chart.rows[1]["Note"] += " Called as well. jd"
    journal.step(offer.id, State.ACCEPTED)
    keep()
    keep()
    assert (chart.puts, chart.notes[0].endswith("jd")) == (0, True)


def test_before_an_outcome_is_added_that_one_commlog_is_read(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep()
    assert chart.singles == 0
    journal.step(offer.id, State.ACCEPTED)
    keep()
    assert (chart.singles, chart.puts) == (1, 1)
    keep()
    assert (chart.singles, chart.puts) == (1, 1)


def test_a_commlog_that_staff_deleted_is_not_written_again(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep()
    chart.rows.clear()
    journal.step(offer.id, State.ACCEPTED)
    keep()
    keep()
    assert (chart.posts, chart.puts, chart.singles, chart.notes) == (1, 0, 1, [])


def test_a_version_that_names_no_number_still_gets_its_outcome(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    chart.names_numbers = False
    keep()
    journal.step(offer.id, State.DECLINED)
    keep()
    assert chart.notes == [note_text(journal.get(offer.id))]
    assert chart.posts == 1


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    "error", [errors.Unreachable("x"), errors.Throttled("x"), errors.WrongKey("x"), errors.MissingPermission("x")]
)
def test_a_commlog_that_surely_was_not_written_is_tried_again_a_few_times(
    chart: Chart, keep: Keep, error: errors.OpenDentalError
) -> None:
    chart.fail = error
    assert [keep() for _ in range(5)] == [error, error, error, None, None]
    assert chart.posts == 3


@pytest.mark.usefixtures("offer")
def test_after_one_failure_the_next_round_writes_it(chart: Chart, keep: Keep) -> None:
    chart.fail = errors.Unreachable("x")
    keep()
    chart.fail = None
    keep()
    assert len(chart.notes) == 1


@pytest.mark.usefixtures("offer")
def test_a_refused_commlog_is_not_tried_again(chart: Chart, keep: Keep) -> None:
    chart.fail = errors.Refused("x", status=400)
    keep()
    keep(3600)
    assert chart.posts == 1


def test_a_commlog_without_a_clear_answer_is_found_by_its_marker_and_not_doubled(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    chart.lose = errors.Unknown("x", status=504)
    keep()
    chart.lose = None
    for seconds in (30, 60, 75, 75):
        keep(seconds)
    assert (chart.posts, len(chart.notes)) == (1, 1)
    journal.step(offer.id, State.ACCEPTED)
    keep()
    assert chart.notes == [note_text(journal.get(offer.id))]


@pytest.mark.usefixtures("offer")
def test_a_commlog_that_two_readings_do_not_find_is_written_again(chart: Chart, keep: Keep) -> None:
    chart.fail = errors.Unknown("x", status=504)
    keep()
    chart.fail = None
    keep(74)
    keep(1)
    keep(59)
    assert chart.posts == 1
    keep(1)
    assert (chart.posts, len(chart.notes)) == (2, 1)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("before", [0, 75])
def test_after_our_clock_was_set_back_the_wait_begins_anew(
    chart: Chart, keep: Keep, clock: SteppedClock, before: int
) -> None:
    chart.fail = errors.Unknown("x", status=504)
    keep()
    chart.fail = None
    keep(before)
    clock._now -= timedelta(minutes=20)
    keep()
    keep(75)
    keep(59)
    assert chart.posts == 1
    keep(1)
    assert (chart.posts, len(chart.notes)) == (2, 1)


@pytest.mark.usefixtures("offer")
def test_a_process_that_died_while_writing_leaves_an_unknown_commlog(
    journal: Journal, chart: Chart, keep: Keep
) -> None:
    chart.lose = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        keep()
    with journal.store.transaction() as database:
        database.execute("UPDATE commlogs SET state = 'intent'")
    assert recover_commlogs(journal) == 1
    chart.lose = None
    keep(75)
    assert (chart.posts, len(chart.notes)) == (1, 1)


def test_an_update_without_a_clear_answer_is_repeated_without_harm(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep()
    journal.step(offer.id, State.DECLINED)
    chart.fail = errors.Unknown("x", status=504)
    keep()
    chart.fail = None
    keep()
    assert chart.notes == [note_text(journal.get(offer.id))]


def test_an_update_that_took_effect_but_was_not_confirmed_is_not_taken_for_staffs_change(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep()
    journal.step(offer.id, State.PASSED)
    chart.lose = errors.Unknown("x", status=504)
    keep()
    chart.lose = None
    keep()
    journal.step(offer.id, State.ACCEPTED)
    keep()
    assert chart.notes == [note_text(journal.get(offer.id))]


def test_a_refused_update_is_not_tried_again(journal: Journal, offer: Offer, chart: Chart, keep: Keep) -> None:
    keep()
    journal.step(offer.id, State.ACCEPTED)
    chart.fail = errors.Refused("x", status=400)
    keep()
    keep()
    assert chart.puts == 1


@pytest.mark.usefixtures("offer")
def test_a_pause_stops_commlogs_too(chart: Chart, keep: Keep) -> None:
    keep(may_go_on=lambda: Reason("paused"))
    assert chart.posts == 0


SECOND = "[asapfill AsapCommNum=123 outcome] Outcome of the ASAP offer for 2026-11-20 14:00: declined."


def test_where_a_commlog_cannot_be_changed_the_outcome_gets_one_entry_of_its_own(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    """Open Dental before 25.2.21 has no PUT /commlogs; the policy asks for it with commlog.second_entry."""
    keep(may_update=False, second_entry=True)
    first = note_text(offer)
    journal.step(offer.id, State.DECLINED)
    for _ in range(3):
        assert keep(may_update=False, second_entry=True) is None
    assert chart.notes == [first, SECOND]
    assert chart.puts == 0


@pytest.mark.parametrize("how", [{"may_update": False}, {"may_update": True, "second_entry": True}])
def test_there_is_no_second_entry_unless_it_is_wanted_and_needed(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep, how: dict[str, bool]
) -> None:
    keep(**how)
    journal.step(offer.id, State.DECLINED)
    keep(**how)
    assert len(chart.notes) == 1


def test_a_second_entry_is_not_doubled_by_a_lost_answer(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep(may_update=False, second_entry=True)
    journal.step(offer.id, State.DECLINED)
    chart.lose = errors.Unknown("the line broke")
    assert keep(may_update=False, second_entry=True) is chart.lose
    chart.lose = None
    for seconds in (10, 80, 80):
        keep(seconds, may_update=False, second_entry=True)
    assert chart.notes.count(SECOND) == 1
    assert chart.posts == 2


def test_an_outcome_that_may_not_last_gets_no_entry_that_cannot_be_changed(
    journal: Journal, offer: Offer, chart: Chart, keep: Keep
) -> None:
    keep(may_update=False, second_entry=True)
    journal.step(offer.id, State.UNANSWERED)
    keep(may_update=False, second_entry=True)
    assert len(chart.notes) == 1
