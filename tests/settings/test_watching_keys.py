"""``metrics`` and ``ping`` in the settings: taken as meant, or refused without showing what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.core.errors import ConfigurationError
from asapfill.settings.settings import Settings, load_settings

TEXT = """\
{top}
[offices.main-street]
urls = ["http://10.0.0.5:30223/api/v1"]
developer_key = "env:DEVELOPER_KEY"
customer_key = "env:CUSTOMER_KEY"
{office}
"""


def load(folder: Path, top: str = "", office: str = "") -> Settings:
    path = folder / "asapfill.toml"
    path.write_text(TEXT.format(top=top, office=office))
    return load_settings(path, {}, with_secrets=False)


def test_both_are_optional(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.metrics, settings.offices["main-street"].ping) == (None, None)


def test_they_are_taken_and_the_path_is_relative_to_the_settings(tmp_path: Path) -> None:
    settings = load(tmp_path, 'metrics = "out/a.prom"', 'ping = "https://hc-ping.com/some-uuid"')
    assert settings.metrics == tmp_path / "out" / "a.prom"
    assert settings.offices["main-street"].ping == "https://hc-ping.com/some-uuid"
    assert "some-uuid" not in repr(settings), "whoever has the address can send pings"


@pytest.mark.parametrize(
    "ping",
    [
        '"http://hc-ping.com/MARK"',
        '"https://user:MARK@hc-ping.com/x"',
        '"https://hc-ping.com/MARK?a=b"',
        '"ftp://hc-ping.com/MARK"',
        '"MARK"',
        "5",
        '["https://hc-ping.com/MARK"]',
    ],
)
def test_a_ping_that_is_no_safe_address_is_refused_at_its_line(tmp_path: Path, ping: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, office=f"ping = {ping}")
    (problem,) = caught.value.problems
    assert problem.line == 6
    assert "MARK" not in str(problem)


@pytest.mark.parametrize("near", ["http://127.0.0.1:8000/ping/x", "http://10.0.0.9/ping/x", "http://watch.lan/x"])
def test_plain_http_is_taken_inside_the_local_network(tmp_path: Path, near: str) -> None:
    assert load(tmp_path, office=f'ping = "{near}"').offices["main-street"].ping == near


@pytest.mark.parametrize("metrics", ['"out/"', '"a.txt"', "5", "true"])
def test_a_metrics_file_that_no_collector_would_read_is_refused(tmp_path: Path, metrics: str) -> None:
    with pytest.raises(ConfigurationError, match=r"must be the path of a file that ends with \.prom"):
        load(tmp_path, top=f"metrics = {metrics}")
