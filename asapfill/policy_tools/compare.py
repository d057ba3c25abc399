"""What an edit of a policy changes: the keys whose meaning differs, in sentences. Names of the office are compared as
they are written, so whoever knows the office turns them into those of its lists first (``policy.resolve.as_shown``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from asapfill.core.office import folded
from asapfill.core.policy import Hours
from asapfill.policy.formats import as_written, in_words
from asapfill.policy.keys import Key
from asapfill.policy.model import KEYS, PolicyFile

Effect = Literal["more", "less", "both", "other"]
RANKS = ("preview", "ask", "automatic", "skip", "text")
"""Words of which a later one allows more."""
MODES = {
    "preview": "Nothing is sent any more; `asapfill plan` shows what would be.",
    "ask": "Offers wait until somebody says yes (`asapfill approve`).",
    "automatic": "Texts go out without anybody's yes.",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One key whose meaning changed. ``effect``: whether more or less may be sent, as far as that can be told.

    ``both``: more in one way and less in another.
    """

    key: str
    before: str
    after: str
    effect: Effect
    sentence: str


def compare(before: PolicyFile, after: PolicyFile, was: str = "Until now") -> tuple[Change, ...]:
    """Every key whose meaning differs, in the order of the reference. ``was``: what the sentences call ``before``."""
    return tuple(_changes(before, after, was))


def _changes(before: PolicyFile, after: PolicyFile, was: str) -> Iterator[Change]:
    for key in KEYS:
        old, new = (_meaning(key, _value(policy, key)) for policy in (before, after))
        if old != new:
            shown = words(key, _value(before, key)), words(key, _value(after, key))
            sentence = MODES[shown[1]] if key.path == "mode" else key.says.format(shown[1]) + "."
            sentence += f" {was}: {shown[0]}.{_difference(before, after, key)}"
            yield Change(key.path, *shown, _effect(key, old, new), sentence)


def _value(policy: PolicyFile, key: Key) -> Any:  # noqa: ANN401  each key has its own type
    return getattr(getattr(policy, key.section) if key.section else policy, key.name)


def _meaning(key: Key, value: Any) -> Any:  # noqa: ANN401  as above
    """A value so that two that mean the same are equal; what is a set of things becomes one."""
    if isinstance(value, ZoneInfo):
        return value.key
    if not isinstance(value, tuple):
        return value if key.name == "office" else _folded(value)
    if key.path == "order":
        return value
    if all(isinstance(item, frozenset) for item in value):
        return frozenset().union(*value)
    return frozenset(_folded(item) for item in value)


def _folded(item: object) -> object:
    return folded(item) if isinstance(item, str) else item


def _effect(key: Key, old: Any, new: Any) -> Effect:  # noqa: ANN401  as above
    """Whether the change lets more be sent. None stands for all or auto; auto cannot be compared."""
    if key.wider == "neither" or (None in (old, new) and key.name in {"wave", "wait"}):
        return "other"
    grows = _within(old, new)
    if grows == _within(new, old):
        return "other" if grows else "both"
    return "more" if grows == (key.wider == "more") else "less"


def _within(one: Any, other: Any) -> bool:  # noqa: ANN401  as above
    """Whether everything that ``one`` allows or names is in ``other``, or ``one`` is at most as large."""
    if other is None:
        return True
    if one is None:
        return False
    if isinstance(one, Hours):
        return bool(other.start <= one.start and _end(one) <= _end(other))
    if isinstance(one, str) and one in RANKS:
        return RANKS.index(one) <= RANKS.index(other)
    return bool(one <= other)


def _end(hours: Hours) -> timedelta:
    """The end of a stretch of the day; 00:00 is the midnight at its end."""
    return timedelta(hours=hours.end.hour or (0 if hours.end.minute else 24), minutes=hours.end.minute)


def _difference(before: PolicyFile, after: PolicyFile, key: Key) -> str:
    """What came into a list of names and what went, where that is hard to see."""
    lists = _value(before, key), _value(after, key)
    if key.path == "order" or not all(isinstance(value, tuple) for value in lists) or key.name == "days":
        return ""
    old, new = ({_folded(item): str(item) for item in value} for value in lists)
    added = [new[item] for item in new if item not in old]
    gone = [old[item] for item in old if item not in new]
    parts = [
        f" New: {', '.join(added)}." if added and old else "",
        f" Gone: {', '.join(gone)}." if gone and new else "",
    ]
    return "".join(parts)


def words(key: Key, value: Any) -> str:  # noqa: ANN401  as above
    """A value as a person writes it."""
    if value is None:
        return {"clinic": "none", "operatories": "all"}.get(key.name, "auto")
    if isinstance(value, timedelta):
        return in_words(value)
    if not isinstance(value, tuple):
        return str(as_written(value))
    if value and all(isinstance(item, frozenset) for item in value):
        value = as_written(frozenset().union(*value))
    return ", ".join(map(str, value)) or "none"
