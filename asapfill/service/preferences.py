"""The office's own limits on texting, as its preferences tell them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time


def sending_window(preferences: Mapping[str, str]) -> tuple[time, time] | None:
    """When Open Dental sends automatic messages; None when it is not restricted.

    Open Dental: AutomaticCommunicationTimeStart and End, 07:00 and 22:00 by default, equal: off. Only the time part
    counts; the format of the date before it varies. A value that cannot be read is taken as the default.
    """
    start = _time_part(preferences.get("AutomaticCommunicationTimeStart", ""), time(7))
    end = _time_part(preferences.get("AutomaticCommunicationTimeEnd", ""), time(22))
    return None if start == end else (start, end)


def text_limit(preferences: Mapping[str, str]) -> int | None:
    """ASAP texts per patient and day; None when the office sets none (Open Dental: default 2, blank: no limit)."""
    text = preferences.get("WebSchedAsapTextLimit")
    if text is None:
        return 2
    text = text.strip()
    if not text:
        return None
    return int(text) if text.isdecimal() else 2


def _time_part(text: str, default: time) -> time:
    match = re.search(r"(\d{1,2}):(\d{2})(?::\d{2})?\s*([AaPp][Mm])?\s*$", text)
    if match is None:
        return default
    hour, minute = int(match[1]), int(match[2])
    if match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else default  # noqa: PLR2004  hours and minutes
