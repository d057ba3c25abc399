"""Events from end to end: staff cancel, the simulated Open Dental posts, the real daemon looks at once."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import Any

from tests.cycle.office import CUSTOMER, FIRST_NAME, LAST_NAME, TODAY
from tests.daemon.bench import Bench
from tests.daemon.running import Daemon, running
from tests.webhooks.eventful import eventful_bench, with_events, without_events

SLOW = 3.0
"""Simulated seconds per real one: 20 real seconds from cycle to cycle, so that whatever comes sooner was woken."""
FAST = 60.0
"""A cycle in each real second."""


def subscribed(bench: Bench) -> list[str]:
    return [row["WatchTable"] for row in bench.sandbox.office()["subscriptions"]]


def cycles(daemon: Daemon) -> int:
    return daemon.said().count("cycle.done")


def status(bench: Bench) -> Any:
    document = bench.cli("status", "--json").json
    return document["offices"][0]["events"] | {"ok": document["ok"]} if document["offices"][0]["events"] else None


def test_a_deletion_and_a_new_block_reach_the_plan_before_the_next_cycle_is_due(tmp_path: Path) -> None:
    with eventful_bench(tmp_path, speed=SLOW) as (bench, _), running(bench) as daemon:
        daemon.until(lambda: len(subscribed(bench)) == 3, "subscriptions")
        began = time.monotonic()
        # The visit takes all of Monday's hours, the block all of today's.
        bench.sandbox.staff(action="delete", AptNum=11)
        daemon.until(lambda: "openings=2" in daemon.said(), "Monday's opening")
        bench.sandbox.staff(action="blockout", SchedDate=TODAY, StartTime="13:00:00", StopTime="17:00:00",
                            operatories=[1], BlockoutType=247)  # fmt: skip
        daemon.until(lambda: daemon.said().count("openings=1") == 2, "today's opening gone")
        # By themselves, the next two cycles would have come after 20 and 40 seconds.
        assert time.monotonic() - began < 20
        for mark in (CUSTOMER, LAST_NAME, FIRST_NAME):
            assert mark not in daemon.said()
        daemon.until(lambda: status(bench)["deliveries"] == 2, "a word in status")
        assert "  Events: 2 deliveries since Tue 2026-04-14 10:00, last Tue 2026-04-14 10:0" in bench.cli("status").out


def test_a_taken_port_a_reload_and_senders_that_hang_on(tmp_path: Path) -> None:
    with (
        eventful_bench(tmp_path, speed=FAST) as (bench, port),
        socket.create_server(("127.0.0.1", port)) as taken,
        running(bench) as daemon,
    ):
        # Told, and the office is asked all the same.
        daemon.until(lambda: cycles(daemon) >= 2, "cycles")
        assert daemon.said().count("events.not_listening") == 1
        assert "Address already in use" in status(bench)["problem"]
        assert status(bench)["ok"] is False
        assert f"127.0.0.1:{port}" in bench.cli("status").out
        # The port is free: it listens.
        taken.close()
        daemon.until(lambda: "events.listening" in daemon.said(), "listening")
        daemon.until(lambda: status(bench)["ok"], "all well")
        assert len(subscribed(bench)) == 3
        # Off: nothing is left in Open Dental. On again: all is as it was.
        bench.settings(without_events())
        daemon.process.send_signal(signal.SIGHUP)
        # A file that leaves lines out may be half of one: it is waited for.
        daemon.until(lambda: "events.off" in daemon.said(), "events off", patience=75)
        assert (subscribed(bench), status(bench)) == ([], None)
        bench.settings(with_events(port))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until(lambda: len(subscribed(bench)) == 3, "subscriptions again")
        # And it ends within five seconds whatever hangs on to it.
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as slow:
            head = f"POST /hooks/main-street/ HTTP/1.1\r\nHost: x\r\nAuthorization: {CUSTOMER}\r\n"
            slow.sendall(f"{head}Content-Length: 90\r\n\r\n[".encode())
            code, seconds = daemon.end(signal.SIGTERM)
        assert (code, daemon.said().count("Traceback")) == (0, 0)
        assert seconds < 5
