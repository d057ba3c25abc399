"""Nothing imports upward, and nothing imports in a circle, not even for types."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.structure.house import ROOT, circles, module_edges, package_edges


def _broken_contracts(root: Path) -> str:
    """What the command of `make test` says of a tree in which a contract is broken; empty when all are kept."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return done.stdout if done.returncode else ""


def test_the_import_contract_holds() -> None:
    assert _broken_contracts(ROOT) == ""


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/limits.py", "from asapfill.cycle import results"),
        ("core/limits.py", "from asapfill.store import database"),
        ("core/limits.py", "import httpx"),
        ("store/database.py", "from asapfill.cycle import results"),
        ("opendental/client.py", "from asapfill.cycle import results"),
        ("mirror/known.py", "from asapfill.offers import journal"),
        ("sandbox/wire/server.py", "from asapfill.core import limits"),
        ("cycle/results.py", "from asapfill.sandbox.wire import server"),
    ],
)
def test_an_import_that_goes_upward_is_found(module: str, line: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "asapfill", tmp_path / "asapfill", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "asapfill" / module
    planted.write_text(planted.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    name = "asapfill." + module.removesuffix(".py").replace("/", ".")
    assert f"{name} -> {line.split()[1]}" in _broken_contracts(tmp_path)


def test_no_folders_import_each_other_in_a_circle() -> None:
    assert circles(package_edges()) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(module_edges()) == []


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([("a", "b"), ("b", "c")], []),
        ([("a", "b"), ("b", "a"), ("b", "c")], [["a", "b"]]),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"), ("e", "d")], [["a", "b", "c"], ["d", "e"]]),
    ],
)
def test_circles_are_found(edges: Sequence[tuple[str, str]], found: list[list[str]]) -> None:
    assert circles(set(edges)) == found
