"""What a key of the policy is made of: the formats that values may have, and everything that is said about a key.

The table of the keys itself is in ``sections`` and ``model``. ``all_keys`` reads it back as plain data, for the schema,
the samples, the reference page and the comparison of two policies: none of them has a list of keys of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

from asapfill.core.policy import Group, Hours, OrderLine
from asapfill.policy import formats, shapes, times
from asapfill.policy.shapes import Shape

Written = str | list[str]
"""A value as a person writes it."""

Wider = Literal["more", "less", "neither"]
"""Which way a value must move so that more may be sent: a larger one, a smaller one, or that cannot be told."""

Name = Annotated[str, BeforeValidator(formats.name), shapes.NAME]
Names = Annotated[tuple[Name, ...], BeforeValidator(formats.several), shapes.NAMES]
AllOrNames = Annotated[tuple[Name, ...] | None, BeforeValidator(formats.all_or_names), shapes.ALL_OR_NAMES]
YesNo = Annotated[bool, BeforeValidator(formats.yes_no), shapes.YES_NO]
Duration = Annotated[timedelta, BeforeValidator(formats.duration), shapes.DURATION]
AutoOrDuration = Annotated[timedelta | None, BeforeValidator(formats.auto_or_duration), shapes.AUTO_OR_DURATION]
HoursOfDay = Annotated[Hours, BeforeValidator(times.hours), shapes.HOURS]
Days = Annotated[
    tuple[Annotated[frozenset[int], BeforeValidator(formats.days)], ...],
    BeforeValidator(formats.several_words),
    shapes.DAYS,
]
PatientNumbers = Annotated[
    tuple[Annotated[int, BeforeValidator(formats.patient_number)], ...],
    BeforeValidator(formats.several),
    shapes.PATIENTS,
]
Groups = Annotated[
    tuple[Annotated[Group, BeforeValidator(formats.choice(*get_args(Group)))], ...],
    BeforeValidator(formats.several_words),
    shapes.list_of_words(*get_args(Group)),
]
OrderLines = Annotated[
    tuple[Annotated[OrderLine, BeforeValidator(formats.choice(*get_args(OrderLine)))], ...],
    BeforeValidator(formats.several_words),
    shapes.list_of_words(*get_args(OrderLine)),
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
    default: Written,
    example: str,
    why: str,
    says: str,
    note: str = "",
    wider: Wider = "neither",
) -> Any:  # noqa: ANN401  as Field() itself
    """A key that may be left out.

    Args:
        meaning: what it does, for the reference and editors.
        default: as a person writes it; it goes through the same reader as a person's own value.
        example: a value that is not the default.
        why: the reason of the default, with its source.
        says: a sentence about a value (``{}``) for the comparison of two policies, without a full stop.
        note: the comment behind it in samples; empty where the key says enough.
        wider: see ``Wider``.
    """
    extra: dict[str, Any] = {"default": default, "why": why, "says": says, "note": note, "wider": wider}
    return Field(
        default=default, validate_default=True, description=meaning, examples=[example], json_schema_extra=extra
    )


def needed(meaning: str, *, example: str, says: str, note: str) -> Any:  # noqa: ANN401  as Field() itself
    """A key that must be there."""
    return Field(
        description=meaning,
        examples=[example],
        json_schema_extra={"says": says, "note": note, "why": "", "wider": "neither"},
    )


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
    for name, field in model.model_fields.items():
        inner = section_of(field)
        found += keys_of(inner, name) if inner is not None else [_described(section, name, field)]
    return tuple(found)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a section."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _described(section: str, name: str, field: FieldInfo) -> Key:
    """One field's metadata; that all of it is there is checked by the tests of the table."""
    extra: Any = field.json_schema_extra
    shape = next(item for item in field.metadata if isinstance(item, Shape))
    limits = "".join(f", {item.words}" for item in field.metadata if isinstance(item, Within))
    return Key(
        section=section,
        name=name,
        meaning=field.description or "",
        default=extra.get("default"),
        example=str((field.examples or [""])[0]),
        why=extra["why"],
        says=extra["says"],
        note=extra["note"],
        wider=extra["wider"],
        takes=shape.words + limits,
        schema=shape.schema,
        required=field.is_required(),
    )
