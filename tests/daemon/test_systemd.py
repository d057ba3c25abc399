"""The daemon under a stand-in for systemd: what it tells, and when."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from asapfill.daemon import daemon as daemon_module
from asapfill.daemon.daemon import Systemd
from tests.daemon.bench import SETTINGS
from tests.daemon.running import fast_bench, running
from tests.daemon.systemd import listening


@pytest.mark.parametrize("place", ["path", "abstract"])
def test_every_word_arrives_at_a_path_and_at_an_abstract_name(tmp_path: Path, place: str) -> None:
    address = f"@asapfill-test-{os.getpid()}" if place == "abstract" else str(tmp_path / "notify")
    with listening(address) as systemd:
        service = Systemd.of({"NOTIFY_SOCKET": address})
        service.ready("Serving 2 offices.")
        service.alive()
        service.reloading()
        service.stopping()
        assert systemd.words() == ["READY=1", "WATCHDOG=1", "RELOADING=1", "STOPPING=1"]
        assert systemd.told()[0] == "READY=1\nSTATUS=Serving 2 offices."
        assert "\nMONOTONIC_USEC=" in systemd.told()[2]


def test_without_systemd_nothing_is_told_and_one_that_is_gone_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Systemd.of({}).alive()
        assert caplog.messages == []
        Systemd.of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()
    assert caplog.messages == ["systemd.unreachable error=FileNotFoundError"]


def test_ready_then_alive_then_stopping(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as systemd, fast_bench(tmp_path) as bench:
        with running(bench, NOTIFY_SOCKET=systemd.address) as daemon:
            daemon.until(lambda: systemd.words().count("WATCHDOG=1") >= 2, "two words that it lives")
            assert daemon.end()[0] == 0
        assert systemd.words()[0] == "READY=1"
        assert systemd.words()[-1] == "STOPPING=1"


class StuckTwice:
    """A scheduler whose office hangs for two looks; then somebody has asapfill stop."""

    def __init__(self) -> None:
        self.looks = 0

    def keep_time(self) -> None:
        """The clock is right."""

    def stuck(self) -> list[str]:
        self.looks += 1
        if self.looks == 3:
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        return ["elm"] if self.looks < 3 else []


class Service:
    """What is served meanwhile: nobody."""

    def __init__(self) -> None:
        self.scheduler = StuckTwice()

    def look(self) -> None:
        pass


class NoEdit:
    """Settings that nobody asked to read again."""

    asked = False

    def seconds(self) -> float:
        return 0.0


def test_the_watchdog_hears_nothing_while_a_cycle_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(daemon_module, "_LOOK_FOR_SIGNALS", 0.01)
    served, words = Service(), []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        with listening(str(tmp_path / "notify")) as systemd:
            service = Systemd.of({"NOTIFY_SOCKET": systemd.address})
            again = daemon_module._wait(cast("Any", NoEdit()), cast("Any", served), cast("Any", None), service, "")
            words = systemd.words()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert again == signal.SIGTERM
    assert words == ["WATCHDOG=1"] * (served.scheduler.looks - 2)
    assert caplog.messages == ["daemon.stuck offices=elm"], "told once"


def test_not_ready_when_the_policies_cannot_be_used(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as systemd, fast_bench(tmp_path) as bench:
        bench.policy(mode="automatc")
        assert bench.process("run", NOTIFY_SOCKET=systemd.address).code == 78
        assert systemd.words() == []


def test_a_hangup_reads_settings_and_keys_again_and_goes_on(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as systemd, fast_bench(tmp_path) as bench:
        key = bench.folder / "developer.key"
        right = key.read_text()
        key.write_text("wrong-key\n")
        with running(bench, NOTIFY_SOCKET=systemd.address) as daemon:
            daemon.until(lambda: "cycle.trouble" in daemon.said(), "a cycle with the wrong key")
            assert bench.asked() == []
            key.write_text(right)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.until(lambda: bench.asked() == [12, 14], "offers with the right key")
            assert daemon.end()[0] == 0
        words = [word for word in systemd.words() if word != "WATCHDOG=1"]
        assert words == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
        assert "daemon.reloaded offices=1" in daemon.said()
        assert bench.sandbox.log()["sent_twice"] == 0


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (SETTINGS.replace('customer_key = "env:', 'customer_key = "en:'), "settings.wrong asapfill.toml:8:1:"),
        (SETTINGS.replace('state = "state"', 'state = "elsewhere"'), "settings.restart_needed keys=state,clock"),
    ],
)
def test_a_hangup_with_settings_that_cannot_be_used_leaves_the_earlier_ones_in_force(
    tmp_path: Path, broken: str, told: str
) -> None:
    with listening(str(tmp_path / "notify")) as systemd, fast_bench(tmp_path) as bench:
        with running(bench, NOTIFY_SOCKET=systemd.address) as daemon:
            daemon.until(lambda: bench.asked() == [12], "the first offer")
            bench.settings(broken)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.until(lambda: told in daemon.said(), "a word about the settings")
            daemon.until(lambda: bench.asked() == [12, 14], "the next offer")
            assert daemon.end()[0] == 0
        words = [word for word in systemd.words() if word != "WATCHDOG=1"]
        assert words == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


def test_a_hangup_while_an_offer_is_being_posted_waits_for_its_answer(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        bench.sandbox.faults([{"kind": "slow", "method": "POST", "path": "asapcomms", "seconds": 4, "count": 1}])
        with running(bench) as daemon:
            daemon.until(lambda: "offer.intent" in daemon.said(), "an offer on its way")
            daemon.process.send_signal(signal.SIGHUP)
            daemon.until(lambda: "daemon.reloaded" in daemon.said(), "the reload")
            assert "offer.unknown" not in daemon.said()
            assert "offer.sent" in daemon.said()


def test_stopping_in_the_middle_of_a_reload_takes_less_than_5_seconds(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        bench.sandbox.faults([{"kind": "slow", "method": "GET", "path": "appointments", "seconds": 20}])
        with running(bench) as daemon:
            daemon.until(lambda: bench.sandbox.log()["requests"].get("GET appointments"), "a request that hangs")
            daemon.process.send_signal(signal.SIGHUP)
            code, seconds = daemon.end()
            assert (code, seconds < 5) == (0, True)
            assert "Traceback" not in daemon.said()
