"""A daemon's work with marked keys and people, and everything that it and its helpers write: no mark anywhere.

The commands are covered by ``tests/cli/test_no_secrets.py``; here it is the service with metrics and pings, through
faults, a reload and a crash, and what an IT person makes of it afterwards: backup, doctor, support.
"""

from __future__ import annotations

import re
import signal
from functools import partial
from pathlib import Path

from tests.service.bench import SETTINGS
from tests.service.office import CUSTOMER, DEVELOPER, FIRST_NAME, LAST_NAME, PHONES
from tests.service.running import Daemon, fast_bench, running
from tests.watching.watcher import watching

MARKS = (DEVELOPER, CUSTOMER, LAST_NAME, FIRST_NAME, "reserve it")


def marks_in(text: str) -> list[str]:
    """Keys, names, words of the texts, and phones whatever their punctuation."""
    found = [mark for mark in MARKS if mark.lower() in text.lower()]
    return found + re.findall(rf"503{PHONES}\d", re.sub(r"[()\s.+-]", "", text))


def more_trouble(daemon: Daemon, before: int) -> bool:
    return daemon.said().count("cycle.trouble") > before


def test_what_a_service_leaves_behind_tells_of_nobody(tmp_path: Path) -> None:
    with watching() as watcher, fast_bench(tmp_path) as bench:
        secret_path = "ping/one"
        bench.settings('metrics = "asapfill.prom"\n' + SETTINGS + f'ping = "{watcher.url}"\n')
        with running(bench) as daemon:
            daemon.until(lambda: bench.asked() == [12], "an offer")
            for kind in ("401", "500", "garbage", "truncated", "504_after"):
                before = daemon.said().count("cycle.trouble")
                bench.sandbox.faults([{"kind": kind}])
                daemon.until(partial(more_trouble, daemon, before), kind)
            bench.sandbox.faults([])
            daemon.process.send_signal(signal.SIGHUP)
            daemon.until(lambda: "daemon.reloaded" in daemon.said(), "the reload")
            daemon.until((bench.folder / "asapfill.prom").exists, "metrics")
            daemon.end(signal.SIGKILL)
        outputs = [daemon.said(), *watcher.paths]
        for command in (
            ("state", "backup"),
            ("doctor",),
            ("doctor", "--json"),
            ("support", "--out", str(bench.folder / "help.json")),
        ):
            done = bench.cli(*command)
            outputs.append(done.out + done.err)
    assert "offer.sent" in outputs[0]
    assert [found for text in outputs for found in marks_in(text)] == []
    assert secret_path not in outputs[0]
    files = [path for path in bench.folder.rglob("*") if path.is_file() and path.name != "developer.key"]
    assert {"asapfill.db", "asapfill.prom", "help.json", "run.log"} <= {path.name for path in files}
    assert any(".backup-" in path.name for path in files)
    told = {path.name: marks_in(path.read_bytes().decode("latin-1")) for path in files}
    assert {name: marks for name, marks in told.items() if marks} == {}
