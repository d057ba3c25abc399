"""How log lines look: for a person at a terminal, for systemd's journal, or as JSON for machines.

Each line is one event: a name that stays the same and key=value pairs (``docs/events.md`` lists them all). What is
logged, and where, is the business of the modules that do the work.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

Form = Literal["text", "json"]

_PRIORITY: Final = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Syslog's numbers, which systemd reads from ``<N>`` at the beginning of a line."""

LIBRARY: Final = "library.trouble library=%s %s"
"""The event that a line of another program's module becomes."""

LIBRARY_LEVELS: Final = {
    # Warns of each turn of an office that comes while its cycle is still under way, which is as it should be.
    "apscheduler.scheduler": logging.ERROR,
}
"""From which level on some libraries have something to say; the others as the root logger."""

_PAIR: Final = re.compile(r"(?<!\S)([a-z_]+)=(\S*)")


def configure_logs(form: Form, *, verbose: bool, environ: Mapping[str, str], out: TextIO | None = None) -> None:
    """Send the log to standard error (or ``out``): errors only, or with ``verbose`` from level info on.

    What asapfill is made of (httpx, APScheduler, uvicorn …) tells its troubles only, each as the event ``LIBRARY``: its
    other lines are no events, and some hold addresses.
    """
    stream = out or sys.stderr
    handler = logging.StreamHandler(stream)
    if form == "json":
        handler.setFormatter(JsonLines())
    elif is_journal(stream, environ):
        handler.setFormatter(JournalLines())
    else:
        handler.setFormatter(TextLines())
    root = logging.getLogger()
    if any(not isinstance(there.formatter, _FORMS) for there in root.handlers):
        return  # a program that embeds asapfill has its own way of logging
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if verbose else logging.ERROR)
    logging.getLogger("asapfill").setLevel(logging.INFO if verbose else logging.ERROR)
    for name, level in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(level)


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream goes straight to systemd's journal: JOURNAL_STREAM names the device and inode of ours."""
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False  # no file at all: a test's or an embedding program's stream
    return environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


class TextLines(logging.Formatter):
    """``2026-11-20 09:00:00 warning office.failed office=main-street error=Unreachable``, for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows on lines of its own."""
        at = datetime.fromtimestamp(record.created).astimezone()
        return f"{at:%Y-%m-%d %H:%M:%S} {record.levelname.lower()} {_whole(self, record)}"


class JournalLines(logging.Formatter):
    """``<4>office.failed office=main-street error=Unreachable``: the journal has the time and wants the priority."""

    def format(self, record: logging.LogRecord) -> str:
        """The event with its priority, which each line of a traceback needs too."""
        priority = _PRIORITY.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in _whole(self, record).split("\n"))


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, event, message, what stands in key=value pairs, traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = _event(record)
        document: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": message.split(" ", 1)[0],
            "message": message,
            "fields": {name: _value(text) for name, text in _PAIR.findall(message)},
        }
        if record.exc_info:
            document["traceback"] = "\n".join(map(_seen, self.formatException(record.exc_info).split("\n")))
        return json.dumps(document, ensure_ascii=False)


_FORMS = (TextLines, JournalLines, JsonLines)


def _whole(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The event on one line and, below it, the traceback if there is one."""
    lines = [_event(record)]
    if record.exc_info:
        lines += map(_seen, formatter.formatException(record.exc_info).split("\n"))
    return "\n".join(lines)


def _event(record: logging.LogRecord) -> str:
    """The event; what is none, because asapfill did not log it, is made one."""
    message = record.getMessage()
    ours = record.name.partition(".")[0] == "asapfill"
    return _one_line(message if ours else LIBRARY % (record.name, message))


def _one_line(message: str) -> str:
    """A message that can neither begin a line of its own nor steer a terminal, whatever an office's answer held."""
    return _seen(" | ".join(message.split("\n")))


def _seen(line: str) -> str:
    """A dot for each sign that is not seen or is no character: a log is for whoever looks for such signs too."""
    return line if line.isprintable() else "".join(sign if sign.isprintable() else "·" for sign in line)


def _value(text: str) -> str | int | float | None:
    """A value as JSON knows it."""
    if text == "None":
        return None
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,18}\.\d{1,18}", text) else text
