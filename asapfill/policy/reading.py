"""Reading policy files: from bytes to a checked ``PolicyFile``, or to everything that is wrong with them.

Steps: ``tree`` (what stands where), ``model`` (what each key may be), and here what contradicts itself or leaves
nothing to do. Names of the office are checked later, in ``resolve``, because that needs the office.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from asapfill.core.errors import ConfigurationError, Problem, problem_at
from asapfill.core.office import folded
from asapfill.core.policy import Hours
from asapfill.files import read_file
from asapfill.policy.formats import Unreadable, in_words
from asapfill.policy.keys import section_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy.tree import LARGEST_FILE, MOST_PROBLEMS, Location, Source, read_tree
from asapfill.words import turns_round

NEAR = 0.7
"""How alike (0 to 1) a misspelt key and a known one must be for a guess."""
NEIGHBOUR = 0.1
"""What a key of the same section has ahead of others."""
NO_ZONE = "UTC"
"""Stands in where a time zone has a mistake, so that the rest of the file can be checked."""
SECTIONS: Mapping[Location, list[str]] = {(): list(PolicyFile.model_fields)} | {
    (name,): list(inner.model_fields)
    for name, info in PolicyFile.model_fields.items()
    if (inner := section_of(info)) is not None
}
"""The keys allowed in each section; () is the file itself."""
PRESSED = re.compile(
    rb"(?m)^([ ]*)(%s):(?!\xc2\xa0)([^\s:#][^\n]*)"
    % "|".join(sorted({name for names in SECTIONS.values() for name in names})).encode()
)
"""A key, its colon and its value without a blank between."""
DAY = 24 * 60
"""Minutes."""
OPPOSITES = (
    ("recalls first", "recalls last"),
    ("furthest out first", "soonest first"),
    ("longest first", "shortest first"),
)


def read_policy(path: Path) -> PolicyFile:
    """Read one policy file.

    Raises:
        ConfigurationError: with everything that is wrong with it.
    """
    return parse_policy(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """The bytes of a policy file, one more than allowed at most.

    Raises:
        ConfigurationError: there is no such file, or it cannot be read.
    """
    if not path.name.isprintable():  # it is shown, logged and kept by this name
        hint = "Rename it: letters, digits and hyphens, and .yaml at the end."
        raise ConfigurationError([Problem(path, "The file's name has signs that are no text.", hint=hint)])
    try:
        if path.is_dir():
            raise ConfigurationError([Problem(path, f"{path} is not a file.", hint="A policy is a text file.")])
        return read_file(path, LARGEST_FILE + 1)
    except OSError as error:
        hint = "The user that runs asapfill must be allowed to read it."
        message = f"{path} cannot be read: {error.strerror}."
        if isinstance(error, FileNotFoundError):
            message, hint = f"There is no file {path}.", "See how it is spelt, and in which folder it is."
        raise ConfigurationError([Problem(path, message, hint=hint)]) from None


def parse_policy(raw: bytes, path: Path) -> PolicyFile:
    """Check the bytes of a policy file; ``path`` is for messages (the file need not exist any more).

    Raises:
        ConfigurationError: with everything that is wrong with it, from top to bottom.
    """
    policy, problems, _ = _read(raw, path)
    if problems or policy is None:
        raise ConfigurationError(problems)
    return policy


def readable_part(raw: bytes, path: Path) -> PolicyFile | None:
    """What can be understood of a file with mistakes, so that the names in it can be checked with the rest.

    Keys with mistakes are as if they were left out, so this is for looking only: it must never be in force. None when
    it cannot be told which office or clinic it is for.
    """
    try:
        policy, _, wrong = _read(raw, path)
    except ConfigurationError:
        return None
    return None if ("clinic",) in wrong else policy


def _read(raw: bytes, path: Path) -> tuple[PolicyFile | None, list[Problem], Collection[Location]]:
    """The policy without the keys that have mistakes, None when it says too little; the mistakes; and those keys.

    Raises:
        ConfigurationError: the file is no YAML mapping at all.
    """
    raw, pressed = _with_blanks(raw, path)
    tree = read_tree(raw, path)
    empty = [location for location, value in _values(tree.data) if value is None]
    problems = [*pressed, *tree.problems, *_nothing_there(tree.source, empty)]
    wrong = {_key_of(location) for location in empty}
    policy, errors = _validated(_without(tree.data, wrong))
    told = sorted(
        (error for error in errors if error["loc"] not in wrong),
        key=lambda error: tree.source.values.get(error["loc"], (0, 0)),
    )
    # Finding words for a mistake takes time; nobody reads more of them.
    problems += [_in_words(tree.source, error) for error in told[:MOST_PROBLEMS]]
    untold = max(0, len(told) - MOST_PROBLEMS)
    wrong |= {_key_of(error["loc"]) for error in errors}
    if policy is None:
        without_zone = {"timezone": NO_ZONE} if ("timezone",) in wrong else {}
        policy, _ = _validated(_without(tree.data, wrong) | without_zone)
    for found in contradictions(policy) if policy is not None else ():
        if not any(_touches(key, other) for key in found.keys for other in wrong):
            problems.append(tree.source.problem(_written(found.keys, tree.source), found.message, found.hint))
    if policy is not None:
        policy = policy.located(tree.source)
    return policy, _in_order(problems, untold, path), wrong


def _with_blanks(raw: bytes, path: Path) -> tuple[bytes, list[Problem]]:
    """The file with a blank behind the colon of every key that lacks it, and a problem for each.

    To YAML ``wave:2`` is one word, and what it says of that helps nobody.
    """
    found = list(PRESSED.finditer(raw))
    lines = raw.decode(errors="replace").splitlines() if found else []
    problems = []
    for match in found:
        line = raw.count(b"\n", 0, match.start()) + 1
        key, value = match[2].decode(), match[3].decode(errors="replace").strip()
        place = line, len(match[1]) + len(key) + 1
        hint = f"Write {key}: {value}"
        problems.append(problem_at(path, lines, place, f"A blank is missing behind the colon of `{key}`.", hint))
    return PRESSED.sub(rb"\1\2: \3", raw), problems


def _in_order(problems: Iterable[Problem], untold: int, path: Path) -> list[Problem]:
    """Problems from top to bottom of the file, no more than somebody can read; ``untold``: how many are not there."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    left = len(ordered) - MOST_PROBLEMS + untold
    more = [Problem(path, f"There are {left} more mistakes.", hint="Mend these first.")] if left > 0 else []
    return ordered[:MOST_PROBLEMS] + more


