"""The picture of the architecture shows the imports as they are."""

from __future__ import annotations

from tests.structure.house import layers, package_edges
from tests.structure.picture import FILE, needed, picture


def test_the_picture_is_drawn_from_the_imports_of_today() -> None:
    assert FILE.read_text(encoding="utf-8") == picture(), "draw it anew: python -m tests.structure.picture"


def test_every_folder_of_the_contract_is_drawn() -> None:
    drawn = FILE.read_text(encoding="utf-8")
    assert [name for row in layers() for name in row if f">{name}</text>" not in drawn] == []


def test_what_follows_from_other_imports_is_left_out() -> None:
    assert needed({("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}) == {("a", "b"), ("b", "c"), ("a", "d")}


def test_nothing_that_matters_is_left_out() -> None:
    """Whoever reaches a folder by imports reaches it by the arrows that are drawn."""
    edges = package_edges()
    arrows = needed(edges)

    def reached(start: str, among: set[tuple[str, str]]) -> set[str]:
        found = {end for begin, end in among if begin == start}
        return found.union(*(reached(each, among) for each in found))

    for start in {start for start, _ in edges}:
        assert reached(start, edges) == reached(start, arrows)
