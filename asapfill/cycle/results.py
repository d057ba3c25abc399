"""What one cycle found and did, per clinic: what ``plan``, ``openings``, ``once`` and the daemon's log tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from asapfill.core.offer import NewOffer
from asapfill.core.office import Labels
from asapfill.core.openings import Found, FreeTime, LeftAlone, Opening
from asapfill.core.plan import Skipped
from asapfill.core.policy import Mode, Policy
from asapfill.core.slot_search import Difference
from asapfill.policy.model import PolicyFile

POLICY: Final = "policy"
CLOCK_OFF: Final = "clock_off"
"""Codes of a ``Trouble`` that notices tell apart."""


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

    ``code``: of what went wrong, for notices (see ``alerts.conditions``).
    """

    message: str
    configuration: bool = False
    code: str = "other"


@dataclass(slots=True)
class ClinicResult:
    """One clinic in one cycle. ``now``: aware, in the office's zone. ``requests``: of the whole office in this cycle.

    ``differences``: from Open Dental's own search, over ``compared`` days of single providers; None: not compared.
    ``labels``: what the office calls its operatories, providers and clinics. ``as_if``: ``now`` is not the present but
    a moment for which somebody asked. ``paused``: somebody has stopped the sending to this office.
    """

    office: str
    clinic: int
    mode: Mode
    now: datetime
    policy: Policy | None = None
    labels: Labels = field(default_factory=Labels)
    as_if: bool = False
    paused: bool = False
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


@dataclass(slots=True)
class ServedClinic:
    """One clinic on its way through a cycle: its policy as written and as resolved, and what comes of it.

    ``settling``: what became free less than the policy's ``settle`` ago.
    """

    file: PolicyFile
    policy: Policy
    result: ClinicResult
    settling: FreeTime = field(default_factory=dict)
