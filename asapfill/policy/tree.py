"""A policy file as a tree of texts, each with its place in the file; what is not YAML, in words.

YAML turns ``NO`` into false, ``8:00`` into 480 and ``0123`` into 83, depending on who reads it. So only YAML's
grammar is used here, not its ideas of types: every value stays the text that the person wrote, and ``formats``
decides by the key what it means. Anchors, tags, several documents and deep nesting are refused; nobody needs them
in a policy, and they are what YAML bombs are made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamStartEvent,
)

from asapfill.core.errors import AsapfillError, ConfigurationError, Problem, problem_at
from asapfill.policy.formats import quoted
from asapfill.policy.syntax import (
    CLOSE_IT,
    COMPARE,
    HALF_A_NAME,
    NAME_WITH_NUMBER_SIGN,
    OPEN_QUOTE,
    QUOTE_IT,
    QUOTE_NUMBER_SIGN,
    syntax_problem,
)

LARGEST_FILE = 64 * 1024
"""Bytes. A policy with every key and comment has about 5 KiB."""
DEEPEST = 4
"""Levels of nesting; a policy needs three."""

MOST_PROBLEMS = 40
"""Nobody reads more at once."""
START = "Start with `asapfill policy new`: it writes one that sends nothing yet."

Location = tuple[str | int, ...]
Node = dict[str, Any] | list[Any] | str | None
Lines = tuple[str, ...]
Place = tuple[int, int]
"""Line and column, from 1."""

# Characters that nobody sees and that make two equal-looking words differ.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufff9-\uffff]"
)
SAMPLE = 64
"""Bytes at the beginning of a file by which its encoding is guessed."""
NO_TEXT = (b"PK\x03\x04", b"{\\rtf", b"\xd0\xcf\x11\xe0", b"%PDF", b"<!DOCTYPE", b"<html", b"\x1f\x8b")
"""How files begin that Word, WordPad and others make."""
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
FEW_CONTROL_SIGNS = 0.05
"""The part of its first bytes that may be control signs in a text that was damaged."""
BULLETS = "-\u2010\u2011\u2013\u2014\u2022\u00b7"
"""How the line of a list begins where it should begin with - and a blank."""
SMART_QUOTES = "“”„‟‘‚«»"


@dataclass(frozen=True, slots=True)
class Source:
    """A policy file's text, and where in it each key and each value stands."""

    path: Path
    text: str = field(repr=False)
    lines: tuple[str, ...] = field(repr=False)
    keys: Mapping[Location, Place] = field(repr=False)
    values: Mapping[Location, Place] = field(repr=False)

    def problem(self, location: Location, message: str, hint: str = "", *, at_key: bool = False) -> Problem:
        """A mistake in the value at ``location``, or in the nearest one around it that stands in the file.

        ``at_key``: in the key itself.
        """
        places = self.keys if at_key else self.values
        while location and location not in places:
            location = location[:-1]
        return problem_at(self.path, self.lines, places.get(location, (0, 0)), message, hint)


@dataclass(frozen=True, slots=True)
class Tree:
    """What a file says, as texts in mappings and lists, and the mistakes that did not keep it from being read."""

    source: Source
    data: dict[str, Any]
    problems: tuple[Problem, ...]


def read_tree(raw: bytes, path: Path) -> Tree:
    """Read the bytes of a policy file.

    Raises:
        ConfigurationError: it is no YAML mapping at all, with every reason that can be told.
    """
    text = _decoded(raw, path)
    lines = tuple(text.split("\n"))
    unseen = list(islice((*_invisible(path, lines), *_indented_with_tabs(path, lines)), MOST_PROBLEMS))
    if unseen:
        raise ConfigurationError(unseen)
    builder = _Builder(path, text, lines)
    try:
        data = builder.document()
    except MarkedYAMLError as error:
        # What was noted before may be a consequence: a value that runs on because a bracket is open.
        raise ConfigurationError([syntax_problem(path, lines, error)]) from None
    except _Refused as refusal:
        raise ConfigurationError([*builder.problems, refusal.problem]) from None
    except Exception as error:  # noqa: BLE001  whatever the parser stumbles over, the file is what has to be mended
        message = f"asapfill cannot read this file ({type(error).__name__})."
        hint = "Look for odd characters behind a backslash, or start again from policies/sample.yaml."
        raise ConfigurationError([*builder.problems, Problem(path, message, hint=hint)]) from None
    return Tree(builder.source, data, tuple(builder.problems))


