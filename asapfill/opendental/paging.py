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
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from asapfill.opendental.asking import Column
from asapfill.opendental.errors import NotOpenDental, Unknown
from asapfill.opendental.models import Row
from asapfill.opendental.values import moment

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Row)

MOST_RESTARTS = 3
"""Times that a list which changes under our hands is read anew in one go."""

MOST_PAGES = 1000
"""A list longer than this (100,000 rows at the remote API's 100) is taken for a server that never ends."""

ONE_PAGE = 100
"""Rows: the smallest cap that Open Dental has in any mode. A page at least this long may have been cut."""


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

    @property
    def every_request_counts(self) -> bool:
        """Whether the address is throttled."""


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """What to list: rows of a kind at a path, and the conditions they must meet.

    ``ordered``: Open Dental sorts these rows by something unique, so pages can be checked for rows that went.
    ``lone_object``: its documentation shows a single object without its array; take that too.
    """

    row_type: type[R]
    path: str
    columns: tuple[Column, ...] = ()
    ordered: bool = False
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

        Throttled addresses have a documented cap, so there a page shorter than that ends the list. Elsewhere the cap
        may be another and requests are free, so only a page without new rows does.

        Raises NotOpenDental when the page is not a list of objects, Unknown when the list changes all the time.
        """
        elements = self._elements(page.value)
        self.pages += 1
        if self._last is not None and self._last != _key(elements[:1], self.query.row_type):
            self._start_again()
            return
        if self.offset == 0 and elements and isinstance(elements[0], Mapping):
            self.server_time = _server_time(elements[0])
        new = sum([self._take(element, position) for position, element in enumerate(elements)])
        short = page.every_request_counts and len(elements) < page.limit
        self.complete = short or new == 0
        overlap = self.query.ordered and len(elements) > 1
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


def collect(query: Query[R], fetch: Callable[[int], Page]) -> Listing[R]:
    """Read a whole list. ``fetch`` gets an offset and returns the page that begins there.

    Raises NotOpenDental for answers that are no lists and lists that never end, and whatever ``fetch`` raises.
    """
    return collect_rest(Collected(query), fetch).listing()


def collect_rest(collected: Collected[R], fetch: Callable[[int], Page]) -> Collected[R]:
    """Read on until the list is complete."""
    while not collected.complete:
        if collected.pages >= MOST_PAGES:
            raise NotOpenDental(
                f"GET {collected.query.path}: the list did not end after {MOST_PAGES} pages. "
                "Check what runs at the office's urls."
            )
        collected.add(fetch(collected.offset))
    return collected


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
