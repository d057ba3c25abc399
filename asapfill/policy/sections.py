"""The table of keys, section by section: each with its meaning, default, example, the reason of the default, and words.

This is where a key is added. Everything else (reading, schema, samples, reference, comparison) follows from it; the
resolved form is ``policy``, filled in by ``names``. What the words are for is said in ``keys.key``.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator

from asapfill.core.policy import Group
from asapfill.policy import formats, shapes
from asapfill.policy.keys import (
    AllOrNames,
    AutoOrDuration,
    Days,
    Duration,
    Groups,
    HoursOfDay,
    Name,
    Names,
    PatientNumbers,
    Section,
    YesNo,
    key,
    length,
)

NOBODY = "None is left out unless the office says so."


class OpeningsSection(Section):
    """Which free time may be offered."""

    look_ahead: Annotated[Duration, length("1 hour", "365 days")] = key(
        "How far ahead to fill.",
        default="14 days",
        example="5 days",
        why="Two weeks hold nearly all short-notice openings; every day more costs requests to Open Dental.",
        says="Openings up to {} ahead are filled",
        note="how far ahead to fill",
        wider="more",
    )
    notice: Annotated[Duration, length("0 minutes", "365 days")] = key(
        "Openings that start sooner than this are left alone.",
        default="2 hours",
        example="90 minutes",
        why="People need time to read, answer and come; Dentally, Stride and SOE EXACT stop some hours before.",
        says="Openings that start in less than {} are left alone",
        note="leave time alone that begins sooner than this",
        wider="less",
    )
    settle: Annotated[Duration, length("0 minutes", "7 days")] = key(
        "Time must have been free this long before it is offered: the front desk may be rearranging.",
        default="15 minutes",
        example="30 minutes",
        why="Fresh gaps are left to the receptionist for 15 minutes, as SOE EXACT does.",
        says="Time must have been free for {} before it is offered",
        note="time must be free this long first: you may just be moving somebody",
        wider="less",
    )
    shortest: Annotated[Duration, length("5 minutes", "12 hours")] = key(
        "Shorter openings are left alone.",
        default="30 minutes",
        example="45 minutes",
        why="Shorter gaps fit few visits and serve as breathing space.",
        says="Openings shorter than {} are left alone",
        note="leave shorter gaps alone",
        wider="less",
    )
    operatories: AllOrNames = key(
        "The operatories to fill: all, or their names or abbreviations.",
        default="all",
        example="[Op 1, Hygiene 2]",
        why="Hidden operatories and those for prospective patients are never used anyway.",
        says="Operatories to fill: {}",
        note="or only some, as on your schedule: [Op 1, Hygiene 2]",
        wider="more",
    )
    except_operatories: Names = key(
        "Operatories that are never filled.",
        default=[],
        example="[Consult Room]",
        why=NOBODY,
        says="Operatories that are never filled: {}",
        note="never these",
        wider="less",
    )
    except_providers: Names = key(
        "Providers whose time is never offered, by their abbreviation.",
        default=[],
        example="[DOC2]",
        why=NOBODY,
        says="Providers whose time is never offered: {}",
        note="never the time of these, by their abbreviation: [DOC2]",
        wider="less",
    )
    blockouts_allowed: Names = key(
        "Blockout types that may be offered over, to any visit that fits. All other blockouts keep their time free. "
        "Offices that use blockouts for block scheduling (only crowns here, only hygiene there) leave this empty, or "
        "name only types that they would give away. A type marked NS in Open Dental (nothing may be scheduled there) "
        "cannot be named.",
        default=[],
        example="[High Production]",
        why="A blockout is the office's own word that the time is spoken for.",
        says="Blockout types that may be filled over: {}",
        note="blockout types that any visit may take; every other blockout keeps its time free",
        wider="more",
    )
    hygiene_only_in: Names = key(
        "Hygiene visits are offered only inside blockouts of these types. A hygiene visit is an appointment with the "
        "tick Is Hygiene in Open Dental, and every recall. Inside these blockouts they may be offered even if the type "
        "is not in blockouts_allowed; other visits may not. An empty list: hygiene visits go wherever they fit, but "
        "not over blockouts.",
        default=[],
        example="[Hygiene Only]",
        why="Offices with block scheduling keep such blocks on purpose; offices without it have none.",
        says="Blockout types outside which no hygiene visit is offered: {}",
        note="hygiene visits only inside blockouts of these types: [Hygiene Only]",
    )
    recalls_only_in: Names = key(
        "Recalls are offered only inside blockouts of these types, instead of those of hygiene_only_in. Inside them "
        "they may be offered even if the type is not in blockouts_allowed; other visits may not. An empty list: "
        "recalls follow hygiene_only_in, as other hygiene visits do.",
        default=[],
        example="[Recall]",
        why="Offices with block scheduling keep such blocks on purpose; offices without it have none.",
        says="Blockout types outside which no recall is offered: {}",
        note="recalls only inside blockouts of these types; empty: as hygiene_only_in",
    )
    days: Days = key(
        "The weekdays whose openings are filled.",
        default=["Mon", "Tue", "Wed", "Thu", "Fri"],
        example="Mon-Thu",
        why="The usual working week.",
        says="Openings on these days are filled: {}",
        note="the days to fill",
        wider="more",
    )
    hours: HoursOfDay = key(
        "The hours within which openings are filled; a visit must begin and end inside.",
        default="08:00-17:00",
        example="7am-3pm",
        why="The usual working day; the providers' schedules in Open Dental narrow it further.",
        says="Openings within these hours are filled: {}",
        note="a visit must begin and end within these hours",
        wider="more",
    )


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
        default="2 days",
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
        default="yes",
        example="no",
        why="Patients expect the provider they booked.",
        says="Only time of the patient's own provider is offered: {}",
        note="offer only the patient's own provider",
        wider="less",
    )
    under_18: Annotated[
        Literal["skip", "text"], BeforeValidator(formats.choice("skip", "text")), shapes.words("skip", "text")
    ] = key(
        "Patients under 18, or without a birthdate: leave them alone (skip), or text them like others (text).",
        default="skip",
        example="text",
        why="The number on file may be the child's own.",
        says="Patients under 18: {}",
        note="skip: never text about children · text: treat them like everybody",
        wider="more",
    )
    except_patients: PatientNumbers = key(
        "Patients who are never asked, by their PatNum. Names of patients do not belong in a policy.",
        default=[],
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
        default="0 days",
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
        default="09:00-19:00",
        example="10am-6pm",
        why="Federal rule 8 to 21 (47 CFR 64.1200), some states 9 to 19 or less: 9 to 19 satisfies nearly all.",
        says="Texts go out only within these hours: {}",
        note="no texts before or after",
        wider="more",
    )
    days: Days = key(
        "Texts go out only on these weekdays.",
        default=["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
        example="Mon-Fri",
        why="Some states bar texts on Sundays.",
        says="Texts go out only on these days: {}",
        note="no texts on other days",
        wider="more",
    )
    per_patient_per_day: Annotated[int, BeforeValidator(formats.whole_number(1, 10)), shapes.whole_number(1, 10)] = key(
        "At most this many texts to one patient, or one phone, in a day. A day is the office's calendar day. Offers "
        "that staff or other programs sent by Web Sched ASAP count too.",
        default="1",
        example="2",
        why="Healthcare messages without further consent: one a day (47 CFR 64.1200).",
        says="Most texts to one patient or phone in a day: {}",
        note="a family that shares one phone counts as one patient",
        wider="more",
    )
    per_patient_per_week: Annotated[int, BeforeValidator(formats.whole_number(1, 30)), shapes.whole_number(1, 30)] = (
        key(
            "At most this many texts to one patient, or one phone, in a week. A week is today and the six days before, "
            "not the calendar's week. Offers that staff or other programs sent count too.",
            default="3",
            example="2",
            why="Healthcare messages without further consent: three a week (47 CFR 64.1200).",
            says="Most texts to one patient or phone in a week: {}",
            wider="more",
        )
    )
    per_opening: Annotated[int, BeforeValidator(formats.whole_number(1, 100)), shapes.whole_number(1, 100)] = key(
        "At most this many patients are asked for one opening, all waves together.",
        default="12",
        example="6",
        why="About one offer in ten is accepted (JMIR 2024 e52071): twelve fill roughly three openings in four.",
        says="Most patients asked for one opening: {}",
        note="ask at most this many people for the same opening",
        wider="more",
    )
    wave: Annotated[int | None, BeforeValidator(formats.auto_or_number(1, 100)), shapes.auto_or_number(1, 100)] = key(
        "How many are asked at a time (a wave): a number, or auto, which grows as the opening comes nearer.",
        default="auto",
        example="3",
        why="Five at once fill it in one of three cases and disappoint somebody in one of sixteen (PMC7315363).",
        says="Asked at a time: {}",
        note="how many are asked at a time: a number, or auto (more as the time comes nearer)",
        wider="more",
    )
    wait: Annotated[AutoOrDuration, length("1 minute", "7 days")] = key(
        "How long to wait for answers before the next are asked: a time, or auto.",
        default="auto",
        example="20 minutes",
        why="The time that is left decides; people answer within minutes to hours.",
        says="Time for answers before the next are asked: {}",
        note="how long to wait for answers before asking the next: 20 minutes, or auto",
        wider="less",
    )
    rest_after_decline: Annotated[Duration, length("0 minutes", "365 days")] = key(
        "Whoever declined is left alone this long, whatever comes free. After it they are asked about other times "
        "again, never about the one that they declined. Whoever asked not to be contacted about a visit is never "
        "asked about it again.",
        default="7 days",
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
        default="yes",
        example="no",
        why="Whoever opens the chart sees what was sent.",
        says="Offers and their outcomes are noted in the chart: {}",
        note="note each offer and what became of it",
    )
    type: Name = key(
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
        default="no",
        example="yes",
        why="One entry for each offer keeps the chart short.",
        says="The outcome is a second commlog where the first cannot be changed: {}",
        note="Open Dental before 25.2.21: write the outcome as a second note",
    )
