"""Asking one office: its connection, how a list or a single row is asked for, and how many requests were made for what.

Which resources there are is in ``client``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Self, TypeVar

from asapfill.clock import Clock
from asapfill.core.rows import Row
from asapfill.opendental.connection import Connection
from asapfill.opendental.errors import NotOpenDental
from asapfill.opendental.exchange import Network, TimeLimits
from asapfill.opendental.paging import Listing, Query, collect, written

R = TypeVar("R", bound=Row)


_watcher: ContextVar[Callable[[str], None] | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_requests(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell ``tell`` the office of each request that this thread makes in the ``with``: for showing progress."""
    token = _watcher.set(tell)
    try:
        yield
    finally:
        _watcher.reset(token)


class CountedRequests:
    """Requests to one office, each counted under a purpose."""

    def __init__(  # noqa: PLR0913  an office is reached through many settings
        self,
        name: str,
        urls: Sequence[str],
        developer_key: str,
        customer_key: str,
        *,
        clock: Clock,
        seconds_between_requests: float | None = None,
        requests_per_minute: int | None = None,
        stop: threading.Event | None = None,
        network: Network | None = None,
    ) -> None:
        """Prepare for the office ``name``; the network is touched by the methods only.

        ``urls`` are tried in this order. ``seconds_between_requests`` None: 1.0 for the remote API, 0 for others.
        ``requests_per_minute``: never more in any 60 seconds, retries and writes included; None: no such limit.
        ``stop``: once set, requests that have not left raise NotSent.

        Raises ValueError for no or malformed urls, WrongKey for keys that no header can carry.
        """
        self.name = name
        self.requests: Counter[str] = Counter()
        """HTTP requests so far by purpose, retries included."""
        self._purpose = "other"
        self._connection = Connection(
            name,
            urls,
            developer_key,
            customer_key,
            clock=clock,
            seconds_between_requests=seconds_between_requests,
            requests_per_minute=requests_per_minute,
            stop=stop,
            network=network or Network(),
            on_request=self._count,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def cut(self) -> None:
        """Break off the request under way, for a quick end; any thread may call it. A write is then ``Unknown``."""
        self._connection.cut()

    @property
    def page_rows(self) -> int:
        """Rows that a page may have at the address that answered last."""
        return self._connection.page_rows

    def begin(self, limits: TimeLimits) -> None:
        """A cycle begins, for which there is so much time."""
        self._connection.begin(limits)

    @property
    def failing(self) -> bool:
        """Whether the last read found no address that answers as Open Dental does, the key refused, or a throttle."""
        return self._connection.failing

    @property
    def request_total(self) -> int:
        """HTTP requests so far, retries included."""
        return self.requests.total()

    @contextmanager
    def purpose(self, name: str) -> Iterator[None]:
        """Count the requests in the ``with`` under ``name``."""
        before, self._purpose = self._purpose, name
        try:
            yield
        finally:
            self._purpose = before

    # How

    def _count(self) -> None:
        self.requests[self._purpose] += 1
        tell = _watcher.get()
        if tell is not None:
            tell(self.name)

    def _list(self, query: Query[R], **filters: object) -> Listing[R]:
        """A whole list; filters that are None are left out."""
        parameters = written(**filters)
        return collect(query, lambda offset: self._connection.get(query.path, parameters, offset=offset))

    def _one(self, row_type: type[R], path: str, number: int) -> R:
        """A single row, given as an object."""
        value = self._connection.get(f"{path}/{number}").value
        row = row_type.read(value) if isinstance(value, Mapping) else None
        if row is None or row.number != number:
            raise NotOpenDental(
                f"GET {path}/{number} (office {self.name}): this row was expected, and something else came back. "
                "Check the office's urls in the settings and what runs at that address."
            )
        return row

    def _created(self, row_type: type[R], path: str, body: Mapping[str, object]) -> R | None:
        """POST, and the row that Open Dental gives back; None when it gives none."""
        value = self._connection.send("POST", path, body)
        return row_type.read(value) if isinstance(value, Mapping) else None
