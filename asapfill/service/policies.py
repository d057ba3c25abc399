"""The policies in force: read anew for every cycle, the last good version of a file kept while an edit has a
mistake.
"""

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

    ``problems``: everything wrong with the folder at the last reading. Files are compared by content, so that shares
    and editors that replace files make no difference.
    """

    folder: Path
    offices: Collection[str]
    problems: tuple[Problem, ...] = ()
    _good: dict[Path, PolicyFile] = field(default_factory=dict)
    _content: dict[Path, str] = field(default_factory=dict)

    def read(self) -> Sequence[PolicyFile]:
        """The policies in force now: every good file, and for a file that has a mistake its last good version.

        A clinic that two files claim is served by neither, also when one of them was in force before.
        """
        # Before the reading: an edit in between then counts as a change, and nothing is sent until it was read.
        self._content = {path: _fingerprint(path) for path in _files(self.folder)}
        loaded = read_policies(self.folder, self.offices)
        good = {file.source.path: file for file in loaded.files}
        mistaken = {problem.file for problem in loaded.problems} - set(loaded.doubly_claimed)
        claimed = {_claim(file) for file in good.values()}
        kept = {
            path: file
            for path, file in self._good.items()
            if path in mistaken and path not in good and _claim(file) not in claimed
        }
        self._good = good | kept
        self.problems = loaded.problems
        return [self._good[path] for path in sorted(self._good)]

    def read_problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folder now."""
        self.read()
        return self.problems

    def still_valid(self, file: PolicyFile) -> bool:
        """Whether the file has not been touched since the last reading: asked between two POSTs."""
        path = file.source.path
        return path in self._content and _fingerprint(path) == self._content[path]


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        # ``read_policies`` tells the person why.
        return []


def _claim(file: PolicyFile) -> tuple[str, str | None]:
    return file.office, None if file.clinic is None else str(file.clinic).strip().casefold()


def _fingerprint(path: Path) -> str:
    """Of the file's content; of nothing when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
