"""What the program must not do at all, looked for in its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "asapfill"
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "telnetlib", "ftplib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "ssl._create_unverified_context"}
OPEN_GATES = {("shell", True), ("verify", False), ("follow_redirects", True), ("allow_redirects", True)}


def trespasses(source: str) -> Iterator[str]:
    """Every forbidden import, call and argument of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in FORBIDDEN_MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES:
            yield node.module or ""
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in FORBIDDEN_CALLS:
                yield name
            for given in node.keywords:
                if isinstance(given.value, ast.Constant) and (given.arg, given.value.value) in OPEN_GATES:
                    yield f"{given.arg}={given.value.value!r}"


def test_the_search_finds_what_it_looks_for() -> None:
    source = (
        "import pickle\nfrom marshal import loads\neval('1')\nos.system('x')\nrun('x', shell=True)\nget(verify=False)\n"
    )
    assert list(trespasses(source)) == ["pickle", "marshal", "eval", "os.system", "shell=True", "verify=False"]


def test_no_shell_no_eval_no_pickle_no_unverified_tls_no_redirects() -> None:
    found = {path.name: list(trespasses(path.read_text(encoding="utf-8"))) for path in PACKAGE.rglob("*.py")}
    assert {name: things for name, things in found.items() if things} == {}
    assert len(found) > 100
