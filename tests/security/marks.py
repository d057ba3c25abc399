"""Marked keys, names, phones and words of texts, and asapfill at its most talkative."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asapfill.logs import JsonLines, TextLines
from tests.alerts.receivers import TOKEN
from tests.cycle.office import CUSTOMER, DEVELOPER, FIRST_NAME, LAST_NAME, PHONES

MARKS = (DEVELOPER, CUSTOMER, LAST_NAME, FIRST_NAME, "reserve it", TOKEN)
"""Keys, names, words of the text that patients get, and the token in the address of a notifier."""

_TALKATIVE = """
import logging
set_level = logging.Logger.setLevel
logging.Logger.setLevel = lambda logger, level: set_level(logger, 1)
logging.getLogger("httpx").setLevel(1)
from asapfill.cli import main
main()
"""
TALKATIVE = (sys.executable, "-c", _TALKATIVE)
"""The console script with every logger, also of the packages it is made of, at the lowest level, whoever sets another:
more than any option of asapfill gives."""


def marks_in(text: str) -> list[str]:
    """Keys, names, words of the texts, and phones whatever their punctuation."""
    found = [mark for mark in MARKS if mark.lower() in text.lower()]
    return found + re.findall(rf"503{PHONES}\d", re.sub(r"[()\s.+-]", "", text))


def marked_files(folder: Path, *, leave_out: set[str]) -> dict[str, list[str]]:
    """The files below ``folder`` in which marks stand."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in leave_out]
    told = {str(path.relative_to(folder)): marks_in(path.read_bytes().decode("latin-1")) for path in files}
    return {name: marks for name, marks in told.items() if marks}


@contextmanager
def everything_logged(folder: Path) -> Iterator[None]:
    """Write whatever any logger says, at every level and in both forms, to ``talk.log`` and ``talk.json``."""
    root = logging.getLogger()
    loggers = [root, *(found for found in root.manager.loggerDict.values() if isinstance(found, logging.Logger))]
    levels = [(logger, logger.level) for logger in loggers]
    handlers = [logging.FileHandler(folder / name) for name in ("talk.log", "talk.json")]
    for handler, form in zip(handlers, (TextLines(), JsonLines()), strict=True):
        handler.setFormatter(form)
        root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(1)
    try:
        yield
    finally:
        for logger, level in levels:
            logger.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
