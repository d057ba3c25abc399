"""The state is private whatever the umask, and links do not lead asapfill astray."""

from __future__ import annotations

import subprocess
from pathlib import Path

from asapfill.files import replace_file
from tests.daemon.bench import COMMAND, Bench


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}


def open_umask(bench: Bench, *arguments: str) -> None:
    """Run a command as somebody whose new files everybody may read and write."""
    subprocess.run(
        [*COMMAND, *arguments, "--config", str(bench.config)],
        check=True,
        capture_output=True,
        timeout=60,
        env=bench.environment(),
        umask=0,
    )


def test_the_state_its_lock_and_its_backups_are_for_their_owner_only(bench: Bench) -> None:
    open_umask(bench, "once")
    open_umask(bench, "state", "backup")
    found = modes(bench.folder / "state")
    assert found.pop("state") == 0o700
    assert {"asapfill.db", "asapfill.lock"} <= set(found)
    assert any(".backup-" in name for name in found)
    assert set(found.values()) == {0o600}


def test_a_state_database_that_is_a_link_is_refused_and_its_target_left_alone(bench: Bench) -> None:
    target = bench.folder / "precious"
    target.write_text("precious")
    (bench.folder / "state").mkdir(mode=0o700)
    (bench.folder / "state" / "asapfill.db").symlink_to(target)
    done = bench.cli("once")
    assert (done.code, bench.asked()) == (1, [])
    assert "asapfill.db is a symbolic link" in done.err
    assert target.read_text() == "precious"


def test_a_lock_that_is_a_link_is_refused_and_its_target_left_alone(bench: Bench) -> None:
    target = bench.folder / "precious"
    target.write_text("precious")
    (bench.folder / "state").mkdir(mode=0o700)
    (bench.folder / "state" / "asapfill.lock").symlink_to(target)
    done = bench.cli("once")
    assert (done.code, bench.asked()) == (1, [])
    assert "asapfill.lock is a symbolic link" in done.err
    assert target.read_text() == "precious"


def test_a_support_bundle_is_not_written_through_a_link(bench: Bench) -> None:
    target = bench.folder / "precious"
    (bench.folder / "help.json").symlink_to(target)
    assert bench.cli("support", "--out", str(bench.folder / "help.json")).code == 1
    assert not target.exists()


def test_the_metrics_file_takes_a_links_place_and_not_its_targets(tmp_path: Path) -> None:
    target, link = tmp_path / "precious", tmp_path / "asapfill.prom"
    target.write_text("precious")
    link.symlink_to(target)
    replace_file(link, "new\n")
    assert (target.read_text(), link.is_symlink(), link.read_text()) == ("precious", False, "new\n")
