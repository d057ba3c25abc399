"""The rows of an office that a name in a policy may mean: which one it is, and what to say when it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One row that a name may mean.

    ``hidden``: staff do not see it in Open Dental. ``shown``: what lists call it. ``closed``: no policy may name it.
    """

    number: int
    labels: tuple[str, ...]
    hidden: bool
    shown: str
    closed: bool = False

    def __str__(self) -> str:
        return f"{f'“{self.shown}”' if self.shown.strip() else 'one without a name'} (number {self.number})"


def matching_rows(name: str, choices: Sequence[Choice]) -> list[Choice]:
    """The rows that ``name`` may mean: written exactly so, else with case and blanks forgiven; or by number."""
    exact = [choice for choice in choices if name in choice.labels]
    forgiven = [choice for choice in choices if _folded(name) in {_folded(label) for label in choice.labels}]
    named = exact or forgiven
    number = int(name) if re.fullmatch("[0-9]{1,18}", name) else 0
    numbered = [choice for choice in choices if choice.number == number]
    return named + [choice for choice in numbered if choice not in named]


def _folded(label: str) -> str:
    return "".join(label.casefold().split())


def several_names(name: str, choices: Sequence[Choice]) -> str:
    """What to write instead of ``Op 1, Op 2``; empty where that is not what was meant."""
    parts = [part.strip() for part in name.split(",") if part.strip()]
    if len(parts) > 1 and all(matching_rows(part, choices) for part in parts):
        return f"Several names stand in brackets: [{', '.join(parts)}]."
    return ""


def _letters(label: str) -> str:
    """A label without the signs that people forget: HYG-4 and hyg 4 look the same."""
    return "".join(sign for sign in label.casefold() if sign.isalnum())


def nearest(name: str, choices: Sequence[Choice]) -> str:
    """What was perhaps meant, and what there is, both in the names that lists show."""
    choices, everything = [choice for choice in choices if not choice.closed], choices
    shown = {_folded(label): choice.shown for choice in choices for label in choice.labels if label.strip()}
    near = dict.fromkeys(shown[key] for key in get_close_matches(_folded(name), shown, n=3, cutoff=0.5))
    same = dict.fromkeys(shown[key] for key in shown if _letters(key) == _letters(name))
    near = same if len(same) == 1 else near
    guess = f"Did you mean {' or '.join(f'“{label}”' for label in near)}? " if near else ""
    return guess + listed(choices, "There are" if len(choices) == len(everything) else "Those that may be named")


def listed(choices: Sequence[Choice], called: str = "There are") -> str:
    """The names that staff see, as many as can be read; ``called``: what they are called."""
    names = [name for name in dict.fromkeys(choice.shown for choice in choices if not choice.hidden) if name.strip()]
    if not names:
        return "There are none."
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{called}: {', '.join(names[:MOST_LISTED])}{more}."


def shown_as(name: str, choices: Sequence[Choice]) -> str:
    """What lists call the one row that ``name`` means; the name itself where that cannot be told."""
    matching = matching_rows(name, [choice for choice in choices if choice.number])
    meant = [choice for choice in matching if not choice.hidden] or matching
    return meant[0].shown if len(meant) == 1 and meant[0].shown.strip() else name
