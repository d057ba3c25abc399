from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from asapfill.store.lock import AlreadyRunning, only_one

HOLDER = """
import sys
from pathlib import Path
from asapfill.store.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_on_the_same_state_is_refused_and_told_why(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning) as told, only_one(tmp_path):
            pytest.fail("two at once")
        assert "would text patients twice" in str(told.value)
        assert "for other offices only" in str(told.value), "a second state is no way out"
        holder.kill()
        holder.wait()
    # The system releases the lock of a process that died.
    with only_one(tmp_path):
        pass


def test_the_lock_can_be_taken_again_after_it_was_left(tmp_path: Path) -> None:
    for _ in range(2):
        with only_one(tmp_path / "state"):
            assert (tmp_path / "state" / "asapfill.lock").stat().st_mode & 0o777 == 0o600


def test_two_state_folders_do_not_disturb_each_other(tmp_path: Path) -> None:
    with only_one(tmp_path / "a"), only_one(tmp_path / "b"):
        pass
