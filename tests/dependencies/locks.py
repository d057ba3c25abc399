"""What the lock files say: exact versions with hashes, as ``uv pip compile --generate-hashes`` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-runtime.lock", "requirements-build.lock")


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of a lock. ``name`` is normalised (PEP 503); ``version`` empty: it is not an exact one."""

    name: str
    version: str
    hashes: tuple[str, ...]
    line: str


def read_lock(path: Path) -> tuple[Locked, ...]:
    """Every requirement of a lock file."""
    return tuple(_requirements(path.read_text(encoding="utf-8")))


def _requirements(text: str) -> Iterator[Locked]:
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        bare = line.partition(" #")[0].strip()
        if not bare or bare.startswith("#"):
            continue
        exact = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", bare)
        name = exact[1] if exact else re.split(r"[^A-Za-z0-9._-]", bare, maxsplit=1)[0]
        hashes = tuple(re.findall(r"--hash=(\S+)", bare))
        yield Locked(re.sub(r"[-_.]+", "-", name).lower(), exact[2] if exact else "", hashes, bare)
