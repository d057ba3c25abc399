"""The table of keys: what a policy file may say. Here a key is added.

Reading, schema, samples, reference and comparison follow from it; what each word of a key is for is said in
``keys.key``. Defaults are those of ``core.policy``, written as a person would: they go through the same reader as a
person's own value. Names (operatories, providers …) are still names here; ``resolve`` turns them into numbers.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr

from asapfill.core.policy import Group, Mode
from asapfill.policy.formats import as_written
from asapfill.policy.keys import (
    NAME,
    OFFICE,
    TIMEZONE,
    AutoOrDuration,
    Days,
    Duration,
    Groups,
    HoursOfDay,
    Key,
    OrderLines,
    PatientNumbers,
    Section,
    YesNo,
    auto_or_number,
    key,
    keys_of,
    length,
    needed,
    whole_number,
    words,
)
from asapfill.policy.model_openings import DEFAULT, NOBODY, OpeningsSection
from asapfill.policy.tree import Source


class CandidatesSection(Section):
    """Who may be asked."""

    include: Groups = key(
        "Which entries of the ASAP list are asked, by what they are in Open Dental: appointments on the unscheduled "
        "list, planned ones, broken ones, scheduled ones (who would come earlier), and recalls.",
        default=list(get_args(Group)),
        example="[unscheduled, planned, broken]",
        why="Whoever is on the ASAP list was put there to be called.",
        says="Asked from the ASAP list: {}",
        wider="more",
    )
    gain: Annotated[Duration, length("0 minutes", "365 days")] = key(
        "A scheduled patient is asked only if the visit comes at least this much earlier. It concerns nobody else.",
        default=as_written(DEFAULT.candidates.gain),
        example="1 week",
        why="Moving somebody by hours fills one gap and opens another.",
        says="A scheduled patient is asked only if the visit comes at least {} earlier",
        note="somebody with an appointment is asked only if they come at least this much earlier",
        wider="less",
    )
    same_provider: YesNo = key(
        "Offer only time of the patient's own provider: the one of the appointment; for a hygiene appointment its "
        "hygienist, if it has one. For a recall any hygienist will do, or the patient's own dentist or hygienist. "
        "no: anybody's time.",
        default=as_written(DEFAULT.candidates.same_provider),
        example="no",
        why="Patients expect the provider they booked.",
        says="Only time of the patient's own provider is offered: {}",
        note="offer only the patient's own provider",
        wider="less",
    )
    under_18: Annotated[Literal["skip", "text"], words("skip", "text")] = key(
        "Patients under 18, or without a birthdate: leave them alone (skip), or text them like others (text).",
        default=as_written(DEFAULT.candidates.under_18),
        example="text",
        why="The number on file may be the child's own.",
        says="Patients under 18: {}",
        note="skip: never text about children · text: treat them like everybody",
        wider="more",
    )
    except_patients: PatientNumbers = key(
        "Patients who are never asked, by their PatNum. Names of patients do not belong in a policy.",
        default=as_written(DEFAULT.candidates.except_patients),
        example="[1234, 5678]",
        why=NOBODY,
        says="Patients who are never asked: {}",
        note="never ask these: patient numbers, [1234, 5678]",
        wider="less",
    )
    spoken_to: Annotated[Duration, length("0 minutes", "365 days")] = key(
        "Leave people alone with whom the office was in touch in this time before. Every commlog in their chart "
        "counts, of whatever type and whoever wrote it, also those that Open Dental writes by itself; only asapfill's "
        "own do not. 0 minutes or 0 days: commlogs are not looked at, and nobody is left alone for them.",
        default=as_written(DEFAULT.candidates.spoken_to),
        example="3 days",
        why="A call about something else is no reason to pass somebody over; reading charts costs requests.",
        says="How long people are left alone with whom the office was in touch: {}",
        note="leave people alone this long after you spoke to them, by the commlog: 3 days",
        wider="less",
    )


class TextsSection(Section):
    """When and how often people are texted."""

    between: HoursOfDay = key(
        "Texts go out only within these hours.",
        default=as_written(DEFAULT.texts.between),
        example="10am-6pm",
        why="Federal rule 8 to 21 (47 CFR 64.1200), some states 9 to 19 or less: 9 to 19 satisfies nearly all.",
        says="Texts go out only within these hours: {}",
        note="no texts before or after",
        wider="more",
    )
    days: Days = key(
        "Texts go out only on these weekdays.",
        default=as_written(DEFAULT.texts.days),
        example="Mon-Fri",
        why="Some states bar texts on Sundays.",
        says="Texts go out only on these days: {}",
        note="no texts on other days",
        wider="more",
    )
    per_patient_per_day: Annotated[int, whole_number(1, 10)] = key(
        "At most this many texts to one patient, or one phone, in a day. A day is the office's calendar day. Offers "
        "that staff or other programs sent by Web Sched ASAP count too.",
        default=as_written(DEFAULT.texts.per_patient_per_day),
        example="2",
        why="Healthcare messages without further consent: one a day (47 CFR 64.1200).",
        says="Most texts to one patient or phone in a day: {}",
        note="a family that shares one phone counts as one patient",
        wider="more",
    )
    per_patient_per_week: Annotated[int, whole_number(1, 30)] = key(
        "At most this many texts to one patient, or one phone, in a week. A week is today and the six days before, "
        "not the calendar's week. Offers that staff or other programs sent count too.",
        default=as_written(DEFAULT.texts.per_patient_per_week),
        example="2",
        why="Healthcare messages without further consent: three a week (47 CFR 64.1200).",
        says="Most texts to one patient or phone in a week: {}",
        wider="more",
    )
    per_opening: Annotated[int | None, auto_or_number(1, 100)] = key(
        "At most this many patients are asked for one opening, all waves together; auto: 30 for each place in it.",
        default=as_written(DEFAULT.texts.per_opening),
        example="6",
        why="A long opening takes several visits; asking ends anyway when one is likely enough (docs/waves.md).",
        says="Most patients asked for one opening: {}",
        note="ask at most this many people for the same opening",
        wider="more",
    )
    wave: Annotated[int | None, auto_or_number(1, 100)] = key(
        "How many are asked at a time (a wave): a number, or auto: one, and more when little time is left.",
        default=as_written(DEFAULT.texts.wave),
        example="3",
        why="Five at once fill it in one of three cases and disappoint somebody in one of sixteen (PMC7315363).",
        says="Asked at a time: {}",
        note="how many are asked at a time: a number, or auto (one; more when little time is left)",
        wider="more",
    )
    wait: Annotated[AutoOrDuration, length("1 minute", "7 days")] = key(
        "How long to wait for answers before the next are asked: a time, or auto.",
        default=as_written(DEFAULT.texts.wait),
        example="20 minutes",
        why="The time that is left decides, and how likely somebody says yes (docs/waves.md).",
        says="Time for answers before the next are asked: {}",
        note="how long to wait for answers before asking the next: 20 minutes, or auto",
        wider="less",
    )
    rest_after_decline: Annotated[Duration, length("0 minutes", "365 days")] = key(
        "Whoever declined is left alone this long, whatever comes free. After it they are asked about other times "
        "again, never about the one that they declined. Whoever asked not to be contacted about a visit is never "
        "asked about it again.",
        default=as_written(DEFAULT.texts.rest_after_decline),
        example="14 days",
        why="People who are asked in vain go quiet; they are spared for openings that need them (Manshadi & Rodilitz).",
        says="Whoever declined is left alone for {}",
        note="leave people alone this long after they said no",
        wider="less",
    )


class CommlogSection(Section):
    """What is noted in the patient's chart."""

    write: YesNo = key(
        "Note each offer and its outcome in the patient's chart.",
        default=as_written(DEFAULT.commlog.write),
        example="no",
        why="Whoever opens the chart sees what was sent.",
        says="Offers and their outcomes are noted in the chart: {}",
        note="note each offer and what became of it",
    )
    type: Annotated[str, NAME] = key(
        "The commlog type, by its name.",
        default="ApptRelated",
        example="Appointment",
        why="Open Dental's usual type for appointments; without it the office's own type marked APPT is used.",
        says="Commlog type: {}",
        note="the commlog type; left out: the one your office uses for appointments",
    )
    second_entry: YesNo = key(
        "Write the outcome as a second commlog where Open Dental cannot change the first one (before 25.2.21). "
        "No: there the chart tells the offer only.",
        default=as_written(DEFAULT.commlog.second_entry),
        example="yes",
        why="One entry for each offer keeps the chart short.",
        says="The outcome is a second commlog where the first cannot be changed: {}",
        note="Open Dental before 25.2.21: write the outcome as a second note",
    )


