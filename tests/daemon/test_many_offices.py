"""Several offices in one daemon: a dead one costs the others nothing, rests for a while, and is told of."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from asapfill.clock import SystemClock
from asapfill.cycle.session import open_sessions, reveal_keys
from asapfill.settings.settings import load_settings
from asapfill.store.database import EmptyStore, open_store
from asapfill.store.offices import end_rest, keep_rest, resting
from tests.daemon.bench import ENVIRONMENT, SETTINGS, Bench
from tests.daemon.running import Daemon, fast_bench, running

OTHER = """
[offices.{name}]
urls = ["http://127.0.0.1:{port}/api/v1"]
developer_key = "file:developer.key"
customer_key = "file:other.key"
"""
POLICY = "office: {name}\ntimezone: America/Los_Angeles\nmode: automatic\n"


def add_offices(bench: Bench, **ports: int) -> None:
    """Further offices at these ports, each with a policy."""
    bench.settings(SETTINGS + "".join(OTHER.format(name=name, port=port) for name, port in ports.items()))
    (bench.folder / "other.key").write_text("Other")
    for name in ports:
        (bench.folder / "policies" / f"{name}.yaml").write_text(POLICY.format(name=name))


def nobody_listens() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def silent(stack: ExitStack) -> int:
    """Takes connections and never answers."""
    return int(stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1])


def unconnectable(stack: ExitStack) -> int:
    """Its queue is full, so that connecting to it hangs, as to a machine that is switched off."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    return int(listener.getsockname()[1])


def test_dead_offices_cost_the_others_nothing_and_rest_and_status_tells_of_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        bench = stack.enter_context(fast_bench(tmp_path))
        add_offices(bench, off=nobody_listens(), mute=silent(stack), away=unconnectable(stack))
        daemon = stack.enter_context(running(bench))
        daemon.until(lambda: bench.asked() == [12, 14], "offers of the office that is well")
        daemon.until(lambda: "office.rests office=off failures=3" in daemon.said(), "rest for one that is off")
        found = {office["office"]: office for office in bench.json("status", code=1)["offices"]}
        assert found["off"]["resting"]["failures"] >= 3
        assert found["main-street"]["resting"] is None
        text = " ".join(bench.cli("status").out.split())
        assert "It did not answer as it should in " in text
        assert "cycles in a row; the next one begins at" in text
        code, seconds = daemon.end()
        assert (code, seconds < 5) == (0, True)
        assert "Traceback" not in daemon.said()
        assert bench.json("status", code=1)["offices"][1]["resting"] is None, "nothing is tried while it does not run"


def test_connecting_to_a_machine_that_is_off_does_not_delay_the_end(tmp_path: Path) -> None:
    with ExitStack() as stack:
        bench = stack.enter_context(fast_bench(tmp_path))
        bench.settings(port=unconnectable(stack))
        daemon = stack.enter_context(running(bench))
        daemon.until(lambda: "daemon.started" in daemon.said(), "the start")
        time.sleep(0.5)  # it begins to connect at once, which no log tells
        code, seconds = daemon.end()
        assert (code, seconds < 5) == (0, True)


def test_an_office_that_answers_again_is_served_again(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        bench.sandbox.faults([{"kind": "500"}])
        with running(bench) as daemon:
            daemon.until(lambda: "office.rests office=main-street failures=2" in daemon.said(), "two failures")
            bench.sandbox.faults([])
            daemon.until(lambda: "office.answers_again office=main-street" in daemon.said(), "a good cycle")
            daemon.until(lambda: bench.asked() == [12], "an offer")
            assert bench.json("status")["offices"][0]["resting"] is None


def databases_open(daemon: Daemon) -> int:
    """How many descriptors of the state database the daemon has."""
    folder = Path(f"/proc/{daemon.process.pid}/fd")
    found = 0
    for link in folder.iterdir():
        try:
            found += link.readlink().name == "asapfill.db"
        except FileNotFoundError:
            continue  # closed meanwhile
    return found


def reload(daemon: Daemon) -> None:
    before = daemon.said().count("daemon.reloaded")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: daemon.said().count("daemon.reloaded") > before, "the reload")
    cycles = daemon.said().count("cycle.done")
    daemon.until(lambda: daemon.said().count("cycle.done") > cycles, "a cycle after it")


def test_reloads_leave_no_database_connections_behind(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench, running(bench) as daemon:
        daemon.until(lambda: "cycle.done" in daemon.said(), "a cycle")
        before = databases_open(daemon)
        assert before > 0
        for _ in range(3):
            reload(daemon)
        assert databases_open(daemon) <= before + 1, "one more if the first cycle had only one lane's thread so far"


def test_a_key_file_that_is_gone_a_moment_after_it_was_checked_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "developer.key").write_text("Developer")
    path = tmp_path / "asapfill.toml"
    path.write_text(SETTINGS.format(clock=1, port=1).replace('clock = "http://127.0.0.1:1/sandbox/clock"\n', ""))
    settings = load_settings(path, ENVIRONMENT)
    keys = reveal_keys(settings)
    (tmp_path / "developer.key").unlink()
    with (
        EmptyStore(SystemClock()) as store,
        open_sessions(settings, ["main-street"], SystemClock(), store, keys=keys) as (session,),
    ):
        assert session.office == "main-street"


def test_rests_are_kept_replaced_and_ended(tmp_path: Path) -> None:
    clock = SystemClock()
    with open_store(tmp_path, clock) as store:
        keep_rest(store, "elm", 1, clock.now())
        keep_rest(store, "elm", 2, clock.now())
        keep_rest(store, "oak", 1, clock.now())
        assert {office: rest.failures for office, rest in resting(store).items()} == {"elm": 2, "oak": 1}
        end_rest(store, "elm")
        assert list(resting(store)) == ["oak"]
        end_rest(store)
        assert resting(store) == {}


@pytest.mark.parametrize("leave", [True, False])
def test_a_thread_that_takes_leave_closes_its_connection(tmp_path: Path, *, leave: bool) -> None:
    with open_store(tmp_path, SystemClock()) as store:
        store.rows("SELECT 1")
        before = len(store._connections)

        def work(then: Callable[[], None]) -> None:
            store.rows("SELECT 1")
            then()
            then()

        thread = threading.Thread(target=work, args=[store.release if leave else lambda: None])
        thread.start()
        thread.join()
        assert len(store._connections) - before == (0 if leave else 1)
