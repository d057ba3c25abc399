"""How long one office may take: for an answer, for a cycle, at the gate."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from asapfill.clock import Clock, SteppedClock
from asapfill.opendental import paging
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotOpenDental, NotSent, OutOfTime, Throttled, Unknown, Unreachable
from asapfill.opendental.exchange import PROBE, PROMPT, Network, TimeLimits, Timers

PATIENT = {"PatNum": 48, "PatStatus": "Patient", "TxtMsgOk": "Yes"}
MADE = {"AsapCommNum": 2374}

Answer = Callable[[httpx.Request], httpx.Response]


def office(answer: Answer, clock: Clock | None = None) -> OpenDental:
    clock = clock or SteppedClock(datetime(2026, 11, 20, 17, tzinfo=UTC))
    urls = ["http://10.0.0.5:30223/api/v1"]
    return OpenDental(
        "main-street",
        urls,
        "developer",
        "customer",
        clock=clock,
        network=Network(transport=httpx.MockTransport(answer)),
    )


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def at(port: int) -> OpenDental:
    clock = SteppedClock(datetime(2026, 11, 20, 17, tzinfo=UTC))
    return OpenDental("main-street", [f"http://127.0.0.1:{port}/api/v1"], "developer", "customer", clock=clock)


def test_a_silent_office_is_asked_once_and_no_longer_than_there_is_patience() -> None:
    with silent_port() as port, at(port) as client:
        client.begin(TimeLimits(first=0.3, answer=60, retrying=0.3, cycle=100))
        began = time.monotonic()
        with pytest.raises(Unknown, match=r"no complete answer within 0\.3 seconds"):
            client.patient(48)
        assert time.monotonic() - began < 2
        assert (client.request_total, client.failing) == (1, True)


def test_an_office_that_failed_lately_is_asked_once_and_as_often_as_others_when_it_has_answered() -> None:
    answers = [503, 200, 503, 503, 200]
    client = office(lambda _: httpx.Response(answers.pop(0), json=PATIENT))
    client.begin(PROBE)
    with pytest.raises(Unknown):
        client.patient(48)
    assert (client.request_total, client.failing) == (1, True)
    client.patient(48)
    assert not client.failing
    client.patient(48)
    assert (answers, client.failing) == ([], False)


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_refused_key_a_throttle_and_trouble_count_as_failing_and_a_plain_no_does_not(status: int) -> None:
    client = office(lambda _: httpx.Response(status, text="Too many" if status == 429 else "no"))
    with pytest.raises((Throttled, Unknown, Exception)):
        client.patient(48)
    assert client.failing
    client = office(lambda _: httpx.Response(404, text="no"))
    with pytest.raises(Exception, match="does not exist"):
        client.patient(48)
    assert not client.failing


def test_nothing_is_begun_after_the_cycle_s_time_and_the_next_cycle_goes_on() -> None:
    posts: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posts.append(request.content)
            return httpx.Response(201, json=MADE)
        return httpx.Response(200, json=PATIENT)

    client = office(answer)
    client.begin(TimeLimits(cycle=0.05))
    client.patient(48)
    time.sleep(0.06)
    with pytest.raises(OutOfTime, match="this cycle has taken as long as one may"):
        client.patient(48)
    with pytest.raises(NotSent):
        client.create_asapcomm(op=2, apt_num=7, date_time_start=datetime(2026, 11, 20, 10))
    assert (posts, client.failing) == ([], False), "it answered: it is slow, not dead"
    client.begin(PROMPT)
    client.create_asapcomm(op=2, apt_num=7, date_time_start=datetime(2026, 11, 20, 10))
    assert [json.loads(post)["aptNum"] for post in posts] == [7]


def test_a_worker_does_not_wait_at_a_gate_that_the_office_shut_for_long() -> None:
    client = office(lambda _: httpx.Response(429, text="Too many", headers={"Retry-After": "100"}))
    client.begin(PROMPT)
    with pytest.raises(OutOfTime):
        client.patient(48)
    assert (client.request_total, client.failing) == (1, True)


def test_an_exchange_that_is_cut_while_it_connects_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine takes the connection at last, after asapfill was told to stop."""
    connect = socket.create_connection
    with socket.create_server(("127.0.0.1", 0)) as listener, at(listener.getsockname()[1]) as client:

        def cut_meanwhile(*where: Any, **how: Any) -> socket.socket:
            client.cut()
            return connect(*where, **how)

        monkeypatch.setattr(socket, "create_connection", cut_meanwhile)
        with pytest.raises(Unreachable, match="broken off while it connected"):
            client.create_asapcomm(op=2, apt_num=7, date_time_start=datetime(2026, 11, 20, 10))
        taken, _ = listener.accept()
        with taken:
            assert taken.recv(100) == b"", "not a byte"


def test_a_list_of_large_pages_that_never_ends_is_given_up_by_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_ROWS", 3000)

    def answer(request: httpx.Request) -> httpx.Response:
        first = int(request.url.params["Offset"])
        return httpx.Response(200, json=[{"RecallNum": first + n, "PatNum": 1} for n in range(1000)])

    client = office(answer)
    with pytest.raises(NotOpenDental, match="did not end after 4 pages"):
        client.recalls()


def test_alarms_ring_in_their_order_and_never_after_they_were_cancelled() -> None:
    alarms, rung, done = Timers(), list[str](), threading.Event()
    cancelled = alarms.set(0.05, lambda: rung.append("cancelled"))
    alarms.set(0.15, done.set)
    alarms.set(0.1, lambda: rung.append("second"))
    alarms.set(0.02, lambda: rung.append("first"))
    alarms.cancel(cancelled)
    assert done.wait(5)
    assert rung == ["first", "second"]
