"""Whole lists out of pages: Open Dental gives neither a total nor a next link, only Limit and Offset.

Offsets count rows in a live table. A row that comes in before the offset shows a row twice: rows are merged by their
primary key, the last seen wins. A row that goes would hide another, and a hidden appointment looks like free time:
where the order of the rows can be relied on, each page therefore begins with the last row of the one before, and when
it does not, the list is read anew. Filters are checked again on the rows, because several resources ignore a filter
silently. What cannot be read is kept or reported, never dropped without a word.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Protocol, TypeVar

from asapfill.core.errors import AsapfillError
from asapfill.core.rows import Row
from asapfill.core.values import moment
from asapfill.opendental.errors import NotOpenDental, Unknown

log = logging.getLogger(__name__)


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


R = TypeVar("R", bound=Row)

MOST_RESTARTS = 3
"""Times that a list which changes under our hands is read anew in one go."""

SMALLEST_CAP = 100
"""Rows that a page may have at least, in whatever mode and with whatever permission (Open Dental: 100 at the remote
API, 1000 or more elsewhere)."""

MOST_ROWS_OF_A_PAGE = 10_000
"""Whatever was asked for."""

MOST_PAGES = 1000
MOST_ROWS = 100_000
"""A list longer than either is taken for a server that never ends."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """A list as read.

    ``problems``: a sentence for each row with values that could not be read, and for each element set aside; resource,
    number and column names, no values. ``server_time``: the office's wall clock when the first page was read, if the
    resource tells it. ``pages``: requests that brought it (without retries).
    """

    rows: tuple[R, ...]
    problems: tuple[str, ...] = ()
    server_time: datetime | None = None
    pages: int = 1


class Page(Protocol):
    """What paging needs of an answer; see ``connection.Reply``."""

    @property
    def value(self) -> Any:  # noqa: ANN401  JSON of any shape
        """The JSON."""

    @property
    def limit(self) -> int:
        """Rows asked for at most."""


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """What to list: rows of a kind at a path, and the conditions they must meet.

    ``ordered``: Open Dental sorts these rows by something unique, so pages can be checked for rows that went.
    ``ties``: it sorts them by something that several may share, so pages are believed only if they join without a gap
    and no row shows twice. ``lone_object``: its documentation shows a single object without its array; take that too.
    """

    row_type: type[R]
    path: str
    columns: tuple[Column, ...] = ()
    ordered: bool = False
    ties: bool = False
    lone_object: bool = False

    @property
    def resource(self) -> str:
        """The path as people say it, without numbers."""
        return self.path.strip("/")


@dataclass(slots=True)
class Collected(Generic[R]):
    """The pages of one list so far. ``offset``: where the next page begins."""

    query: Query[R]
    pages: int = 0
    offset: int = 0
    complete: bool = False
    server_time: datetime | None = None
    _restarts: int = 0
    _last: object = None
    """Primary key with which the next page must begin; None when that cannot be told."""
    _rows: dict[object, R] = field(default_factory=dict)
    _set_aside: list[str] = field(default_factory=list)

    def add(self, page: Page) -> None:
        """Take in the next page, and find out whether it was the last.

        A page shorter than the smallest cap that Open Dental has ends the list. A longer one may have been cut
        whatever was asked for, so only a page without new rows does.

        Raises NotOpenDental when the page is not a list of objects, Unknown when the list changes all the time, and
        Unsteady when the pages of a list with ties do not fit together.
        """
        elements = self._elements(page.value)
        self.pages += 1
        joined_on = self._last
        if joined_on is not None and joined_on != _key(elements[:1], self.query.row_type):
            if self.query.ties:
                raise Unsteady
            self._start_again()
            return
        if self.offset == 0 and elements and isinstance(elements[0], Mapping):
            self.server_time = _server_time(elements[0])
        new = sum([self._take(element, position) for position, element in enumerate(elements)])
        short = len(elements) < min(page.limit, SMALLEST_CAP)
        self.complete = short or new == 0
        # As many different rows as places: none is missing. A further page where none was expected: the cap is another.
        steady = joined_on is not None and new == len(elements) - 1
        if self.query.ties and self.pages > 1 and new and not steady:
            raise Unsteady
        overlap = len(elements) > 1 and (self.query.ordered or (self.query.ties and len(elements) >= page.limit))
        self._last = _key(elements[-1:], self.query.row_type) if overlap else None
        self.offset += len(elements) - (self._last is not None)

    def _start_again(self) -> None:
        if self._restarts == MOST_RESTARTS:
            raise Unknown(
                f"GET {self.query.path}: the list changed each time while it was being read, so rows may be missing. "
                "It will be read again in the next round."
            )
        log.info("list.changed_while_read resource=%s page=%d", self.query.resource, self.pages)
        self._restarts += 1
        self._last = None
        self.offset = 0
        self._rows.clear()
        self._set_aside.clear()

    def listing(self) -> Listing[R]:
        """What was collected, without the rows that do not meet the conditions."""
        rows = tuple(row for row in self._rows.values() if all(column.keeps(row) for column in self.query.columns))
        if len(rows) < len(self._rows):
            log.debug("rows.not_asked_for resource=%s rows=%d", self.query.resource, len(self._rows) - len(rows))
        problems = (*self._set_aside, *odd_values(rows, self.query.resource))
        return Listing(rows, problems, self.server_time, self.pages)

    def _elements(self, value: object) -> list[Any]:
        if self.query.lone_object and isinstance(value, Mapping):
            return [value]
        if not isinstance(value, list) or (value and not any(isinstance(element, Mapping) for element in value)):
            raise NotOpenDental(
                f"GET {self.query.path}: a list of rows was expected, and something else came back. "
                "Check the office's urls in the settings and what runs at that address."
            )
        if len(value) > MOST_ROWS_OF_A_PAGE:
            raise NotOpenDental(
                f"GET {self.query.path}: {len(value):,} rows came in one page, more than Open Dental gives. "
                "Check what runs at the office's urls."
            )
        return value

    def _take(self, element: object, position: int) -> bool:
        """Keep one element; whether it was new."""
        if not isinstance(element, Mapping):
            self._set_aside.append(
                f"{self.query.resource}: row {self.offset + position + 1} is not an object, set aside"
            )
            return False
        row = self.query.row_type.read(element)
        # Rows without a legible key are kept apart as long as they differ in anything. The very same content counts
        # once: a server that ignores Offset would otherwise seem to have new rows for ever.
        identity: object = row.identity if row.identity is not None else row
        new = identity not in self._rows
        self._rows[identity] = row
        return new


class Unsteady(AsapfillError):  # noqa: N818  a finding, caught by whoever asked
    """The pages of a list that is sorted with ties do not fit together, so rows may be missing."""

    exit_code = None


@dataclass(frozen=True, slots=True)
class Chunk(Generic[R]):
    """One page of a long list that is read a page at a time. ``last``: the list ends with it. ``limit``: rows that it
    could have had.
    """

    rows: tuple[R, ...]
    problems: tuple[str, ...]
    last: bool
    limit: int


def chunk(query: Query[R], page: Page, offset: int) -> Chunk[R]:
    """The page that begins at ``offset`` with the last row of the one before.

    Raises NotOpenDental when it is not a list of objects.
    """
    collected = Collected(query, offset=offset)
    collected.add(page)
    listing = collected.listing()
    # A page that is not short ends the list only if it holds nothing but the row that was known already.
    last = collected.complete or (offset > 0 and len(listing.rows) <= 1)
    return Chunk(listing.rows, listing.problems, last, page.limit)


def collect(query: Query[R], fetch: Callable[[int], Page]) -> Listing[R]:
    """Read a whole list. ``fetch`` gets an offset and returns the page that begins there.

    Raises NotOpenDental for answers that are no lists and lists that never end, and whatever ``fetch`` raises.
    """
    collected = Collected(query)
    while not collected.complete:
        if collected.pages >= MOST_PAGES or collected.offset >= MOST_ROWS:
            raise NotOpenDental(
                f"GET {query.path}: the list did not end after {collected.pages} pages. "
                "Check what runs at the office's urls."
            )
        collected.add(fetch(collected.offset))
    return collected.listing()


def joined(listings: Iterable[Listing[R]]) -> Listing[R]:
    """Several lists as one; rows that are in more than one of them once, the last wins."""
    parts = tuple(listings)
    rows: dict[object, R] = {}
    for part in parts:
        for row in part.rows:
            rows[row.identity if row.identity is not None else row] = row
    return Listing(
        tuple(rows.values()),
        tuple(dict.fromkeys(problem for part in parts for problem in part.problems)),
        next((part.server_time for part in parts if part.server_time is not None), None),
        sum(part.pages for part in parts),
    )


def odd_values(rows: Iterable[Row], resource: str) -> list[str]:
    """A sentence for each row that holds values which could not be read."""
    return [
        f"{resource} {row.identity or '(no number)'}: could not read {', '.join(sorted(row.unreadable))}"
        for row in rows
        if row.unreadable
    ]


def _key(elements: list[Any], row_type: type[Row]) -> object:
    """The primary key of one element, as it stands there; None without one."""
    return elements[0].get(row_type.key) if elements and isinstance(elements[0], Mapping) else None


def _server_time(element: Mapping[str, Any]) -> datetime | None:
    """The office's wall clock as a row tells it; some resources tell none, or an empty one."""
    try:
        return moment(element.get("serverDateTime"))
    except ValueError:
        return None
