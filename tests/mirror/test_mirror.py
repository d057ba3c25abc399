"""When the mirror notices what happens at the office, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from asapfill.mirror.mirror import Mirror
from asapfill.opendental.errors import WrongKey
from asapfill.sandbox.office import staff
from asapfill.store.database import FILE_NAME
from tests.cycle.office import LUNCH, MONDAY, TODAY, appointment, hours, office_file, unscheduled
from tests.daemon.bench import policy_text
from tests.mirror.in_process import Served, in_process

Row = dict[str, Any]
NEXT_WEEK = "2026-04-24"


@contextmanager
def looking(folder: Path, *, policy: str = policy_text(mode="preview"), **changes: Any) -> Iterator[Served]:
    """The small office after its first cycle."""
    office = office_file(**changes)
    with in_process(folder, policy, office) as served:
        served.start()
        served.tick()
        yield served


def do(served: Served, **action: Any) -> Row:
    """Staff do something."""
    return staff.apply(served.world.office, action)


def mirror(served: Served) -> Mirror:
    """The mirror of the process that runs."""
    return served.now.mirror


def visits(served: Served) -> dict[int, datetime | None]:
    """What the mirror believes about appointments: AptNum and time."""
    return {row.apt_num: row.apt_date_time for row in mirror(served).office().appointments}


def minutes_until(served: Served, noticed: Callable[[], bool], most: int) -> int:
    """Cycles, a minute apart, until something is noticed."""
    for minutes in range(1, most + 1):
        served.tick()
        if noticed():
            return minutes
    pytest.fail(f"not noticed within {most} minutes")


def test_what_is_booked_moved_or_cancelled_shows_in_the_next_cycle(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        booked = do(office, action="book", PatNum=9, Op=1, AptDateTime=f"{NEXT_WEEK} 14:00:00", Pattern="XXXX")
        do(office, action="move", AptNum=11, Op=2, AptDateTime=f"{TODAY} 16:00:00")
        do(office, action="cancel", AptNum=10)
        office.tick()
        rows = {row.apt_num: row for row in mirror(office).office().appointments}
        assert visits(office)[booked["AptNum"]] == datetime(2026, 4, 24, 14)
        assert (visits(office)[11], rows[11].op) == (datetime(2026, 4, 14, 16), 2)
        assert rows[10].apt_status == "UnschedList"


@pytest.mark.parametrize("number", [10, 11])
def test_what_is_deleted_with_a_trace_in_the_history_is_noticed_in_eight_minutes(tmp_path: Path, number: int) -> None:
    with looking(tmp_path) as office:
        do(office, action="delete", AptNum=number)
        minutes_until(office, lambda: number not in visits(office), most=8)


@pytest.mark.parametrize(("number", "most"), [(10, 20), (11, 95)])
def test_what_is_deleted_without_a_trace_is_noticed_when_its_day_has_its_turn(
    tmp_path: Path, number: int, most: int
) -> None:
    """Today in twenty minutes, a far day in an hour and a half."""
    with looking(tmp_path) as office:
        del office.world.office.appointments[number]
        minutes_until(office, lambda: number not in visits(office), most=most)


@pytest.mark.parametrize(("day", "most"), [(TODAY, 7), (NEXT_WEEK, 33)])
def test_a_blockout_is_noticed_in_minutes_on_near_days_and_in_half_an_hour_on_far_ones(
    tmp_path: Path, day: str, most: int
) -> None:
    with looking(tmp_path) as office:
        made = do(office, action="blockout", SchedDate=day, StartTime="14:00:00", StopTime="15:00:00",
                  operatories=[1], BlockoutType=LUNCH)["ScheduleNum"]  # fmt: skip

        def known() -> bool:
            return made in {row.schedule_num for row in mirror(office).office().schedules}

        minutes_until(office, known, most=most)
        do(office, action="delete_schedule", ScheduleNum=made)
        minutes_until(office, lambda: not known(), most=most)


def test_who_leaves_the_asap_list_and_who_comes_is_known_in_the_next_cycle(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        do(office, action="priority", AptNum=12, Priority="Normal")
        do(office, action="priority", AptNum=15, Priority="ASAP")
        office.tick()
        assert {row.apt_num for row in mirror(office).office().asap} == {11, 14, 15}


def test_a_planned_visit_that_is_scheduled_leaves_the_asap_list_wherever_it_is_scheduled(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        do(office, action="book", PatNum=5, Op=1, AptDateTime="2026-08-03 09:00:00", Pattern="XXXX", NextAptNum=14)
        office.tick()
        assert {row.apt_num for row in mirror(office).office().asap} == {11, 12}


def test_a_recall_that_becomes_urgent_is_found_page_by_page_with_the_patients_others(tmp_path: Path) -> None:
    more = [{"RecallNum": number, "PatNum": 1 + number % 9, "RecallTypeNum": 1} for number in range(30, 280)]
    with looking(tmp_path, more_recalls=more) as office:
        of_patient = {row["RecallNum"] for row in office.world.office.recalls.values() if row["PatNum"] == 2}
        do(office, action="priority", RecallNum=271, Priority="ASAP")
        assert 271 in of_patient

        def found() -> set[int]:
            return {row.recall_num for row in mirror(office).office().recalls if row.pat_num == 2}

        assert found() == set()
        # Three pages, one in ten minutes by day.
        minutes_until(office, lambda: bool(found()), most=45)
        assert found() == of_patient


def test_a_day_that_comes_into_sight_is_read_alone(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        office.clock.sleep(14 * 3600 - 120)  # to the last minute before midnight
        for _ in range(4):
            office.tick()
        before = len(office.transport.asked)
        for _ in range(4):
            office.tick()
        days = [asked for _, asked in office.transport.asked[before:] if "2026-04-29" in asked]
        assert mirror(office).office().last == date(2026, 4, 29)
        assert len([asked for asked in days if "/asapcomms" not in asked]) <= 3


def test_the_office_is_put_together_once_until_something_changes(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        before = mirror(office).office()
        office.tick()
        assert mirror(office).office() is before
        do(office, action="cancel", AptNum=10)
        office.tick()
        assert mirror(office).office() is not before


def test_a_hint_is_looked_at_before_the_next_plan(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        del office.world.office.appointments[11]
        made = do(office, action="blockout", SchedDate=NEXT_WEEK, StartTime="14:00:00", StopTime="15:00:00",
                  operatories=[1], BlockoutType=LUNCH)["ScheduleNum"]  # fmt: skip
        mirror(office).hint(days=[date.fromisoformat(NEXT_WEEK)], appointments=[11])
        office.tick()
        assert 11 not in visits(office)
        assert made in {row.schedule_num for row in mirror(office).office().schedules}


def test_hints_about_what_does_not_matter_cost_nothing(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        usual = office.tick()
        mirror(office).hint(days=[date(2027, 1, 1), date(2020, 1, 1)], appointments=[0, -1, 4711])
        assert office.tick().total() <= usual.total() + 1


def test_a_bulk_change_is_not_read_again_in_each_cycle(tmp_path: Path) -> None:
    rows = [unscheduled(200 + number, 1 + number % 9, Priority="Normal") for number in range(250)]
    with looking(tmp_path, more_appointments=rows) as office:
        for number in range(200, 450):
            do(office, action="priority", AptNum=number, Priority="Normal")
        for _ in range(4):
            office.tick()
        assert office.tick()["appointments"] <= 2


def test_the_offices_clock_is_known_although_nothing_changes(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        do(office, action="cancel", AptNum=10)
        office.clock.sleep(600)
        office.tick()
        office.world.catch_up = lambda: office.world.life.advance(  # type: ignore[method-assign] # a World has no such knob
            office.world.clock.now().astimezone(office.world.office.timezone).replace(tzinfo=None)
            + timedelta(minutes=4)
        )
        office.tick()
        skew = mirror(office).skew
        assert skew is not None
        assert abs(skew - timedelta(minutes=4)) < timedelta(seconds=5)


def test_a_mirror_that_could_not_read_still_knows_what_it_knew(tmp_path: Path) -> None:
    with looking(tmp_path) as office:
        before = mirror(office).office()
        office.world.faults.replace([{"kind": "401"}])
        with pytest.raises(WrongKey):
            mirror(office).refresh(datetime(2026, 4, 14, 10, 5), timedelta(days=14), [])
        assert mirror(office).office() is before


def asked_about_offers(served: Served, cycles: int) -> int:
    """How often offers were read in so many cycles."""
    return sum(served.tick()["offers"] for _ in range(cycles))


def test_offers_are_read_in_each_cycle_only_while_patients_may_be_answering(tmp_path: Path) -> None:
    automatic = policy_text(openings={"notice": "1 hour"})
    with looking(tmp_path, policy=automatic) as office:
        assert len(office.now.journal.live()) == 1
        assert asked_about_offers(office, 5) >= 5
    with looking(tmp_path / "quiet") as office:
        assert asked_about_offers(office, 30) <= 4


def test_a_lost_state_never_offers_the_same_slot_again(tmp_path: Path) -> None:
    """Offers are read back as far as slots are offered ahead: what the journal forgot, the office still tells."""
    far = "2026-04-27"
    changes: Row = {
        "schedules": [hours(far, "10:00", "11:00")],
        "appointments": [unscheduled(12, 3)],
        "recalls": [],
    }
    policy = policy_text(
        openings={"look_ahead": "14 days"}, texts={"per_patient_per_day": 3, "per_patient_per_week": 9}
    )
    with looking(tmp_path, policy=policy, **changes) as office:
        assert len(office.world.office.asapcomms) == 1
        office.end()
        for beside in ("", "-wal", "-shm"):
            (tmp_path / "state" / f"{FILE_NAME}{beside}").unlink(missing_ok=True)
        office.clock.sleep(timedelta(days=10).total_seconds())
        office.start()
        for _ in range(3):
            office.tick()
        assert len(office.world.office.asapcomms) == 1


def test_an_office_restored_from_a_backup_is_noticed_and_read_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = [appointment(20, 7, f"{NEXT_WEEK} 09:00:00")]
    with looking(tmp_path, more_appointments=more) as office:
        backup = dict(office.world.office.appointments[20])
        office.clock.sleep(60)
        do(office, action="move", AptNum=20, Op=2, AptDateTime=f"{MONDAY} 16:00:00")
        do(office, action="cancel", AptNum=10)
        office.tick()
        office.world.office.appointments[20] = backup
        # The day on which it lies now is read when its turn comes; the rest follows at once.
        minutes_until(office, lambda: visits(office).get(20) == datetime(2026, 4, 24, 9), most=95)
        assert "DateTStamp" not in caplog.text


def test_a_first_reading_of_the_recalls_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    more = [{"RecallNum": number, "PatNum": 1 + number % 9, "RecallTypeNum": 1} for number in range(30, 480)]
    with in_process(tmp_path, policy_text(mode="preview"), office_file(more_recalls=more)) as office:
        office.world.faults.replace([{"kind": "401", "path": "recalls", "skip": 3}])
        office.start()
        look = (datetime(2026, 4, 14, 10), timedelta(days=14), ())
        with pytest.raises(WrongKey):
            mirror(office).refresh(*look)
        office.world.faults.replace([])
        before = len(office.transport.asked)
        mirror(office).refresh(*look)
        asked = [line for _, line in office.transport.asked[before:] if "/recalls?" in line]
        assert [line.rsplit("=", 1)[1] for line in asked] == ["297", "396"]
        # All of patient 6, who is on the list; nobody else's.
        known = {row.recall_num for row in mirror(office).office().recalls}
        assert known == {row["RecallNum"] for row in office.world.office.recalls.values() if row["PatNum"] == 6}
