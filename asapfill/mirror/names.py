"""The lists of an office that seldom change: operatories, providers, definitions, clinics, preferences and types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from asapfill.core.office import OfficeNames
from asapfill.core.rows import (
    AppointmentType,
    Clinic,
    Definition,
    Operatory,
    Preference,
    Provider,
    RecallType,
    Row,
)
from asapfill.core.values import read_version, supports
from asapfill.opendental.client import BLOCKOUT_TYPES, COMMLOG_TYPES, OpenDental
from asapfill.opendental.errors import NotFound, TooOld
from asapfill.opendental.paging import Listing

log = logging.getLogger(__name__)

PREFERENCES: Final = frozenset(
    {
        "AppointmentTimeIncrement",
        "AppointmentWithoutProcsDefaultLength",
        "AutomaticCommunicationTimeEnd",
        "AutomaticCommunicationTimeStart",
        "EasyNoClinics",
        "ProgramVersion",
        "RecallAgeAdult",
        "RecallTypeSpecialChildProphy",
        "ScheduleProvUnassigned",
        "SmsContractDate",
        "TextMsgOkStatusTreatAsNo",
        "WebSchedAsapEnabled",
        "WebSchedAsapTextLimit",
    }
)
"""The preferences that asapfill uses. The others are dropped as soon as they are read: some hold passwords."""

LISTS: Final[Mapping[str, type[Row]]] = {
    "preferences": Preference,
    "operatories": Operatory,
    "providers": Provider,
    "blockout_types": Definition,
    "commlog_types": Definition,
    "clinics": Clinic,
    "recall_types": RecallType,
    "appointment_types": AppointmentType,
}
"""Every list and its rows. Preferences come first: they tell the version, which tells what may be asked."""

NEVER_EMPTY: Final = frozenset({"preferences", "operatories", "providers"})
"""Lists that every office has: an empty answer is doubted."""


@dataclass(frozen=True, slots=True)
class Names(OfficeNames):
    """The lists as last read. ``preferences``: those of PREFERENCES that the office has."""

    preferences: dict[str, str]
    recall_types: tuple[RecallType, ...]
    appointment_types: tuple[AppointmentType, ...]
    version: tuple[int, ...] | None


def names_of(lists: Mapping[str, Iterable[Any]]) -> Names:
    """The names from the rows of each list; what is missing is empty."""
    preferences = {row.pref_name: row.value_string for row in lists.get("preferences", ())}
    rows = {name: tuple(lists.get(name, ())) for name in LISTS if name != "preferences"}
    return Names(**rows, preferences=preferences, version=read_version(preferences.get("ProgramVersion")))


@dataclass(slots=True)
class Lists:
    """The rows of each list as last read, by its name; ``names`` None: none was read yet."""

    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    names: Names | None = None
    _complete: bool = False
    """Whether every list was read at least once."""

    @property
    def version(self) -> tuple[int, ...] | None:
        """The office's version of Open Dental, as far as it is known."""
        return None if self.names is None else self.names.version

    def remember(self, rows: dict[str, tuple[Any, ...]]) -> None:
        """Begin with what was known when the last process ended."""
        self.rows = rows
        if "preferences" in rows:
            self.names = names_of(rows)

    def known_names(self) -> Names:
        """The names, as far as they were read."""
        if self.names is None:
            self.names = names_of(self.rows)
        return self.names

    def take(self, name: str, rows: tuple[Any, ...]) -> bool:
        """A list as it is now; whether that is news."""
        self.rows[name] = rows
        before, self.names = self.names, names_of(self.rows)
        complete = len(self.rows) == len(LISTS)
        if complete and (self.names != before or not self._complete):
            _log_names(self.names)
        self._complete = complete
        return self.names != before

    def take_preference(self, name: str, value: str | None) -> bool:
        """One preference as it is now (None: there is none of that name); whether that is news."""
        others = [row for row in self.rows["preferences"] if row.pref_name != name]
        mine = [] if value is None else [Preference(pref_name=name, value_string=value)]
        return self.take("preferences", (*others, *mine))


def fetch_list(client: OpenDental, name: str, version: tuple[int, ...] | None) -> Listing[Any]:
    """Read one list; a list that this version does not have is empty.

    Raises OpenDentalError: the office could not be read.
    """
    fetch: dict[str, Callable[[], Listing[Any]]] = {
        "preferences": client.preferences,
        "operatories": client.operatories,
        "providers": client.providers,
        "blockout_types": lambda: client.definitions(BLOCKOUT_TYPES),
        "commlog_types": lambda: client.definitions(COMMLOG_TYPES),
        "clinics": client.clinics,
        "recall_types": lambda: optional(client.recall_types, "recalltypes", version),
        "appointment_types": lambda: optional(client.appointment_types, "appointmenttypes", version),
    }
    listing = fetch[name]()
    if name != "preferences":
        return listing
    used = tuple(row for row in listing.rows if row.pref_name in PREFERENCES)
    return Listing(used, listing.problems, listing.server_time, listing.pages)


def optional(read: Callable[[], Listing[Any]], item: str, version: tuple[int, ...] | None) -> Listing[Any]:
    """A list that some offices do not have: an older version answers that there is no such thing.

    ``item``: what the office's version must be able to do (see ``core.values``).
    """
    if not supports(version, item):
        return Listing(())
    try:
        return read()
    except (NotFound, TooOld) as error:
        log.info("office.list_missing %s", error)
        return Listing(())


def _log_names(names: Names) -> None:
    """Tell in the log what was read."""
    log.info(
        "office.names operatories=%d providers=%d blockout_types=%d clinics=%d",
        len(names.operatories),
        len(names.providers),
        len(names.blockout_types),
        len(names.clinics),
    )
