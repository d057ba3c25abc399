"""The codes of what keeps an office from being served, and what each means to the person who is told of it.

They stand beside the sentences of a tick: a notice leaves the machine, so it is written from codes and never quotes
what an office's server said.
"""

from __future__ import annotations

from typing import Final

from asapfill.opendental.errors import (
    MissingPermission,
    NotOpenDental,
    NotSent,
    OpenDentalError,
    OutOfTime,
    Throttled,
    TooOld,
    Unknown,
    WrongKey,
)

POLICY: Final = "policy"
CLOCK_OFF: Final = "clock_off"

_OF_ERRORS: Final[tuple[tuple[type[OpenDentalError], str], ...]] = (
    (WrongKey, "wrong_key"),
    (MissingPermission, "missing_permission"),
    (TooOld, "too_old"),
    (Throttled, "throttled"),
    (OutOfTime, "out_of_time"),
    (NotSent, "not_sent"),
    (NotOpenDental, "not_open_dental"),
    (Unknown, "no_answer"),
)
"""The first that fits: an error before the one that it is a kind of."""

CAUSES: Final[dict[str, str]] = {
    "throttled": "Open Dental asks for fewer requests. Does another program use the same key?",
    "out_of_time": "It answers so slowly that a cycle does not end in its time. Look at its server and network.",
    "not_sent": "None of its addresses can be reached. Is its server on, with the Open Dental API service running, and "
    "its port open to this machine?",
    "not_open_dental": "What answers at its address is not Open Dental's API. Check `urls` in the settings, and what "
    "stands between (a proxy, a firewall's page).",
    "no_answer": "It gives no clear answers. Look at its server and network.",
    "commlogs": "Offers go out, but their notes in the chart cannot be written. Has the key the permission Comm?",
    POLICY: "Its policy has mistakes.",
    "other": "Open Dental refuses what it is asked.",
}
"""What keeps an office from being served for a while, with what to look at."""


def code_of(error: OpenDentalError) -> str:
    """The code of an error; ``other`` where a person can only read the sentence in ``status``."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), "other")
