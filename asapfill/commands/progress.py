"""A line on the terminal while something takes its time: what is done, for how long, after how many requests."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TextIO

from asapfill.clock import SystemClock
from asapfill.commands.common import say
from asapfill.words import WIDTH, counted

PATIENCE: Final = 1.0
"""Seconds without a word that nobody minds; also between two looks at the clock."""


@contextmanager
def progress(what: str, out: TextIO | None = None, patience: float = PATIENCE) -> Iterator[Callable[[str], None]]:
    """Tell ``what`` (such as ``Asking the office``) is going on while the block runs, from ``patience`` seconds on.

    On a terminal only, ``out`` or standard error, and gone when the block ends. With ``--verbose`` the log tells.
    Yields what prints a sentence on standard error, in the place of the line.
    """
    stream = out or sys.stderr
    verbose = logging.getLogger("asapfill").isEnabledFor(logging.INFO)
    if stream is None or not stream.isatty() or verbose:
        yield partial(say, err=True)
        return
    from asapfill.opendental.requests import watched_requests

    line = _Line(what, stream, patience)
    with watched_requests(line.asked):
        line.start()
        try:
            yield line.tell
        finally:
            line.stop()


class _Line:
    """The line, written anew each second by a thread of its own: a request that hangs must not stop it."""

    def __init__(self, what: str, stream: TextIO, patience: float) -> None:
        self._what = what
        self._stream = stream
        self._patience = patience
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._requests = 0
        self._office = ""
        self._width = 0
        self._end = threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def asked(self, office: str) -> None:
        """Another request to an office."""
        self._requests += 1
        self._office = office

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take the line away."""
        self._end.set()
        self._thread.join()

    def tell(self, text: str) -> None:
        """Print a sentence; the line goes on below it."""
        with self._guard:
            if self._width:
                self._show("")
            say(text, err=True)

    def _run(self) -> None:
        try:
            while not self._end.wait(self._patience):
                with self._guard:
                    self._show(self._text())
            if self._width:
                self._show("")
        except (OSError, ValueError):
            return  # the terminal has gone: whoever prints next finds out

    def _text(self) -> str:
        seconds = int(self._clock.monotonic() - self._began)
        minutes, rest = divmod(seconds, 60)
        length = f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
        asked = f", {counted(self._requests, 'request')} to {self._office}" if self._office else ""
        text = f"{self._what} … {length}{asked}"
        encoding = self._stream.encoding or "utf-8"
        return text[: WIDTH - 1].encode(encoding, "replace").decode(encoding)

    def _show(self, text: str) -> None:
        """In the place of what was there; plain blanks, which every terminal knows."""
        self._stream.write(f"\r{text:<{self._width}}" if text else f"\r{'':<{self._width}}\r")
        self._stream.flush()
        self._width = len(text)
