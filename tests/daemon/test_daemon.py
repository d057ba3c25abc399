"""``asapfill run``: it sends, it stops at once, it survives what offices and people do to it."""

from __future__ import annotations

import signal
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from asapfill.sandbox.generate.generator import make_office
from tests.cycle.office import CUSTOMER, DEVELOPER
from tests.daemon.bench import Bench
from tests.daemon.running import fast_bench, running


@pytest.mark.parametrize(("ending", "expected"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_sends_offers_and_ends_within_5_seconds(tmp_path: Path, ending: signal.Signals, expected: int) -> None:
    with fast_bench(tmp_path) as bench, running(bench) as daemon:
        daemon.until(lambda: bench.asked() == [12, 14], "two waves")
        status = bench.json("status")
        assert (status["ok"], status["running"]) == (True, True)
        code, seconds = daemon.end(ending)
        assert (code, daemon.process.stdout.read() if daemon.process.stdout else None) == (expected, b"")
        assert seconds < 5
        assert "daemon.started offices=1" in daemon.said()
        assert "daemon.stopped" in daemon.said()
        assert "Traceback" not in daemon.said()
        assert bench.json("status")["running"] is False
        assert bench.sandbox.log()["sent_twice"] == 0


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [("GET", "appointments", "slow"), ("GET", "appointments", "drip"), ("POST", "asapcomms", "slow")],
)
def test_it_ends_within_5_seconds_while_the_office_takes_its_time(
    tmp_path: Path, method: str, path: str, kind: str
) -> None:
    with fast_bench(tmp_path) as bench:
        bench.sandbox.faults([{"kind": kind, "method": method, "path": path, "seconds": 20}])
        with running(bench) as daemon:
            asked = f"{method} {path}"
            daemon.until(lambda: bench.sandbox.log()["requests"].get(asked), "a request that hangs")
            code, seconds = daemon.end()
            assert code == 0
            assert seconds < 5
            assert "Traceback" not in daemon.said()
        bench.sandbox.faults([])
        if method == "POST":
            # Its answer never came, and yet the next run does not send it again.
            assert [offer["number"] for offer in bench.json("status", code=1)["offices"][0]["unclear"]] == [12]
            with running(bench) as daemon:
                daemon.until(lambda: bench.asked() == [12, 14], "the next wave")
            assert bench.sandbox.log()["sent_twice"] == 0


def test_a_policy_broken_while_it_runs_leaves_the_last_good_one_in_force(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench, running(bench) as daemon:
        daemon.until(lambda: bench.asked() == [12], "the first wave")
        path = bench.folder / "policies" / "main.yaml"
        path.write_text(path.read_text().replace("mode: automatic", "mode: automatc"))
        daemon.until(lambda: "policy.wrong main.yaml:3" in daemon.said(), "a word about the policy")
        daemon.until(lambda: bench.asked() == [12, 14], "the next wave, by the policy that was good")
        status = bench.json("status", code=1)
        assert "Did you mean" in status["policies"][0]
        assert "main.yaml:3" in bench.cli("status").out
        bench.policy(mode="preview")
        daemon.until(
            lambda: daemon.said().rindex("cycle.done") > daemon.said().rindex("policy.wrong") + 500, "a good cycle"
        )
        assert bench.asked() == [12, 14]


def test_an_office_that_goes_away_and_comes_back_is_served_again(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        bench.sandbox.faults([{"kind": "drop_before"}])
        with running(bench) as daemon:
            daemon.until(lambda: "cycle.trouble" in daemon.said(), "trouble")
            assert bench.json("status", code=1)["offices"][0]["ticks"][0]["ok"] is False
            bench.sandbox.faults([])
            daemon.until(lambda: bench.asked() == [12], "an offer after the trouble")
            bench.sandbox.faults([{"kind": "500"}])
            daemon.until(lambda: daemon.said().count("cycle.trouble") >= 2, "more trouble")
            bench.sandbox.faults([])
            daemon.until(lambda: bench.asked() == [12, 14], "the next offer")
            assert daemon.end()[0] == 0
        assert bench.sandbox.log()["sent_twice"] == 0


def test_a_pause_stops_a_running_daemon_and_resume_lets_it_go_on(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        assert bench.cli("pause").code == 0
        with running(bench) as daemon:
            daemon.until(lambda: "reason=paused" in daemon.said(), "a paused offer")
            assert bench.asked() == []
            assert bench.cli("resume").code == 0
            daemon.until(lambda: bench.asked() == [12], "an offer")


@pytest.mark.parametrize("place", ["offers.post.before", "offers.post.answered"])
def test_killed_while_it_sends_and_started_again_it_sends_once(tmp_path: Path, place: str) -> None:
    with fast_bench(tmp_path) as bench:
        with running(bench, ASAPFILL_FAILPOINT=place) as daemon:
            assert daemon.process.wait(timeout=30) == -signal.SIGKILL
        with running(bench) as daemon:
            daemon.until(lambda: bench.asked() == [12, 14], "the offer, and the next wave")
        rows = [row["FKey"] for row in bench.sandbox.office()["asapcomms"]]
        assert sorted(rows) == [12, 14]
        assert bench.sandbox.log()["sent_twice"] == 0


def has_posted_more(bench: Bench, least: int) -> bool:
    return len(bench.posts()) >= least


def test_killed_again_and_again_in_a_busy_office_nothing_is_sent_twice(tmp_path: Path) -> None:
    busy = make_office(5, start=datetime(2026, 4, 14, 9, 0), operatories=5) | {"keys": [[DEVELOPER, CUSTOMER]]}
    with fast_bench(tmp_path, busy, people=True) as bench:
        bench.policy(texts={"wave": 4, "wait": "5 minutes"}, openings={"settle": "0 minutes"})
        for rounds in range(1, 4):
            before = len(bench.posts())
            with running(bench) as daemon:
                daemon.until(partial(has_posted_more, bench, before + 2), "posts")
                assert daemon.end(signal.SIGKILL)[0] == -signal.SIGKILL
            assert len(bench.posts()) >= 2 * rounds
        log = bench.sandbox.log()
        assert log["sent_twice"] == 0
        phones = {row["PatNum"]: row["WirelessPhone"] for row in bench.sandbox.office()["patients"]}
        texted = [phones[text["PatNum"]] for text in log["texts_sent"]]
        assert len(texted) == len(set(texted)), "one text a day for each phone"
