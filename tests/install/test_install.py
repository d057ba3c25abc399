"""``make install`` and ``make uninstall``, in a folder of their own: what they put there, keep and take away."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from tests.depth import DEPTH

ROOT = Path(__file__).parents[2]
PREFIX = "/opt/asapfill"


def make(target: str, destdir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("make")
    assert command is not None, "make is what people install asapfill with"
    ours = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "PYTHONPATH"}}
    pairs = [f"{name}={value}" for name, value in ({"DESTDIR": str(destdir)} | variables).items()]
    return subprocess.run(
        [command, "-C", str(ROOT), target, *pairs],
        capture_output=True,
        text=True,
        timeout=280,
        env=ours,
        check=False,
    )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DESTDIR in which asapfill was installed, once for all tests and, with xdist, for all workers: look only."""
    if not DEPTH.installs:
        pytest.skip("installs asapfill with all its packages: in make proof")
    base = tmp_path_factory.getbasetemp()
    destdir = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "destdir"
    with FileLock(f"{destdir}.lock"):
        if not (destdir / "usr/local/bin/asapfill").is_symlink():
            done = make("install", destdir)
            assert done.returncode == 0, done.stdout + done.stderr
    return destdir


def asapfill(destdir: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The installed program. Its first line names the place after DESTDIR is gone, so Python is named here."""
    program = destdir / PREFIX.strip("/") / "bin"
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ASAPFILL"))}
    return subprocess.run(
        [program / "python", program / "asapfill", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        env=ours,
        cwd=cwd,
        check=False,
    )


def test_the_installed_program_runs_the_demo_with_nothing_but_itself(installed: Path, tmp_path: Path) -> None:
    done = asapfill(installed, "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Anything sent twice    0" in done.stdout
    lines = (done.stdout + done.stderr).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert (tmp_path / "demo" / "index.html").is_file()
    # The README promises the same day to whoever runs it.
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0].splitlines()
    assert len(shown) > 10
    assert set(shown) - {"…"} <= set(lines)


def test_nothing_names_the_folder_in_which_it_was_staged(installed: Path) -> None:
    shebang = (installed / "opt/asapfill/bin/asapfill").read_text().splitlines()[0]
    assert shebang == f"#!{PREFIX}/bin/python"
    assert (installed / "usr/local/bin/asapfill").readlink() == Path(f"{PREFIX}/bin/asapfill")
    # Compiled modules too: their paths stand in tracebacks.
    files = [path for path in installed.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if str(installed).encode() in path.read_bytes()] == []


def plain(line: str) -> str:
    """A package and its version, the name as every tool would write it."""
    name, found, version = line.partition("==")
    return re.sub(r"[-_.]+", "-", name).lower() + found + version


def test_it_has_the_locked_versions_and_nothing_else(installed: Path) -> None:
    lock = (ROOT / "requirements-runtime.lock").read_text()
    locked = {plain(line.split(" ")[0]) for line in lock.splitlines() if "==" in line and not line.startswith(" ")}
    done = subprocess.run(
        [installed / "opt/asapfill/bin/python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = {plain(line) for line in done.stdout.splitlines()}
    # setuptools comes with the virtual environments of Python 3.11, and is not used.
    strangers = {line for line in found - locked if not line.startswith(("asapfill==", "setuptools=="))}
    assert strangers == set()
    assert {"httpx", "apscheduler", "sqlite-utils"} <= {line.split("==")[0] for line in found}


def test_the_units_and_folders_are_in_place(installed: Path) -> None:
    names = (
        "asapfill.service",
        *(f"asapfill-{job}.{kind}" for job in ("backup", "report") for kind in ("service", "timer")),
    )
    for name in names:
        assert (installed / "etc/systemd/system" / name).read_text() == (ROOT / "systemd" / name).read_text()
    assert (installed / "etc/sysusers.d/asapfill.conf").is_file()
    assert (installed / "etc/tmpfiles.d/asapfill.conf").is_file()
    for name in ("", "policies", "keys"):
        assert (installed / "etc/asapfill" / name).stat().st_mode & 0o777 == 0o750
    assert (installed / "etc/asapfill/asapfill.toml").stat().st_mode & 0o777 == 0o640


def test_the_installed_settings_say_what_is_missing_and_with_an_office_they_are_right(
    installed: Path, tmp_path: Path
) -> None:
    settings = installed / "etc/asapfill/asapfill.toml"
    done = asapfill(installed, "check", "--offline", "--config", str(settings), cwd=tmp_path)
    assert (done.returncode, "No office is named" in done.stderr) == (78, True)
    text = settings.read_text().replace("/var/lib/asapfill", str(tmp_path / "state"))
    before, office = text.replace("# metrics =", "metrics =").split("# [offices.main-street]")
    text = f"{before}[offices.main-street]{office.replace(chr(10) + '# ', chr(10))}"
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "main.yaml").write_text("office: main-street\ntimezone: America/Los_Angeles\n")
    (tmp_path / "asapfill.toml").write_text(text)
    done = asapfill(installed, "check", "--offline", "--config", str(tmp_path / "asapfill.toml"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Verdict: settings and policies are right.")


STAND_IN = """\
#!/bin/sh
# In place of Python and pip, whose work the real installation above has shown: makes the files that they would make.
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" "$3/lib/python3"; cp "$0" "$3/bin/python"; echo "home = $3" > "$3/pyvenv.cfg" ;;
  "-m pip"*" wheel "*) while [ "$1" != --wheel-dir ]; do shift; done; : > "$2/asapfill-9-py3.whl" ;;
  "-m pip"*"/asapfill-9-py3.whl") echo "#!$(dirname "$0")/python" > "$(dirname "$0")/asapfill" ;;
