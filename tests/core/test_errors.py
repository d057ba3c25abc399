"""The tree of errors: every class of asapfill is in it, with its exit code, and in the picture of the tree."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import asapfill
from asapfill.core import errors
from asapfill.core.errors import AsapfillError
from asapfill.report.explain import Unserved

SOURCE = Path(asapfill.__file__).parent
EXIT_CODES: dict[str, int | None] = {
    "ConfigurationError": 78,
    "AlreadyRunning": 75,
    "StoreError": 1,
    "OpenDentalError": 1,
    "Unserved": 1,
    "CannotListen": 1,
    "NotWritten": 2,
    "Unreadable": 2,
    "NoDay": 2,
    "Held": None,
    "IllegalStep": None,
    "NotADelivery": None,
    "RefusedDelivery": None,
    "TooManyValues": None,
    "Unsteady": None,
}


def _modules() -> Iterator[str]:
    """Every module but those of the simulated office, and those that are programs."""
    for module in pkgutil.walk_packages([str(SOURCE)], "asapfill."):
        if not module.name.startswith("asapfill.sandbox") and not module.name.endswith("__main__"):
            yield module.name


def _below(kind: type[AsapfillError]) -> Iterator[type[AsapfillError]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _below(inner)


@pytest.fixture(scope="module")
def tree() -> list[type[AsapfillError]]:
    """Every error of asapfill."""
    for name in _modules():
        import_module(name)
    return [kind for kind in _below(AsapfillError) if kind.__module__.startswith("asapfill.")]


def test_every_error_has_its_exit_code(tree: list[type[AsapfillError]]) -> None:
    first = {kind.__name__: kind.exit_code for kind in tree if kind.__bases__[0] is AsapfillError}
    assert {name: code for name, code in first.items() if not name.startswith("_")} == EXIT_CODES
    assert {code for name, code in first.items() if name.startswith("_")} <= {None}


def test_what_an_office_answered_ends_with_1(tree: list[type[AsapfillError]]) -> None:
    requests = [kind for kind in tree if kind.__module__ == "asapfill.opendental.errors"]
    assert len(requests) == 13
    assert {kind.exit_code for kind in requests} == {1}


def test_an_office_that_is_not_served_because_of_the_configuration_ends_with_78() -> None:
    assert Unserved("No policy.", configuration=True).exit_code == 78
    assert Unserved("No such visit.", configuration=False).exit_code == 1


def test_the_picture_shows_the_tree() -> None:
    shown = dict(re.findall(r"[├└]── (\w+) +([-\d, ]+?)  ", errors.__doc__ or ""))
    assert {name: code.split(",")[0].strip() for name, code in shown.items()} == {
        name: str(code or "-") for name, code in EXIT_CODES.items()
    }


def test_no_error_stands_outside_the_tree() -> None:
    builtin = {"Exception", "ValueError", "RuntimeError", "OSError", "LookupError", "KeyError", "AssertionError"}
    outside = [
        node.name
        for path in SOURCE.rglob("*.py")
        if "sandbox" not in path.relative_to(SOURCE).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and builtin.intersection(ast.unparse(base) for base in node.bases[:1])
    ]
    assert outside == ["AsapfillError"]
