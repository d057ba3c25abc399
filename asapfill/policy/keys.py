"""What a key of the policy is made of: the formats that values may have, and everything that is said about a key.

The table of the keys itself is in ``model``. ``keys_of`` reads it back as plain data, for the schema, the samples, the
reference page and the comparison of two policies: none of them has a list of keys of its own.

A format has a reader (``formats``) and a piece of JSON Schema for editors. An editor only helps while typing; the
verdict is the reader's. So the schema accepts everything that the reader accepts (a test says so), and refuses the
mistakes that people make most. Numbers and true/false are allowed beside text where an editor reads them so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

from asapfill.core.policy import Group, Hours, OrderLine
from asapfill.policy import formats, hours
from asapfill.policy.formats import FULL_DAYS, UNITS, Written
from asapfill.policy.hours import SHORTEST_DAY

Piece = dict[str, Any]
"""A piece of JSON Schema."""

Wider = Literal["more", "less", "neither"]
"""Which way a value must move so that more may be sent: a larger one, a smaller one, or that cannot be told."""


@dataclass(frozen=True, slots=True, eq=False)
class Format(BeforeValidator):
    """Metadata of a type: how its text is read, how it looks to an editor, and what a person would call it."""

    schema: Piece = field(default_factory=dict)
    words: str = ""


def _anycase(word: str) -> str:
    """A pattern for ``word`` in capitals or not: JSON Schema knows no flag for it. A blank stands for any."""
    signs = (f"[{sign.upper()}{sign.lower()}]" if sign.isalpha() else re.escape(sign) for sign in word)
    return "".join(signs).replace("\\ ", r"\s+")


def _one_of(words: Iterable[str]) -> str:
    """A pattern for any of some words, the longest first."""
    return "(" + "|".join(_anycase(word) for word in sorted(words, key=len, reverse=True)) + ")"


def _text(pattern: str) -> Piece:
    return {"type": "string", "pattern": rf"^\s*{pattern}\s*$"}


def _any_of(*pieces: Piece) -> Piece:
    return {"anyOf": list(pieces)}


def _list_of(piece: Piece) -> Piece:
    return _any_of(piece, {"type": "array", "items": piece})


def words(*allowed: str) -> Format:
    """One of some words: offered as they are, accepted with other case, blanks and hyphens."""
    return Format(formats.choice(*allowed), schema=_word_schema(allowed), words=f"one of {', '.join(allowed)}")


def list_of_words(*allowed: str) -> Format:
    """A list of some words, or several of them with commas between."""
    run = "(" + "|".join(_loose(word) for word in allowed) + ")"
    piece = _list_of(_word_schema(allowed))
    piece["anyOf"].append(_text(rf"{run}(\s*,\s*{run})*\s*,?"))
    return Format(formats.several_words, schema=piece, words=f"a list of {', '.join(allowed)}")


def _word_schema(allowed: Iterable[str]) -> Piece:
    return _any_of({"enum": list(allowed)}, *(_text(_loose(word)) for word in allowed))


def _loose(word: str) -> str:
    """A pattern for a word as ``formats.choice`` takes it; ``_`` and blanks count the same."""
    return r"[\s_-]+".join(_anycase(part) for part in re.split(r"[\s_]+", word))


def whole_number(lowest: int, highest: int) -> Format:
    """A whole number between two others, also in quotes."""
    number = {"type": "integer", "minimum": lowest, "maximum": highest}
    piece = _any_of(number, _text("[+]?[0-9]+"))
    return Format(
        formats.whole_number(lowest, highest), schema=piece, words=f"a whole number from {lowest} to {highest}"
    )


def auto_or_number(lowest: int, highest: int) -> Format:
    """``auto`` or a whole number."""
    number = whole_number(lowest, highest)
    pieces = ({"enum": ["auto"]}, _text(_anycase("auto")), *number.schema["anyOf"])
    return Format(formats.auto_or_number(lowest, highest), schema=_any_of(*pieces), words=f"auto, or {number.words}")


_LENGTH = rf"([0-9]{{1,6}}([.][0-9]{{1,3}})?\s*{_one_of(UNITS)}\s*(,|{_anycase('and')}\b)?\s*)+"
_HALF = r"[AaPp]\s*[.]?\s*[Mm]\s*[.]?"
_TIME = rf"({_one_of(('noon', 'midnight'))}|[0-9]{{1,2}}\s*:\s*[0-9]{{2}}\s*({_HALF})?|[0-9]{{1,2}}\s*{_HALF})"
_DASH = rf"\s*(-|\u2013|\u2014|{_one_of(('to', 'until'))})\s*"
_DAY = rf"{_one_of(('weds', *(name[:size] for name in FULL_DAYS for size in range(SHORTEST_DAY, len(name) + 1))))}[. ]*"
_DAYS = rf"({_DAY}({_DASH}{_DAY})?|{_one_of(('weekdays', 'weekend', 'every day', 'all'))})"

_NAME: Piece = {"type": ["string", "number", "boolean"]}
_PATIENT = _any_of({"type": "integer", "minimum": 1}, _text("[0-9]+"))

_HOUR = rf"({_TIME}|[0-9]{{1,2}})"

NAME = Format(formats.name, schema=_NAME, words="a name as Open Dental shows it, or its number")
OFFICE = Format(formats.office, schema=_NAME, words="the name that the settings have")
NAMES = "a name or a list of names, as Open Dental shows them; numbers work too"
TIMEZONE = Format(
    formats.timezone,
    schema=_text(f"(.*/.*|{_anycase('utc')})"),
    words="a region and a city, such as America/Chicago",
)

Name = Annotated[str, NAME]
Names = Annotated[tuple[Name, ...], Format(formats.several, schema=_list_of(_NAME), words=NAMES)]
AllOrNames = Annotated[
    tuple[Name, ...] | None, Format(formats.all_or_names, schema=_list_of(_NAME), words=f"all, or {NAMES}")
]
YesNo = Annotated[
    bool,
    Format(
        formats.yes_no,
        schema=_any_of(
            {"enum": ["yes", "no"]}, {"type": "boolean"}, _text(_one_of(("yes", "no", "true", "false", "on", "off")))
        ),
        words="yes or no",
    ),
]
Duration = Annotated[
    timedelta,
    Format(formats.duration, schema=_text(_LENGTH), words="a length of time, such as 90 minutes, 2 hours or 14 days"),
]
AutoOrDuration = Annotated[
    timedelta | None,
    Format(
        formats.auto_or_duration,
        schema=_any_of(
            {"enum": ["auto"]}, _text(_anycase("auto")), {"type": "integer"}, _text("[0-9]{1,4}"), _text(_LENGTH)
        ),
        words="auto, or a length of time; a number alone means minutes",
    ),
]
HoursOfDay = Annotated[
    Hours,
    Format(
        hours.hours,
        schema=_text(rf"({_anycase('from')}\s+)?{_HOUR}{_DASH}{_HOUR}"),
        words="two times of day, such as 08:00-17:00, 8am-5pm or 8 to 5",
    ),
]
Days = Annotated[
    tuple[Annotated[frozenset[int], BeforeValidator(hours.days)], ...],
    Format(
        formats.several_words,
        schema=_any_of(_text(rf"{_DAYS}(\s*,\s*{_DAYS})*\s*,?"), {"type": "array", "items": _text(_DAYS)}),
        words="days, such as [Mon, Tue, Wed] or Mon-Fri",
    ),
]
PatientNumbers = Annotated[
    tuple[Annotated[int, BeforeValidator(formats.patient_number)], ...],
    Format(formats.several, schema=_list_of(_PATIENT), words="a list of patient numbers (PatNum)"),
]
Groups = Annotated[tuple[Annotated[Group, words(*get_args(Group))], ...], list_of_words(*get_args(Group))]
OrderLines = Annotated[
    tuple[Annotated[OrderLine, words(*get_args(OrderLine))], ...], list_of_words(*get_args(OrderLine))
]


class Section(BaseModel):
    """A part of the policy: unknown keys are refused, nothing is converted behind a person's back."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Within(AfterValidator):
    """Metadata of a length of time: between which two others it must be, in words too."""

    words: str = ""


