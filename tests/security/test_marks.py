"""Marked keys and people, asapfill at its most talkative, and everything that it and its helpers write: no mark.

The commands one by one are covered by ``tests/commands/test_no_secrets.py``. Here it is the whole service with metrics,
pings, a notifier and events, through faults, a reload and a crash, and what an IT person makes of it afterwards; and
days of the soak with every fault.
"""

from __future__ import annotations

import random
import signal
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from asapfill.cli import cli
from asapfill.clock import SystemClock
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY
from tests.alerts.receivers import webhook
from tests.alerts.watcher import watching
from tests.cycle.office import CUSTOMER, DEVELOPER, FIRST_NAME, LAST_NAME, PHONES
from tests.daemon import running as running_module
from tests.daemon.bench import SETTINGS
from tests.daemon.running import Daemon, fast_bench, running
from tests.security.marks import TALKATIVE, everything_logged, marked_files, marks_in
from tests.soak import day as day_module
from tests.soak import soak
from tests.soak.day import Day
from tests.soak.small_office import draw_office
from tests.webhooks.eventful import EVENTS, free_port

SEED, HOURS_LESS = 11, timedelta(hours=6)
"""A day of the soak with faults and offers, as short as has both."""
NOTIFY = '\n[notify]\nurls = ["env:TELL_IT"]\n'
AFTERWARDS = (
    ("state", "backup"),
    ("status",),
    ("history",),
    ("report", "--out", "{folder}/report.html"),
    ("doctor",),
    ("doctor", "--json"),
    ("support", "--out", "{folder}/help.json"),
)


def test_the_marks_are_found_where_they_stand(tmp_path: Path) -> None:
    assert marks_in(f"x {LAST_NAME.upper()}3 (503) 555-0103 {CUSTOMER}") == [CUSTOMER, LAST_NAME, "5035550103"]
    (tmp_path / "a.log").write_bytes(b"\xff" + DEVELOPER.encode())
    assert marked_files(tmp_path, leave_out=set()) == {"a.log": [DEVELOPER]}


def more_trouble(daemon: Daemon, before: int) -> bool:
    return daemon.said().count("cycle.trouble") > before


def test_what_a_service_leaves_behind_tells_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "COMMAND", TALKATIVE)
    with watching() as watcher, webhook() as told, fast_bench(tmp_path) as bench:
        secret_path = "ping/one"
        settings = 'metrics = "asapfill.prom"\n' + SETTINGS + f'ping = "{watcher.url}"\n'
        bench.settings(settings + NOTIFY + EVENTS.format(events=free_port()))
        with running(bench, TELL_IT=told.url) as daemon:
            daemon.until(lambda: bench.asked() == [12], "an offer")
            daemon.until(lambda: bench.sandbox.office()["subscriptions"], "subscriptions")
            for kind in ("500", "garbage", "truncated", "504_after", "401"):
                before = daemon.said().count("cycle.trouble")
                bench.sandbox.faults([{"kind": kind}])
                daemon.until(partial(more_trouble, daemon, before), kind)
            daemon.until(lambda: told.got, "a message to a person")
            bench.sandbox.faults([])
            daemon.process.send_signal(signal.SIGHUP)
            daemon.until(lambda: "daemon.reloaded" in daemon.said(), "the reload")
            daemon.until((bench.folder / "asapfill.prom").exists, "metrics")
            daemon.end(signal.SIGKILL)
        monkeypatch.setenv("TELL_IT", told.url)
        outputs = [daemon.said(), *watcher.paths, *map(str, told.got)]
        for command in AFTERWARDS:
            done = bench.cli(*(word.format(folder=bench.folder) for word in command))
            outputs.append(done.out + done.err)
    assert "offer.sent" in outputs[0]
    assert "HTTP Request: POST" in outputs[0], "httpx talks too"
    assert "receive_response_headers.complete" in outputs[0], "and what it is made of"
    assert [found for text in outputs for found in marks_in(text)] == []
    assert secret_path not in outputs[0]
    names = {path.name for path in bench.folder.rglob("*") if path.is_file()}
    assert {"asapfill.db", "asapfill.prom", "help.json", "report.html", "run.log"} <= names
    assert any(".backup-" in name for name in names)
    assert marked_files(bench.folder, leave_out={"developer.key"}) == {}


def marked_office(draws: random.Random) -> dict[str, Any]:
    """The soak's small office with marked people and keys, and marks in every note."""
    office = draw_office(draws)
    for row in office["patients"]:
        row |= {"LName": f"{LAST_NAME}{row['PatNum']}", "FName": f"{FIRST_NAME}{row['PatNum']}"}
        row["WirelessPhone"] = row["WirelessPhone"].replace("555-1", f"{PHONES[:3]}-{PHONES[3:]}")[:13]
    for row in office["appointments"]:
        row |= {"Note": f"{LAST_NAME} wants mornings", "ProcDescript": FIRST_NAME}
    for row in office["schedules"]:
        row["Note"] = f"for {LAST_NAME}"
    return office


def test_a_stormy_day_with_every_logger_at_its_lowest_level_tells_of_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with soak._scratch() as folder:
        look_for_marks(folder, monkeypatch)


def look_for_marks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_module, "draw_office", marked_office)
    day = Day(SEED, folder / "day")
    day.ends -= HOURS_LESS
    with everything_logged(folder):
        account = day.run()
    assert account.violations == {}
    assert account.faults.total() > 0
    # The office does not answer any more, and is asked again as often as ever, but nobody waits for that.
    monkeypatch.setattr(SystemClock, "sleep", lambda *_: None)
    outputs = []
    for command in AFTERWARDS:
        words = [word.format(folder=folder) for word in command]
        done = CliRunner().invoke(cli, [*words, "--config", str(folder / "day/asapfill.toml")])
        outputs.append(done.stdout + done.stderr)
    talk = (folder / "talk.log").read_text()
    assert " offer.intent " in talk
    assert " debug office.answered " in talk
    assert not any(key in text for text in (talk, *outputs) for key in (DEVELOPER_KEY, CUSTOMER_KEY))
    assert [found for text in outputs for found in marks_in(text)] == []
    assert marked_files(folder, leave_out={"developer.key", "customer.key"}) == {}
