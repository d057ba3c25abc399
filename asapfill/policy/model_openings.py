"""The table of keys, ``openings``: which free time may be offered. See ``model``."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from asapfill.core.policy import Policy
from asapfill.policy.formats import as_written
from asapfill.policy.keys import AllOrNames, Days, Duration, HoursOfDay, Names, Section, YesNo, key, length

DEFAULT = Policy("", ZoneInfo("UTC"))  # a policy that says nothing
NOBODY = "None is left out unless the office says so."


class OpeningsSection(Section):
    """Which free time may be offered."""

    look_ahead: Annotated[Duration, length("1 hour", "365 days")] = key(
        "How far ahead to fill.",
        default=as_written(DEFAULT.openings.look_ahead),
        example="5 days",
        why="Two weeks hold nearly all short-notice openings; every day more costs requests to Open Dental.",
        says="Openings up to {} ahead are filled",
        note="how far ahead to fill",
        wider="more",
    )
    notice: Annotated[Duration, length("0 minutes", "365 days")] = key(
        "Openings that start sooner than this are left alone.",
        default=as_written(DEFAULT.openings.notice),
        example="90 minutes",
        why="People need time to read, answer and come; Dentally, Stride and SOE EXACT stop some hours before.",
        says="Openings that start in less than {} are left alone",
        note="leave time alone that begins sooner than this",
        wider="less",
    )
    settle: Annotated[Duration, length("0 minutes", "7 days")] = key(
        "Time must have been free this long before it is offered: the front desk may be rearranging.",
        default=as_written(DEFAULT.openings.settle),
        example="30 minutes",
        why="Fresh gaps are left to the receptionist for 15 minutes, as SOE EXACT does.",
        says="Time must have been free for {} before it is offered",
        note="time must be free this long first: you may just be moving somebody",
        wider="less",
    )
    shortest: Annotated[Duration, length("5 minutes", "12 hours")] = key(
        "Shorter openings are left alone.",
        default=as_written(DEFAULT.openings.shortest),
        example="45 minutes",
        why="Shorter gaps fit few visits and serve as breathing space.",
        says="Openings shorter than {} are left alone",
        note="leave shorter gaps alone",
        wider="less",
    )
    operatories: AllOrNames = key(
        "The operatories to fill: all, or their names or abbreviations.",
        default=as_written(DEFAULT.openings.operatories, "all"),
        example="[Op 1, Hygiene 2]",
        why="Hidden operatories and those for prospective patients are never used anyway.",
        says="Operatories to fill: {}",
        note="or only some, as on your schedule: [Op 1, Hygiene 2]",
        wider="more",
    )
    except_operatories: Names = key(
        "Operatories that are never filled.",
        default=as_written(DEFAULT.openings.except_operatories),
        example="[Consult Room]",
        why=NOBODY,
        says="Operatories that are never filled: {}",
        note="never these",
        wider="less",
    )
    except_providers: Names = key(
        "Providers whose time is never offered, by their abbreviation.",
        default=as_written(DEFAULT.openings.except_providers),
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
        default=as_written(DEFAULT.openings.blockouts_allowed),
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
        default=as_written(DEFAULT.openings.hygiene_only_in),
        example="[Hygiene Only]",
        why="Offices with block scheduling keep such blocks on purpose; offices without it have none.",
        says="Blockout types outside which no hygiene visit is offered: {}",
        note="hygiene visits only inside blockouts of these types: [Hygiene Only]",
    )
    recalls_only_in: Names = key(
        "Recalls are offered only inside blockouts of these types, instead of those of hygiene_only_in. Inside them "
        "they may be offered even if the type is not in blockouts_allowed; other visits may not. An empty list: "
        "recalls follow hygiene_only_in, as other hygiene visits do.",
        default=as_written(DEFAULT.openings.recalls_only_in),
        example="[Recall]",
        why="Offices with block scheduling keep such blocks on purpose; offices without it have none.",
        says="Blockout types outside which no recall is offered: {}",
        note="recalls only inside blockouts of these types; empty: as hygiene_only_in",
    )
    days: Days = key(
        "The weekdays whose openings are filled.",
        default=as_written(DEFAULT.openings.days),
        example="Mon-Thu",
        why="The usual working week.",
        says="Openings on these days are filled: {}",
        note="the days to fill",
        wider="more",
    )
    hygiene_chairs: YesNo = key(
        "Hygiene visits and recalls go only into operatories that Open Dental marks as hygiene or in which a hygienist "
        "works at that time; other visits do not go into operatories marked as hygiene. An appointment's own present "
        "operatory is always right for it. Where no operatory is marked, hygienists' time is for hygiene visits. no: "
        "any visit goes wherever it fits.",
        default=as_written(DEFAULT.openings.hygiene_chairs),
        example="no",
        why="A cleaning in the dentist's chair, or a crown in the hygienist's, is moved again by the front desk.",
        says="Hygiene visits and recalls only in hygiene chairs, other visits in the others: {}",
        note="hygiene visits and recalls only in hygiene chairs, other visits in the others",
        wider="less",
    )
    hours: HoursOfDay = key(
        "The hours within which openings are filled; a visit must begin and end inside.",
        default=as_written(DEFAULT.openings.hours),
        example="7am-3pm",
        why="The usual working day; the providers' schedules in Open Dental narrow it further.",
        says="Openings within these hours are filled: {}",
        note="a visit must begin and end within these hours",
        wider="more",
    )