class PolicyFile(Section):
    """One policy file as it is written, checked in itself but not yet against the office's names."""

    office: Annotated[str, OFFICE] = needed(
        "The office, as it is named in the settings.",
        example="main-street",
        says="The policy is for the office {}",
        note="the office's name, as your IT person wrote it in asapfill.toml",
    )
    timezone: Annotated[ZoneInfo, TIMEZONE] = needed(
        "The office's time zone, by region and city. Open Dental does not tell it; if it is wrong, the clocks disagree "
        "and nothing is sent.",
        example="America/Los_Angeles",
        says="The office is in the time zone {}",
        note="where the office is: America/New_York, America/Chicago, America/Denver …",
    )
    clinic: Annotated[str | None, NAME] = key(
        "The clinic this policy is for. Leave the line out when the office does not use clinics; otherwise each clinic "
        "has a file of its own.",
        default=None,
        example="North Side",
        why="",
        says="The policy is for the clinic {}",
        note="only if you use clinics in Open Dental: the clinic this file is for",
    )
    mode: Annotated[Mode, words(*get_args(Mode))] = key(
        "preview: only show what would be sent. ask: wait for a person's yes to each offer. automatic: send by itself.",
        default=as_written(DEFAULT.mode),
        example="automatic",
        why="Nothing goes out until somebody has seen what would.",
        says="The mode is {}",
        wider="more",
    )
    openings: OpeningsSection = Field(default_factory=OpeningsSection, description="Which free time may be offered.")
    candidates: CandidatesSection = Field(default_factory=CandidatesSection, description="Who may be asked.")
    order: OrderLines = key(
        "Who is asked first; earlier lines count more, later ones decide among those who are equal so far.",
        default=as_written(DEFAULT.order),
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
