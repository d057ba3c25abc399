"""The mirror equals the office, whatever staff do in between, once it has gone round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asapfill.clock import SteppedClock, office_now
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import WrongKey
from asapfill.opendental.mirror import Mirror
from tests.sandbox.desk import Desk, served
from tests.service.office import CUSTOMER, DEVELOPER, HOLD, LUNCH, appointment, hours, office_file
from tests.service.serving import PACIFIC

Row = dict[str, Any]

START = datetime(2026, 4, 14, 17, 0, tzinfo=UTC)
AHEAD = timedelta(days=3)
DAYS = [date(2026, 4, 14) + timedelta(days=number) for number in range(4)]
ROUND = 16
"""Refreshes, a minute apart: each day was read again, and so were the schedules of far days (15 minutes)."""
NO_CHAIR = {"UnschedList", "Planned"}
ASKABLE = {"Scheduled", "UnschedList", "Planned", "Broken"}


class Mirrored:
    """A mirror of an office in this process, refreshed once a minute."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.clock = SteppedClock(START)
        url = f"http://127.0.0.1:{desk.port}/api/v1"
        self.client = OpenDental("main-street", [url], DEVELOPER, CUSTOMER, clock=self.clock)
        self.mirror = Mirror(self.client, self.clock)

    def refresh(self, *, minutes: float = 1) -> None:
        self.desk.advance(minutes=minutes)
        self.clock.sleep(60 * minutes)
        self.mirror.refresh(office_now(self.clock.now(), PACIFIC), AHEAD, [])

    def known(self) -> dict[str, object]:
        """What the mirror believes about the days ahead."""
        office = self.mirror.office()
        return {
            "appointments": {
                (row.apt_num, row.apt_status, row.op, f"{row.apt_date_time}", row.pattern, row.priority)
                for row in office.appointments
                if row.apt_date_time and row.apt_date_time.date() in DAYS and row.apt_status not in NO_CHAIR
            },
            "schedules": {
                (
                    row.schedule_num,
                    row.sched_type,
                    f"{row.sched_date} {row.start_time}-{row.stop_time}",
                    row.operatories,
                )
                for row in office.schedules
                if row.sched_date in DAYS
            },
            "asap": {row.apt_num for row in office.asap},
        }

    def true(self) -> dict[str, object]:
        """The same by the office's own tables."""
        office = self.desk.control("office")
        days = tuple(str(day) for day in DAYS)
        return {
            "appointments": {
                (row["AptNum"], row["AptStatus"], row["Op"], row["AptDateTime"], row["Pattern"], row["Priority"])
                for row in office["appointments"]
                if row["AptDateTime"].startswith(days) and row["AptStatus"] not in NO_CHAIR
            },
            "schedules": {
                (
                    row["ScheduleNum"],
                    row["SchedType"],
                    f"{row['SchedDate']} {row['StartTime']}-{row['StopTime']}",
                    tuple(row["operatories"]),
                )
                for row in office["schedules"]
                if row["SchedDate"] in days
            },
            "asap": {
                row["AptNum"]
                for row in office["appointments"]
                if row["Priority"] == "ASAP" and row["AptStatus"] in ASKABLE
            },
        }


@contextmanager
def mirrored(**changes: Any) -> Iterator[Mirrored]:
    rows = [appointment(100 + number, 1 + number % 9, f"{DAYS[number % 4]} 13:00:00") for number in range(8)]
    office = office_file(
        more_appointments=rows, more_schedules=[hours(f"{day}", "08:00", "17:00") for day in DAYS], **changes
    )
    with served(office) as desk:
        mirrored = Mirrored(desk)
        try:
            yield mirrored
        finally:
            mirrored.client.close()


