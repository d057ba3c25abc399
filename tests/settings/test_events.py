"""``[events]``, and an office's ``events`` and ``workstation``: taken as meant, or refused without showing what was."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.core.errors import ConfigurationError, Problem
from asapfill.settings.settings import EventSettings, Settings, load_settings

TEXT = """\
[offices.main-street]
urls = ["http://10.0.0.5:30223/api/v1"]
developer_key = "env:DEVELOPER_KEY"
customer_key = "env:CUSTOMER_KEY"
{office}
[events]
{events}
"""
URL = 'url = "https://events.example.org/asapfill"'
PEM = 'certificate = "tls/cert.pem"\ncertificate_key = "/etc/tls/key.pem"'


def load(folder: Path, events: str, office: str = "") -> Settings:
    path = folder / "asapfill.toml"
    path.write_text(TEXT.format(events=events, office=office))
    return load_settings(path, {}, with_secrets=False)


def refused(folder: Path, events: str, office: str = "") -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, events, office)
    assert "MARK" not in str(caught.value)
    return caught.value.problems


def test_events_are_off_by_default(tmp_path: Path) -> None:
    path = tmp_path / "asapfill.toml"
    path.write_text(TEXT.format(events="", office="").replace("[events]", ""))
    settings = load_settings(path, {}, with_secrets=False)
    assert settings.events is None


def test_behind_a_proxy_the_address_is_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, URL)
    assert settings.events == EventSettings("127.0.0.1", 8433, "https://events.example.org/asapfill")
    assert settings.events.address("main-street") == "https://events.example.org/asapfill/main-street/"
    assert settings.events.prefix == "/asapfill"
    office = settings.offices["main-street"]
    assert (office.events, office.workstation) == (True, "")


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_slash_at_the_end_changes_nothing(tmp_path: Path, end: str) -> None:
    settings = load(tmp_path, f'url = "https://events.example.org{end}"')
    assert settings.events is not None
    assert settings.events.address("a") == "https://events.example.org/a/"


def test_a_certificate_of_its_own(tmp_path: Path) -> None:
    settings = load(tmp_path, f'{URL}\nlisten = "0.0.0.0:8443"\n{PEM}')
    assert settings.events == EventSettings(
        "0.0.0.0",  # noqa: S104  with a certificate, everybody may knock
        8443,
        "https://events.example.org/asapfill",
        tmp_path / "tls" / "cert.pem",
        Path("/etc/tls/key.pem"),
    )


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:8433", "localhost:8433", "10.0.0.7:65535"])
def test_places_to_listen(tmp_path: Path, listen: str) -> None:
    assert load(tmp_path, f'{URL}\nlisten = "{listen}"').events


@pytest.mark.parametrize(
    ("events", "line", "says"),
    [
        ("", 6, "must say where Open Dental sends events"),
        ("url = 5", 7, "must say where"),
        ('url = "MARK"', 7, "is not a web address"),
        ('url = "http://MARK.example.org/"', 7, "unencrypted"),
        ('url = "https://u:MARK@example.org/"', 7, "more in it than a host and a path"),
        ('url = "https://example.org/?key=MARK"', 7, "more in it"),
        ('url = "http://10.0.0.7:8433"\n' + PEM, 7, "must begin with https://"),
        (f'{URL}\nlisten = "MARK:8433"', 8, "must be an IP address"),
        (f"{URL}\nlisten = 8433", 8, "must be an IP address"),
        (f'{URL}\nlisten = "8433"', 8, "must be an IP address"),
        (f'{URL}\nlisten = "127.0.0.1:0"', 8, "from 1 to 65535"),
        (f'{URL}\nlisten = "127.0.0.1:70000"', 8, "from 1 to 65535"),
        (f'{URL}\nlisten = "127.0.0.1:MARK"', 8, "from 1 to 65535"),
        (f'{URL}\nlisten = "0.0.0.0:8433"', 8, "unencrypted from anywhere"),
        (f'{URL}\nlisten = "198.51.100.4:8433"\ncertificate = 5', 9, "path of a PEM file"),
        (f'{URL}\nlisten = "8.8.8.8:8433"', 8, "unencrypted from anywhere"),
        (f'{URL}\ncertificate = "MARK.pem"', 8, "needs `certificate_key`"),
        (f'{URL}\ncertificate_key = "MARK.pem"', 8, "needs `certificate`"),
        (f'{URL}\nlissten = "127.0.0.1:8433"', 8, "is not a setting"),
    ],
)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, events: str, line: int, says: str) -> None:
    problem = refused(tmp_path, events)[0]
    assert says in problem.message
    assert problem.line == line
    assert problem.hint


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    problems = refused(tmp_path, 'url = "MARK"\nlisten = "MARK"\ncertificate = ""', 'events = "no"\nworkstation = 7')
    assert [problem.line for problem in problems] == [5, 6, 8, 9, 10, 10]


@pytest.mark.parametrize("office", ['events = "MARK"', "events = 1", "workstation = true", 'workstation = "\\u0007"'])
def test_an_offices_mistakes(tmp_path: Path, office: str) -> None:
    (problem,) = refused(tmp_path, URL, office)
    assert problem.line == 5


def test_an_office_may_be_left_out_or_name_a_computer(tmp_path: Path) -> None:
    assert load(tmp_path, URL, "events = false").offices["main-street"].events is False
    assert load(tmp_path, URL, 'workstation = " SERVER "').offices["main-street"].workstation == "SERVER"


def test_events_must_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "asapfill.toml"
    path.write_text("events = true\n" + TEXT.format(events="", office="").replace("[events]", ""))
    with pytest.raises(ConfigurationError, match="table of its own"):
        load_settings(path, {}, with_secrets=False)
