"""Between the plan and the POST, and what a POST without a clear answer leads to, over real HTTP."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from asapfill.policy.model import PolicyFile
from asapfill.store.offices import pause
from tests.cycle.office import HOLD, LUNCH, TODAY, office_file, patient
from tests.daemon.serving import Serving, openings, serving

PLACE = {"SchedDate": TODAY, "StartTime": "14:30:00", "StopTime": "14:45:00", "operatories": [1]}
BOOKED = {"PatNum": 9, "AptDateTime": f"{TODAY} 14:50:00", "Pattern": "XX"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": "book", "Op": 1, **BOOKED}, "changed"),
        ({"action": "book", "Op": 2, "ProvNum": 1, "IsHygiene": False, **BOOKED}, "changed"),
        ({"action": "blockout", "BlockoutType": LUNCH, **PLACE}, "changed"),
        ({"action": "blockout", "BlockoutType": HOLD, **PLACE}, "changed"),
        ({"action": "delete_schedule", "ScheduleNum": 1}, "changed"),
        ({"action": "priority", "AptNum": 12, "Priority": "Normal"}, "not_asap"),
        ({"action": "complete", "AptNum": 12}, "wrong_status"),
        ({"action": "delete", "AptNum": 12}, "not_asap"),
    ],
    ids=["taken", "provider elsewhere", "NS", "hold", "no hours", "not ASAP", "complete", "deleted"],
)
def test_an_offer_that_does_not_fit_any_more_is_dropped_and_nothing_is_posted(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    with serving(tmp_path) as office:
        result = office.cycle_while(lambda: office.sandbox.staff(**change))
        assert [(line.state, line.reason) for line in result.offers] == [("planned", reason)]
        assert office.bench.posts() == []
        assert office.states() == {}


def test_a_policy_edited_between_plan_and_post_stops_the_offer(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        (line,) = office.cycle_while(lambda: office.bench.policy(mode="preview")).offers
        assert (line.state, line.reason) == ("planned", "policy_changed")
        assert office.bench.posts() == []


def test_a_pause_takes_effect_between_two_posts(tmp_path: Path) -> None:
    with serving(tmp_path, texts={"wave": 2}) as office:

        def paused_after_the_first(_: PolicyFile) -> bool:
            if office.bench.posts():
                assert office.session.store is not None
                pause(office.session.store)
            return True

        lines = office.cycle(still_valid=paused_after_the_first).offers
        assert [(line.offer.number, line.state) for line in lines] == [(12, "sent"), (14, "planned")]
        assert lines[1].reason == "paused"
        assert office.bench.asked() == [12]


@pytest.mark.parametrize("ahead", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_clocks_that_disagree_stop_everything(tmp_path: Path, ahead: timedelta) -> None:
    with serving(tmp_path, ahead=ahead) as office:
        result = office.cycle()
        (trouble,) = result.errors
        assert f"6 minutes {'behind' if ahead > timedelta(0) else 'ahead of'} ours" in trouble.message
        assert (result.openings, result.offers) == ((), [])
        assert office.bench.posts() == []


@pytest.mark.parametrize("ahead", [timedelta(minutes=-4), timedelta(minutes=4)])
def test_clocks_that_nearly_agree_do_not(tmp_path: Path, ahead: timedelta) -> None:
    with serving(tmp_path, ahead=ahead) as office:
        assert office.cycle().errors == []
        assert office.bench.asked() == [12]


NOT_MADE = ("drop_before", "504_before", "500", "garbage")
MADE = ("drop_after", "504_after", "garbage_after", "truncated")


def one_offer_after(office: Serving, kind: str) -> None:
    """A POST meets a fault; minutes later the office has the offer, once."""
    office.sandbox.faults([{"kind": kind, "method": "POST", "path": "asapcomms", "count": 1}])
    (line,) = office.cycle().offers
    assert line.state == "unknown"
    for _ in range(8):
        office.wait(minutes=1)
        office.cycle()
    rows = [row for row in office.sandbox.office()["asapcomms"] if row["FKey"] == 12]
    assert len(rows) == 1
    assert office.states()[12] == "sent"
    assert office.sandbox.log()["sent_twice"] == 0
    # While it was unknown, nobody else was offered the same place either.
    assert office.bench.asked() == [12]


@pytest.mark.parametrize("kind", NOT_MADE + MADE)
def test_a_post_without_a_clear_answer_ends_in_exactly_one_offer(tmp_path: Path, kind: str) -> None:
    with serving(tmp_path) as office:
        one_offer_after(office, kind)


def test_an_unknown_offer_stops_the_rest_of_the_cycle_and_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, texts={"wave": 2}) as office:
        office.sandbox.faults([{"kind": "504_after", "method": "POST", "path": "asapcomms", "count": 1}])
        result = office.cycle()
        assert [line.state for line in result.offers] == ["unknown", "planned"]
        assert "no clear answer" in result.errors[0].message
        assert office.cycle().offers == []
        assert len(office.bench.posts()) == 1
        status = office.bench.json("status", code=1)
        assert [offer["number"] for offer in status["offices"][0]["unclear"]] == [12]


@pytest.mark.parametrize(("kind", "reason"), [("401", "wrong_key"), ("429", "throttled")])
def test_an_offer_that_surely_was_not_made_is_tried_again(tmp_path: Path, kind: str, reason: str) -> None:
    with serving(tmp_path) as office:
        office.sandbox.faults([{"kind": kind, "method": "POST", "path": "asapcomms", "count": 1}])
        (line,) = office.cycle().offers
        assert (line.state, line.reason) == ("planned", reason)
        office.wait(minutes=1)
        assert [line.state for line in office.cycle().offers] == ["sent"]
        assert office.bench.asked() == [12]


def test_an_office_that_sends_no_text_is_told_as_suppressed_and_not_asked_again(tmp_path: Path) -> None:
    """Open Dental makes the row, and its schedule block, but says that the text will not go out."""
    with serving(tmp_path, office_file(patients=[patient(n, OptedOut=n == 3) for n in range(1, 10)])) as office:
        (line,) = office.cycle().offers
        assert (line.offer.number, line.state, line.reason) == (12, "suppressed", "suppressed_opted_out")
        office.wait(minutes=1)
        result = office.cycle()
        assert openings(result) == ["op1 14 14:00-15:00"]
        assert office.bench.asked() == [12, 14]
