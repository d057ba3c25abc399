"""A policy file as it is written: the keys at the left margin, and the sections below them.

With ``sections`` this is the one table of keys. Reading, and the schema, samples and reference page made from it,
cannot drift apart. Defaults stand here as a person would write them and go through the same reader as a person's own
value.

Names (operatories, providers …) are still names here; ``names`` turns them into numbers. How a value is written is in
``formats``, where it stands in the file in ``tree``.
"""

from __future__ import annotations

from typing import Annotated, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PrivateAttr

from asapfill.core.policy import Mode
from asapfill.policy import formats, shapes
from asapfill.policy.keys import Key, Name, OrderLines, Section, key, keys_of, needed
from asapfill.policy.sections import CandidatesSection, CommlogSection, OpeningsSection, TextsSection
from asapfill.policy.tree import Source


class PolicyFile(Section):
    """One policy file as it is written, checked in itself but not yet against the office's names."""

    office: Annotated[str, BeforeValidator(formats.office), shapes.OFFICE] = needed(
        "The office, as it is named in the settings.",
        example="main-street",
        says="The policy is for the office {}",
        note="the office's name, as your IT person wrote it in asapfill.toml",
    )
    timezone: Annotated[ZoneInfo, BeforeValidator(formats.timezone), shapes.TIMEZONE] = needed(
        "The office's time zone, by region and city. Open Dental does not tell it; if it is wrong, the clocks disagree "
        "and nothing is sent.",
        example="America/Los_Angeles",
        says="The office is in the time zone {}",
        note="where the office is: America/New_York, America/Chicago, America/Denver …",
    )
    clinic: Annotated[Name | None, shapes.NAME] = Field(
        default=None,
        description="The clinic this policy is for. Leave the line out when the office does not use clinics; "
        "otherwise each clinic has a file of its own.",
        examples=["North Side"],
        json_schema_extra={
            "why": "", "wider": "neither", "says": "The policy is for the clinic {}",
            "note": "only if you use clinics in Open Dental: the clinic this file is for",
        },
    )  # fmt: skip
    mode: Annotated[Mode, BeforeValidator(formats.choice(*get_args(Mode))), shapes.words(*get_args(Mode))] = key(
        "preview: only show what would be sent. ask: wait for a person's yes to each offer. automatic: send by itself.",
        default="preview",
        example="automatic",
        why="Nothing goes out until somebody has seen what would.",
        says="The mode is {}",
        wider="more",
    )
    openings: OpeningsSection = Field(default_factory=OpeningsSection, description="Which free time may be offered.")
    candidates: CandidatesSection = Field(default_factory=CandidatesSection, description="Who may be asked.")
    order: OrderLines = key(
        "Who is asked first; earlier lines count more, later ones decide among those who are equal so far.",
        default=["unscheduled first", "furthest out first", "least recently texted first"],
        example="[longest first, recalls last]",
        why="Open Dental's own Web Sched ASAP asks in this order; those texted lately rest.",
        says="Asked first: {}",
    )
    texts: TextsSection = Field(default_factory=TextsSection, description="When and how often people are texted.")
    commlog: CommlogSection = Field(default_factory=CommlogSection, description="What is noted in the patient's chart.")

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


KEYS: tuple[Key, ...] = keys_of(PolicyFile)
"""Every key, in the order in which the reference, the samples and the schema have them."""
