"""What ``doctor`` finds out about this machine: Python and the packages, clock and time zones, the systemd unit."""

from __future__ import annotations

import ctypes
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zoneinfo import TZPATH

from asapfill import __version__
from asapfill.checks.findings import Finding, look, ok, wrong

OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables, which the state is made of."""
UNIT = "asapfill.service"
_PATIENCE = 10.0
_UNSYNCHRONISED = 5
"""What adjtimex(2) answers, TIME_ERROR, while nothing keeps the kernel's clock right."""
_ROOM = 512
"""Bytes: more than ``struct timex`` has on any kind of Linux. All zeros, it asks and changes nothing."""


def check_program() -> Iterator[Finding]:
    """Python, asapfill and the packages that it needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield ok("python", f"Python {version}, asapfill {__version__}.")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield wrong("sqlite", f"SQLite {sqlite3.sqlite_version} is too old: the state needs 3.37. Update Python.")
    else:
        yield ok("sqlite", f"SQLite {sqlite3.sqlite_version}.")
    yield from _packages()


def _packages() -> Iterator[Finding]:
    remedy = "Install asapfill again (`make install`)."
    try:
        needed = metadata.requires("asapfill") or []
    except metadata.PackageNotFoundError:
        yield look("packages", f"asapfill runs from a folder in which it is not installed. {remedy}")
        return
    good = []
    for requirement in needed:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        oldest = re.search(r">=\s*([0-9.]+)", requirement)
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield wrong("packages", f"The package {name} is missing. {remedy}")
            continue
        if oldest is not None and _numbers(found) < _numbers(oldest[1]):
            yield wrong("packages", f"{name} {found} is older than {oldest[1]}. {remedy}")
            continue
        good.append(f"{name} {found}")
    if len(good) == len(needed):
        yield ok("packages", f"None is missing or too old: {', '.join(good)}.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def check_machine() -> Iterator[Finding]:
    """Its clock and its time zone."""
    yield judge_clock(kernel_clock())
    yield ok(
        "time zone",
        f"This machine is in {time.strftime('%Z')}; offices are in the zones of their policies ({_rules()}).",
    )


def kernel_clock() -> int | None:
    """What the kernel says of its clock, as adjtimex(2) numbers it; None where it cannot be asked."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None  # not Linux
    answer = int(ask(ctypes.create_string_buffer(_ROOM)))
    return None if answer < 0 else answer


def judge_clock(state: int | None) -> Finding:
    """What an answer of ``kernel_clock`` means. NTP, chrony and systemd-timesyncd all set the same flag there."""
    remedy = "See `timedatectl`, and `systemctl enable --now systemd-timesyncd` or chrony."
    if state is None:
        return look("clock", f"This system does not tell whether its clock is kept right. {remedy}")
    if state == _UNSYNCHRONISED:
        return look(
            "clock",
            "The kernel knows of nothing that keeps its clock right (NTP); for a container or a virtual machine the "
            f"host may do it. With clocks 5 minutes apart nothing is sent. {remedy}",
        )
    return ok("clock", "The clock is kept right (NTP).")


def _rules() -> str:
    """Where the rules of the time zones come from: the system's come before the package's."""
    return f"rules of tzdata {metadata.version('tzdata')} where {TZPATH[0]} has none" if TZPATH else "rules of tzdata"


def check_service() -> Iterator[Finding]:
    """The systemd unit, as systemd has it in force."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/run/systemd/system").is_dir():
        yield look("service", "systemd does not run here: something else must start `asapfill run`.")
        return
    wanted = (
        "LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "NeedDaemonReload", "Result",
        "FragmentPath", "DropInPaths",
    )  # fmt: skip
    try:
        # A fixed list of words; no shell reads them.
        done = subprocess.run(  # noqa: S603
            [systemctl, "show", UNIT, f"--property={','.join(wanted)}"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield look("service", f"systemd could not be asked ({type(error).__name__}).")
        return
    yield from judge_unit(dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line))


def judge_unit(unit: dict[str, str]) -> Iterator[Finding]:
    """What the properties of our unit mean; ``unit`` as `systemctl show` prints them."""
    if unit.get("LoadState") != "loaded":
        yield look("service", f"There is no {UNIT}. `make install` puts it in place.")
        return
    active, result = unit.get("ActiveState", ""), unit.get("Result", "success")
    if unit.get("SubState") == "auto-restart":
        yield wrong(
            "service",
            f"{UNIT} has ended ({result}), and systemd is about to start it again. `journalctl -u asapfill -n 50`.",
        )
    elif active in {"active", "reloading", "activating"}:
        changed = f", changed by {unit['DropInPaths']}" if unit.get("DropInPaths") else ""
        place = unit.get("FragmentPath", UNIT)
        yield ok("service", f"{UNIT} runs ({unit.get('SubState')}), as in {place}{changed}.")
    elif active == "failed" or result != "success":
        yield wrong("service", f"{UNIT} has failed ({result}). `journalctl -u asapfill -n 50` says why; then start it.")
    else:
        yield look("service", f"{UNIT} does not run. `systemctl enable --now asapfill` starts it.")
    if unit.get("UnitFileState") not in {"enabled", "static", "linked"}:
        yield look("service", f"{UNIT} is not started with the machine. `systemctl enable asapfill` changes that.")
    if unit.get("NRestarts", "0") not in {"", "0"}:
        yield look("service", f"systemd has restarted it {unit['NRestarts']} times: see `journalctl -u asapfill`.")
    if unit.get("NeedDaemonReload") == "yes":
        yield look("service", "Its unit file was changed on disk: `systemctl daemon-reload`, then restart.")
