"""One settings file as text: reading it, what is not TOML in words, and where each key stands.

Values of this file are never shown in a message: a key pasted in the wrong place must not end up in a log.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asapfill.core.errors import ConfigurationError, Problem
from asapfill.settings.secret import Secret

LARGEST_FILE = 1024 * 1024
"""Bytes. A thousand offices fit; a file beyond this is not a settings file."""

Location = tuple[str, ...]
"""A key with the tables around it: ``("offices", "main-street", "urls")``."""


@dataclass
class SettingsFile:
    """A settings file that is being read: collects the mistakes, and the secrets met on the way.

    ``places``: line and column (from 1) of each key and table heading.
    """

    path: Path
    places: Mapping[Location, tuple[int, int]]
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)

    def problem(self, location: Location, message: str, hint: str = "") -> None:
        """Note a mistake at ``location``, or at the nearest place around it that is known."""
        line, column = self.place(location)
        self.problems.append(Problem(self.path, message, line, column, hint))

    def place(self, location: Location) -> tuple[int, int]:
        """Line and column, from 1; zeros for the file as a whole."""
        while location and location not in self.places:
            location = location[:-1]
        return self.places.get(location, (0, 0))

    def secret(self, source: str, location: Location) -> Secret:
        """The secret whose source stands at ``location``."""
        return Secret(source, location[-1], self.path, *self.place(location), environ=self.environ)


def read_toml(path: Path, environ: Mapping[str, str]) -> tuple[dict[str, Any], SettingsFile]:
    """What stands in the file, and the file itself for messages.

    Raises:
        ConfigurationError: it cannot be read or is not TOML.
        FileNotFoundError: there is none.
    """
    text = _text(path)
    try:
        return tomllib.loads(text), SettingsFile(path, _places(text), environ)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([_syntax_problem(path, text, error)]) from None


def _text(path: Path) -> str:
    """The text of the settings file; a byte-order mark and Windows line ends are forgiven."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError([Problem(path, f"{path} is not a file.", hint="Name the file itself.")])
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        hint = "The user that runs asapfill must be allowed to read it."
        raise ConfigurationError([Problem(path, message, hint=hint)]) from None
    if len(raw) > LARGEST_FILE:
        message = f"The file is larger than {LARGEST_FILE // 1024} KiB."
        raise ConfigurationError([Problem(path, message, hint="Is this the settings file?")])
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        hint = "Save it with the encoding UTF-8."
        raise ConfigurationError([Problem(path, "The file is not UTF-8 text.", line, 1, hint)]) from None


def _syntax_problem(path: Path, text: str, error: Exception) -> Problem:
    """Where TOML breaks, without showing the line: it may hold a key in plain text."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = (int(found[1]), int(found[2])) if found else (text.count("\n") + 1, 1)
    before = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    key = re.match(r"\s*([A-Za-z0-9_-]+)\s*=", before)
    named = f" `{key[1]}`" if key else ""
    if "overwrite" in str(error) or "declare" in str(error):
        message = f"This name{named} stands twice in the file."
        hint = "Keep one of the two."
    else:
        message = f"This line{named} is not TOML as it stands."
        hint = (
            "Text and secrets stand in straight quotes, lists in brackets: "
            'customer_key = "credential:main-street", urls = ["http://10.0.0.5:30223/api/v1"].'
        )
    return Problem(path, message, line, column, hint)


_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"


def _places(text: str) -> dict[Location, tuple[int, int]]:
    """Line and column (from 1) of each key and table heading, by a scan of the lines.

    The scan is for messages only: where it misses an unusual way of writing, the message shows the table.
    """
    places: dict[Location, tuple[int, int]] = {}
    table: Location = ()
    for number, line in enumerate(text.split("\n"), start=1):
        heading = re.match(rf"\s*\[\[?\s*({_DOTTED})\s*\]", line)
        key = re.match(rf"\s*({_DOTTED})\s*=", line)
        if heading:
            table = _parts(heading[1])
            places.setdefault(table, (number, heading.start(1) + 1))
        elif key:
            location = table + _parts(key[1])
            for length in range(len(table) + 1, len(location) + 1):
                places.setdefault(location[:length], (number, key.start(1) + 1))
    return places


def _parts(dotted: str) -> Location:
    return tuple(part.strip("\"'") for part in re.findall(_BARE_OR_QUOTED, dotted))
