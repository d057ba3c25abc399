"""Keys that are never written down in the settings: where they come from, and fetching them.

A ``Secret`` holds only the source. Its value exists in the moment of ``reveal()`` and in what the caller makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asapfill.core.errors import ConfigurationError, Problem

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
            shown = f" {name}" if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else ""
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
            with path.open("rb") as file:
                raw = file.read(LONGEST + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not a path"
            hint = f"{what} must exist and be readable for the user that runs asapfill: {path}"
            raise self._trouble(f"cannot be read: {why}.", hint) from None
        if len(raw) > LONGEST:
            raise self._trouble("comes from a file too large to be a key.", f"Is this the right one? {path}")
        return raw.decode("utf-8-sig", errors="replace")

    def _trouble(self, message: str, hint: str) -> ConfigurationError:
        problem = Problem(self.file, f"`{self.key}` {message}", self.line, self.column, hint)
        return ConfigurationError([problem])