def length(shortest: str, longest: str) -> Within:
    """Metadata of a length of time between two others, both included."""
    return Within(formats.within(shortest, longest), f"from {shortest} to {longest}")


def key(
    meaning: str,
    *,
    default: Written | None,
    example: str,
    why: str,
    says: str,
    note: str = "",
    wider: Wider = "neither",
) -> Any:  # noqa: ANN401  as Field() itself
    """A key that may be left out.

    Args:
        meaning: what it does, for the reference and editors.
        default: as a person writes it; it goes through the same reader as a person's own value. None: there is none.
        example: a value that is not the default.
        why: the reason of the default, with its source.
        says: a sentence about a value (``{}``) for the comparison of two policies, without a full stop.
        note: the comment behind it in samples; empty where the key says enough.
        wider: see ``Wider``.
    """
    extra: dict[str, Any] = {"default": default, "why": why, "says": says, "note": note, "wider": wider}
    if default is None:
        return Field(default=None, description=meaning, examples=[example], json_schema_extra=extra)
    return Field(
        default=default, validate_default=True, description=meaning, examples=[example], json_schema_extra=extra
    )


def needed(meaning: str, *, example: str, says: str, note: str) -> Any:  # noqa: ANN401  as Field() itself
    """A key that must be there."""
    extra: dict[str, Any] = {"default": None, "why": "", "says": says, "note": note, "wider": "neither"}
    return Field(description=meaning, examples=[example], json_schema_extra=extra)


@dataclass(frozen=True, slots=True)
class Key:
    """Everything that is known of one key. ``section`` is empty for those at the left margin.

    ``default`` None: there is none, the key is left out. ``required``: it must be there. ``takes``: the format in
    words, ``schema``: as a piece of JSON Schema.
    """

    section: str
    name: str
    meaning: str
    default: Written | None
    example: str
    why: str
    says: str
    note: str
    wider: Wider
    takes: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def path(self) -> str:
        """The key with its section: ``openings.notice``."""
        return f"{self.section}.{self.name}" if self.section else self.name


def keys_of(model: type[BaseModel], section: str = "") -> tuple[Key, ...]:
    """Every key of a model in the order of the table, those of its sections in their place."""
    found: list[Key] = []
    for name, info in model.model_fields.items():
        inner = section_of(info)
        found += keys_of(inner, name) if inner is not None else [_described(section, name, info)]
    return tuple(found)


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a section."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _described(section: str, name: str, info: FieldInfo) -> Key:
    """One field's metadata; that all of it is there is checked by the tests of the table."""
    extra: Any = info.json_schema_extra
    form = next(item for item in info.metadata if isinstance(item, Format))
    limits = "".join(f", {item.words}" for item in info.metadata if isinstance(item, Within))
    return Key(
        section=section,
        name=name,
        meaning=info.description or "",
        example=str((info.examples or [""])[0]),
        takes=form.words + limits,
        schema=form.schema,
        required=info.is_required(),
        **extra,
    )
