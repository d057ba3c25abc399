"""What one cycle found and did, per clinic: what ``plan``, ``openings``, ``once`` and the daemon's log tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from asapfill.clock import instant, office_now
from asapfill.core.offer import NewOffer
from asapfill.core.office import Labels
from asapfill.core.openings import Found, LeftAlone, Opening
from asapfill.core.plan import Skipped
from asapfill.core.policy import Mode, Policy
from asapfill.core.slot_search import Difference
from asapfill.cycle.openings import Young
from asapfill.policy.formats import Unreadable, day_of_week, time_of_day
from asapfill.policy.model import PolicyFile

StillValid = Callable[[PolicyFile], bool]


@dataclass(slots=True)
class Clinic:
    """One clinic on its way through a cycle: its policy as written and as resolved, and what comes of it."""

    file: PolicyFile
    policy: Policy
    result: ClinicResult
    planned: tuple[NewOffer, ...] = ()
    young: Young = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer of a cycle. ``state``: planned, waiting, sent, suppressed, refused or unknown. ``reason``: a code,
    or None.
    """

    offer: NewOffer
    state: str = "planned"
    asapcomm: int | None = None
    reason: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a clinic was not served, or only in part. ``configuration``: settings or policy are wrong, not the office.

    ``code``: of what went wrong, for notices (see ``notices.codes``).
    """

    message: str
    configuration: bool = False
    code: str = "other"


@dataclass(slots=True)
class ClinicResult:
    """One clinic in one cycle. ``now``: aware, in the office's zone. ``requests``: of the whole office in this cycle.

    ``differences``: from Open Dental's own search, over ``compared`` days of single providers; None: not compared.
    ``labels``: what the office calls its operatories, providers and clinics. ``as_if``: ``now`` is not the present but
    a moment for which somebody asked.
    """

    office: str
    clinic: int
    mode: Mode
    now: datetime
    policy: Policy | None = None
    labels: Labels = field(default_factory=Labels)
    as_if: bool = False
    found: Found | None = None
    offers: list[OfferLine] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    compared: int | None = None
    requests: int = 0
    errors: list[Trouble] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> Mapping[int, str]:
        """What the office calls its operatories, by OperatoryNum."""
        return self.labels.operatories

    @property
    def openings(self) -> tuple[Opening, ...]:
        """The openings found; none when the clinic could not be served."""
        return self.found.openings if self.found is not None else ()

    @property
    def left_alone(self) -> tuple[LeftAlone, ...]:
        """The time that was left alone, and why."""
        return self.found.left_alone if self.found is not None else ()

    @property
    def served(self) -> bool:
        """Whether everything went as it should."""
        return not self.errors


@dataclass(frozen=True, slots=True)
class AsIf:
    """A time of the office's day, on any day (``weekday`` None) or on one (0 is Monday)."""

    time: time
    weekday: int | None = None

    def moment(self, now: datetime, timezone: ZoneInfo) -> datetime:
        """The next moment (aware) at which the office's clock shows this; the present minute counts."""
        wall = office_now(now, timezone).replace(second=0, microsecond=0)
        coming = (datetime.combine(wall.date() + timedelta(days=ahead), self.time) for ahead in range(8))
        first = next(moment for moment in coming if moment >= wall and self.weekday in {None, moment.weekday()})
        return instant(first, timezone)


def as_if(text: str) -> AsIf:
    """What a person writes behind ``--at``: ``10:00``, ``10am``, ``Mon 10:00``.

    Raises:
        Unreadable: it is neither.
    """
    day, _, rest = text.strip().partition(" ")
    if rest and day[:1].isalpha():
        return AsIf(time_of_day(rest), day_of_week(day))
    try:
        return AsIf(time_of_day(text))
    except Unreadable as error:
        raise Unreadable(str(error), "Write for example 10:00, 10am or Mon 10:00.") from None


POLICY: Final = "policy"


CLOCK_OFF: Final = "clock_off"
