"""What the simulated Open Dental delivers, as the facts have it, received by a plain server of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cycle.office import CUSTOMER, MONDAY, TODAY, appointment
from tests.webhooks.senders import until
from tests.webhooks.simulated import Simulated, simulated

Row = dict[str, Any]


@dataclass
class Inbox:
    """A receiver. ``status``: what it answers."""

    url: str = ""
    status: int = 204
    came: list[tuple[Row, list[Row]]] = field(default_factory=list)

    def rows(self) -> list[Row]:
        return [row for _, rows in self.came for row in rows]


@contextmanager
def inbox() -> Iterator[Inbox]:
    found = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.came.append((dict(self.headers), json.loads(body)))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/events/"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def post() -> Iterator[Inbox]:
    with inbox() as found:
        yield found


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Simulated]:
    with simulated(tmp_path) as found:
        yield found


def taken(town: Simulated, polls: int) -> None:
    until(lambda: town.world.feed.counts["taken"] >= polls, f"{polls} polls that were taken")


def subscribe(town: Simulated, post: Inbox, table: str = "Appointment", **more: Any) -> Row:
    columns = {"EndPointUrl": post.url, "WatchTable": table, "DateTimeStart": f"{TODAY} 10:00:00"}
    return town.subscribe(**columns | more)


def test_a_changed_row_comes_with_the_bare_key_and_the_name_of_the_table(town: Simulated, post: Inbox) -> None:
    row = subscribe(town, post)
    town.staff(action="cancel", AptNum=15)
    town.wait(seconds=5)
    taken(town, 1)
    ((headers, (appointment,)),) = post.came
    assert (headers["Authorization"], headers["Event-Type"]) == (CUSTOMER, "WatchTable: Appointment")
    assert headers["Workstation"]
    assert (appointment["AptNum"], appointment["AptStatus"]) == (15, "UnschedList")
    assert "serverDateTime" not in appointment
    assert row["DateTimeStart"] == f"{TODAY} 10:00:05"
    town.wait(minutes=5)
    town.staff(action="cancel", AptNum=10)
    town.wait(seconds=5)
    taken(town, 2)
    assert [row["AptNum"] for row in post.rows()] == [15, 10]


def test_of_several_changes_of_a_row_the_last_state_comes(town: Simulated, post: Inbox) -> None:
    subscribe(town, post)
    town.staff(action="move", AptNum=10, Op=1, AptDateTime=f"{MONDAY} 15:00:00")
    town.wait(seconds=1)
    town.staff(action="cancel", AptNum=10)
    town.wait(seconds=5)
    taken(town, 1)
    assert [row["AptStatus"] for row in post.rows()] == ["UnschedList"]


@pytest.mark.parametrize("status", [500, 401, 302, 429])
def test_what_is_not_taken_comes_again(town: Simulated, post: Inbox, status: int) -> None:
    row = subscribe(town, post)
    post.status = status
    town.staff(action="cancel", AptNum=15)
    town.wait(seconds=5)
    until(lambda: town.world.feed.counts["failed"] == 1, "a poll that failed")
    assert row["DateTimeStart"] == f"{TODAY} 10:00:00"
    post.status = 200
    town.wait(seconds=5)
    taken(town, 1)
    assert [row["AptNum"] for row in post.rows()] == [15, 15]
    assert row["DateTimeStart"] == f"{TODAY} 10:00:10"


def test_a_deleted_appointment_comes_from_the_history(town: Simulated, post: Inbox) -> None:
    subscribe(town, post)
    subscribe(town, post, "AppointmentDeleted")
    town.staff(action="delete", AptNum=15)
    town.wait(seconds=5)
    taken(town, 1)
    ((headers, (row,)),) = post.came
    assert headers["Event-Type"] == "WatchTable: AppointmentDeleted"
    assert (row["AptNum"], row["HistApptAction"]) == (15, "Deleted")
    assert row["HistApptNum"]


def test_schedules_come_without_operatories_and_deleted_ones_never(town: Simulated, post: Inbox) -> None:
    subscribe(town, post, "Schedule")
    town.staff(
        action="blockout",
        SchedDate=TODAY,
        StartTime="13:00:00",
        StopTime="14:00:00",
        operatories=[1],
        BlockoutType=248,
    )
    made = max(town.world.office.schedules)
    town.wait(seconds=5)
    taken(town, 1)
    (row,) = post.rows()
    assert "operatories" not in row
    assert (row["ScheduleNum"], row["SchedDate"]) == (str(made), TODAY)
    town.staff(action="delete_schedule", ScheduleNum=made)
    town.wait(seconds=5)
    town.staff(action="blockout", SchedDate=MONDAY, StartTime="13:00:00", StopTime="14:00:00", operatories=[1],
               BlockoutType=248)  # fmt: skip
    town.wait(seconds=5)
    taken(town, 2)
    assert [row["SchedDate"] for row in post.rows()] == [TODAY, MONDAY]


def test_a_thousand_rows_at_a_time(tmp_path: Path, post: Inbox) -> None:
    stamp = f"{TODAY} 09:59:59"
    many = [appointment(number, 1, f"{MONDAY} 09:00:00", DateTStamp=stamp) for number in range(1000, 3100)]
    with simulated(tmp_path, more_appointments=many) as town:
        subscribe(town, post, DateTimeStart=f"{TODAY} 09:59:00")
        town.wait(seconds=5)
        taken(town, 1)
        assert [len(rows) for _, rows in post.came] == [1000, 1000, 100]
        assert town.world.feed.counts["rows"] == 2100


def test_catching_up_reaches_three_days_back(town: Simulated, post: Inbox) -> None:
    rows = town.world.office.appointments
    rows[10]["DateTStamp"], rows[15]["DateTStamp"] = "2026-04-11 10:00:04", "2026-04-11 10:00:05"
    subscribe(town, post, DateTimeStart="2026-04-01 00:00:00")
    town.wait(seconds=5)
    taken(town, 1)
    assert [row["AptNum"] for row in post.rows()] == [15]


def test_no_program_no_events_and_two_programs_everything_twice(town: Simulated, post: Inbox) -> None:
    subscribe(town, post)
    subscribe(town, post, Workstation="SOMEWHERE-ELSE")
    subscribe(town, post, DateTimeStop=f"{TODAY} 10:00:01")
    town.world.feed.producers = 0
    town.staff(action="cancel", AptNum=15)
    town.wait(seconds=60)
    town.world.feed.producers = 2
    town.wait(seconds=5)
    taken(town, 2)
    assert [row["AptNum"] for row in post.rows()] == [15, 15]


def test_nothing_is_posted_beyond_this_machine(town: Simulated, post: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    subscribe(town, post, EndPointUrl="http://192.0.2.1/events/")
    town.staff(action="cancel", AptNum=15)
    town.wait(seconds=5)
    until(lambda: town.world.feed.counts["failed"] == 1, "a poll that failed")
    assert "sandbox.event_not_sent" in caplog.text
