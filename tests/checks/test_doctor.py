"""``asapfill doctor``: every line ok, look or wrong, with a remedy; the exit code by the worst."""

from __future__ import annotations

import os
import sqlite3
import sys
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from asapfill.checks.installation import BACKUP_AGE, judge_clock, judge_unit, kernel_clock
from asapfill.store.lock import only_one
from tests.cycle.office import office_file
from tests.daemon.bench import SETTINGS, Bench, bench_for


def findings(document: Any, part: str) -> dict[str, list[str]]:
    """Verdict: message of each line of a part, by subject."""
    (found,) = [each["findings"] for each in document["parts"] if each["part"] == part]
    lines: dict[str, list[str]] = {}
    for line in found:
        lines.setdefault(line["subject"], []).append(f"{line['verdict']}: {line['message']}")
    return lines


@pytest.fixture
def served(bench: Bench) -> Bench:
    """An office that was served once, from private folders."""
    (bench.folder / "developer.key").chmod(0o600)
    assert bench.cli("once").code == 0
    return bench


def test_a_good_installation_has_nothing_wrong_and_every_part_on_one_page(served: Bench) -> None:
    document = served.json("doctor")
    assert [part["part"] for part in document["parts"]] == [
        "program", "machine", "settings", "keys", "policies", "state", "notices", "service", "main-street",
    ]  # fmt: skip
    wrong = [line for part in document["parts"] for line in part["findings"] if line["verdict"] == "wrong"]
    assert wrong == []
    assert findings(document, "state")["state"][0] == "ok: The state database is sound."
    assert "a request takes" in findings(document, "main-street")["speed"][0]
    page = served.cli("doctor")
    assert page.code == 0
    assert "0 wrong, " in page.out.splitlines()[-1]
    assert max(len(line) for line in page.out.splitlines() if str(served.folder) not in line) <= 80
    assert f"httpx {metadata.version('httpx')}" in page.out


def test_offline_asks_no_office(served: Bench) -> None:
    before = sum(served.sandbox.log()["requests"].values())
    document = served.json("doctor", "--offline")
    assert "main-street" not in [part["part"] for part in document["parts"]]
    assert sum(served.sandbox.log()["requests"].values()) == before


def test_wrong_settings_are_told_and_the_rest_is_looked_at_all_the_same(served: Bench) -> None:
    served.settings(SETTINGS.replace("urls =", "url ="))
    document = served.json("doctor", code=78)
    told = findings(document, "settings")["settings"]
    assert any("Did you mean `urls`?" in line for line in told)
    assert findings(document, "program")["python"][0].startswith("ok:")


def test_a_key_that_is_missing_is_wrong_and_its_office_is_not_asked(served: Bench) -> None:
    (served.folder / "developer.key").unlink()
    document = served.json("doctor", code=78)
    assert findings(document, "keys")["keys"][0].startswith("wrong: developer_key of main-street")
    assert "not asked" in findings(document, "main-street")["connection"][0]


def test_a_systemd_credential_can_only_be_looked_at_by_the_service(served: Bench) -> None:
    served.settings(SETTINGS.replace("env:ASAPFILL_TEST_CUSTOMER", "credential:main-street"))
    document = served.json("doctor")
    assert findings(document, "keys")["keys"][1].startswith("look: The customer_key of main-street is a systemd cred")


@pytest.mark.parametrize(
    ("path", "mode", "part", "told"),
    [
        ("developer.key", 0o644, "keys", "chmod 0640"),
        ("asapfill.toml", 0o666, "settings", "chmod o-w"),
        ("policies/main.yaml", 0o666, "settings", "chmod o-w"),
        ("policies", 0o777, "settings", "chmod o-w"),
        ("state", 0o755, "state", "chmod 0700"),
        ("state/asapfill.db", 0o644, "state", "chmod 0600"),
    ],
)
def test_a_file_that_others_may_read_or_change_is_wrong_with_the_command_that_mends_it(
    served: Bench, path: str, mode: int, part: str, told: str
) -> None:
    (served.folder / path).chmod(mode)
    document = served.json("doctor", "--offline", code=1)
    lines = [line for each in findings(document, part).values() for line in each if line.startswith("wrong")]
    assert len(lines) == 1
    assert told in lines[0]


def test_a_policy_with_a_mistake_is_wrong(served: Bench) -> None:
    served.policy(mode="automatc")
    assert "main.yaml:3" in findings(served.json("doctor", "--offline", code=78), "policies")["policies"][0]


