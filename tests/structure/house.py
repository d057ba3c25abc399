"""What the tests and the picture of the architecture look at: modules, packages, definitions, and who imports whom."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "asapfill"
Edge = tuple[str, str]
"""Who imports, and what is imported."""


@dataclass(frozen=True)
class Definition:
    """A class or function: where, how it is called, and how many lines it has."""

    file: str
    name: str
    lines: int
    is_class: bool
    top_level: bool


@cache
def graph() -> grimp.ImportGraph:
    """Every import between modules of asapfill, those for types only included."""
    return grimp.build_graph("asapfill", exclude_type_checking_imports=False, cache_dir=None)


def module_edges() -> set[Edge]:
    """The imports between modules."""
    found = graph()
    return {(module, target) for module in found.modules for target in found.find_modules_directly_imported_by(module)}


def package_of(module: str) -> str:
    """The folder of a module directly below asapfill; a module that lies in none stands for itself."""
    return module.split(".")[1] if "." in module else module


def package_edges() -> set[Edge]:
    """The imports between the folders of asapfill."""
    edges = {(package_of(module), package_of(target)) for module, target in module_edges()}
    return {(package, target) for package, target in edges if package != target and "asapfill" not in {package, target}}


def circles(edges: set[Edge]) -> list[list[str]]:
    """Groups of which each member reaches every other one by imports, directly or by way of others."""
    after: dict[str, set[str]] = {}
    for start, end in edges:
        after.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            for target in after.get(ahead.pop(), set()) - seen:
                seen.add(target)
                ahead.append(target)
        return seen

    reach = {start: reached(start) for start in after}
    groups = {frozenset(other for other in reach[start] if start in reach.get(other, ())) for start in after}
    return sorted(sorted(group) for group in groups if group)


def layers() -> list[list[str]]:
    """The layers of the import contract, the top one first."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    written = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return [[name.strip() for name in line.split("|")] for line in written]


def purpose(package: str) -> str:
    """What a folder (or a module) is for: the first sentence of its docstring."""
    file = SOURCE / package / "__init__.py"
    text = (file if file.exists() else SOURCE / f"{package}.py").read_text(encoding="utf-8")
    return " ".join((ast.get_docstring(ast.parse(text)) or "").split()).partition(". ")[0].rstrip(".")


def source_files() -> list[Path]:
    """Every module's file."""
    return sorted(SOURCE.rglob("*.py"))


def definitions() -> Iterator[Definition]:
    """Every class and function of asapfill."""
    for path in source_files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield Definition(
                    file=str(path.relative_to(ROOT)),
                    name=node.name,
                    lines=(node.end_lineno or node.lineno) - node.lineno + 1,
                    is_class=isinstance(node, ast.ClassDef),
                    top_level=node in tree.body,
                )
