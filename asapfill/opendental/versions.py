"""From which version on Open Dental can do what asapfill asks of it.

Source: the version notes in Open Dental's API documentation.
"""

from __future__ import annotations

import re

Version = tuple[int, ...]

MINIMUM: dict[str, Version] = {
    "appointments": (21, 1),
    "appointments/ASAP": (21, 1),
    "appointments/Slots": (21, 1),
    "operatories": (21, 1),
    "definitions": (21, 1),
    "preferences": (21, 1),
    "clinics": (21, 1),
    "providers": (21, 1),
    "commlogs": (21, 1),
    "patients": (21, 1),
    "signalods": (21, 2),
    "serverDateTime": (21, 2),
    "appointments/WebSched": (21, 3),
    "appointments GET PatNum": (21, 4),
    "schedules": (22, 1),
    "subscriptions": (22, 1),
    "appointments/Slots GET OpNum": (22, 1),
    "securityperms": (22, 2),
    "appointmenttypes": (22, 4, 10),
    "appointments GET AptStatus": (22, 4, 28),
    "subscriptions POST AppointmentDeleted": (22, 4, 35),
    "recalls": (22, 4, 40),
    "histappointments": (23, 1, 30),
    "appointments GET Op": (23, 2, 27),
    "scheduleops": (23, 2, 27),
    "asapcomms": (23, 3, 3),
    "commlogs POST object": (23, 3, 7),
    "recalltypes": (24, 1, 44),
    "subscriptions POST Schedule": (24, 2, 11),
    "labcases": (24, 2, 28),
    "commlogs GET single": (25, 1, 13),
    "commlogs GET DateTStamp": (25, 1, 13),
    "asapcomms POST recallNum": (25, 2, 9),
    "commlogs PUT": (25, 2, 21),
}
"""A resource by its path; what came later than its resource: resource, method, parameter or property."""


def read_version(text: str | None) -> Version | None:
    """Read a ProgramVersion like ``"25.2.9.0"``; None when it does not look like one."""
    if text is None or not re.fullmatch(r"\s*[0-9]{1,5}(\.[0-9]{1,5}){1,3}\s*", text):
        return None
    return tuple(int(part) for part in text.strip().split("."))


def supports(version: Version | None, item: str) -> bool:
    """Whether an office of this version can do ``item``, a key of MINIMUM; True when the version is not known (None).

    Raises KeyError for an item that is not in the table.
    """
    minimum = MINIMUM[item]
    return version is None or version >= minimum


def written(version: Version) -> str:
    """The version as people write it."""
    return ".".join(str(part) for part in version)
