"""A desk: everything needed to serve one office, kept from cycle to cycle."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from asapfill.clock import Clock
from asapfill.mirror.mirror import Mirror
from asapfill.offers.journal import Journal
from asapfill.opendental.client import OpenDental
from asapfill.store.database import Store


@dataclass(slots=True)
class Desk:
    """One office being served. ``store`` and ``journal`` None: nothing was ever sent from here, and only reading is
    meant. ``looked``: when the free time of each clinic was last remembered, by ClinicNum. ``spoken``: by PatNum, when
    (monotonic) the commlogs were read, and when (office wall clock) the office last talked to the patient. ``tidied``:
    when (monotonic) what is too old to matter was last forgotten.
    """

    office: str
    client: OpenDental
    mirror: Mirror
    clock: Clock
    store: Store | None
    journal: Journal | None
    hash_phone: Callable[[str], str]
    stop: threading.Event = field(default_factory=threading.Event)
    looked: dict[int, datetime] = field(default_factory=dict)
    spoken: dict[int, tuple[float, datetime | None]] = field(default_factory=dict)
    tidied: float = -math.inf