numbers = st.integers(0, 50)
days = st.sampled_from([*DAYS, date(2026, 4, 30), date(2026, 3, 2)])
moments = st.builds(lambda day, unit: f"{day} {8 + unit // 12:02}:{unit % 12 * 5:02}:00", days, st.integers(0, 100))
operatories = st.sampled_from([1, 2])
actions = st.one_of(
    st.fixed_dictionaries({"action": st.sampled_from(["cancel", "break", "delete", "complete"]), "AptNum": numbers}),
    st.fixed_dictionaries({"action": st.just("move"), "AptNum": numbers, "Op": operatories, "AptDateTime": moments}),
    st.fixed_dictionaries(
        {
            "action": st.just("book"),
            "PatNum": st.integers(1, 9),
            "Op": operatories,
            "AptDateTime": moments,
            "Pattern": st.sampled_from(["XX", "//XXXX//"]),
        }
    ),
    st.fixed_dictionaries(
        {"action": st.just("priority"), "AptNum": numbers, "Priority": st.sampled_from(["ASAP", "Normal"])}
    ),
    st.fixed_dictionaries(
        {
            "action": st.just("blockout"),
            "SchedDate": days.map(str),
            "StartTime": st.just("14:00:00"),
            "StopTime": st.just("14:30:00"),
            "operatories": st.sampled_from([[1], [2], [1, 2]]),
            "BlockoutType": st.sampled_from([LUNCH, HOLD]),
        }
    ),
    st.fixed_dictionaries({"action": st.just("delete_schedule"), "ScheduleNum": numbers}),
    st.just({"action": "refresh"}),
)


def do(action: Row, office: Mirrored) -> None:
    """One thing that staff do; a number chooses among the rows that there are."""
    if action["action"] == "refresh":
        office.refresh()
        return
    rows = office.desk.control("office")
    for key, table in (("AptNum", "appointments"), ("ScheduleNum", "schedules")):
        if key in action:
            if not rows[table]:
                return
            action = action | {key: rows[table][action[key] % len(rows[table])][key]}
    office.desk.staff(**action)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, min_size=1, max_size=12))
def test_after_a_full_round_the_mirror_equals_the_office(done: list[Row]) -> None:
    with mirrored() as office:
        office.refresh()
        assert office.known() == office.true()
        for action in done:
            do(action, office)
        for _ in range(ROUND):
            office.refresh()
        assert office.known() == office.true()


def test_what_happens_to_todays_visits_shows_at_the_latest_in_the_second_refresh() -> None:
    """What was moved or cancelled shows at once; what was deleted, at every other look at today."""
    with mirrored() as office:
        office.refresh()
        office.desk.staff("cancel", AptNum=100)
        office.desk.staff("move", AptNum=104, Op=2, AptDateTime=f"{DAYS[3]} 08:00:00")
        office.refresh()
        assert office.known() == office.true()
        office.desk.staff("delete", AptNum=10)
        for _ in range(2):
            office.refresh()
        assert office.known() == office.true()


def test_a_visit_deleted_on_any_day_ahead_is_gone_after_a_round() -> None:
    """The row vanishes without a trace in the list of changes; reading the days in turn finds it."""
    with mirrored() as office:
        office.refresh()
        for number in (100, 101, 102, 103):
            office.desk.staff("delete", AptNum=number)
        for _ in range(2 * len(DAYS)):
            office.refresh()
        assert office.known() == office.true()


def test_a_refresh_takes_few_requests_once_the_office_is_known() -> None:
    with mirrored() as office:
        office.refresh()
        before = office.client.request_total
        for _ in range(5):
            office.refresh()
        assert (office.client.request_total - before) / 5 <= 8


def test_recalls_are_read_again_twice_a_day() -> None:
    with mirrored() as office:
        office.refresh()
        office.desk.staff("priority", RecallNum=21, Priority="Normal")
        office.refresh(minutes=11 * 60)
        assert len(office.mirror.office().recalls) == 1
        office.refresh(minutes=61)
        assert office.mirror.office().recalls == ()


def test_a_mirror_that_could_not_read_still_knows_what_it_knew() -> None:
    with mirrored() as office:
        office.refresh()
        before = office.known()
        office.desk.faults({"kind": "401"})
        with pytest.raises(WrongKey):
            office.refresh()
        assert office.known() == before


def test_the_offices_clock_is_measured_against_ours() -> None:
    with mirrored() as office:
        office.refresh()
        assert office.mirror.skew is not None
        assert abs(office.mirror.skew) <= timedelta(seconds=1)
        office.desk.advance(minutes=6)
        office.refresh()
        assert office.mirror.skew is not None
        assert abs(office.mirror.skew - timedelta(minutes=6)) <= timedelta(seconds=1)
