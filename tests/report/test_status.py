"""What `status` tells, and when it ends with 0: with evidence only."""

from __future__ import annotations

import shutil
import signal
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.limits import last_call
from asapfill.core.policy import Hours
from asapfill.settings.settings import load_settings
from asapfill.store.cycles import record_tick
from asapfill.store.database import open_store
from asapfill.store.lock import only_one
from tests.cycle.office import OPENING
from tests.daemon.bench import ENVIRONMENT, Bench, bench_for
from tests.daemon.running import fast_bench, running


def problems(document: dict[str, Any]) -> str:
    return "\n".join(item["problem"] for item in document["wrong"])


def test_without_a_state_it_is_never_healthy(bench: Bench) -> None:
    document = bench.json("status", code=1)
    assert document["ok"] is False
    assert "There is no state in" in problems(document)
    assert "systemctl start asapfill" in problems(document)
    text = bench.cli("status").out
    assert text.startswith("Filled today:          no openings\n")
    assert "There is no state in" in " ".join(text.split())


def test_a_state_that_was_just_made_has_served_nobody(bench: Bench) -> None:
    bench.cli("pause")
    bench.cli("resume")
    document = bench.json("status", code=1)
    assert "No cycle yet." in problems(document)


def test_a_cycle_of_a_moment_ago_is_evidence_and_one_of_an_hour_ago_is_not(bench: Bench) -> None:
    bench.clinic("once")
    assert bench.json("status")["wrong"] == []
    assert "What is wrong:         nothing" in bench.cli("status").out
    bench.pass_time(9)
    assert bench.cli("status").code == 0
    bench.pass_time(120)
    document = bench.json("status", code=1)
    (office,) = document["offices"]
    assert office["late"] is True
    assert problems(document) == (
        "No finished cycle for 2 hours. Start it: `systemctl start asapfill`, or `asapfill run` where there is no "
        "systemd."
    )


def test_a_cycle_that_is_still_to_come_is_no_evidence(bench: Bench) -> None:
    bench.clinic("once")
    settings = load_settings(bench.config, ENVIRONMENT)
    ahead = datetime.fromisoformat(bench.json("status")["now"]) + timedelta(minutes=3)
    with open_store(settings.state, SteppedClock(ahead)) as store:
        record_tick(store, "main-street", 0, ok=True, requests=1)
    assert "this machine's clock is wrong, or was" in problems(bench.json("status", code=1))


def test_one_office_of_two_without_a_cycle_is_not_healthy_and_each_can_be_asked_for(bench: Bench) -> None:
    more = bench.config.read_text()
    bench.config.write_text(more + more[more.index("[offices") :].replace("main-street", "elm"))
    (bench.folder / "policies" / "elm.yaml").write_text(
        (bench.folder / "policies" / "main.yaml").read_text().replace("main-street", "elm")
    )
    assert bench.cli("once", "--office", "main-street").code == 0
    document = bench.json("status", code=1)
    assert [(item["office"], item["problem"][:12]) for item in document["wrong"]] == [("elm", "No cycle yet")]
    assert bench.cli("status", "--office", "elm").code == 1
    assert [office["office"] for office in bench.json("status", "--office", "main-street")["offices"]] == [
        "main-street"
    ]
    assert bench.cli("status", "--office", "oak").code == 2


def test_a_state_deleted_under_a_running_asapfill_is_told(bench: Bench) -> None:
    bench.clinic("once")
    state = bench.folder / "state"
    with only_one(state):
        (state / "asapfill.db").unlink()
        document = bench.json("status", code=1)
    assert document["running"] is True
    assert "was it deleted?" in problems(document)
    shutil.rmtree(state)
    assert "There is no state" in problems(bench.json("status", code=1))


