"""Plain http: in the local network only, unless the settings say otherwise, and then it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.errors import ConfigurationError
from asapfill.cycle.session import sessions_without_state
from asapfill.settings.settings import Settings, load_settings

TEXT = """\
[offices.main-street]
urls = ["http://192.168.1.20:30223/api/v1", "{url}"]
developer_key = "env:DEVELOPER_KEY"
customer_key = "env:CUSTOMER_KEY"
{more}
"""
KEYS = {"DEVELOPER_KEY": "d", "CUSTOMER_KEY": "c"}
FAR = "http://od.example.com:30223/api/v1"


def load(folder: Path, url: str, more: str = "") -> Settings:
    path = folder / "asapfill.toml"
    path.write_text(TEXT.format(url=url, more=more))
    return load_settings(path, KEYS)


@pytest.mark.parametrize("url", [FAR, "http://203.0.114.9/api/v1", "http://[2a00:1450::1]/api/v1"])
@pytest.mark.parametrize("more", ["", "plain_http = false"])
def test_far_away_it_is_refused(tmp_path: Path, url: str, more: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Address 2 of `urls` would send keys .* unencrypted .*https://"):
        load(tmp_path, url, more)


def test_a_setting_that_is_no_yes_or_no_allows_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, FAR, 'plain_http = "true"')
    assert ["unencrypted" in str(problem) for problem in refused.value.problems] == [True, False]
    assert "`plain_http` must be true or false" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "logged"),
    [
        (FAR, ["office.unencrypted office=main-street host=od.example.com"]),
        ("https://od.example.com/api/v1", []),
    ],
)
def test_allowed_by_the_settings_it_is_logged_at_each_start(
    tmp_path: Path, url: str, logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    settings = load(tmp_path, url, "plain_http = true")
    assert settings.offices["main-street"].urls[1] == url
    clock = SteppedClock(datetime(2026, 11, 20, tzinfo=UTC))
    with sessions_without_state(settings, ["main-street"], clock):
        assert caplog.messages == logged
