"""Pings of a watcher: start, success and failure of each cycle; nobody waits for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asapfill.alerts.watchers import WAITING, Pings
from tests.alerts.watcher import watching
from tests.daemon.bench import SETTINGS
from tests.daemon.running import fast_bench, running


def until(true: Callable[[], object], patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_daemon_pings_the_start_and_the_end_of_each_cycle_and_its_failures(tmp_path: Path) -> None:
    with watching() as watcher, fast_bench(tmp_path) as bench:
        bench.settings(SETTINGS + f'ping = "{watcher.url}"\n')
        with running(bench) as daemon:
            daemon.until(lambda: len(watcher.paths) >= 4, "two cycles' pings")
            assert watcher.paths[:4] == ["/ping/one/start", "/ping/one"] * 2
            bench.sandbox.faults([{"kind": "500"}])
            daemon.until(lambda: "/ping/one/fail" in watcher.paths, "the ping of a failed cycle")
            assert daemon.end()[0] == 0
            assert watcher.url not in daemon.said()


def test_a_watcher_that_hangs_holds_up_neither_a_cycle_nor_the_end(tmp_path: Path) -> None:
    with watching() as watcher, fast_bench(tmp_path) as bench:
        watcher.hang = threading.Event()
        bench.settings(SETTINGS + f'ping = "{watcher.url}"\n')
        with running(bench) as daemon:
            daemon.until(lambda: bench.asked() == [12, 14], "two waves")
            code, seconds = daemon.end()
            assert (code, seconds < 5) == (0, True)
        watcher.hang.set()


def test_a_cycle_that_a_stop_cuts_short_is_no_failure_of_the_office(tmp_path: Path) -> None:
    with watching() as watcher, fast_bench(tmp_path) as bench:
        bench.settings(SETTINGS + f'ping = "{watcher.url}"\n')
        bench.sandbox.faults([{"kind": "slow", "method": "GET", "path": "appointments", "seconds": 20}])
        with running(bench) as daemon:
            daemon.until(lambda: bench.sandbox.log()["requests"].get("GET appointments"), "a request that hangs")
            assert daemon.end()[0] == 0
        assert watcher.paths == ["/ping/one/start"]


def test_what_goes_wrong_is_told_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with watching() as watcher:
        pings = Pings("main-street", watcher.url)
        watcher.status = 503
        pings.started()
        pings.ended(ok=True)
        until(lambda: len(watcher.paths) == 2)
        watcher.status = 200
        pings.ended(ok=False)
        until(lambda: len(caplog.messages) == 2)
    assert caplog.messages == ["ping.failed office=main-street error=503", "ping.works_again office=main-street"]


def test_a_redirect_is_not_followed() -> None:
    with watching() as watcher:
        watcher.status = 302
        pings = Pings("main-street", watcher.url)
        pings.started()
        pings.ended(ok=True)
        until(lambda: len(watcher.paths) == 2)
        assert "/elsewhere" not in watcher.paths


def test_pings_that_pile_up_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with watching() as watcher:
        watcher.hang = threading.Event()
        pings = Pings("main-street", watcher.url)
        pings.started()
        until(lambda: watcher.paths)
        for _ in range(WAITING + 2):
            pings.started()
        assert caplog.messages == [f"ping.left_out office=main-street waiting={WAITING}"] * 2
        watcher.hang.set()
        until(lambda: len(watcher.paths) == WAITING + 1)


def test_closed_pings_send_nothing_more_and_their_thread_ends() -> None:
    with watching() as watcher:
        watcher.hang = threading.Event()
        pings = Pings("elm-street", watcher.url)
        (thread,) = [each for each in threading.enumerate() if each.name == "ping elm-street"]
        pings.started()
        until(lambda: watcher.paths)
        for _ in range(WAITING):
            pings.ended(ok=True)
        pings.close()
        watcher.hang.set()
        thread.join(10)
        assert not thread.is_alive()
        assert watcher.paths == ["/ping/one/start"]
