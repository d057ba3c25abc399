"""The locks, without a network: exact released versions with hashes, and the same everywhere."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.dependencies.locks import LOCKS, ROOT, _requirements, read_lock

RELEASED = re.compile(r"(\d+!)?\d+(\.\d+)*(\.post\d+)?")
"""A version that is no alpha, beta, release candidate, development or local version (PEP 440)."""


def wrong(rows: Any) -> list[str]:
    """Lines that let something other than one released file in."""
    return [
        row.line[:60]
        for row in rows
        if not RELEASED.fullmatch(row.version)
        or not row.hashes
        or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", found) for found in row.hashes)
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_one_released_version_with_hashes(lock: str) -> None:
    rows = read_lock(ROOT / lock)
    assert len(rows) > 3
    assert wrong(rows) == []


HASH = "--hash=sha256:" + "a" * 64


@pytest.mark.parametrize(
    "line",
    [
        f"a>=1.0 {HASH}",
        "a==1.0",
        f"a==1.0rc1 {HASH}",
        f"a==1.0.dev3 {HASH}",
        f"a==1.0+local {HASH}",
        "a==1 --hash=md5:1",
        f"a @ https://example.com/a.whl {HASH}",
        "--index-url https://example.com",
    ],
)
def test_anything_else_is_seen(line: str) -> None:
    assert len(wrong(_requirements(line))) == 1
    assert wrong(_requirements(f"a==1.0.post1 ; sys_platform == 'win32' \\\n    {HASH}\n    # via b")) == []


def test_what_is_installed_is_what_is_tested() -> None:
    tested = {(row.name, row.version) for row in read_lock(ROOT / "requirements.lock")}
    for lock in LOCKS[1:]:
        assert {(row.name, row.version) for row in read_lock(ROOT / lock)} - tested == set(), lock


def test_the_locks_keep_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = {row.name: row.version for row in read_lock(ROOT / "requirements-runtime.lock")}
    for requirement in project["project"]["dependencies"]:
        found = re.match(r"([A-Za-z0-9._-]+)(?:\[.*\])?>=([0-9.]+)", requirement)
        assert found, f"{requirement} has no lowest version"
        name = re.sub(r"[-_.]+", "-", found[1]).lower()
        assert numbers(runtime.get(name, "0")) >= numbers(found[2]), f"{name} is not locked: run `make lock`"


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
