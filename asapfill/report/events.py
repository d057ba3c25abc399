"""An office's events for a terminal: what came, what was refused, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from asapfill.events.tally import REASONS
from asapfill.report.text import wrapped
from asapfill.words import counted


def events_lines(events: dict[str, Any] | None, when: Callable[[datetime], str]) -> Iterator[str]:
    """The lines of an events document (``events.telling``). ``when``: a moment as the office's clock shows it."""
    if events is None:
        return
    if events["url"] is not None and events["since"] is not None:
        since = when(datetime.fromisoformat(events["since"]))
        came = counted(events["deliveries"] or "no", "delivery", "deliveries")
        last = f", last {when(datetime.fromisoformat(events['last']))}" if events["last"] else ""
        yield from wrapped(f"  Events: {came} since {since}{last}.", 4)
    if events["url"] is None:
        yield from wrapped("  Events are off; the running service removes asapfill's subscriptions.", 4)
    if events["refused"]:
        told = ", ".join(f"{count} because {REASONS[reason]}" for reason, count in sorted(events["refused"].items()))
        yield from wrapped(f"    Refused: {told}.", 6)
    if events["problem"]:
        yield from wrapped(f"    Events: {events['problem']}", 4)
