"""What a sandbox can be told, and where its office comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from asapfill.clock import SystemClock, office_now
from asapfill.sandbox.api.routes import REMOTE_CAP
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office.columns import Row
from asapfill.sandbox.office.tables import OfficeFileError

START = datetime(2026, 4, 14, 7, 0)
"""When a generated office starts if nothing else is asked for: a Tuesday before opening."""

MODES = ("stepped", "speed", "system")


@dataclass(frozen=True, slots=True)
class Options:
    """What a sandbox can be told.

    Attributes:
        office: an office file's JSON; None generates an office.
        seed: of the generated office, its people, faults and ties.
        operatories: size of the generated office.
        days: how many days ahead the generated office has a schedule.
        clinics: how many clinics the generated office has; 0: the feature is off.
        timezone: IANA name, of the generated office.
        version: Open Dental's, of the generated office.
        start: office wall-clock "yyyy-MM-dd HH:mm:ss" at which a generated office starts; None: ``START``. In system
            mode every office stands in the present.
        mode: one of ``MODES``.
        speed: simulated seconds per real second, in mode "speed".
        page_cap: rows of one page: 100 on the remote API, 1000 in service mode.
        throttle: seconds between requests of one customer key, from the end of one to the start of the next; 0: none.
        unstable_ties: rows that a list's order leaves tied come in another order at each request.
        people: whether patients answer and staff work.
        eagerness: chance that a text is answered by an accept.
        called_off: how many more visits than usual fall through, as a factor.
        log_file: where to append writes as lines of JSON.
        port: of 127.0.0.1; 0: any free one.
    """

    office: Row | None = None
    seed: int = 1
    operatories: int = 5
    days: int = 15
    clinics: int = 0
    timezone: str = "America/Los_Angeles"
    version: str = "25.2.30.0"
    start: str | None = None
    mode: str = "stepped"
    speed: float = 60.0
    page_cap: int = REMOTE_CAP
    throttle: float = 0.0
    unstable_ties: bool = False
    people: bool = True
    eagerness: float = 0.2
    called_off: float = 1.0
    log_file: str | None = None
    port: int = 0


def read_office_file(path: Path) -> Row:
    """The JSON of an office file; Office.load checks what it says.

    Raises:
        OfficeFileError: it cannot be read as JSON.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise OfficeFileError(f"The office file {path} cannot be read: {problem}.") from problem
    except ValueError as problem:
        raise OfficeFileError(f"The office file {path} is not JSON: {problem}.") from problem
    if not isinstance(found, dict):
        raise OfficeFileError(f"The office file {path} must be one JSON object with the tables of an office.")
    return found


def office_file(options: Options) -> Row:
    """The office file of the options, or a generated one; in system mode that starts now."""
    if options.office is not None:
        return options.office
    start = datetime.fromisoformat(options.start) if options.start else START
    if options.mode == "system":
        start = office_now(SystemClock().now(), ZoneInfo(options.timezone)).replace(microsecond=0)
    return make_office(
        options.seed,
        start=start,
        operatories=options.operatories,
        days=options.days,
        clinics=options.clinics,
        timezone=options.timezone,
        version=options.version,
    )
