"""What can go wrong in asapfill, as one tree with exit codes; and mistakes in a file, told so that they can be mended.

::

    AsapfillError               1   what went wrong and what to do, in a sentence for a person
    ├── ConfigurationError     78   settings or policies cannot be used as they stand
    ├── AlreadyRunning         75   another asapfill works on this state folder
    ├── StoreError              1   the state cannot be read or written
    ├── OpenDentalError         1   a request to an office; its own tree is in ``opendental.errors``
    ├── Unserved            1, 78   an office cannot be looked at, or lacks what was asked for
    ├── CannotListen            1   the port or certificate for Open Dental's events
    ├── NotWritten              2   a new policy is not wanted here
    ├── Unreadable              2   a value that cannot be taken as it is written
    ├── NoDay                   2   a day that cannot be taken as it is written
    ├── Held                    -   the journal holds an offer back
    ├── IllegalStep             -   an offer cannot go from this state to that one
    ├── NotADelivery            -   not what Open Dental posts
    ├── RefusedDelivery         -   a delivery that is not taken: the answer to it
    ├── Unsteady                -   the pages of a list do not fit together
    └── TooManyValues           -   JSON from outside has more in it than memory is there for

Those with ``-`` are a finding for the caller, who catches it. If one ends a command nevertheless, that is a mistake in
asapfill, and Python's traceback is shown. Each class is defined where it is raised. The simulated office shares nothing
but the clock with asapfill, so its errors stand apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

WIDEST = 76
"""Characters of a line that are shown, so that its mark stands below it on a narrow screen; a longer one is cut."""
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file.

    ``line`` and ``column`` count from 1; 0 means the file as a whole. ``excerpt`` is the line itself, empty where it
    might hold a secret. Names of files and what stands in them come from outside: ``message`` and ``hint`` are made fit
    for a terminal, JSON, the log, notices and the state here, whoever writes them.
    """

    file: Path
    message: str
    line: int = 0
    column: int = 0
    hint: str = ""
    excerpt: str = ""

    def __post_init__(self) -> None:
        """Make its texts fit, line by line."""
        for name in ("message", "hint"):
            text = getattr(self, name)
            object.__setattr__(self, name, "\n".join(map(_fit, text.split("\n"))))

    @property
    def name(self) -> str:
        """The file's name, fit for people."""
        return _fit(self.file.name)

    def __str__(self) -> str:
        """As a person reads it: ``main-street.yaml:14:3: …``, then the line with a mark, then what to do."""
        place = self.name + (f":{self.line}:{self.column}" if self.line else "")
        lines = [f"{place}: {self.message}"]
        if self.excerpt:
            lines += self._marked()
        if self.hint:
            lines.append(f"{INDENT}{self.hint}")
        return "\n".join(lines)

    def _marked(self) -> list[str]:
        """The line and a mark below the column; tabs are made visible, and nothing in it can steer a terminal."""
        shown = "".join(sign if sign.isprintable() else "·" for sign in self.excerpt.replace("\t", "→"))
        column = max(self.column, 1) - 1
        if len(shown) > WIDEST:
            start = max(0, min(column - WIDEST // 2, len(shown) - WIDEST))
            column -= start
            cut = shown[start : start + WIDEST]
            shown = ("…" if start else cut[0]) + cut[1:-1] + ("…" if start + WIDEST < len(shown) else cut[-1])
        return [f"{INDENT}{shown}", f"{INDENT}{' ' * column}^"]


def _fit(text: str) -> str:
    """``fit``, which is needed so seldom that commands which need no more of it start sooner without."""
    if text.isprintable():
        return text
    from asapfill.core.values import fit  # noqa: PLC0415  pydantic takes a quarter of a second to be there

    return fit(text)


def problem_at(file: Path, lines: Sequence[str], place: tuple[int, int], message: str, hint: str = "") -> Problem:
    """A problem with its line quoted. ``place``: line and column, from 1; line 0 for the file as a whole."""
    line, column = place
    return Problem(file, message, line, column, hint, lines[line - 1] if 0 < line <= len(lines) else "")


class AsapfillError(Exception):
    """Anything that can go wrong in asapfill; as text, a sentence for a person.

    ``exit_code``: that of a command which ends by it; None: it never should.
    """

    exit_code: int | None = 1


class ConfigurationError(AsapfillError):
    """Settings or policies cannot be used as they stand. Exit code 78.

    Carries every problem found, not just the first; as text, one below the other.
    """

    exit_code = 78

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
