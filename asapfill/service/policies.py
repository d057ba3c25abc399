"""The policies in force: read anew for every cycle, the last good version of a file kept while an edit has a mistake."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import read_policies
from asapfill.problems import Problem


@dataclass(slots=True)
class PolicyBook:
    """The folder of policies of one running asapfill.

    ``problems``: everything wrong with the folder at the last reading. Files are compared by content, so that shares and
    editors that replace files make no difference.
    """

    folder: Path
    offices: Collection[str]
    problems: tuple[Problem, ...] = ()
    _good: dict[Path, PolicyFile] = field(default_factory=dict)
    _observed: dict[Path, str] = field(default_factory=dict)

    def read(self) -> Sequence[PolicyFile]:
        """The policies in force now: every good file, and for a file that has a mistake its last good version."""
        loaded = read_policies(self.folder, self.offices)
        self.problems = loaded.problems
        good = {file.source.path: file for file in loaded.files}
        broken = {problem.file for problem in loaded.problems}
        kept = {path: file for path, file in self._good.items() if path in broken and path not in good}
        self._good = {**good, **kept}
        self._observed = {path: _digest(path) for path in self._good}
        return [self._good[path] for path in sorted(self._good)]

    def read_problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folder now."""
        self.read()
        return self.problems

    def still_valid(self, file: PolicyFile) -> bool:
        """Whether the file has not been touched since it was read: asked between two POSTs."""
        path = file.source.path
        return _digest(path) == self._observed.get(path)

    def fell_back(self, file: PolicyFile) -> bool:
        """Whether this is the last good version of a file that has a mistake now."""
        return any(problem.file == file.source.path for problem in self.problems)


def _digest(path: Path) -> str:
    """A fingerprint of the file's content; of nothing when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
