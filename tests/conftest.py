"""What tests of several areas share."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.daemon.bench import Bench, bench_for
from tests.depth import DEPTH
from tests.processes.forked import fork_server

# How long an example takes says more of the machine than of asapfill; a machine that is busy must not fail a test.
settings.register_profile(
    "asapfill", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=DEPTH.examples(100)
)
settings.load_profile("asapfill")

RAM = Path("/dev/shm")  # noqa: S108  only where it is to be had, and a folder of our own in it
FOLDERS = "asapfill-"
"""And the number of the process: short, because the path of a socket may have 108 bytes."""
ENOUGH = 2_000_000_000
"""Bytes that must be free there; a run leaves at most a quarter of it, most of that the installed program."""


def pytest_configure(config: pytest.Config) -> None:
    """Have every temporary folder in memory, where writing to disk is for nothing, and take them away in the end."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell starts what runs in the background: no child of ours would hear a Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or not _is_fit_for_states(RAM):
        return  # a worker of xdist has what the process that started it has
    for left in RAM.glob(f"{FOLDERS}*"):
        number = left.name.removeprefix(FOLDERS).partition("-")[0]
        if number.isdigit() and not Path("/proc", number).exists():
            shutil.rmtree(left, ignore_errors=True)  # its tests were killed
    folder = tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}-", dir=RAM)
    before = os.environ.get("TMPDIR"), tempfile.tempdir

    def undo() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        tempfile.tempdir = before[1]
        if before[0] is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before[0]

    os.environ["TMPDIR"] = tempfile.tempdir = folder
    config.add_cleanup(undo)


def _is_fit_for_states(folder: Path) -> bool:
    """Whether it is there, big enough and may hold programs, which the tests of the installation put into it."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK) and found.f_bavail * found.f_frsize >= ENOUGH and not found.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session", autouse=True)
def _one_fork_server() -> Iterator[None]:
    """For all processes of asapfill that this process of the tests starts; a proof starts each anew."""
    with fork_server() if DEPTH.fork else nullcontext():
        yield


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The small office of ``tests.cycle.office`` in a process of its own, and asapfill's commands on it."""
    with bench_for(tmp_path) as bench:
        yield bench


@pytest.fixture(autouse=True)
def _levels_as_before() -> Iterator[None]:
    """Commands that a test runs in this process set how much is logged; the next test wants to see all again."""
    loggers = [logging.getLogger(), logging.getLogger("asapfill")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