def _validated(data: Mapping[str, Any]) -> tuple[PolicyFile | None, list[ErrorDetails]]:
    try:
        return PolicyFile.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _values(node: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:  # noqa: ANN401  a tree of texts
    """Every value in a tree with its location, the outer before the inner."""
    if location:
        yield location, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _values(value, (*location, key))


def _key_of(location: Location) -> Location:
    """The key to which a location belongs: a list counts as a whole, so that its items keep their numbers."""
    return tuple(takewhile(lambda part: isinstance(part, str), location))


def _without(data: Mapping[str, Any], keys: Collection[Location], here: Location = ()) -> dict[str, Any]:
    """The tree without the values of ``keys``."""
    return {
        name: _without(value, keys, (*here, name)) if isinstance(value, dict) else value
        for name, value in data.items()
        if (*here, name) not in keys
    }


def _touches(one: Location, other: Location) -> bool:
    """Whether one location lies inside the other, or is it."""
    return one[: len(other)] == other or other[: len(one)] == one


def _written(keys: Iterable[Location], source: Source) -> Location:
    """The first of some keys that really stands in the file: the others are defaults."""
    return next((key for key in keys if _key_of(key) in source.values), ())


def _nothing_there(source: Source, empty: Iterable[Location]) -> Iterator[Problem]:
    for location in empty:
        hint = "Write a value there, or take the line out to get the default."
        if isinstance(location[-1], int):
            yield source.problem(location, "Nothing stands at this place of the list.", "Write a value or take it out.")
        else:
            message = f"Nothing stands behind `{location[-1]}:`."
            yield source.problem(location, message, hint, at_key=True)


def _in_words(source: Source, error: ErrorDetails) -> Problem:
    """One finding of the model, as a person reads it. The model's own sentences are never shown."""
    location = error["loc"]
    key = _shown(location)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Unreadable):
        return source.problem(location, f"`{key}` {cause}", cause.hint)
    if error["type"] == "missing":
        example = next(found.example for found in KEYS if found.path == key)
        return source.problem((), f"The line `{key}:` is missing.", f"Write for example: {key}: {example}")
    if error["type"] == "extra_forbidden":
        return _unknown_key(source, location)
    if error["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        keys = ", ".join(SECTIONS[(key,)])
        hint = f"Write lines below it, indented by two blanks, with any of: {keys}."
        return source.problem(location, f"`{key}` takes no value of its own.", hint)
    return source.problem(location, f"`{key}` cannot be what stands here.", "Compare with policies/sample.yaml.")


def _shown(location: Location) -> str:
    """A key with the section it stands in, without the position in a list."""
    return ".".join(part for part in location if isinstance(part, str))


def _unknown_key(source: Source, location: Location) -> Problem:
    section, key = location[:-1], str(location[-1])
    plain = "_".join(key.casefold().replace("-", " ").split())
    place = f"below `{section[0]}`" if section else "at the left margin"
    message = f"`{key}` is not a key that asapfill knows {place}."
    known = [where for where in SECTIONS if plain in SECTIONS[where]]
    elsewhere = [f"below `{where[0]}:`" if where else "at the left margin" for where in known]
    near = _nearest_key(plain, section)
    if plain in SECTIONS[section]:
        hint = f"Did you mean `{plain}`?"
    elif elsewhere:
        hint = f"It belongs {' or '.join(elsewhere)}."
    elif near:
        hint = f"Did you mean `{near}`?"
    else:
        hint = f"Allowed here: {', '.join(SECTIONS[section])}."
    return source.problem(location, message, hint, at_key=True)


def _nearest_key(key: str, section: Location) -> str:
    """The key that was perhaps meant, with its section if that is another one; empty when none is near."""
    nearness = {
        (*where, name): SequenceMatcher(None, key, name).ratio() + (NEIGHBOUR if where == section else 0)
        for where, names in SECTIONS.items()
        for name in names
        if not turns_round(key, name)
    }
    best = max(nearness, key=nearness.__getitem__, default=())
    if nearness.get(best, 0) < NEAR:
        return ""
    return str(best[-1]) if best[:-1] == section else _shown(best)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What does not go together, each value right by itself. The first of ``keys`` is where a person should look.

    It is not told when one of the ``keys`` could not be read in the first place.
    """

    keys: tuple[Location, ...]
    message: str
    hint: str


def contradictions(policy: PolicyFile) -> tuple[Contradiction, ...]:
    """Everything in ``policy`` that contradicts itself or leaves nothing to do."""
    return (*_openings(policy), *_texts(policy), *_never_in_time(policy), *_order(policy), *_empty_lists(policy))


def _openings(policy: PolicyFile) -> Iterator[Contradiction]:
    openings = policy.openings
    notice, ahead, shortest = ("openings", "notice"), ("openings", "look_ahead"), ("openings", "shortest")
    if openings.notice >= openings.look_ahead:
        message = (
            f"`notice` ({in_words(openings.notice)}) reaches as far as `look_ahead` "
            f"({in_words(openings.look_ahead)}): nothing is left to fill."
        )
        yield Contradiction((notice, ahead), message, "Make `notice` shorter or `look_ahead` longer.")
    opens, closes = _stretch(openings.hours)
    if openings.shortest > timedelta(minutes=closes - opens):
        message = f"No opening of {in_words(openings.shortest)} fits between the `hours`."
        yield Contradiction((shortest, ("openings", "hours")), message, "Make `shortest` shorter.")
    both = {folded(name) for name in openings.operatories or ()}
    for number, name in enumerate(openings.except_operatories):
        if folded(name) in both:
            place = ("openings", "except_operatories", number)
            message = f"“{name}” is both in `operatories` and in `except_operatories`."
            yield Contradiction((place, ("openings", "operatories")), message, "Keep it in one of the two.")


def _texts(policy: PolicyFile) -> Iterator[Contradiction]:
    texts = policy.texts
    if texts.wave is not None and texts.per_opening is not None and texts.wave > texts.per_opening:
        message = f"`wave` asks {texts.wave} at a time, and `per_opening` allows {texts.per_opening} in all."
        keys: tuple[Location, ...] = (("texts", "wave"), ("texts", "per_opening"))
        yield Contradiction(keys, message, "Make `wave` smaller or `per_opening` larger.")
    if texts.per_patient_per_day > texts.per_patient_per_week:
        message = f"{texts.per_patient_per_day} texts a day are more than {texts.per_patient_per_week} in a week."
        keys = (("texts", "per_patient_per_day"), ("texts", "per_patient_per_week"))
        yield Contradiction(keys, message, "Make `per_patient_per_day` smaller.")


def _never_in_time(policy: PolicyFile) -> Iterator[Contradiction]:
    """Whether no opening can ever be texted about: texts go out at no time between look-ahead and notice before it.

    Reckoned in minutes of an endless row of weeks without changes of the clock.
    """
    openings, texts = policy.openings, policy.texts
    lengths = (openings.look_ahead, openings.notice, openings.shortest)
    ahead, notice, shortest = (round(length.total_seconds() / 60) for length in lengths)
    (opens, closes), (begin, end) = _stretch(openings.hours), _stretch(texts.between)
    last = closes - shortest
    texting = frozenset().union(*texts.days)
    for day in frozenset().union(*openings.days):
        first, until = day * DAY + opens - ahead, day * DAY + last - notice
        for number in range(first // DAY, until // DAY + 1):
            if number % 7 in texting and number * DAY + end > first and number * DAY + begin <= until:
                return
    if notice < ahead and last >= opens and openings.days and texts.days:
        message = (
            f"No text can go out in time: between {in_words(openings.look_ahead)} and {in_words(openings.notice)} "
            "before an opening it is never an hour and day for texts."
        )
        hint = "Widen `texts.between` or `texts.days`, or make `look_ahead` longer or `notice` shorter."
        keys = (("texts", "between"), ("texts", "days"), ("openings", "look_ahead"), ("openings", "notice"))
        yield Contradiction((*keys, ("openings", "hours"), ("openings", "days")), message, hint)


def _order(policy: PolicyFile) -> Iterator[Contradiction]:
    for number, line in enumerate(policy.order):
        before = policy.order[:number]
        against = {one for pair in OPPOSITES if line in pair for one in pair if one != line}
        if line in before:
            yield Contradiction((("order", number),), f"“{line}” stands twice.", "Keep one of the two.")
        elif against.intersection(before):
            message = f"“{line}” is the opposite of “{against.intersection(before).pop()}”."
            yield Contradiction((("order", number),), message, "Keep one of the two.")


def _empty_lists(policy: PolicyFile) -> Iterator[Contradiction]:
    lists = (
        (("openings", "operatories"), policy.openings.operatories, "operatory", "Write all, or name some."),
        (("openings", "days"), policy.openings.days, "day", "Write for example Mon-Fri."),
        (("candidates", "include"), policy.candidates.include, "candidate", "Name at least one group."),
        (("texts", "days"), policy.texts.days, "day for texts", "Write for example Mon-Sat."),
    )
    for location, value, what, hint in lists:
        if value == ():
            message = f"`{location[-1]}` is an empty list: no {what} is left."
            yield Contradiction((location,), message, f"{hint} To stop sending, use mode: preview.")
    if policy.order == ():
        message = "`order` is an empty list: nothing says who is asked first."
        hint = "Take the line out to get the usual order, or write at least one line below it."
        yield Contradiction((("order",),), message, hint)


def _stretch(hours: Hours) -> tuple[int, int]:
    """When a stretch of the day begins and ends, in minutes; an end of 00:00 is the midnight at its end."""
    begin, end = (moment.hour * 60 + moment.minute for moment in (hours.start, hours.end))
    return begin, end or DAY
