"""Writing a policy for a person: every key with its comment, from the table of keys.

The samples in ``policies/`` and ``asapfill policy new`` come from here, so that they know every key and say the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from asapfill.core.policy import OrderLine
from asapfill.policy.formats import Written
from asapfill.policy.keys import Key, section_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy_tools.schema import MODELINE

COMMENTS = 34
"""The column, from 0, in which comments behind a value begin."""
WIDEST = 110
HEADINGS = {
    "openings": "Which free time on the schedule may be offered",
    "candidates": "Who on the ASAP list may be asked",
    "texts": "When and how often people are texted",
    "commlog": "What is noted in the patient's chart",
}
ABOVE = {
    "mode": (
        "preview:   only show what would be sent (asapfill plan). Begin with this.",
        "ask:       prepare texts, and wait until somebody says yes (asapfill approve)",
        "automatic: send them",
    ),
    "order": ("Who is asked first. Earlier lines count more. There are also: {others}",),
}
"""What stands above a key at the left margin instead of behind it."""
PLAIN = re.compile(r"\w[^:#,\[\]{}\"'\\\\“”„«»]*")
"""Names that need no quotes."""
NOT_NAMES = frozenset({"null", "all", "auto"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that is to be written.

    Attributes:
        top: lines of the comment at the top, without ``#``.
        values: what differs from the defaults, by path (``openings.notice``), as a person writes it.
        notes: other words than usual behind a key, by path.
        above: comment lines above a key, by path: the names that the office has.
    """

    top: Sequence[str]
    values: Mapping[str, Written]
    notes: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, Sequence[str]] = field(default_factory=dict)


def policy_text(draft: Draft) -> str:
    """The file. Keys without a default that are not among the values are there as comments."""
    lines = [MODELINE, *(f"# {line}".rstrip() for line in draft.top), ""]
    for name, info in PolicyFile.model_fields.items():
        if section_of(info) is not None:
            lines += ["", f"# {HEADINGS[name]}", f"{name}:"]
        for key in KEYS:
            if name == (key.section or key.name):
                lines += _key(draft, key)
    return "\n".join(lines) + "\n"


def _key(draft: Draft, key: Key) -> Iterator[str]:
    """The lines of one key."""
    indent = "  " if key.section else ""
    if not key.section and key.name in ABOVE:
        yield ""
    for line in (*draft.above.get(key.path, ()), *_standing_above(draft, key)):
        yield from textwrap.wrap(
            line, WIDEST - len(indent), initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
    value = draft.values.get(key.path, key.default)
    note = draft.notes.get(key.path, key.note)
    if key.path == "order" and isinstance(value, list):
        yield f"{key.name}:"
        yield from (f"  - {item}" for item in value)
        return
    if value is None or (key.path == "commlog.type" and key.path not in draft.values):
        # Left out, the office's own commlog type is found; written, the name must exist.
        text = f"{indent}# {key.name}: {value or key.example}"
    else:
        text = f"{indent}{key.name}: {written(value)}"
    yield f"{text:<{COMMENTS - 2}}  # {note}" if note else text


def _standing_above(draft: Draft, key: Key) -> Iterator[str]:
    if key.section:
        return
    for line in ABOVE.get(key.name, ()):
        if "{others}" not in line:
            yield line
            continue
        chosen = draft.values.get(key.path, key.default) or ()
        others = ", ".join(word for word in get_args(OrderLine) if word not in chosen)
        yield line.format(others=others)


def written(value: Written) -> str:
    """A value as it stands in a policy: lists in brackets, the names in them in quotes where that is needed."""
    return f"[{', '.join(quoted_name(item) for item in value)}]" if isinstance(value, list) else value


def quoted_name(name: str) -> str:
    """A name of the office as it may stand in a policy.

    YAML has a meaning for some signs; a name that has one of them, or is a word with a meaning here, stands in quotes.
    """
    name = " ".join(name.split())
    if PLAIN.fullmatch(name) and name.casefold() not in NOT_NAMES:
        return name
    return "'" + name.replace("'", "''") + "'"
