"""An opening must have been there for a while: memory from cycle to cycle, and the office's history where it ends."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.cycle.office import LUNCH, TODAY, office_file
from tests.daemon.bench import Bench
from tests.daemon.serving import left, openings, serving

BLOCKOUT = {"SchedDate": TODAY, "StartTime": "14:00:00", "StopTime": "15:00:00", "operatories": [1]}


def test_what_is_free_at_the_first_look_has_settled(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview") as office:
        assert openings(office.cycle()) == ["op1 14 14:00-15:00"]


def test_a_gap_that_appears_between_two_cycles_is_young_until_it_has_settled(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview") as office:
        office.cycle()
        office.sandbox.staff(action="cancel", AptNum=11)
        result = office.cycle()
        assert (openings(result), left(result, "settling")) == (["op1 14 14:00-15:00"], ["op1 20 10:00-11:00"])
        office.wait(minutes=14, seconds=59)
        assert left(office.cycle(), "settling") == ["op1 20 10:00-11:00"]
        office.wait(seconds=1)
        assert openings(office.cycle()) == ["op1 14 14:00-15:00", "op1 20 10:00-11:00"]


def test_minutes_that_become_free_beside_an_old_opening_are_young(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview") as office:
        office.cycle()
        office.sandbox.staff(action="cancel", AptNum=15)
        result = office.cycle()
        assert (openings(result), left(result, "settling")) == (["op1 14 14:00-15:00"], ["op1 14 15:00-17:00"])
        office.wait(minutes=15)
        assert openings(office.cycle()) == ["op1 14 14:00-17:00"]


def test_minutes_that_become_free_inside_an_old_opening_are_young(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview", openings={"shortest": "20 minutes"}) as office:
        booked = office.sandbox.staff(action="book", PatNum=9, Op=1, AptDateTime=f"{TODAY} 14:20:00", Pattern="XXXX")
        office.wait(minutes=16)
        assert openings(office.cycle()) == ["op1 14 14:00-14:20", "op1 14 14:40-15:00"]
        office.sandbox.staff(action="delete", AptNum=booked["AptNum"])
        office.wait(seconds=1)
        office.session.mirror.hint(appointments=[booked["AptNum"]])
        result = office.cycle()
        assert openings(result) == ["op1 14 14:00-14:20", "op1 14 14:40-15:00"]
        assert left(result, "settling") == ["op1 14 14:20-14:40"]
        office.wait(minutes=15)
        assert openings(office.cycle()) == ["op1 14 14:00-15:00"]


def test_time_that_was_taken_in_between_begins_to_settle_anew(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview") as office:
        office.cycle()
        row = office.sandbox.staff(action="blockout", BlockoutType=LUNCH, **BLOCKOUT)
        office.session.mirror.hint(days=[date.fromisoformat(TODAY)])
        assert openings(office.cycle()) == []
        office.wait(hours=1)
        office.sandbox.staff(action="delete_schedule", ScheduleNum=row["ScheduleNum"])
        assert left(office.cycle(), "settling") == ["op1 14 14:00-15:00"]


def test_time_that_was_booked_and_freed_while_nobody_looked_is_young(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview", openings={"notice": "1 hour"}) as office:
        office.cycle()
        office.wait(hours=1)
        book = {"PatNum": 9, "Op": 1, "AptDateTime": f"{TODAY} 14:00:00", "Pattern": "X" * 12}
        booked = office.sandbox.staff(action="book", **book)
        office.wait(minutes=50)
        office.sandbox.staff(action="delete", AptNum=booked["AptNum"])
        office.wait(minutes=1)
        assert left(office.cycle(), "settling") == ["op1 14 14:00-15:00"]
        office.wait(minutes=15)
        assert openings(office.cycle()) == ["op1 14 14:00-15:00"]


def test_the_same_holds_over_a_restart(bench: Bench) -> None:
    bench.policy(mode="preview", openings={"notice": "1 hour"})
    assert len(bench.clinic("once")["openings"]) == 1
    bench.pass_time(60)
    book = {"PatNum": 9, "Op": 1, "AptDateTime": f"{TODAY} 14:00:00", "Pattern": "X" * 12}
    booked = bench.sandbox.staff(action="book", **book)
    bench.pass_time(50)
    bench.sandbox.staff(action="delete", AptNum=booked["AptNum"])
    bench.pass_time(1)
    assert bench.clinic("once")["openings"] == []


def test_at_the_first_look_the_offices_history_tells_what_was_just_vacated(tmp_path: Path) -> None:
    without_15 = [row for row in office_file()["appointments"] if row["AptNum"] != 15]
    with serving(tmp_path, office_file(appointments=without_15), mode="preview") as office:
        book = {"PatNum": 8, "Op": 1, "AptDateTime": f"{TODAY} 15:00:00", "Pattern": "X" * 24}
        moved = office.sandbox.staff(action="book", **book)
        office.sandbox.staff(action="cancel", AptNum=11)
        office.wait(minutes=20)
        office.sandbox.staff(action="delete", AptNum=10)
        office.sandbox.staff(action="move", AptNum=moved["AptNum"], Op=2, AptDateTime=f"{TODAY} 15:00:00")
        office.wait(minutes=1)
        result = office.cycle()
        assert openings(result) == ["op1 14 14:00-15:00", "op1 20 10:00-11:00"]
        assert left(result, "settling") == ["op1 14 13:00-14:00", "op1 14 15:00-17:00"]


def test_without_a_readable_history_nothing_has_settled_at_the_first_look(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview") as office:
        office.sandbox.faults([{"kind": "500", "path": "histappointments"}])
        assert openings(office.cycle()) == []
        office.sandbox.faults([])
        office.wait(minutes=15)
        assert openings(office.cycle()) == ["op1 14 14:00-15:00"]


def test_a_cycle_that_failed_was_no_look(tmp_path: Path) -> None:
    with serving(tmp_path, mode="preview") as office:
        office.sandbox.faults([{"kind": "401"}])
        assert office.cycle().errors
        office.sandbox.faults([])
        assert openings(office.cycle()) == ["op1 14 14:00-15:00"]


def test_looking_without_acting_does_not_make_an_opening_older(tmp_path: Path) -> None:
    with serving(tmp_path, office_file(), mode="preview") as office:
        office.cycle()
        office.sandbox.staff(action="cancel", AptNum=11)
        plan = office.bench.clinic("openings")
        assert [item["start"] for item in plan["left_alone"] if item["reason"] == "settling"] == ["2026-04-20T10:00:00"]
        office.wait(minutes=16)
        # The first cycle to see it begins the count.
        assert left(office.cycle(), "settling") == ["op1 20 10:00-11:00"]