def test_a_damaged_state_is_wrong(served: Bench) -> None:
    path = served.folder / "state" / "asapfill.db"
    path.write_bytes(path.read_bytes()[:5000] + b"\0" * 3000)
    told = findings(served.json("doctor", "--offline", code=1), "state")["state"]
    assert any("is damaged" in line for line in told)


def test_a_state_of_a_newer_asapfill_is_wrong(served: Bench) -> None:
    connection = sqlite3.connect(served.folder / "state" / "asapfill.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    told = findings(served.json("doctor", "--offline", code=1), "state")["state"]
    assert any("newer asapfill" in line for line in told)


def test_backups_are_missed_and_their_age_is_told(served: Bench) -> None:
    def told() -> str:
        return findings(served.json("doctor", "--offline"), "state")["backup"][0]

    assert told().startswith("look: There is no backup")
    assert served.cli("state", "backup").code == 0
    (copy,) = (served.folder / "state").glob("*.backup-*")
    moment = datetime.fromisoformat(served.json("status")["now"]).timestamp()
    os.utime(copy, (moment, moment))
    assert told() == "ok: 1 backup, the newest 0 days old."
    old = moment - (BACKUP_AGE + timedelta(days=2)).total_seconds()
    os.utime(copy, (old, old))
    assert told().startswith("look: The newest backup is 10 days old.")


def test_what_is_wrong_at_the_office_is_told_with_the_rest(tmp_path: Path) -> None:
    with bench_for(tmp_path, office_file(securityperms={"ApiTextingASAP": False})) as bench:
        (bench.folder / "developer.key").chmod(0o600)
        bench.sandbox.faults([{"kind": "401"}])
        document = bench.json("doctor", code=1)
        assert findings(document, "main-street")["connection"][0].startswith("wrong:")
        assert findings(document, "state")["state"][0].startswith("look: There is no state")


def test_an_office_that_the_settings_do_not_have_is_wrong(served: Bench) -> None:
    document = served.json("doctor", "--office", "elm-street", code=78)
    assert findings(document, "offices")["offices"] == [
        "wrong: The settings have no office elm-street. They have: main-street."
    ]


def test_who_works_on_the_state_is_told(served: Bench) -> None:
    def told() -> str:
        return findings(served.json("doctor", "--offline"), "state")["state"][-1]

    assert told() == "ok: No asapfill works on it right now."
    with only_one(served.folder / "state"):
        assert told() == f"ok: An asapfill works on it: process {os.getpid()}."


@pytest.mark.parametrize(
    ("state", "verdict", "told"),
    [(0, "ok", "kept right"), (5, "look", "knows of nothing"), (None, "look", "does not tell")],
)
def test_a_clock_that_nothing_keeps_right_is_looked_at(state: int | None, verdict: str, told: str) -> None:
    line = judge_clock(state)
    assert (line.verdict, line.subject) == (verdict, "clock")
    assert told in line.message


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_kernel_is_really_asked_about_its_clock() -> None:
    assert kernel_clock() in range(6)


GOOD = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}


@pytest.mark.parametrize(
    ("changes", "verdicts", "told"),
    [
        ({}, ["ok"], "runs (running)"),
        ({"ActiveState": "failed", "Result": "watchdog"}, ["wrong"], "has failed (watchdog)"),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "Result": "signal"},
            ["wrong"],
            "has ended (signal)",
        ),
        ({"ActiveState": "inactive"}, ["look"], "enable --now"),
        ({"UnitFileState": "disabled"}, ["ok", "look"], "not started with the machine"),
        ({"NRestarts": "3"}, ["ok", "look"], "restarted it 3 times"),
        ({"NeedDaemonReload": "yes"}, ["ok", "look"], "daemon-reload"),
        ({"LoadState": "not-found"}, ["look"], "make install"),
        (
            {"FragmentPath": "/etc/systemd/system/asapfill.service", "DropInPaths": "/etc/a.conf /etc/b.conf"},
            ["ok"],
            "as in /etc/systemd/system/asapfill.service, changed by /etc/a.conf /etc/b.conf",
        ),
    ],
)
def test_the_unit_is_judged_by_what_systemd_tells(changes: dict[str, str], verdicts: list[str], told: str) -> None:
    lines = list(judge_unit(GOOD | changes))
    assert [line.verdict for line in lines] == verdicts
    assert told in lines[-1].message
