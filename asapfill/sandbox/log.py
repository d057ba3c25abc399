"""The sandbox's own record of what clients asked of it: the witness that nothing was sent twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from asapfill.sandbox.columns import Row


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

    def offers(self) -> Counter[tuple[str, int, int, str]]:
        """How many asapcomms rows were made through the API per (kind, number, operatory, start)."""
        counted: Counter[tuple[str, int, int, str]] = Counter()
        for entry in self.writes:
            if entry["path"] == "asapcomms" and entry["status"] == 201:  # noqa: PLR2004 - HTTP's "created"
                body = entry["body"]
                kind = "appointment" if body.get("aptNum") else "recall"
                number = body.get("aptNum") or body.get("recallNum")
                counted[kind, number, body["op"], body["dateTimeStart"]] += 1
        return counted

    def sent_twice(self) -> int:
        """How many (candidate, operatory, start) got more than one asapcomms row through the API."""
        return sum(count > 1 for count in self.offers().values())

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