esac
"""


def test_installed_again_it_keeps_settings_policies_and_keys_and_replaces_the_program(tmp_path: Path) -> None:
    python, destdir = tmp_path / "python", tmp_path / "destdir"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    config = destdir / "etc/asapfill"
    done = make("install", destdir, PYTHON=str(python))
    assert done.returncode == 0, done.stderr
    mine = {config / "asapfill.toml": "mine", config / "policies/a.yaml": "mine", config / "keys/key": "mine"}
    for path, text in mine.items():
        path.write_text(text)
    leftover = destdir / "opt/asapfill/lib/of-an-old-version.py"
    leftover.write_text("")
    done = make("install", destdir, PYTHON=str(python))
    assert done.returncode == 0, done.stderr
    assert {path: path.read_text() for path in mine} == mine
    assert (destdir / "opt/asapfill/bin/asapfill").read_text() == f"#!{PREFIX}/bin/python\n"
    assert not leftover.exists()
    assert sorted(path.name for path in (destdir / "opt").iterdir()) == ["asapfill"]

    done = make("uninstall", destdir)
    assert done.returncode == 0, done.stderr
    assert f"Left for you: {config}," in done.stderr
    left = sorted(str(path.relative_to(destdir)) for path in destdir.rglob("*") if not path.is_dir())
    assert left == ["etc/asapfill/asapfill.toml", "etc/asapfill/keys/key", "etc/asapfill/policies/a.yaml"]
    # What `systemctl edit` made.
    (destdir / "etc/systemd/system/asapfill.service.d").mkdir()
    done = make("uninstall", destdir)
    assert done.returncode == 0, "uninstalled again"
    assert f"Left for you: {destdir}/etc/systemd/system/asapfill.service.d, {config}," in done.stderr


def test_a_folder_that_is_not_asapfill_is_neither_replaced_nor_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "opt/asapfill/precious"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("")
    for target in ("install", "uninstall"):
        done = make(target, tmp_path)
        assert done.returncode != 0
        assert "is not an asapfill" in done.stderr
        assert theirs.exists()


def test_a_half_finished_installation_leaves_the_old_program_working(tmp_path: Path) -> None:
    program = tmp_path / "opt/asapfill"
    (program / "bin").mkdir(parents=True)
    (program / "pyvenv.cfg").write_text("")
    (program / "bin/asapfill").write_text("the old one")
    done = make("install", tmp_path, PYTHON="/bin/false")
    assert done.returncode != 0
    assert (program / "bin/asapfill").read_text() == "the old one"
    assert sorted(path.name for path in (tmp_path / "opt").iterdir()) == ["asapfill"]


@pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("systemd-sysusers", "systemd-tmpfiles"))),
    reason="needs root and systemd's tools",
)
def test_systemd_makes_the_user_and_the_folders(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for tool, *arguments in (
        ("systemd-sysusers", "asapfill.sysusers"),
        ("systemd-tmpfiles", "--create", "asapfill.tmpfiles"),
    ):
        *options, name = arguments
        path = shutil.which(tool)
        assert path is not None
        subprocess.run([path, f"--root={tmp_path}", *options, ROOT / "systemd" / name], check=True, timeout=60)
    user = (tmp_path / "etc/passwd").read_text()
    assert user.startswith("asapfill:")
    assert user.strip().endswith("/nologin")
    state = (tmp_path / "var/lib/asapfill").stat()
    assert (state.st_mode & 0o777, str(state.st_uid)) == (0o700, user.split(":")[2])
    settings = (tmp_path / "etc/asapfill").stat()
    assert (settings.st_mode & 0o777, settings.st_uid, str(settings.st_gid)) == (0o750, 0, user.split(":")[3])
