"""What ``doctor`` finds out about the machine: whether its clock is kept right, and its time zone."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from importlib import metadata
from zoneinfo import TZPATH

from asapfill.findings import Finding

_UNSYNCHRONISED = 5
"""What adjtimex(2) answers, TIME_ERROR, while nothing keeps the kernel's clock right."""
_ROOM = 512
"""Bytes: more than ``struct timex`` has on any kind of Linux. All zeros, it asks and changes nothing."""


def check_machine() -> Iterator[Finding]:
    """Its clock and its time zone."""
    yield judge_clock(kernel_clock())
    yield Finding(
        "ok",
        "time zone",
        f"This machine is in {time.strftime('%Z')}; offices are in the zones of their policies ({_rules()}).",
    )


def kernel_clock() -> int | None:
    """What the kernel says of its clock, as adjtimex(2) numbers it; None where it cannot be asked."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None  # not Linux
    answer = int(ask(ctypes.create_string_buffer(_ROOM)))
    return None if answer < 0 else answer


def judge_clock(state: int | None) -> Finding:
    """What an answer of ``kernel_clock`` means. NTP, chrony and systemd-timesyncd all set the same flag there."""
    remedy = "See `timedatectl`, and `systemctl enable --now systemd-timesyncd` or chrony."
    if state is None:
        return Finding("look", "clock", f"This system does not tell whether its clock is kept right. {remedy}")
    if state == _UNSYNCHRONISED:
        return Finding(
            "look",
            "clock",
            "The kernel knows of nothing that keeps its clock right (NTP); for a container or a virtual machine the "
            f"host may do it. With clocks 5 minutes apart nothing is sent. {remedy}",
        )
    return Finding("ok", "clock", "The clock is kept right (NTP).")


def _rules() -> str:
    """Where the rules of the time zones come from: the system's come before the package's."""
    return f"rules of tzdata {metadata.version('tzdata')} where {TZPATH[0]} has none" if TZPATH else "rules of tzdata"
