"""An office's events against the sandbox: subscriptions made, mended and removed, and silence that is noticed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from asapfill.core.office import Office
from asapfill.core.values import read_version
from asapfill.store.offices import kept_events
from asapfill.webhooks import subscriptions as module
from asapfill.webhooks.subscriptions import WATCHED, CycleFacts, OfficeWebhooks
from tests.cycle.office import CUSTOMER, TODAY
from tests.webhooks.simulated import Simulated, simulated, wall_clock

URL = "http://127.0.0.1:1/hooks/main-street/"
"""Nobody listens there."""
OTHERS = "https://other.example/"


@dataclass
class Tended:
    """An office whose events are tended by hand. ``last_delivery``: when the last delivery came."""

    town: Simulated
    events: OfficeWebhooks
    last_delivery: datetime | None = None

    def maintain(self) -> str:
        """Once, as after a cycle; what is wrong."""
        version = read_version(self.town.world.office.version)
        self.events.maintain(
            self.town.client, CycleFacts(version, wall_clock(self.town), self.last_delivery, self.known)
        )
        return self.events.trouble

    def known(self) -> Office:
        """What a cycle knows: everything."""
        day = date.fromisoformat(TODAY)
        appointments = self.town.client.appointments(date_start=day, date_end=day).rows
        schedules = self.town.client.schedules(date_start=day, date_end=day).rows
        return Office(day, day, appointments=appointments, schedules=schedules)

    def again(self, **changes: Any) -> Tended:
        """After a restart, with other settings perhaps."""
        before = self.events
        events = OfficeWebhooks(before.name, before.url, before.workstation, before.clock, before.store)
        for name, value in changes.items():
            setattr(events, name, value)
        events.kept = kept_events(before.store, before.name)
        return Tended(self.town, events)

    def tables(self) -> list[str]:
        return [row["WatchTable"] for row in self.town.subscriptions if row["EndPointUrl"] != OTHERS]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Tended]:
    with simulated(tmp_path) as town:
        yield Tended(town, OfficeWebhooks("main-street", URL, "", town.clock, town.store))


def test_subscriptions_are_made_at_once_and_looked_at_daily(office: Tended, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert office.maintain() == ""
    assert [(row["WatchTable"], row["EndPointUrl"], row["PollingSeconds"]) for row in office.town.subscriptions] == [
        (table, URL, 5) for table in WATCHED
    ]
    # What changed before is known already and is not to be delivered.
    assert {row["DateTimeStart"] for row in office.town.subscriptions} == {f"{TODAY} 10:00:00"}
    assert CUSTOMER not in caplog.text
    assert caplog.text.count("events.subscribed office=main-street table=") == 3
    for _ in range(23):
        office.town.wait(hours=1)
        office.last_delivery = wall_clock(office.town)
        office.maintain()
    asked = office.town.asked("GET")
    assert asked == 1
    office.town.wait(hours=2)
    office.last_delivery = wall_clock(office.town)
    office.maintain()
    assert office.town.asked("GET") > asked
    assert office.town.asked("POST") == 3


def test_a_restart_makes_none_twice(office: Tended) -> None:
    office.maintain()
    assert office.again().maintain() == ""
    assert (office.town.asked("POST"), len(office.tables())) == (3, 3)


def test_what_somebody_changed_is_mended_and_others_stay_as_they_are(office: Tended) -> None:
    others = office.town.subscribe(EndPointUrl=OTHERS, PollingSeconds=99)
    before = dict(others)
    office.maintain()
    rows = office.town.world.office.subscriptions
    rows[2]["PollingSeconds"] = 3600
    rows[3]["Workstation"] = "FRONTDESK"
    del rows[4]
    office.town.subscribe(EndPointUrl=URL, Workstation="FRONTDESK")
    assert office.again().maintain() == ""
    assert sorted(office.tables()) == sorted(WATCHED)
    assert {(row["PollingSeconds"], row["Workstation"]) for row in rows.values() if row["EndPointUrl"] == URL} == {
        (5, "")
    }
    assert others == before


def test_another_workstation_or_address_in_the_settings_is_followed(office: Tended) -> None:
    office.maintain()
    moved = office.again(url=URL.replace("hooks", "events"), workstation="SERVER")
    assert moved.maintain() == ""
    assert {(row["EndPointUrl"], row["Workstation"]) for row in office.town.subscriptions} == {
        (URL.replace("hooks", "events"), "SERVER")
    }
    assert len(office.tables()) == 3
    assert kept_events(office.town.store, "main-street").addresses == (URL.replace("hooks", "events"),)


def test_switched_off_ours_are_removed_and_then_nothing_is_asked_any_more(office: Tended) -> None:
    office.town.subscribe(EndPointUrl=OTHERS)
    office.maintain()
    off = office.again(url="")
    assert off.maintain() == ""
    assert [row["EndPointUrl"] for row in office.town.subscriptions] == [OTHERS]
    asked = office.town.asked("GET")
    for _ in range(3):
        office.town.wait(hours=30)
        off.maintain()
        off = off.again()
    assert office.town.asked("GET") == asked


def test_where_they_were_never_on_nothing_is_asked(office: Tended) -> None:
    assert office.again(url="").maintain() == ""
    assert office.town.asked("GET") == 0


def test_without_the_permission_to_delete_they_are_ended(office: Tended) -> None:
    office.town.without("ApiAllOthers")
    office.maintain()
    assert office.again(url="").maintain() == ""
    assert {row["DateTimeStop"] for row in office.town.subscriptions} == {f"{TODAY} 10:00:00"}
    assert kept_events(office.town.store, "main-street").addresses == ()
    # And they can be switched on again beside those that have ended.
    office.town.wait(minutes=1)
    assert office.again().maintain() == ""
    assert len(office.town.subscriptions) == 6


def test_trouble_with_the_api_is_told_once_and_tried_again(office: Tended, caplog: pytest.LogCaptureFixture) -> None:
    office.town.without("ApiReadAll")
    assert "permission" in office.maintain()
    asked = office.town.asked("GET")
    office.town.wait(minutes=9)
    office.maintain()
    assert office.town.asked("GET") == asked
    office.town.wait(minutes=1)
    office.maintain()
    assert caplog.text.count("events.trouble") == 1
    office.town.world.office.securityperms["ApiReadAll"] = True
    office.town.wait(minutes=10)
    assert office.maintain() == ""
    assert len(office.tables()) == 3


def test_an_answer_that_was_lost_makes_no_double(office: Tended) -> None:
    office.town.world.faults.replace([{"kind": "drop_after", "method": "POST", "path": "subscriptions", "count": 1}])
    assert office.maintain()
    assert len(office.tables()) == 1
    office.town.wait(minutes=10)
    assert office.maintain() == ""
    assert sorted(office.tables()) == sorted(WATCHED)


@pytest.mark.parametrize(("version", "tables"), [("23.3.3.0", list(WATCHED[:2])), ("24.2.11.0", list(WATCHED))])
def test_an_older_open_dental_watches_what_it_can(tmp_path: Path, version: str, tables: list[str]) -> None:
    with simulated(tmp_path, version=version) as town:
        office = Tended(town, OfficeWebhooks("main-street", URL, "", town.clock, town.store))
        assert office.maintain() == ""
        assert office.tables() == tables


def test_one_without_events_is_told_once_and_never_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with simulated(tmp_path, version="21.4.9.0") as town:
        office = Tended(town, OfficeWebhooks("main-street", URL, "", town.clock, town.store))
        for _ in range(3):
            assert office.maintain() == module.TOO_OLD
            town.wait(hours=30)
        assert (town.asked("GET"), caplog.text.count("events.too_old")) == (0, 1)
        assert kept_events(town.store, "main-street").problem == module.TOO_OLD


def test_a_change_that_was_not_delivered_is_noticed_within_minutes(
    office: Tended, caplog: pytest.LogCaptureFixture
) -> None:
    office.town.world.feed.producers = 0
    office.maintain()
    office.town.wait(minutes=30)
    assert office.maintain() == ""
    office.town.staff(action="move", AptNum=10, Op=1, AptDateTime=f"{TODAY} 14:00:00")
    office.town.wait(minutes=9)
    assert office.maintain() == ""
    assert office.town.asked("GET") == 1
    office.town.wait(minutes=2)
    trouble = office.maintain()
    assert trouble == module.NOT_DELIVERED.format(since=datetime(2026, 4, 14, 10), url=URL)
    assert "04-14 10:00" in trouble
    # Delivered at last: DateTimeStart has moved on.
    for row in office.town.subscriptions:
        row["DateTimeStart"] = f"{TODAY} 10:42:00"
    office.last_delivery = wall_clock(office.town)
    office.town.wait(minutes=10)
    assert office.maintain() == ""
    assert caplog.text.count("events.trouble") == 1


def test_a_quiet_office_is_not_taken_for_a_broken_one(office: Tended) -> None:
    office.town.world.feed.producers = 0
    office.maintain()
    for _ in range(20):
        office.town.wait(hours=1)
        assert office.maintain() == ""
    assert office.town.asked("GET") == 1


def test_deliveries_that_go_elsewhere_are_noticed(office: Tended) -> None:
    office.town.world.feed.producers = 0
    office.maintain()
    office.town.wait(minutes=5)
    office.town.staff(action="move", AptNum=10, Op=1, AptDateTime=f"{TODAY} 14:00:00")
    office.town.wait(minutes=11)
    for row in office.town.subscriptions:
        row["DateTimeStart"] = f"{TODAY} 10:10:00"
    assert office.maintain() == module.ELSEWHERE.format(url=URL)
    again = office.again()
    again.last_delivery = wall_clock(office.town)
    assert again.maintain() == ""


def test_the_address_is_kept_before_anything_is_made_there(office: Tended) -> None:
    office.town.world.faults.replace([{"kind": "drop_before", "method": "POST", "path": "subscriptions"}])
    assert office.maintain()
    assert kept_events(office.town.store, "main-street").addresses == (URL,)
    office.events.keep(replace(office.events.kept, problem="x"))
    assert kept_events(office.town.store, "main-street").problem == "x"
