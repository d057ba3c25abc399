"""The wire: keys, throttle, versions, faults, clocks, and the log that counts what was sent twice."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from asapfill.sandbox.wire.server import HOST
from tests.sandbox.desk import AUTHORIZATION, OPENING, Desk, office_file, served


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as desk:
        yield desk


@pytest.mark.parametrize(
    "authorization", ["", "ODFHIR wrong/sandbox-customer", "ODFHIR sandbox-developer/", "Bearer x", "ODFHIR"]
)
def test_wrong_keys_are_401_with_a_quoted_string(desk: Desk, authorization: str) -> None:
    reply = desk.call("GET", "appointments", authorization=authorization)
    assert reply.status == 401
    assert isinstance(reply.body, str)
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("ApiReadAll", "GET", "appointments"),
        ("ApiTextingASAP", "POST", "asapcomms"),
        ("ApiComm", "POST", "commlogs"),
        ("ApiAllOthers", "PUT", "commlogs/1"),
        ("ApiReadAll", "POST", "subscriptions"),
        ("ApiAllOthers", "DELETE", "subscriptions/1"),
    ],
)
def test_a_missing_permission_is_401(desk: Desk, permission: str, method: str, path: str) -> None:
    assert desk.call(method, path, {}).status != 401
    desk.staff("permission", Permission=permission, HasPermission=False)
    reply = desk.call(method, path, {})
    assert (reply.status, permission in reply.body) == (401, True)


def test_security_permissions_are_shown_as_text(desk: Desk) -> None:
    desk.staff("permission", Permission="ApiComm", HasPermission=False)
    shown = {row["Permission"]: row["HasPermission"] for row in desk.get("securityperms")}
    assert (shown["ApiReadAll"], shown["ApiComm"]) == ("true", "false")


def test_unknown_resources_are_404_and_unknown_methods_400(desk: Desk) -> None:
    unknown = desk.call("GET", "appointment")
    assert (unknown.status, unknown.body) == (404, "appointment is not a valid resource.")
    wrong = desk.call("DELETE", "asapcomms/1")
    assert (wrong.status, wrong.body) == (400, "asapcomms DELETE  is not a valid method.")
    assert desk.call("GET", "/elsewhere").status == 404


@pytest.mark.parametrize(
    ("path", "method", "since", "before", "status"),
    [
        ("asapcomms?date=2026-04-14", "GET", "23.3.3", "23.3.2", 404),
        ("recalls", "GET", "22.4.40", "22.4.39", 404),
        ("histappointments", "GET", "23.1.30", "23.1.29", 404),
        ("recalltypes", "GET", "24.1.44", "24.1.43", 404),
        ("operatories/1", "GET", "24.1.10", "24.1.9", 400),
        ("providers/1", "GET", "24.4.17", "24.4.16", 400),
        ("labcases", "GET", "24.2.28", "24.2.27", 404),
        ("schedules", "GET", "22.1.0", "21.4.0", 404),
        ("appointmenttypes", "GET", "22.4.10", "22.4.9", 404),
        ("securityperms", "GET", "22.2.0", "22.1.0", 404),
    ],
)
def test_resources_exist_since_their_version(path: str, method: str, since: str, before: str, status: int) -> None:
    with served(office_file(version=since)) as new:
        assert new.call(method, path).status == 200
    with served(office_file(version=before)) as old:
        assert old.call(method, path).status == status


def test_schedules_have_no_time_stamp_in_older_versions() -> None:
    with served(office_file(version="24.3.10.0")) as old, served() as new:
        assert "DateTStamp" not in old.get("schedules")[0]
        assert "DateTStamp" in new.get("schedules")[0]


def test_the_throttle_counts_from_the_end_of_the_last_answer() -> None:
    with served(throttle=1.0) as desk:
        assert desk.call("GET", "operatories").status == 200
        desk.advance(seconds=0.4)
        early = desk.call("GET", "operatories")
        assert (early.status, early.body, early.headers["Retry-After"]) == (429, "Too many requests", "1")
        desk.advance(seconds=0.6)  # a refused request does not prolong the wait
        assert desk.call("GET", "operatories").status == 200


def test_the_throttle_is_per_customer_key() -> None:
    pairs = [["sandbox-developer", "sandbox-customer"], ["sandbox-developer", "other"]]
    with served(office_file(keys=pairs), throttle=5.0) as desk:
        assert desk.call("GET", "operatories").status == 200
        assert desk.call("GET", "operatories", authorization="ODFHIR sandbox-developer/other").status == 200
        assert desk.call("GET", "operatories").status == 429


def test_connections_are_kept_alive(desk: Desk) -> None:
    connection = http.client.HTTPConnection(HOST, desk.port, timeout=10)
    try:
        ports = set()
        for _ in range(3):
            connection.request("GET", "/api/v1/operatories", headers={"Authorization": AUTHORIZATION})
            assert connection.getresponse().read()
            ports.add(connection.sock.getsockname())
        assert len(ports) == 1
    finally:
        connection.close()


def test_it_listens_on_loopback_only() -> None:
    assert HOST == "127.0.0.1"


BROKEN = (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionResetError)


@pytest.mark.parametrize(("kind", "rows"), [("drop_before", 0), ("drop_after", 1), ("truncated", 1)])
def test_a_broken_connection_before_or_after_the_work(desk: Desk, kind: str, rows: int) -> None:
    desk.faults({"kind": kind, "method": "POST", "path": "asapcomms", "count": 1})
    with pytest.raises(BROKEN):
        desk.offer(11)
    assert len(desk.get("asapcomms?date=2026-04-14")) == rows
    assert desk.offer(11).status == 201  # it was one fault only


@pytest.mark.parametrize(
    ("kind", "status", "rows"),
    [("504_before", 504, 0), ("504_after", 504, 1), ("500", 500, 0), ("401", 401, 0), ("429", 429, 0)],
)
def test_an_answer_in_the_offices_place(desk: Desk, kind: str, status: int, rows: int) -> None:
    desk.faults({"kind": kind, "method": "POST"})
    assert desk.offer(11).status == status
    assert len(desk.get("asapcomms?date=2026-04-14")) == rows
    [entry] = desk.log()["writes"]
    assert (entry["fault"], entry["status"]) == (kind, 201 if rows else None)


@pytest.mark.parametrize(("kind", "rows"), [("garbage", 0), ("garbage_after", 1)])
def test_somebody_elses_page(desk: Desk, kind: str, rows: int) -> None:
    desk.faults({"kind": kind, "method": "POST"})
    reply = desk.offer(11)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")
    assert reply.body.startswith("<!DOCTYPE html>")
    assert len(desk.get("asapcomms?date=2026-04-14")) == rows


def test_a_dripping_answer_arrives_whole_but_late(desk: Desk) -> None:
    desk.faults({"kind": "drip", "seconds": 0.2})
    begun = time.monotonic()
    assert len(desk.get("appointments")) == 5
    assert time.monotonic() - begun >= 0.2


def test_a_slow_answer_does_not_hold_up_others(desk: Desk) -> None:
    desk.faults({"kind": "slow", "seconds": 0.5, "path": "appointments"})
    with ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        slow = pool.submit(desk.get, "appointments")
        while not desk.log()["requests"].get("GET appointments"):
            assert time.monotonic() - begun < 5
        desk.get("operatories")
        assert not slow.done()
        assert len(slow.result()) == 5
        assert time.monotonic() - begun >= 0.5


def test_faults_fit_method_path_skip_and_count(desk: Desk) -> None:
    desk.faults({"kind": "500", "method": "GET", "path": "operatories", "skip": 1, "count": 2})
    assert [desk.call("GET", "operatories").status for _ in range(4)] == [200, 500, 500, 200]
    assert desk.call("GET", "providers").status == 200


def test_faults_by_chance_come_from_the_seed() -> None:
    def statuses(seed: int) -> list[int]:
        with served(seed=seed) as desk:
            desk.faults({"kind": "500", "probability": 0.5})
            return [desk.call("GET", "clinics").status for _ in range(20)]

    assert statuses(1) == statuses(1) != statuses(2)
    assert set(statuses(1)) == {200, 500}


@pytest.mark.parametrize("faults", [None, "drop", [{"kind": "meteor"}], [{"kind": "500", "when": 1}], [5]])
def test_faults_that_make_no_sense_are_refused(desk: Desk, faults: Any) -> None:
    assert desk.call("POST", "/sandbox/faults", {"faults": faults}).status == 400


def test_the_log_counts_requests_and_keeps_writes(desk: Desk) -> None:
    desk.get("appointments/ASAP?ClinicNum=0")
    desk.advance(minutes=2)
    desk.offer(11)
    desk.offer(10)
    desk.advance(minutes=2)
    log = desk.log()
    assert log["requests"] == {"GET appointments/ASAP": 1, "POST asapcomms": 2}
    assert (log["total"], log["statuses"]) == (3, {"200": 1, "201": 1, "400": 1})
    assert log["writes"][0] == {
        "at": "2026-04-14 09:02:00",
        "method": "POST",
        "path": "asapcomms",
        "body": {"aptNum": 11, "op": 1, "dateTimeStart": OPENING},
        "status": 201,
        "key": 1,
        "fault": None,
    }
    assert (log["writes"][1]["status"], log["writes"][1]["key"]) == (400, None)
    assert (log["texts"], log["sent_twice"]) == (1, 0)


def test_a_retry_after_a_lost_answer_is_sent_twice(desk: Desk) -> None:
    desk.faults({"kind": "drop_after", "method": "POST", "count": 1})
    with pytest.raises(BROKEN):
        desk.offer(11)
    desk.offer(11)
    desk.advance(minutes=1)
    log = desk.log()
    assert (log["sent_twice"], log["texts"]) == (1, 2)


def test_an_appointment_and_a_recall_of_one_number_are_two_candidates() -> None:
    office = office_file()
    office["recalls"].append({"RecallNum": 11, "PatNum": 6, "RecallTypeNum": 1, "Priority": "ASAP"})
    with served(office) as desk:
        assert desk.offer(11).status == desk.offer(11, recall=True).status == 201
        assert desk.log()["sent_twice"] == 0


def test_the_log_file_outlives_the_sandbox(tmp_path: Path) -> None:
    file = tmp_path / "writes.jsonl"
    with served(log_file=str(file)) as desk:
        desk.offer(11)
        assert json.loads(file.read_text())["key"] == 1  # already there while it runs
    with served(log_file=str(file)) as desk:
        desk.offer(12)
    assert [json.loads(line)["body"]["aptNum"] for line in file.read_text().splitlines()] == [11, 12]


def test_the_stepped_clock_stands_until_it_is_moved(desk: Desk) -> None:
    first = desk.control("clock")
    assert first["now"] == "2026-04-14T16:00:00+00:00"
    assert (first["office_now"], first["mode"]) == ("2026-04-14 09:00:00", "stepped")
    assert desk.control("clock") == first
    moved = desk.control("clock", now="2026-04-14T09:30:00-07:00")
    assert (moved["office_now"], moved["monotonic"]) == ("2026-04-14 09:30:00", 1800.0)
    assert desk.control("clock", now="2026-04-14T09:00:00-07:00") == moved  # never back
    assert desk.call("POST", "/sandbox/clock", {"now": "2026-04-14 09:40:00"}).status == 400
    assert desk.call("POST", "/sandbox/clock", {"now": "soon"}).status == 400


def test_the_office_follows_its_wall_clock_through_both_nights_of_the_year() -> None:
    with served(office_file(now="2026-11-01 00:30:00")) as autumn:
        times = [autumn.advance(minutes=60)["office_now"][11:] for _ in range(3)]
        assert times == ["01:30:00", "01:30:00", "02:30:00"]
    with served(office_file(now="2026-03-08 00:30:00")) as spring:
        times = [spring.advance(minutes=60)["office_now"][11:] for _ in range(2)]
        assert times == ["01:30:00", "03:30:00"]


def test_a_text_goes_out_once_though_the_hour_comes_twice() -> None:
    always = {"AutomaticCommunicationTimeStart": "00:00:00", "AutomaticCommunicationTimeEnd": "00:00:00"}
    with served(office_file(now="2026-11-01 01:29:30", preferences=always)) as desk:
        assert desk.offer(11, start="2026-11-02 13:00:00").body["SmsSendStatus"] == "SendNotAttempted"
        desk.advance(minutes=1)
        assert desk.log()["texts"] == 1
        desk.advance(minutes=60)
        assert desk.get("asapcomms/1")["DateTimeSmsSent"] == "2026-11-01 01:30:00"
        assert desk.log()["texts"] == 1


def test_a_fast_clock_runs_by_itself_and_life_with_it() -> None:
    with served(mode="speed", speed=6000.0) as desk:
        desk.offer(11)
        deadline = time.monotonic() + 5
        while desk.log()["texts"] == 0:
            assert time.monotonic() < deadline
        assert desk.control("clock")["speed"] == 6000.0
        assert desk.call("POST", "/sandbox/clock", {"advance": 60}).status == 400


def test_in_system_mode_the_office_stands_in_the_present() -> None:
    with served(mode="system") as desk:
        clock = desk.control("clock")
        assert clock["office_now"] != "2026-04-14 09:00:00"
        assert desk.get("appointments")[0]["serverDateTime"][:16] == desk.control("clock")["office_now"][:16]


def test_a_patient_answers_through_the_control(desk: Desk) -> None:
    desk.offer(11)
    desk.advance(minutes=1)
    assert desk.control("respond", AsapCommNum=1, action="accept") == {"ResponseStatus": "AcceptedAndMoved"}
    assert desk.get("asapcomms/1")["ResponseStatus"] == "AcceptedAndMoved"
    [online] = desk.get("appointments/WebSched?date=2026-04-14")
    assert (online["eServiceLogType"], online["IsHygiene"]) == ("ASAP", "False")
    assert desk.call("POST", "/sandbox/respond", {"AsapCommNum": 1, "action": "accept"}).status == 400
    assert desk.call("POST", "/sandbox/respond", {"AsapCommNum": "x"}).status == 400


def test_the_office_can_be_taken_home(desk: Desk) -> None:
    dump = desk.control("office")
    with served(dump) as copy:
        assert copy.control("office") == dump


def test_an_unknown_control_is_404(desk: Desk) -> None:
    assert desk.call("GET", "/sandbox/weather").status == 404


def test_a_commlog_is_written_read_and_changed(desk: Desk) -> None:
    made = desk.post("commlogs", PatNum=2, Note="offered", commType="ApptRelated", Mode_="Text")
    assert made.status == 201
    assert (made.body["CommType"], made.body["commType"], made.body["Mode_"]) == ("235", "ApptRelated", "Text")
    assert (made.body["CommDateTime"], made.body["SentOrReceived"]) == ("2026-04-14 09:00:00", "Sent")
    assert desk.call("PUT", "commlogs/1", {"Note": "taken"}).body["Note"] == "taken"
    assert [row["Note"] for row in desk.get("commlogs?PatNum=2")] == ["taken"]
    assert desk.call("GET", "commlogs/9").status == 404
    assert desk.post("commlogs", PatNum=2, Note="x").body["commType"] == "Misc"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Note": "x"}, 400),
        ({"PatNum": 2}, 400),
        ({"PatNum": 99, "Note": "x"}, 404),
        ({"PatNum": 2, "Note": "x", "commType": "NoSuchType"}, 400),
        ({"PatNum": 2, "Note": "x", "Mode_": "Pigeon"}, 400),
        ({"PatNum": 2, "Note": "x", "CommDateTime": "today"}, 400),
    ],
)
def test_a_wrong_commlog_is_refused(desk: Desk, body: dict[str, Any], status: int) -> None:
    assert desk.call("POST", "commlogs", body).status == status


def test_a_commlog_post_gives_no_object_before_23_3_7() -> None:
    with served(office_file(version="23.3.6.0")) as desk:
        reply = desk.post("commlogs", PatNum=2, Note="x")
        assert (reply.status, reply.body) == (201, None)
        assert desk.call("PUT", "commlogs/1", {"Note": "y"}).status == 400


def test_subscriptions_are_made_once_changed_and_ended(desk: Desk) -> None:
    wanted = {"EndPointUrl": "https://x/", "Workstation": "W", "WatchTable": "Appointment", "PollingSeconds": 5}
    made = desk.call("POST", "subscriptions", wanted | {"DateTimeStart": "2026-04-14"})
    assert (made.status, made.body["DateTimeStart"]) == (201, "2026-04-14 00:00:00")
    assert made.body["CustomerKey"] == "sandbox-customer"
    assert desk.call("POST", "subscriptions", wanted).status == 400
    assert desk.call("PUT", "subscriptions/1", {"PollingSeconds": 9, "WatchTable": "Patient"}).status == 200
    [row] = desk.get("subscriptions")
    assert (row["PollingSeconds"], row["WatchTable"]) == (9, "Appointment")
    assert desk.call("DELETE", "subscriptions/1").status == 200
    assert desk.call("DELETE", "subscriptions/1").status == 404
    assert desk.post("subscriptions", EndPointUrl="https://x/").status == 400


def test_a_customer_key_sees_its_own_subscriptions_only() -> None:
    pairs = [["sandbox-developer", "sandbox-customer"], ["sandbox-developer", "other"]]
    with served(office_file(keys=pairs)) as desk:
        desk.post("subscriptions", EndPointUrl="https://x/", WatchTable="Schedule")
        assert len(desk.get("subscriptions")) == 1
        assert desk.call("GET", "subscriptions", authorization="ODFHIR sandbox-developer/other").body == []


def test_a_body_beyond_the_limit_is_refused(desk: Desk) -> None:
    with socket.create_connection((HOST, desk.port), timeout=10) as connection:
        head = f"POST /api/v1/commlogs HTTP/1.1\r\nAuthorization: {AUTHORIZATION}\r\nContent-Length: 99000000\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")


def test_many_clients_at_once_are_served_one_by_one(desk: Desk) -> None:
    barrier = threading.Barrier(8)

    def offer(_: int) -> int:
        barrier.wait()
        return int(desk.offer(11).body["AsapCommNum"])

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(offer, range(8))) == list(range(1, 9))
    assert desk.log()["sent_twice"] == 1


@pytest.mark.parametrize("digits", ["9" * 5000, "9" * 20, "²"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_numbers_that_are_none_are_refused_and_are_no_failure_of_the_sandbox(
    desk: Desk, digits: str, method: str
) -> None:
    body: dict[str, Any] | None = {} if method == "PUT" else None
    assert 400 <= desk.call(method, f"appointments/{quote(digits)}", body).status < 500
    assert desk.call(method, f"appointments?PatNum={quote(digits)}", body).status < 500
    assert desk.call("GET", f"appointments?Offset={'9' * 5000}").status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"advance": 1e400}',
        b'{"advance": ' + b"9" * 5000 + b"}",
        b'{"advance": ' + b"9" * 300 + b"}",
        b"[" * 5000,
        b'{"a":' * 5000,
    ],
)
def test_bodies_that_cannot_be_read_are_refused(desk: Desk, body: bytes) -> None:
    for target in ("/sandbox/clock", "/api/v1/asapcomms"):
        connection = http.client.HTTPConnection(HOST, desk.port, timeout=10)
        connection.request("POST", target, body, {"Authorization": AUTHORIZATION})
        assert connection.getresponse().status == 400
        connection.close()


@pytest.mark.parametrize("length", ["-1", "9" * 5000, "ten"])
def test_a_length_that_is_no_number_is_refused(desk: Desk, length: str) -> None:
    connection = http.client.HTTPConnection(HOST, desk.port, timeout=10)
    connection.putrequest("POST", "/sandbox/clock")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()
