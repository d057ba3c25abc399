"""The check of the units also refuses a service that may do more to the machine than it needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted((ROOT / "systemd").glob("*.service"))

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
@pytest.mark.parametrize("protection", ["CapabilityBoundingSet=", "SystemCallFilter="])
def test_a_service_that_loses_a_protection_is_refused(service: Path, protection: str, tmp_path: Path) -> None:
    lines = service.read_text(encoding="utf-8").splitlines()
    loose = [line for line in lines if not line.startswith(protection)]
    assert len(loose) < len(lines)
    (tmp_path / service.name).write_text("\n".join(loose), encoding="utf-8")
    sh = shutil.which("sh") or "/bin/sh"
    done = subprocess.run(
        [sh, ROOT / "tests" / "check-units.sh", tmp_path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert f"{service.name} may do too much" in done.stdout


def test_every_service_runs_as_a_user_that_is_not_root_and_loses_nothing_by_an_update() -> None:
    assert [path.stem for path in SERVICES] == ["asapfill-backup", "asapfill-report", "asapfill"]
    for service in SERVICES:
        lines = service.read_text(encoding="utf-8").splitlines()
        assert {"User=asapfill", "Group=asapfill", "UMask=0077", "StateDirectoryMode=0700"} <= set(lines)
