"""The policy in force for one clinic of one office: plain frozen data, every name already resolved to a number.

The pure core reads nothing else of the office manager's wishes. How the file is read is in ``policy.reading``, what may
stand in it is in ``policy.model``, how names become numbers is in ``policy.resolve``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Mode = Literal["preview", "ask", "automatic"]
Group = Literal["unscheduled", "planned", "broken", "scheduled", "recalls"]
OrderLine = Literal[
    "unscheduled first",
    "planned first",
    "broken first",
    "scheduled first",
    "recalls first",
    "recalls last",
    "furthest out first",
    "soonest first",
    "longest first",
    "shortest first",
    "least recently texted first",
]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the office's day, wall-clock; ``end`` is exclusive. ``time(0)`` as end means midnight at its end."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class OpeningsPolicy:
    """Which free time may be offered. ``operatories`` None: all. ``days``: 0 is Monday."""

    look_ahead: timedelta = timedelta(days=14)
    notice: timedelta = timedelta(hours=2)
    settle: timedelta = timedelta(minutes=15)
    shortest: timedelta = timedelta(minutes=30)
    operatories: frozenset[int] | None = None
    except_operatories: frozenset[int] = frozenset()
    except_providers: frozenset[int] = frozenset()
    blockouts_allowed: frozenset[int] = frozenset()
    hygiene_only_in: frozenset[int] = frozenset()
    recalls_only_in: frozenset[int] = frozenset()
    hygiene_chairs: bool = True
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    hours: Hours = Hours(time(8), time(17))


@dataclass(frozen=True, slots=True)
class CandidatesPolicy:
    """Who may be asked."""

    include: frozenset[Group] = frozenset(get_args(Group))
    gain: timedelta = timedelta(days=2)
    same_provider: bool = True
    under_18: Literal["skip", "text"] = "skip"
    except_patients: frozenset[int] = frozenset()
    spoken_to: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class TextsPolicy:
    """When and how often a person may be asked. ``per_opening``, ``wave`` and ``wait`` None: auto."""

    between: Hours = Hours(time(9), time(19))
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4, 5})
    per_patient_per_day: int = 1
    per_patient_per_week: int = 3
    per_opening: int | None = None
    wave: int | None = None
    wait: timedelta | None = None
    rest_after_decline: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CommlogPolicy:
    """Whether each offer is noted in the chart.

    ``type``: a DefNum of category 27; None: Open Dental's default type.
    """

    write: bool = True
    type: int | None = None
    second_entry: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What asapfill may do for one clinic of one office. ``clinic`` 0: the office does not use clinics."""

    office: str
    timezone: ZoneInfo
    clinic: int = 0
    mode: Mode = "preview"
    openings: OpeningsPolicy = OpeningsPolicy()
    candidates: CandidatesPolicy = CandidatesPolicy()
    order: tuple[OrderLine, ...] = ("unscheduled first", "furthest out first", "least recently texted first")
    texts: TextsPolicy = TextsPolicy()
    commlog: CommlogPolicy = field(default=CommlogPolicy())
