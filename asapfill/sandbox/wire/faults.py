"""Faults that can be switched on: what goes wrong between client and office, and whether the office did the work."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

from asapfill.sandbox.office.columns import Row

KINDS = {
    "drop_before": False,  # the connection ends before the office got the request
    "drop_after": True,  # the office did it, then the connection ends without an answer
    "504_before": False,
    "504_after": True,  # the office did it, but the answer came too late for the relay
    "500": False,
    "401": False,
    "429": False,
    "garbage": False,  # somebody else's HTML page with status 200; the office never got the request
    "garbage_after": True,  # the same, but the office did it
    "truncated": True,  # half of the answer, then the connection ends
    "drip": True,  # the whole answer, a few bytes at a time over ``seconds``
    "slow": True,  # the whole answer, after ``seconds``
}
"""Kinds of faults, and whether the office does what was asked."""


@dataclass(slots=True)
class Fault:
    """One fault that waits for requests that it fits.

    Attributes:
        kind: one of ``KINDS``.
        method: "GET", "POST" …; empty: any.
        path: how the path after /api/v1/ begins, such as "asapcomms"; empty: any.
        skip: how many fitting requests it lets pass first.
        count: how many requests it hits; None: no end.
        probability: how likely it hits a fitting request.
        seconds: real seconds that "drip" and "slow" take.
    """

    kind: str
    method: str = ""
    path: str = ""
    skip: int = 0
    count: int | None = None
    probability: float = 1.0
    seconds: float = 1.0

    @property
    def commits(self) -> bool:
        """Whether the office does what was asked."""
        return KINDS[self.kind]


class Faults:
    """The faults that are switched on, in the order in which they are tried; chances come from the seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"faults {seed}")
        self._waiting: list[Fault] = []

    def replace(self, raw: object) -> None:
        """Have other faults than so far: a list of objects with the attributes of ``Fault``; an empty one: none.

        Raises:
            ValueError: an object makes no sense; nothing was changed.
        """
        if not isinstance(raw, list):
            raise ValueError("Faults are given as a list of objects.")  # noqa: TRY004 - what came is a value in JSON
        self._waiting = [_read(item) for item in raw]

    def pick(self, method: str, path: str) -> Fault | None:
        """The fault that hits a request, if one does."""
        for fault in self._waiting:
            if fault.count == 0 or fault.method not in {"", method} or not path.startswith(fault.path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if self._random.random() < fault.probability:
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None


def _read(raw: Any) -> Fault:  # noqa: ANN401 - whatever the JSON says
    names = {field.name for field in fields(Fault)}
    if not isinstance(raw, dict) or not set(raw) <= names or raw.get("kind") not in KINDS:
        raise ValueError(f"A fault is an object of {', '.join(sorted(names))}; kind is one of {', '.join(KINDS)}.")
    return Fault(**raw)


class RequestLog:
    """Every write that arrived, and how many requests of which kind.

    A write is ``{"at", "method", "path", "body", "status", "key", "fault"}``: office wall-clock of its arrival, the
    body as JSON, the status that the office decided (None: a fault kept the request from it), the primary key of what
    it made or changed. With a file, each is also appended to it as a line of JSON and flushed, so that the record
    outlives the sandbox.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.writes: list[Row] = []
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self._file = file.open("a", encoding="utf-8") if file else None

    def write(self, entry: Row) -> None:
        """Record a write."""
        self.writes.append(entry)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def sent_twice(self) -> int:
        """How many (candidate, operatory, start) got more than one asapcomms row through the API."""
        made = [
            entry["body"]
            for entry in self.writes
            if (entry["path"], entry["status"]) == ("asapcomms", HTTPStatus.CREATED)
        ]
        names = ("aptNum", "recallNum", "op", "dateTimeStart")
        counted = Counter(tuple(body.get(name) or 0 for name in names) for body in made)
        return sum(count > 1 for count in counted.values())

    def dump(self) -> Row:
        """The record as JSON."""
        return {
            "writes": self.writes,
            "requests": dict(self.requests),
            "statuses": dict(self.statuses),
            "total": self.requests.total(),
            "sent_twice": self.sent_twice(),
        }

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
