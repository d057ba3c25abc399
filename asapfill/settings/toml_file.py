"""One settings file as text: reading it, what is not TOML in words, where each key stands; and the secrets it names.

Values of this file are never shown in a message: a key pasted in the wrong place must not end up in a log. Keys are not
written in it: a ``Secret`` holds only where one comes from. Its value exists in the moment of ``reveal()`` and in what
the caller makes of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asapfill.core.errors import ConfigurationError, Problem
from asapfill.files import read_file

LARGEST_FILE = 1024 * 1024
"""Bytes. A thousand offices fit; a file beyond this is not a settings file."""

Location = tuple[str, ...]
"""A key with the tables around it: ``("offices", "main-street", "urls")``."""


@dataclass
class SettingsFile:
    """A settings file that is being read: collects the mistakes, and the keys met on the way.

    ``places``: line and column (from 1) of each key and table heading.
    """

    path: Path
    places: Mapping[Location, tuple[int, int]]
    environ: Mapping[str, str]
    text: str = field(default="", repr=False)
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
    text = read_text(path)
    try:
        return tomllib.loads(text), SettingsFile(path, _places(text), environ, text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([_syntax_problem(path, text, error)]) from None


def read_text(path: Path) -> str:
    """The text of the settings file; a byte-order mark and Windows line ends are forgiven.

    Raises:
        ConfigurationError: it cannot be read or is no text.
        FileNotFoundError: there is none.
    """
    try:
        if path.is_dir():
            raise ConfigurationError([Problem(path, f"{path} is not a file.", hint="Name the file itself.")])
        raw = read_file(path, LARGEST_FILE + 1)
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
    named = f" `{key[1]}`" if key and may_be_shown(key[1]) else ""
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


MANY = 12
"""Signs of letters and digits in a row; keys of Open Dental have 16."""


def looks_like_a_key(name: str) -> bool:
    """Whether somebody may have pasted a key where a name belongs: letters and digits mixed, without a break."""
    return any(
        re.search("[0-9]", run) and re.search("[A-Za-z]", run) for run in re.findall(f"[A-Za-z0-9+/]{{{MANY},}}", name)
    )


def may_be_shown(name: str) -> bool:
    """Whether the name of a key may stand in a message: a word, as all our keys are, and no secret."""
    return re.fullmatch(r"[A-Za-z][a-z]*([_ -]?[a-z]+)*|[A-Z_]+", name) is not None and len(name) <= LONGEST_WORD


LONGEST_WORD = 40


def _shown(path: Path) -> str:
    """The end of a sentence with a path; without it where its name may be a key that was pasted there."""
    return "." if looks_like_a_key(path.name) or not path.name.isprintable() else f": {path}"


PREFIXES = ("env:", "file:", "credential:")


LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of the settings, by its source: ``env:NAME``, ``file:PATH`` or ``credential:NAME``.

    ``key``, ``file``, ``line`` and ``column`` say where the source is written, for messages.
    """

    source: str = field(repr=False)
    key: str = "secret"
    file: Path = Path("asapfill.toml")
    line: int = 0
    column: int = 0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def reveal(self) -> str:
        """The secret itself, without the line end that editors put behind it.

        Raises:
            ConfigurationError: it is missing, empty, unreadable, or nothing that could be sent as a key.
        """
        kind, _, name = self.source.partition(":")
        if kind == "env":
            text = self._from_environment(name)
        elif kind == "file":
            text = self._from_file(self.file.parent / name, "The file")
        elif kind == "credential":
            text = self._from_file(self._credential(name), "The systemd credential")
        else:
            raise self._trouble("has no source.", "Write env:NAME, file:PATH or credential:NAME.")
        secret = text.strip("\r\n")
        if not secret.strip():
            raise self._trouble("is empty where it comes from.", "Put the key there, nothing else.")
        if not re.fullmatch(r"[\x21-\x7e]+", secret):
            hint = "There must be the key alone, on one line, without blanks or quotes from a word processor."
            raise self._trouble("is not a key: it has blanks, several lines or odd characters.", hint)
        return secret

    def problems(self) -> tuple[Problem, ...]:
        """What keeps the secret from being fetched; empty when it can be."""
        try:
            self.reveal()
        except ConfigurationError as error:
            return error.problems
        return ()

    def _from_environment(self, name: str) -> str:
        if name not in self.environ:
            # Shown only if it looks like a variable's name: it could be a key that was pasted here.
            shown = f" {name}" if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) and not looks_like_a_key(name) else ""
            hint = "Set it for the user or service that runs asapfill, or use file:PATH or credential:NAME."
            raise self._trouble(f"comes from an environment variable{shown} that is not set.", hint)
        return self.environ[name]

    def _credential(self, name: str) -> Path:
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            hint = "Start asapfill through its systemd unit, or use env:NAME or file:PATH to try things by hand."
            raise self._trouble("is a systemd credential, and systemd did not start this program.", hint)
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*", name):
            hint = "Write the name as in LoadCredential=NAME:PATH of the unit."
            raise self._trouble("is not the name of a systemd credential.", hint)
        return Path(folder) / name

    def _from_file(self, path: Path, what: str) -> str:
        try:
            raw = read_file(path, LONGEST + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not a path"
            hint = f"{what} must exist and be readable for the user that runs asapfill{_shown(path)}"
            raise self._trouble(f"cannot be read: {why}.", hint) from None
        if len(raw) > LONGEST:
            raise self._trouble("comes from a file too large to be a key.", f"Is this the right one{_shown(path)}")
        return raw.decode("utf-8-sig", errors="replace")

    def _trouble(self, message: str, hint: str) -> ConfigurationError:
        problem = Problem(self.file, f"`{self.key}` {message}", self.line, self.column, hint)
        return ConfigurationError([problem])
