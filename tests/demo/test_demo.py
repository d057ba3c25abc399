"""The demo as a command: what is wrong with where its page is to go is said before the day, not after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from asapfill.cli import cli
from asapfill.demo import demo


def never(*_: object, **__: object) -> None:
    raise AssertionError("the day began")


@pytest.mark.parametrize("out", ["there-is-a-file/page", "/proc/page", "/dev/full/page"])
def test_a_folder_that_cannot_be_written_is_told_before_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "start", never)
    Path("there-is-a-file").write_text("")
    done = CliRunner().invoke(cli, ["demo", "--out", out])
    assert (done.exit_code, done.stdout) == (1, "")
    assert out in done.stderr
    assert "A simulated office" not in done.stderr


def test_a_file_in_the_folders_place_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    assert CliRunner().invoke(cli, ["demo", "--out", str(tmp_path / "demo")]).exit_code == 2
