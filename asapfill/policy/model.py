"""What may stand in a policy file: every key with its meaning, its default, an example and the reason of the default.

This is the one table of keys. Reading, and the schema, samples and reference page made from it, cannot drift apart.
Defaults stand here as a person would write them and go through the same reader as a person's own value.

Names (operatories, providers …) are still names here; ``names`` turns them into numbers. How a value is written is in
``formats``, where it stands in the file in ``tree``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from asapfill.policy import formats
from asapfill.policy.policy import Group, Hours, Mode, OrderLine
from asapfill.policy.tree import Source

Name = Annotated[str, BeforeValidator(formats.name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(formats.several)]
AllOrNames = Annotated[tuple[Name, ...] | None, BeforeValidator(formats.all_or_names)]
YesNo = Annotated[bool, BeforeValidator(formats.yes_no)]
HoursOfDay = Annotated[Hours, BeforeValidator(formats.hours)]
Days = Annotated[
    tuple[Annotated[frozenset[int], BeforeValidator(formats.days)], ...], BeforeValidator(formats.several_words)
]
PatientNumbers = Annotated[
    tuple[Annotated[int, BeforeValidator(formats.patient_number)], ...], BeforeValidator(formats.several)
]
Groups = Annotated[
    tuple[Annotated[Group, BeforeValidator(formats.choice(*get_args(Group)))], ...],
    BeforeValidator(formats.several_words),
]
OrderLines = Annotated[
    tuple[Annotated[OrderLine, BeforeValidator(formats.choice(*get_args(OrderLine)))], ...],
    BeforeValidator(formats.several_words),
]


def _length(shortest: str, longest: str) -> Any:  # noqa: ANN401  pydantic's metadata has no common type
    """Metadata of a length of time between two others."""
    return AfterValidator(formats.within(shortest, longest))


Duration = Annotated[timedelta, BeforeValidator(formats.duration)]


def _key(meaning: str, *, default: str | list[str], example: str, why: str) -> Any:  # noqa: ANN401  as Field() itself
    """A key that may be left out. ``default`` as a person writes it; ``why`` with its source."""
    extra: dict[str, Any] = {"default": default, "why": why}
    return Field(
        default=default,
        validate_default=True,
        description=meaning,
        examples=[example],
        json_schema_extra=extra,
    )


class Section(BaseModel):
    """A part of the policy: unknown keys are refused, nothing is converted behind a person's back."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True)


class OpeningsSection(Section):
    """Which free time may be offered."""

    look_ahead: Annotated[Duration, _length("1 hour", "365 days")] = _key(
        "How far ahead to fill.",
        default="14 days",
        example="5 days",
        why="Two weeks hold nearly all short-notice openings; every day more costs requests to Open Dental.",
    )
    notice: Annotated[Duration, _length("0 minutes", "365 days")] = _key(
        "Openings that start sooner than this are left alone.",
        default="2 hours",
        example="90 minutes",
        why="People need time to read, answer and come; systems of this kind stop some hours before the time.",
    )
    settle: Annotated[Duration, _length("0 minutes", "7 days")] = _key(
        "Time must have been free this long before it is offered: the front desk may be rearranging.",
        default="15 minutes",
        example="30 minutes",
        why="Fresh gaps are left to the receptionist for 15 minutes, as SOE EXACT does.",
    )
    shortest: Annotated[Duration, _length("5 minutes", "12 hours")] = _key(
        "Shorter openings are left alone.",
        default="30 minutes",
        example="45 minutes",
        why="Shorter gaps fit few visits and serve as breathing space.",
    )
    operatories: AllOrNames = _key(
        "The operatories to fill: all, or their names or abbreviations.",
        default="all",
        example="[Op 1, Hygiene 2]",
        why="Hidden operatories and those for prospective patients are never used anyway.",
    )
    except_operatories: Names = _key(
        "Operatories that are never filled.",
        default=[],
        example="[Consult Room]",
        why="None is left out unless the office says so.",
    )
    except_providers: Names = _key(
        "Providers whose time is never offered.",
        default=[],
        example="[DOC2]",
        why="None is left out unless the office says so.",
    )
    blockouts_allowed: Names = _key(
        "Blockout types that may be offered over. All other blockouts keep their time free.",
        default=[],
        example="[Hygiene]",
        why="A blockout is the office's own word that the time is spoken for.",
    )
    days: Days = _key(
        "The weekdays whose openings are filled.",
        default=["Mon", "Tue", "Wed", "Thu", "Fri"],
        example="Mon-Thu",
        why="The usual working week.",
    )
    hours: HoursOfDay = _key(
        "The hours within which openings are filled; a visit must begin and end inside.",
        default="08:00-17:00",
        example="7am-3pm",
        why="The usual working day; the providers' schedules in Open Dental narrow it further.",
    )


