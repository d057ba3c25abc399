"""``asapfill sandbox``: an office to try asapfill on, started by one command and served by another."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from asapfill.cli import cli
from tests.cycle.office import office_file
from tests.daemon.bench import COMMAND


@contextmanager
def sandbox(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command as a process of its own, and the port that it says it listens on."""
    command = [*COMMAND, "sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/api/v1", running.stderr.readline())
            assert found is not None
            while "Ctrl-C ends it." not in running.stderr.readline():
                pass
            yield running, int(found[1])
        finally:
            running.kill()


def log_of(port: int) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/sandbox/log", headers={"Connection": "close"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_once_posts_to_a_sandbox_that_was_started_on_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "try"
    start = ("--start", "2026-04-14 10:00:00", "--operatories", "4", "--seed", "3", "--write", str(folder))
    with sandbox(*start) as (running, port):
        done = CliRunner().invoke(cli, ["once", "--json", "--config", str(folder / "asapfill.toml")])
        assert done.exit_code == 0, done.stderr
        (clinic,) = json.loads(done.stdout)["offices"]
        sent = [offer for offer in clinic["offers"] if offer["state"] == "sent"]
        assert sent
        log = log_of(port)
        posted = [entry["body"] for entry in log["writes"] if entry["path"] == "asapcomms"]
        assert [body.get("aptNum", body.get("recallNum")) for body in posted] == [o["number"] for o in clinic["offers"]]
        assert log["sent_twice"] == 0
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=10) == 130


@pytest.mark.parametrize("clinics", [1, 2, 3, 6])
def test_what_the_sandbox_writes_passes_check(tmp_path: Path, clinics: int) -> None:
    with sandbox("--clinics", str(clinics), "--write", str(tmp_path)):
        done = CliRunner().invoke(cli, ["check", "--config", str(tmp_path / "asapfill.toml")])
        assert (done.exit_code, done.stderr) == (0, "")
        assert "wrong" not in done.stdout
        assert len(list((tmp_path / "policies").glob("*.yaml"))) == clinics


def test_what_is_written_for_an_office_file_has_its_own_keys_clinics_and_time_zone(tmp_path: Path) -> None:
    file = tmp_path / "office.json"
    clinics = [
        {"ClinicNum": 4, "Description": "Elm: east", "SmsContractDate": "2020-01-01"},
        {"ClinicNum": 7, "Abbr": "W", "SmsContractDate": "2020-01-01"},
        {"ClinicNum": 9, "Description": "Closed", "IsHidden": True},
    ]
    changes = {"clinics": clinics, "preferences": {"EasyNoClinics": "0"}, "timezone": "America/New_York"}
    file.write_text(json.dumps(office_file(**changes)))
    with sandbox("--office", str(file), "--write", str(tmp_path)):
        done = CliRunner().invoke(cli, ["check", "--config", str(tmp_path / "asapfill.toml")])
    assert "wrong" not in done.stdout, done.stdout
    policies = tmp_path / "policies"
    assert {path.name for path in policies.glob("*.yaml")} == {"demo-4.yaml", "demo-7.yaml"}
    assert all("timezone: America/New_York" in path.read_text() for path in policies.glob("*.yaml"))


def test_an_office_file_is_served(tmp_path: Path) -> None:
    file = tmp_path / "office.json"
    file.write_text(json.dumps(office_file()))
    with sandbox("--office", str(file)) as (running, port):
        assert log_of(port)["writes"] == []
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) == 0


@pytest.mark.parametrize(("text", "words"), [("{", "not JSON"), ('{"now": "soon"}', "'now'")])
def test_an_office_file_that_cannot_be_used_is_explained(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "office.json"
    file.write_text(text)
    done = CliRunner().invoke(cli, ["sandbox", "--port", "0", "--office", str(file)], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (78, "")
    assert words in done.stderr
    assert "office.json" in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "65536"),
        ("--operatories", "0"),
        ("--clinics", "-1"),
        ("--speed", "0"),
        ("--speed", "nan"),
        ("--speed", "inf"),
        ("--throttle", "-1"),
        ("--throttle", "nan"),
        ("--page-cap", "0"),
        ("--start", "nonsense"),
        ("--start", "2026-04-14T07:00:00+02:00"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_its_name(option: str, value: str) -> None:
    done = CliRunner().invoke(cli, ["sandbox", "--port", "0", option, value], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"Invalid value for '{option}'" in done.stderr


def test_a_taken_port_is_explained() -> None:
    with sandbox() as (_, port):
        done = CliRunner().invoke(cli, ["sandbox", "--port", str(port)], catch_exceptions=False)
        assert done.exit_code == 78
        assert "--port 0 takes a free one" in done.stderr


def test_settings_whose_sandbox_has_gone_are_explained(tmp_path: Path) -> None:
    with sandbox("--write", str(tmp_path)):
        pass
    done = CliRunner().invoke(cli, ["plan", "--config", str(tmp_path / "asapfill.toml")], catch_exceptions=False)
    assert done.exit_code == 78
    assert "Start `asapfill sandbox`, or remove the line `clock`" in done.stderr