def test_a_service_that_was_killed_is_missed_at_once_and_one_that_was_stopped_is_not(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        with running(bench) as daemon:
            daemon.until(lambda: bench.asked() == [12], "a text")
            assert bench.json("status")["ok"] is True
            assert daemon.end(signal.SIGTERM)[0] == 0
        assert "without being asked to" not in problems(bench.cli("status", "--json").json)
        with running(bench) as daemon:
            daemon.until(lambda: bench.asked() == [12, 14], "another text")
            daemon.process.kill()
            daemon.process.wait()
        document = bench.json("status", code=1)
        assert "has ended without being asked to. Start it" in problems(document)


def test_it_begins_with_what_a_front_desk_asks(bench: Bench) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    text = bench.cli("status").out
    # The slot begins at 14:00; a text must leave 65 minutes before.
    assert text.splitlines()[:4] == [
        "Filled today:          no openings",
        "Being asked now:       no patients",
        "Waiting for your yes:  1 offer, until Tue 04-14 12:55",
        "What is wrong:         nothing",
    ]
    assert "appointment 12, patient 3, until Tue 04-14" in " ".join(text.split())
    bench.cli("approve", "--all")
    bench.clinic("once")
    assert "Being asked now:       1 patient\n" in bench.cli("status").out
    bench.pass_time(2)
    bench.sandbox.respond(1, "accept")
    bench.clinic("once")
    assert bench.cli("status").out.startswith("Filled today:          1 opening, 1 h 0 min of chair time\n")
    assert bench.json("status")["offices"][0]["filled_today"] == {"openings": 1, "minutes": 60}


def test_an_answer_says_when_nothing_goes_out_all_the_same(bench: Bench) -> None:
    bench.policy(mode="ask", texts={"wave": 2})
    bench.clinic("once")
    first, second = (str(offer["id"]) for offer in bench.json("status")["offices"][0]["waiting"])
    with only_one(bench.folder / "state"):
        done = bench.cli("approve", first)
        assert done.err == "1 offer approved. Each is looked at again, then sent with the next cycle.\n"
    bench.cli("pause", "main-street")
    document = bench.json("approve", second)
    assert [item["id"] for item in document["offers"]] == [int(second)]
    assert "Sending is PAUSED for main-street" in document["held"][0]
    assert "asapfill is not running" in document["held"][1]
    done = bench.cli("resume")
    assert "asapfill is not running: nothing goes out before it is started" in " ".join(done.err.split())


def test_the_plan_says_first_that_sending_is_paused(bench: Bench) -> None:
    assert "PAUSED" not in bench.cli("plan").out
    bench.cli("pause")
    assert bench.cli("plan").out.splitlines()[0].endswith("mode automatic · PAUSED")
    assert bench.clinic("plan")["paused"] is True
    assert "Sending is PAUSED" in bench.cli("explain", "--opening", OPENING).out


@pytest.mark.parametrize(
    ("start", "until"),
    [
        ("2026-04-14 14:00", "2026-04-14 12:55"),  # early enough before the slot
        ("2026-04-15 09:30", "2026-04-14 18:55"),  # texts go out until 19:00 the evening before
        ("2026-04-20 09:00", "2026-04-18 18:55"),  # not on Sunday
        ("2026-04-14 10:30", "2026-04-14 10:00"),  # nothing helps any more: as it was made
    ],
)
def test_until_when_a_yes_helps(start: str, until: str) -> None:
    made = datetime(2026, 4, 14, 10)
    days = {0, 1, 2, 3, 4, 5}
    found = last_call(datetime.fromisoformat(start), Hours(time(9), time(19)), days, made)
    assert found == datetime.fromisoformat(until)


def test_many_offices_are_told_together_first(tmp_path: Path) -> None:
    with bench_for(tmp_path) as bench:
        more = bench.config.read_text()
        bench.config.write_text(more + more[more.index("[offices") :].replace("main-street", "elm"))
        bench.clinic("once")
        text = bench.cli("status").out
    assert text.count("Filled today:") == 3
    assert text.startswith("Filled today:          no openings\nBeing asked now:       1 patient\n")
