"""Telling whether a file that people edit is still being written."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Final

from asapfill.clock import Clock

STILL: Final = 5.0
"""Seconds that a changed file must have been as it is before it counts."""
STILL_WHEN_LESS: Final = 30.0
"""The same for a version that may be the beginning of a longer one, because lines of the one before it are missing."""


class Stillness:
    """How long files have been as they are. Not for two threads at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[Path, tuple[str, float]] = {}

    def seconds(self, path: Path, content: bytes, *, first: bool = False) -> float:
        """For how long a file has had this ``content``: as often as it was looked at, and by its own time of writing.

        ``first``: before this look nobody could see the file change, so its own time alone tells.
        """
        now, mark = self._clock.monotonic(), hashlib.sha256(content).hexdigest()
        try:
            age = self._clock.now().timestamp() - path.stat().st_mtime
        except OSError:
            age = 0.0  # gone since it was read
        known = self._seen.get(path)
        if known is None or known[0] != mark:
            known = mark, now - max(age, 0.0) if first else now
            self._seen[path] = known
        # A time of writing that is still to come says nothing: a clock was wrong, here or where the file was written.
        return now - known[1] if age < 0 else min(now - known[1], age)


def leaves_out(before: str, after: str) -> bool:
    """Whether lines of ``before`` are missing in ``after``: keys, headings, items of lists. Values do not count."""
    return bool(_keys(before) - _keys(after))


def _keys(text: str) -> Counter[str]:
    """How often each line stands in a text of YAML or TOML, by what is before its colon or sign of equality."""
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return Counter(re.split("[:=]", line)[0].strip() for line in lines if line and not line.startswith("#"))
