"""A pipe, device, folder or link in the place of a file: told in a sentence, and never waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.bench import SETTINGS, Bench

NO_FILES: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
}
COMMANDS = (("status",), ("plan",), ("once",), ("pause",), ("history",), ("state", "backup"), ("doctor",))


@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.parametrize("place", ["asapfill.db", "asapfill.lock"])
def test_in_place_of_the_state_or_its_lock(bench: Bench, what: str, place: str) -> None:
    (bench.folder / "state").mkdir(mode=0o700)
    NO_FILES[what](bench.folder / "state" / place)
    ends = {command: bench.process(*command) for command in COMMANDS}
    assert all("Traceback" not in done.err and done.code in {0, 1, 75} for done in ends.values()), ends
    assert ends["once",].code == 1, ends["once",]
    assert bench.asked() == [], "nothing is sent without a state and its lock"


@pytest.mark.parametrize("what", NO_FILES)
def test_in_place_of_a_key_a_policy_or_the_settings(bench: Bench, what: str) -> None:
    for place in ("developer.key", "policies/main.yaml", "asapfill.toml"):
        path = bench.folder / place
        content = path.read_bytes()
        path.unlink()
        NO_FILES[what](path)
        done = bench.process("once")
        assert done.code in {2, 78}, (place, done)
        assert "Traceback" not in done.err
        path.unlink() if not path.is_dir() or path.is_symlink() else path.rmdir()
        path.write_bytes(content)
    assert bench.cli("once").code == 0


def test_a_pipe_in_place_of_an_address_for_notices_holds_up_nothing(bench: Bench) -> None:
    os.mkfifo(bench.folder / "mail")
    bench.settings(SETTINGS + '\n[notify]\nurls = ["file:mail"]\n')
    done = bench.process("check")
    assert done.code == 0
    assert "no file" in " ".join(done.out.split())


def test_a_state_with_a_second_name_is_refused(bench: Bench) -> None:
    assert bench.cli("once").code == 0
    path = bench.folder / "state" / "asapfill.db"
    (bench.folder / "second.db").hardlink_to(path)
    done = bench.cli("once")
    assert done.code == 1
    assert "it has a second name, a hard link" in done.err
    (bench.folder / "second.db").unlink()
    assert bench.cli("once").code == 0


def test_a_state_that_is_open_to_every_user_is_closed_and_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    assert bench.cli("once").code == 0
    state = bench.folder / "state"
    state.chmod(0o757)
    (state / "asapfill.db").chmod(0o646)
    assert bench.cli("pause").code == 0
    assert [stat.S_IMODE(path.stat().st_mode) for path in (state, state / "asapfill.db")] == [0o750, 0o640]
    assert [message for message in caplog.messages if message.startswith("state.closed")] == [
        f"state.closed path={state}",
        f"state.closed path={state / 'asapfill.db'}",
    ]


def test_the_bundle_for_asking_for_help_is_for_its_owner_only(bench: Bench) -> None:
    out = bench.folder / "bundle.json"
    assert bench.cli("support", "--out", str(out)).code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
