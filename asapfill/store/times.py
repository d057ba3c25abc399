"""How times are written into the state database, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_text(moment: datetime) -> str:
    """An aware moment as UTC text with microseconds.

    Raises:
        ValueError: the moment is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment in the state is aware; office wall-clock times are kept by wall_text")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The aware moment that ``moment_text`` wrote."""
    return datetime.fromisoformat(text)


def wall_text(wall: datetime) -> str:
    """A naive office wall-clock time as text, to the second.

    Raises:
        ValueError: the time is aware.
    """
    if wall.tzinfo is not None:
        raise ValueError("office times are naive wall-clock times")
    return wall.isoformat(timespec="seconds")


def wall_of(text: str) -> datetime:
    """The naive office time that ``wall_text`` wrote."""
    return datetime.fromisoformat(text)
