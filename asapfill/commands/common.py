"""What commands share: the settings, printing, and failures as sentences and exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import select
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from asapfill.words import fitted

if TYPE_CHECKING:
    from asapfill.clock import Clock
    from asapfill.core.errors import Problem
    from asapfill.cycle.offices import Cycle
    from asapfill.cycle.results import ClinicResult
    from asapfill.settings.settings import Settings

DONE, FAILED, CONFIGURATION, INTERRUPTED = 0, 1, 78, 130


def open_settings(config: Path | None, *, with_secrets: bool = True) -> tuple[Settings, Clock]:
    """The settings, and the clock that they ask for.

    Raises:
        ConfigurationError: there are none, or they are wrong.
    """
    from asapfill.settings.settings import clock_for, find_settings, load_settings

    path = find_settings(config, os.environ, Path.cwd())
    settings = load_settings(path, os.environ, with_secrets=with_secrets)
    return settings, clock_for(settings)


def chosen_offices(settings: Settings, office: str | None) -> tuple[str, ...]:
    """The offices a command is for."""
    if office is None:
        return tuple(settings.offices)
    return (known_office(settings, office) or office,)


def known_office(settings: Settings, office: str | None) -> str | None:
    """The office, if the settings have it; wrong usage otherwise."""
    if office is not None and office not in settings.offices:
        known = ", ".join(settings.offices)
        raise click.UsageError(f"The settings have no office {office!r}. They have: {known}.")
    return office


def say(text: str, *, err: bool = False) -> None:
    """Print lines for a person, on standard output or standard error.

    What cannot be shown (control signs, half a character, what the terminal's encoding lacks) is replaced, wherever it
    came from: a name of a file or an argument has not been washed as an office's answers are.
    """
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        from asapfill.core.values import fit

        lines = [fit(line) for line in lines]
    encoding = _encoding(sys.stderr if err else sys.stdout)
    click.echo("\n".join(lines).encode(encoding, "replace").decode(encoding), err=err)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output, which any parser reads and any terminal may show."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    try:
        text.encode(_encoding(sys.stdout))
    except UnicodeEncodeError:
        text = re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
        text = json.dumps(json.loads(text), indent=2)
    if not all(line.isprintable() for line in text.split("\n")):
        text = re.sub("[^\n -~]", _escaped, text)
    click.echo(text)


def _escaped(found: re.Match[str]) -> str:
    """A sign of a JSON string: as it is, or escaped where it cannot be seen."""
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def _encoding(stream: TextIO | None) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def print_problems(problems: Iterable[Problem]) -> None:
    """Mistakes in files, on standard error."""
    for problem in problems:
        say(f"{fitted(problem)}\n", err=True)


def end_with_cycle(
    cycle: Cycle,
    document: Callable[[Iterable[ClinicResult]], dict[str, Any]] | None,
    text: Callable[[ClinicResult], str],
) -> NoReturn:
    """Print what a cycle found, as ``document`` or, if there is none, as ``text``; end with its exit code."""
    print_problems(cycle.problems)
    if document is None:
        say("\n\n".join(text(result) for result in cycle.results))
    else:
        print_json(document(cycle.results))
        for result in cycle.results:
            for trouble in result.errors:
                say(trouble.message, err=True)
    sys.exit(cycle.exit_code)


def end(message: str, code: int) -> NoReturn:
    """End with a sentence on standard error."""
    say(message, err=True)
    sys.exit(code)


def end_with_error(error: BaseException) -> NoReturn:
    """End with a sentence and the exit code for what can be expected to go wrong; raise anything else again."""
    try:
        _end(error)
    except BrokenPipeError:
        if not _reader_has_gone():
            raise
        sys.exit(FAILED)


def _end(error: BaseException) -> NoReturn:
    from asapfill.core.errors import AsapfillError

    match error:
        case AsapfillError(exit_code=int(code)):
            end(fitted(error) if code == CONFIGURATION else str(error), code)
        case BrokenPipeError() if _reader_has_gone():
            sys.exit(FAILED)
        case OSError(errno=errno.ENOSPC, filename=None):
            _to_nowhere(sys.stdout)  # it may be what is full, and has more to write at the interpreter's end
            end("There is no room for what was to be written. Make room on that disk, and try again.", FAILED)
        case OSError():
            end(
                f"{error.filename or 'A file'}: {error.strerror or error}. See that it exists, that its disk has room, "
                "and that the user who runs asapfill may read and write it.",
                FAILED,
            )
        case KeyboardInterrupt() | click.Abort():
            end("Stopped.", INTERRUPTED)
        case _:
            raise error


def _reader_has_gone() -> bool:
    """Whether nobody reads standard output or standard error any more (head, a pager that was left).

    Then what is still to be written there, at the latest at the interpreter's end, goes nowhere without a complaint.
    """
    gone = False
    for stream in (sys.stdout, sys.stderr):
        number = _descriptor(stream)
        if number is None:
            continue
        poll = select.poll()
        poll.register(number, 0)
        if any(event & select.POLLERR for _, event in poll.poll(0)):
            _to_nowhere(stream)
            gone = True
    return gone


def _to_nowhere(stream: TextIO | None) -> None:
    number = _descriptor(stream)
    if number is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def _descriptor(stream: TextIO | None) -> int | None:
    """A stream's file descriptor; None: it is closed, or no file at all, as a test's is."""
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None