class CandidatesSection(Section):
    """Who may be asked."""

    include: Groups = _key(
        "Which entries of the ASAP list are asked.",
        default=list(get_args(Group)),
        example="[unscheduled, planned, broken]",
        why="Whoever is on the ASAP list was put there to be called.",
    )
    gain: Annotated[Duration, _length("0 minutes", "365 days")] = _key(
        "A scheduled patient is asked only if the visit comes at least this much earlier.",
        default="2 days",
        example="1 week",
        why="Moving somebody by hours fills one gap and opens another.",
    )
    same_provider: YesNo = _key(
        "Offer only time of the patient's own provider.",
        default="yes",
        example="no",
        why="Patients expect the provider they booked.",
    )
    under_18: Annotated[Literal["skip", "text"], BeforeValidator(formats.choice("skip", "text"))] = _key(
        "Patients under 18, or without a birthdate: leave them alone, or text them like others.",
        default="skip",
        example="text",
        why="The number on file may be the child's own.",
    )
    except_patients: PatientNumbers = _key(
        "Patients who are never asked, by PatNum.",
        default=[],
        example="[1234, 5678]",
        why="None is left out unless the office says so.",
    )


class TextsSection(Section):
    """When and how often people are texted."""

    between: HoursOfDay = _key(
        "Texts go out only within these hours.",
        default="09:00-19:00",
        example="10am-6pm",
        why="Federal rule 8 to 21 (47 CFR 64.1200), some states 9 to 19 or less: 9 to 19 satisfies nearly all.",
    )
    days: Days = _key(
        "Texts go out only on these weekdays.",
        default=["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
        example="Mon-Fri",
        why="Some states bar texts on Sundays.",
    )
    per_patient_per_day: Annotated[int, BeforeValidator(formats.whole_number(1, 10))] = _key(
        "At most this many texts to one patient, or one phone, in a day.",
        default="1",
        example="2",
        why="Healthcare messages without further consent: one a day (47 CFR 64.1200).",
    )
    per_patient_per_week: Annotated[int, BeforeValidator(formats.whole_number(1, 30))] = _key(
        "At most this many texts to one patient, or one phone, in a week.",
        default="3",
        example="2",
        why="Healthcare messages without further consent: three a week (47 CFR 64.1200).",
    )
    per_opening: Annotated[int, BeforeValidator(formats.whole_number(1, 100))] = _key(
        "At most this many patients are asked for one opening.",
        default="12",
        example="6",
        why="About one offer in ten is accepted (JMIR 2024 e52071): twelve fill roughly three openings in four.",
    )
    wave: Annotated[int | None, BeforeValidator(formats.auto_or_number(1, 100))] = _key(
        "How many are asked at a time: a number, or auto, which grows as the opening comes nearer.",
        default="auto",
        example="3",
        why="Five at once fill it in one of three cases and disappoint somebody in one of sixteen.",
    )
    wait: Annotated[timedelta | None, BeforeValidator(formats.auto_or_duration), _length("1 minute", "7 days")] = _key(
        "How long to wait for answers before the next are asked: a time, or auto.",
        default="auto",
        example="20 minutes",
        why="The time that is left decides; people answer within minutes to hours.",
    )
    rest_after_decline: Annotated[Duration, _length("0 minutes", "365 days")] = _key(
        "Whoever declined is left alone this long.",
        default="7 days",
        example="14 days",
        why="People who are asked in vain stop reading.",
    )


class CommlogSection(Section):
    """What is noted in the patient's chart."""

    write: YesNo = _key(
        "Note each offer and its outcome in the patient's chart.",
        default="yes",
        example="no",
        why="Whoever opens the chart sees what was sent.",
    )
    type: Name = _key(
        "The commlog type, by its name.",
        default="ApptRelated",
        example="Appointment",
        why="Open Dental's usual type for appointments; without it the office's own type marked APPT is used.",
    )


class PolicyFile(Section):
    """One policy file as it is written, checked in itself but not yet against the office's names."""

    office: Annotated[str, BeforeValidator(formats.office)] = Field(
        description="The office, as it is named in the settings.", examples=["main-street"]
    )
    timezone: Annotated[ZoneInfo, BeforeValidator(formats.timezone)] = Field(
        description="The office's time zone, by region and city.", examples=["America/Los_Angeles"]
    )
    clinic: Name | None = Field(
        default=None,
        description="The clinic this policy is for. Leave the line out when the office does not use clinics.",
        examples=["North Side"],
    )
    mode: Annotated[Mode, BeforeValidator(formats.choice(*get_args(Mode)))] = _key(
        "preview: only show what would be sent. ask: wait for a person's yes. automatic: send.",
        default="preview",
        example="automatic",
        why="Nothing goes out until somebody has seen what would.",
    )
    openings: OpeningsSection = Field(default_factory=OpeningsSection, description="Which free time may be offered.")
    candidates: CandidatesSection = Field(default_factory=CandidatesSection, description="Who may be asked.")
    order: OrderLines = _key(
        "Who is asked first; earlier lines count more.",
        default=["unscheduled first", "furthest out first", "least recently texted first"],
        example="[longest first, recalls last]",
        why="Open Dental's own Web Sched ASAP asks in this order; those texted lately rest.",
    )
    texts: TextsSection = Field(default_factory=TextsSection, description="When and how often people are texted.")
    commlog: CommlogSection = Field(default_factory=CommlogSection, description="What is noted in the chart.")

    _source: Source | None = PrivateAttr(default=None)

    @property
    def source(self) -> Source:
        """The file itself: its path, its text, and where in it each value stands."""
        if self._source is None:
            raise ValueError("this policy was not read from a file")
        return self._source

    def located(self, source: Source) -> Self:
        """This policy with the file it was read from."""
        self._source = source
        return self
