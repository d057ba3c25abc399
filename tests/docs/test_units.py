"""The check of the systemd units finds what it is there for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "systemd" / "asapfill.service").read_text(encoding="utf-8")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def _check(folder: Path) -> subprocess.CompletedProcess[str]:
    sh = shutil.which("sh") or "/bin/sh"
    return subprocess.run(
        [sh, ROOT / "tests" / "check-units.sh", folder], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd
def test_our_units_pass() -> None:
    result = _check(ROOT / "systemd")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


@needs_systemd
@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("ProtectHome=", "ProtectHoem=", "ProtectHoem"),
        ("RestrictNamespaces=yes", "RestrictNamespaces=maybe", "maybe"),
        ("After=network-online.target", "After=network-online", "network-online"),
    ],
)
def test_a_mistake_that_systemd_only_mentions_fails(right: str, wrong: str, told: str, tmp_path: Path) -> None:
    assert right in UNIT
    (tmp_path / "asapfill.service").write_text(UNIT.replace(right, wrong), encoding="utf-8")
    result = _check(tmp_path)
    assert result.returncode == 1
    assert told in result.stdout


@needs_systemd
def test_a_folder_without_units_fails(tmp_path: Path) -> None:
    assert _check(tmp_path).returncode == 1


def test_the_unit_starts_the_daemon_and_stays_down_for_what_a_person_must_mend() -> None:
    lines = UNIT.splitlines()
    assert "ExecStart=/opt/asapfill/bin/asapfill run --config /etc/asapfill/asapfill.toml" in lines
    assert "RestartPreventExitStatus=2 78" in lines
