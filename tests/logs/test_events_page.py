"""docs/events.md lists every event that the source logs, with its level and keys, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from tests.logs.events import logged

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
ROWS = {
    event: (level, set(re.findall(r"`([a-z_]+)`", keys)))
    for event, level, keys in re.findall(
        r"^\| `([a-z_]+\.[a-z_]+)` \| ([a-z, ]+) \| ([^|]*)\|", PAGE, flags=re.MULTILINE
    )
}


def test_every_event_is_explained_and_nothing_else_is() -> None:
    found = logged()
    assert set(found) - set(ROWS) == set(), "logged, and not in docs/events.md"
    assert set(ROWS) - set(found) == set(), "in docs/events.md, and never logged"


def test_levels_and_keys_are_those_of_the_source() -> None:
    found = {name: (", ".join(sorted(event.levels)), event.keys) for name, event in logged().items()}
    wrong = {name: (told, ROWS.get(name)) for name, told in found.items() if ROWS.get(name) != told}
    assert wrong == {}, "as the source has it, as the page has it"


def test_names_follow_one_pattern() -> None:
    assert [name for name in logged() if not re.fullmatch(r"[a-z]+\.[a-z_]+", name)] == []
