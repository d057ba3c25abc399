"""How a question is put to Open Dental: values as it writes them, and conditions that are checked again on the rows.

Several of its resources ignore a filter that they do not know, or know by another spelling, and answer as if nothing
had been asked; so no filter is ever relied on alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from asapfill.opendental.models import Row


@dataclass(frozen=True, slots=True)
class Column:
    """A condition on one column, asked of the server and checked again here."""

    name: str
    accepts: Callable[[Any], bool]

    def keeps(self, row: Row) -> bool:
        """Whether the row may stay. One whose value cannot be read stays: it might be meant."""
        return self.name in row.unreadable or self.accepts(getattr(row, row.names[self.name]))


def written(**values: object) -> dict[str, Any]:
    """Values as Open Dental writes them in queries and bodies; None is left out."""
    return {name: _value(value) for name, value in values.items() if value is not None}


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return value


def equal(name: str, wanted: object) -> tuple[Column, ...]:
    """The column has this value; no condition when None."""
    return () if wanted is None else (Column(name, lambda value: value == wanted),)


def between(name: str, start: date | None, end: date | None) -> tuple[Column, ...]:
    """The column's day lies between two dates, inclusive; a row without a date is not in the range."""

    def inside(value: date | None) -> bool:
        day = value.date() if isinstance(value, datetime) else value
        return day is not None and (start is None or start <= day) and (end is None or day <= end)

    return () if start is None and end is None else (Column(name, inside),)


def since(name: str, moment: datetime | None) -> tuple[Column, ...]:
    """The column's moment is not before this one; a row that does not tell stays."""
    return () if moment is None else (Column(name, lambda value: value is None or value >= moment),)
