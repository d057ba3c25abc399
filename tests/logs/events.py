"""Every event that the source logs, found in its syntax: name, levels and keys."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asapfill.core.offer import State
from asapfill.logs import LIBRARY

LEVELS = ("log", "debug", "info", "warning", "error", "exception", "critical")
PACKAGE = Path(__file__).parents[2] / "asapfill"


@dataclass
class Event:
    """One event as the source logs it, perhaps in several places."""

    levels: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def logged() -> dict[str, Event]:
    """Every event by its name. ``offer.%s`` stands for an event of every state that an offer can be in."""
    events = {LIBRARY.split(" ")[0]: Event({"warning", "error"}, {"library"})}
    for path in sorted(PACKAGE.rglob("*.py")):
        for level, text in _calls(ast.parse(path.read_text(encoding="utf-8")), path):
            head = text.split(" ")[0]
            if head == "offer.%s":
                names = [f"offer.{state}" for state in State]
            elif head == "daemon.%s":
                names = ["daemon.started", "daemon.reloaded"]
            else:
                names = [head]
            for name in names:
                event = events.setdefault(name, Event())
                event.levels.add("error" if level == "exception" else level)
                event.keys |= set(re.findall(r"(?<![%\w])([a-z_]+)=", text))
    return events


def _calls(tree: ast.AST, path: Path) -> Iterator[tuple[str, str]]:
    """Level and format string of every ``log.LEVEL("…", …)``."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "log"):
            continue
        assert node.func.attr != "log", f"{path.name}:{node.lineno}: an event's level must be written out"
        first = node.args[0]
        assert isinstance(first, ast.Constant), f"{path.name}:{node.lineno}: an event's name must be written out"
        assert isinstance(first.value, str)
        yield node.func.attr, first.value
