"""Modules and functions that can be read at a glance, and names that mean one thing."""

from __future__ import annotations

from collections import defaultdict

from tests.structure.house import SOURCE, definitions, source_files

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def test_the_longest_module_has_at_most_400_lines() -> None:
    sizes = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in source_files()}
    longest = max(sizes, key=lambda path: sizes[path])
    assert sizes[longest] <= LONGEST_MODULE, f"{longest} has {sizes[longest]} lines"


def test_the_longest_function_has_at_most_60_lines() -> None:
    longest = max((one for one in definitions() if not one.is_class), key=lambda one: one.lines)
    assert longest.lines <= LONGEST_FUNCTION, f"{longest.name} in {longest.file} has {longest.lines} lines"


def test_no_class_is_defined_twice() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for one in definitions():
        if one.is_class and one.top_level and not one.name.startswith("_"):
            homes[one.name].append(one.file)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_no_two_modules_have_the_same_name() -> None:
    """But for what is named after something else on purpose: commands after their verb, steps of the cycle after the
    part of the core that they call, modules of the store after their table, errors.py after its branch of the errors.
    """
    homes: dict[str, list[str]] = defaultdict(list)
    for path in source_files():
        place = path.relative_to(SOURCE)
        named_after_something = place.parts[0] in {"commands", "cycle", "store"} or path.name == "errors.py"
        if not path.name.startswith("__") and not named_after_something:
            homes[path.name].append(str(place))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