def _decoded(raw: bytes, path: Path) -> str:
    """The text, with line ends and blanks of other systems made plain; columns stay as they are."""
    if len(raw) > LARGEST_FILE:
        message = f"The file is larger than {LARGEST_FILE // 1024} KiB. A policy is a page or two."
        raise ConfigurationError([Problem(path, message, hint="Is this a policy?")])
    if raw.startswith(NO_TEXT):
        message = "The file is no plain text: a word processor or another program saved it in a format of its own."
        raise ConfigurationError([Problem(path, message, hint="Save it as plain text, with the encoding UTF-8.")])
    if _is_no_text(raw):
        what = "a picture" if raw.startswith(PICTURES) else "what a program made for itself, or a picture"
        message = f"The file is no text: it seems to be {what}."
        raise ConfigurationError([Problem(path, message, hint=f"Take it out of the folder of policies. {START}")])
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_byte_is_nul(raw[:SAMPLE]):
        message = "The file is saved as UTF-16 (Windows calls it Unicode)."
        raise ConfigurationError([Problem(path, message, hint="Save it again with the encoding UTF-8.")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = "The file is not saved as UTF-8: this line has a character in another encoding."
        hint = "Save it again with the encoding UTF-8."
        raise ConfigurationError([Problem(path, message, line, 1, hint)]) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    if not text.strip(" \t\n\x00"):
        message = "The file is empty."
        if text.strip():
            message = "The file holds nothing readable: it was damaged while it was saved."
        raise ConfigurationError([Problem(path, message, hint=START)])
    if text.endswith("\x00"):
        message = "The file was damaged while it was saved: its end holds nothing readable."
        raise ConfigurationError([Problem(path, message, hint="Write its end anew, and save it.")])
    return text


def _is_no_text(raw: bytes) -> bool:
    """Whether many of the first bytes are control signs, and yet it is no UTF-16 and no text that was overwritten."""
    begin = raw[:512].rstrip(b"\x00")
    control = sum(byte < ord(" ") and byte not in b"\t\n\r\f" for byte in begin)
    is_utf_16 = raw.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_byte_is_nul(raw[:SAMPLE])
    return control > FEW_CONTROL_SIGNS * len(begin) and not is_utf_16


def _every_other_byte_is_nul(raw: bytes) -> bool:
    """Whether this looks like UTF-16 that does not say so: letters of two bytes, one of them empty."""
    return any(raw) and not (any(raw[::2]) and any(raw[1::2]))


def _invisible(path: Path, lines: Lines) -> Iterator[Problem]:
    for number, line in enumerate(lines, start=1):
        for match in INVISIBLE.finditer(line):
            message = f"An invisible character (U+{ord(match[0]):04X}) stands here."
            yield problem_at(path, lines, (number, match.start() + 1), message, "Delete it, or type the line again.")


def _indented_with_tabs(path: Path, lines: Lines) -> Iterator[Problem]:
    for number, line in enumerate(lines, start=1):
        if re.match(r" *\t[ \t]*(?=[^\s#])", line):
            place = number, line.index("\t") + 1
            yield problem_at(path, lines, place, "This line is indented with a tab.", "Use blanks instead.")


class _Refused(AsapfillError):  # noqa: N818  not an error of ours: a file that asks for too much
    """The file uses what a policy may not."""

    exit_code = None

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Builder:
    """Builds the tree from the parser's events, noting places and mistakes on the way."""

    def __init__(self, path: Path, text: str, lines: Lines) -> None:
        self.keys: dict[Location, Place] = {}
        self.values: dict[Location, Place] = {}
        self.source = Source(path, text, lines, self.keys, self.values)
        self.problems: list[Problem] = []
        # The safe parser, not the round-trip one: the events are the same, without the bookkeeping of comments.
        self._events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))

    def document(self) -> dict[str, Any]:
        """The one mapping of the file."""
        first = next((event for event in self._events if not isinstance(event, StreamStartEvent)), None)
        if not isinstance(first, DocumentStartEvent):
            raise _Refused(Problem(self.source.path, "The file has only comments.", hint=START))
        event = next(self._events)
        if not isinstance(event, MappingStartEvent):
            message = "The file must begin with a line such as: office: main-street"
            self._refuse(event, message, "Write key: value, with a blank behind the colon and no - before the key.")
        data = self._mapping((), 1)
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                hint = "Each policy is a file of its own: delete the line with --- or ... and what follows."
                self._refuse(event, "A second policy begins here.", hint)
        return data

    def _node(self, event: Event, location: Location, depth: int) -> Node:
        """The value that begins with ``event``."""
        self._refuse_extras(event)
        if depth > DEEPEST:
            self._refuse(event, "This is nested too deeply.", "A list has no lists in it, and a section no sections.")
        self.values.setdefault(location, self._place(event))
        if isinstance(event, MappingStartEvent):
            return self._mapping(location, depth)
        if isinstance(event, SequenceStartEvent):
            return self._list(location, depth)
        if not isinstance(event, ScalarEvent):
            self._refuse(event, "This cannot be read as a policy.", COMPARE)
        return self._scalar(event)

    def _refuse_extras(self, event: Event) -> None:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            self._refuse(event, "The signs * and & have a meaning of their own here.", QUOTE_IT)
        if getattr(event, "tag", None):
            self._refuse(event, "The sign ! has a meaning of its own here.", QUOTE_IT)

    def _mapping(self, location: Location, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                self._refuse(event, "A key must be a plain word.", "Write each line as key: value.")
            self._refuse_extras(event)
            key = self._scalar(event, key=True) or str(event.value)
            if not key:
                self._refuse(event, "Nothing stands before this colon.", "Write key: value.")
            here = (*location, key)
            double = here in self.keys
            if double:
                first = self.keys[here][0]
                message = f"`{key}` stands here a second time; the first is in line {first}."
                self._note(self._place(event), message, "Keep one of the two lines.")
            else:
                self.keys[here] = self._place(event)
            value = self._node(next(self._events), here, depth + 1)
            if not double:
                data[key] = value
        return data

    def _list(self, location: Location, depth: int) -> list[Any]:
        data: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            in_braces = self._rest(event).startswith("{")
            if isinstance(event, MappingStartEvent) and not in_braces and (event.flow_style or depth == DEEPEST - 1):
                hint = "A name with a colon in it stands in quotes: 'Op: 1'."
                self._refuse(event, "A colon stands inside a list.", hint)
            data.append(self._node(event, (*location, len(data)), depth + 1))
        return data

    def _scalar(self, event: ScalarEvent, *, key: bool = False) -> str | None:
        """The text of a value (or a ``key``), or None where nothing stands."""
        text = str(event.value)
        plain = not event.style
        if plain and text.casefold() in {"", "~", "null"}:
            return None
        over_lines = event.start_mark.line != event.end_mark.line
        if over_lines and event.style in {"'", '"'}:
            self._note(self._place(event), OPEN_QUOTE, CLOSE_IT)
            return text
        begins = not self.source.lines[event.start_mark.line][: event.start_mark.column].strip()
        if plain and not key and begins and text[0] in BULLETS:
            message = f"This line begins with {text[0]} instead of the - of the keyboard."
            if text[0] == "-":
                message = "A blank is missing behind this -."
            self._note(self._place(event), message, "Write for example: - Op 1")
            return text
        note = HALF_A_NAME.match(self.source.lines[event.end_mark.line], event.end_mark.column) if plain else None
        if note is not None:
            self._note((event.end_mark.line + 1, note.end()), NAME_WITH_NUMBER_SIGN, QUOTE_NUMBER_SIGN)
            return text
        if plain and over_lines:
            hint = "A colon may be missing in the line below, or its indentation may be wrong."
            self._note(self._place(event), f"The value {quoted(text)} runs on in the next line.", hint)
        if plain and (text[0] in SMART_QUOTES or text[-1] in "“”„«»"):
            hint = 'Use straight quotes " as on the keyboard, or none at all.'
            self._note(self._place(event), f"{text} stands in quotes from a word processor.", hint)
            return text.strip(SMART_QUOTES + "’")
        return text

    def _place(self, event: Event) -> Place:
        return event.start_mark.line + 1, event.start_mark.column + 1

    def _rest(self, event: Event) -> str:
        """The line from the place of ``event`` on."""
        line, column = self._place(event)
        return self.source.lines[line - 1][column - 1 :]

    def _note(self, place: Place, message: str, hint: str) -> None:
        if len(self.problems) == MOST_PROBLEMS:
            raise _Refused(self._at(place, "There are more mistakes.", "Mend these first."))
        self.problems.append(self._at(place, message, hint))

    def _refuse(self, event: Event, message: str, hint: str) -> NoReturn:
        raise _Refused(self._at(self._place(event), message, hint))

    def _at(self, place: Place, message: str, hint: str) -> Problem:
        return problem_at(self.source.path, self.source.lines, place, message, hint)
