"""One clinic on its way through a cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from asapfill.offers.offer import NewOffer
from asapfill.policy.model import PolicyFile
from asapfill.policy.policy import Policy
from asapfill.service.free import Young
from asapfill.service.results import ClinicResult

StillValid = Callable[[PolicyFile], bool]


@dataclass(slots=True)
class Clinic:
    """One clinic on its way through a cycle: its policy as written and as resolved, and what comes of it."""

    file: PolicyFile
    policy: Policy
    result: ClinicResult
    planned: tuple[NewOffer, ...] = ()
    young: Young = field(default_factory=dict)
