"""What `make demo` and `make install` say while pip works."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ("sh", str(ROOT / "systemd" / "with-progress.sh"), "Installing packages")


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7)])
def test_the_commands_end_is_its_own(command: str, code: int) -> None:
    done = subprocess.run([*SCRIPT, "sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "Installing packages …\n")


def test_on_a_terminal_it_tells_the_seconds() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([*SCRIPT, "sh", "-c", "sleep 1.5; echo done; exit 3"], stdout=-1, stderr=theirs) as process:
        os.close(theirs)
        out, _ = process.communicate(timeout=20)
    seen = os.read(ours, 4096).decode()
    os.close(ours)
    assert (process.returncode, out) == (3, b"done\n")
    assert seen.startswith("\rInstalling packages … 0 s")
    assert "1 s" in seen
