"""A settings file that is being written is not read again before it has been still."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.settings.edit import SettingsEdit
from asapfill.settings.settings import load_settings
from asapfill.stillness import STILL, STILL_WHEN_LESS

ENVIRON = {"KEY": "not-a-real-key"}
TEXT = """\
[offices.main-street]
urls = ["http://10.0.0.5:30223/api/v1"]
developer_key = "env:KEY"
customer_key = "env:KEY"
requests_per_minute = 30
"""


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (TEXT, 0),
        (TEXT.replace("30\n", "40\n"), STILL),
        (TEXT.replace("requests_per_minute = 30\n", ""), STILL_WHEN_LESS),
        (f"{TEXT}[offices.north]\n", STILL),
        (TEXT[:20], STILL_WHEN_LESS),
    ],
)
def test_settings_are_read_again_when_they_have_been_still(tmp_path: Path, text: str, needed: float) -> None:
    clock = SteppedClock(datetime(2026, 4, 14, 17, tzinfo=UTC))
    path = tmp_path / "asapfill.toml"
    path.write_text(TEXT)
    edit = SettingsEdit(load_settings(path, ENVIRON), clock)
    assert edit.seconds() <= 0
    clock.sleep(100)
    path.write_text(text)
    now = clock.now().timestamp()
    os.utime(path, (now, now))
    assert edit.seconds() == needed
    clock.sleep(needed / 2)
    assert edit.seconds() == pytest.approx(needed / 2, abs=0.01)
    clock.sleep(needed / 2)
    assert edit.seconds() <= 0.01


def test_a_file_that_changes_between_the_look_and_the_reading_is_not_taken(tmp_path: Path) -> None:
    clock = SteppedClock(datetime(2026, 4, 14, 17, tzinfo=UTC))
    path = tmp_path / "asapfill.toml"
    path.write_text(TEXT)
    edit = SettingsEdit(load_settings(path, ENVIRON), clock)
    edit.seconds()
    assert edit.is_known(load_settings(path, ENVIRON))
    path.write_text(TEXT.replace("30\n", "40\n"))
    assert not edit.is_known(load_settings(path, ENVIRON))


def test_a_file_that_is_gone_or_no_text_is_left_to_whoever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "asapfill.toml"
    path.write_text(TEXT)
    edit = SettingsEdit(load_settings(path, ENVIRON), SteppedClock(datetime(2026, 4, 14, 17, tzinfo=UTC)))
    path.write_bytes(b"\xff\xfe")
    assert edit.seconds() == 0
    path.unlink()
    assert edit.seconds() == 0
