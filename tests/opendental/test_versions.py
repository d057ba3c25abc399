"""Old offices are asked only for what they know."""

from __future__ import annotations

import pytest

from asapfill.core.values import read_version, supports, written


@pytest.mark.parametrize(
    ("version", "item", "expected"),
    [
        ((25, 2, 9, 0), "asapcomms POST recallNum", True),
        ((25, 2, 8, 0), "asapcomms POST recallNum", False),
        ((25, 10, 1, 0), "asapcomms POST recallNum", True),
        ((23, 3, 3, 0), "asapcomms", True),
        ((23, 3, 2, 0), "asapcomms", False),
        (None, "commlogs PUT", True),
    ],
)
def test_compares_versions_as_numbers(version: tuple[int, ...] | None, item: str, *, expected: bool) -> None:
    assert supports(version, item) is expected


def test_an_item_that_is_not_in_the_table_is_a_mistake_in_the_program() -> None:
    with pytest.raises(KeyError):
        supports((25, 2), "asapcoms")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("25.2.9.0", (25, 2, 9, 0)), (" 24.3.10 ", (24, 3, 10)), ("", None), ("beta", None), ("25", None), (None, None)],
)
def test_reads_the_version_that_an_office_tells(text: str | None, expected: tuple[int, ...] | None) -> None:
    assert read_version(text) == expected


def test_writes_a_version_as_people_do() -> None:
    assert written((25, 2, 9)) == "25.2.9"
