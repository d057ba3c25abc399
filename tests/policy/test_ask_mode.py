"""Mode ``ask``: offers wait for a person, are looked at again before they are sent, and lapse in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cycle.office import HOLD, TODAY, office_file
from tests.daemon.bench import bench_for
from tests.daemon.serving import Serving, serving


def waiting(office: Serving) -> list[int]:
    """The candidates whose offers wait for an answer."""
    return [offer.number for offer in office.journal.waiting()]


def approve(office: Serving) -> None:
    assert office.bench.cli("approve", "--all").code == 0


def blockout(office: Serving) -> None:
    office.sandbox.staff(action="blockout", operatories=[1], BlockoutType=HOLD, SchedDate=TODAY,
                         StartTime="14:00:00", StopTime="15:00:00")  # fmt: skip


def test_an_offer_waits_and_is_sent_after_a_yes_and_only_once(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        assert [line.state for line in office.cycle().offers] == ["waiting"]
        office.cycle()
        assert waiting(office) == [12]
        approve(office)
        assert [line.state for line in office.cycle().offers] == ["sent"]
        office.cycle()
        assert office.bench.asked() == [12]


def test_a_blockout_put_on_the_gap_lets_the_offer_lapse(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        blockout(office)
        office.wait(minutes=20)
        office.cycle()
        assert office.states()[12] == "lapsed"
        assert "does not wait" in office.bench.cli("approve", "1").err


def test_what_was_approved_and_does_not_fit_any_more_lapses_and_is_not_sent(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        approve(office)
        blockout(office)
        office.wait(minutes=20)
        office.cycle()
        assert office.states()[12] == "lapsed"
        assert office.bench.posts() == []


def test_nobody_answered_and_the_opening_is_nearer_than_the_notice(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        office.wait(hours=1, minutes=50)
        office.cycle()
        assert waiting(office) == [12]
        office.wait(minutes=15)
        office.cycle()
        assert waiting(office) == []
        assert office.states()[12] == "lapsed"


def test_the_next_wave_waits_until_somebody_answered_for_the_one_before(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        office.wait(minutes=30)
        assert [line.reason for line in office.cycle().offers] == ["waiting_for_answers"]
        assert waiting(office) == [12]


def test_a_patient_who_leaves_the_asap_list_makes_room_for_the_next(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        office.sandbox.staff(action="delete", AptNum=12)
        # Nothing tells of a deletion from the unscheduled list: the ASAP list is read again after ten minutes.
        office.wait(minutes=11)
        office.cycle()
        assert waiting(office) == [14]


@pytest.mark.parametrize(
    "edit", [{"candidates": {"except_patients": "[3]"}}, {"openings": {"except_operatories": "OP1"}}]
)
def test_an_edit_that_forbids_an_approved_offer_keeps_it_from_being_sent(
    tmp_path: Path, edit: dict[str, dict[str, str]]
) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        approve(office)
        office.bench.policy(mode="ask", **edit)
        office.cycle()
        assert office.bench.posts() == []
        assert office.states()[12] == "lapsed"


def test_going_back_to_preview_takes_back_what_was_approved_and_not_sent(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        approve(office)
        office.bench.policy(mode="preview")
        office.cycle()
        assert office.bench.posts() == []
        assert office.states()[12] == "lapsed"
        office.bench.policy(mode="ask")
        office.cycle()
        assert waiting(office) == [12]


def test_in_automatic_mode_nothing_waits_and_nobody_is_blocked_by_what_did(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        office.cycle()
        office.bench.policy(mode="automatic")
        assert [line.state for line in office.cycle().offers] == ["sent"]
        assert office.bench.asked() == [12]


def test_a_no_stands_for_this_candidate_and_place(tmp_path: Path) -> None:
    with serving(tmp_path, mode="ask") as office:
        (line,) = office.cycle().offers
        assert office.bench.cli("decline", str(line.id)).code == 0
        office.wait(minutes=30)
        office.cycle()
        assert waiting(office) == [14]
        office.bench.policy(mode="automatic")
        for _ in range(4):
            office.wait(minutes=20)
            office.cycle()
        assert 12 not in office.bench.asked()
        assert office.bench.asked()


def test_an_offer_for_a_recall_waits_on_over_cycles_of_their_own(tmp_path: Path) -> None:
    """Each `once` begins knowing no patient, and without an age a recall takes as long as a child's."""
    rows = office_file()
    rows["recalltypes"].append({"RecallTypeNum": 2, "Description": "Child Prophy", "TimePattern": "/XXXXXX/"})
    rows["preferences"]["RecallTypeSpecialChildProphy"] = "2"
    with bench_for(tmp_path, rows) as bench:
        bench.policy(mode="ask", candidates={"include": ["recalls"], "same_provider": False})
        assert bench.cli("once").code == 0
        waits = bench.json("status")["offices"][0]["waiting"]
        assert [(offer["kind"], offer["number"]) for offer in waits] == [("recall", 21)]
        assert bench.cli("once").code == 0
        assert bench.json("status")["offices"][0]["waiting"] == waits
