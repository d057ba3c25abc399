"""Simulated days in the suite: nothing that must not happen, the same seed the same day, and a witness that sees."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asapfill.core.offer import State
from asapfill.cycle import recheck, send, sync
from tests.soak.soak import run_seed

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 41)
GROUPS = [SEEDS[start : start + 5] for start in range(0, len(SEEDS), 5)]


@pytest.mark.parametrize("seeds", GROUPS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_in_forty_stormy_days_nothing_happens_that_must_not(seeds: range) -> None:
    accounts = [run_seed(seed) for seed in seeds]
    assert [detail for account in accounts for detail in account.details] == []
    assert not any(account.violations for account in accounts)
    # The days were stormy, and asapfill worked in them.
    assert all(account.cycles > 30 for account in accounts)
    assert sum(account.offers for account in accounts) > 10
    assert sum(account.kills for account in accounts) > 12
    assert sum(account.events.total() for account in accounts) > 500
    assert sum(account.faults.total() for account in accounts) > 50


def test_the_same_seed_replays_the_same_day(tmp_path: Path) -> None:
    """Also in another process, where Python's hashes fall differently."""
    logs = []
    for hashes in ("1", "2"):
        folder = tmp_path / hashes
        subprocess.run(
            [sys.executable, "-m", "tests.soak.soak", "--seeds", "4", "--jobs", "1", "--log", str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            check=True,
            capture_output=True,
        )
        logs.append((folder / "4.log").read_text())
    assert logs[0] == logs[1]
    assert len(logs[0].splitlines()) > 100


def nothing_stands_against_it(*_: object, **__: object) -> Callable[..., None]:
    return lambda *_, **__: None


SABOTAGE: dict[str, tuple[Any, str, Any, set[str]]] = {
    "limits are not checked": (send, "checker", nothing_stands_against_it, {"per opening", "per patient and day"}),
    "nobody looks again": (
        recheck.Recheck,
        "__call__",
        lambda *_: None,
        {"over an appointment", "over a blockout", "to a minor", "to somebody without consent"},
    ),
    "a pause is not asked for": (send, "is_paused", lambda *_: False, {"sent while paused"}),
    "clocks may be apart": (sync, "_same_clock", lambda *_: True, {"sent with clocks apart"}),
}
"""What is broken on purpose: where, what, by what; and a violation of which at least one must be seen."""

TELLING = (8, 21, *range(1, 31))
"""Days in which what is broken may show; those first in which it did when this was written, which saves a minute."""


@pytest.mark.parametrize("what", SABOTAGE)
def test_the_witness_sees_what_it_is_there_for(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, name, replacement, expected = SABOTAGE[what]
    monkeypatch.setattr(place, name, replacement)
    if what == "limits are not checked":
        monkeypatch.setattr("asapfill.cycle.plan.verdict", lambda *_, **__: None)
    if what == "clocks may be apart":
        monkeypatch.setattr(recheck.Recheck, "_trustworthy", lambda *_: None)
    seen: set[str] = set()
    for seed in TELLING:
        seen |= set(run_seed(seed).violations)
        if seen & expected:
            return
    pytest.fail(f"nobody noticed that {what}; seen: {seen}")


def test_a_lost_unknown_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """If an unclear answer counted as not sent, the office would see somebody asked twice."""
    monkeypatch.setattr("asapfill.offers.sending.after_error", lambda _: (State.UNSENT, "not_sent"))
    seen: set[str] = set()
    for seed in TELLING:
        seen |= set(run_seed(seed).violations)
        if "not in the journal" in seen:
            return
    pytest.fail(f"nobody noticed; seen: {seen}")
