"""The README's list of commands is the program's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from asapfill.cli import COMMANDS, cli

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _section(heading: str) -> str:
    _, found, rest = README.partition(f"\n## {heading}\n")
    assert found, f"the README has no section {heading!r}"
    return rest.partition("\n## ")[0]


def _listed() -> set[str]:
    return set(re.findall(r"^\| `asapfill ([a-z]+)", _section("Commands"), flags=re.MULTILINE))


def _not_there_yet() -> set[str]:
    found = re.search(r"Not there yet: ((?:`[a-z]+`,?\s*)+)", _section("Known gaps"))
    return set(re.findall(r"[a-z]+", found[1])) if found else set()


def _with_subcommands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for inner, subcommand in command.commands.items():
            yield from _with_subcommands(f"{name} {inner}", subcommand)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for full_name, each in _with_subcommands(name, command):
        assert each.get_short_help_str(), f"{full_name} has no help text"
        options = [option for option in each.params if isinstance(option, click.Option)]
        assert [option.name for option in options if not (option.help or "").strip()] == [], full_name


def test_the_readme_lists_every_command_and_no_other() -> None:
    assert _listed() == set(COMMANDS)


def test_what_the_readme_calls_missing_is_missing() -> None:
    assert not _not_there_yet() & set(COMMANDS)
