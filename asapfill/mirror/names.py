"""The lists of an office that seldom change: operatories, providers, definitions, clinics, preferences and types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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

    ``item``: what the office's version must be able to do (see ``versions``).
    """
    if not supports(version, item):
        return Listing(())
    try:
        return read()
    except (NotFound, TooOld) as error:
        log.info("office.list_missing %s", error)
        return Listing(())


def log_names(names: Names) -> None:
    """Tell in the log what was read."""
    log.info(
        "office.names operatories=%d providers=%d blockout_types=%d clinics=%d",
        len(names.operatories),
        len(names.providers),
        len(names.blockout_types),
        len(names.clinics),
    )
