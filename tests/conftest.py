"""What tests of several areas share."""

from __future__ import annotations

import logging
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
