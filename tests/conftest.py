"""What tests of several areas share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.bench import Bench, bench_for


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The small office of ``tests.service.office`` in a process of its own, and asapfill's commands on it."""
    with bench_for(tmp_path) as bench:
        yield bench
