"""What commands share: options, the settings, printing, and failures as sentences and exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from asapfill.words import fitted

if TYPE_CHECKING:
    from asapfill.clock import Clock
    from asapfill.core.errors import Problem
    from asapfill.cycle.offices import Cycle
    from asapfill.cycle.plan import PlanTime
    from asapfill.cycle.results import ClinicResult
    from asapfill.settings.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])
DONE, FAILED, CONFIGURATION, INTERRUPTED = 0, 1, 78, 130

config_option = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The settings file (asapfill.toml)."
)
office_option = click.option("--office", help="Only this office of the settings.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


def office_options(command: Command) -> Command:
    """``--config``, ``--office`` and ``--json``, which most commands take."""
    return config_option(office_option(json_option(command)))


def _plan_time(_: click.Context, __: click.Parameter, value: str | None) -> PlanTime | None:
    from asapfill.cycle.plan import plan_time
    from asapfill.policy.formats import Unreadable

    try:
        return plan_time(value) if value is not None else None
    except Unreadable as error:
        raise click.BadParameter(f"The time {error} {error.hint}") from None


at_option = click.option(
    "--at",
    metavar="TIME",
    callback=_plan_time,
    help="As if it were the next TIME of the office's day: 10:00, 10am, or 'Mon 10:00'.",
)


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


def print_problems(problems: Iterable[Problem]) -> None:
    """Mistakes in files, on standard error."""
    for problem in problems:
        click.echo(f"{fitted(problem)}\n", err=True)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def end_with_cycle(
    cycle: Cycle,
    document: Callable[[Iterable[ClinicResult]], dict[str, Any]] | None,
    text: Callable[[ClinicResult], str],
) -> NoReturn:
    """Print what a cycle found, as ``document`` or, if there is none, as ``text``; end with its exit code."""
    print_problems(cycle.problems)
    if document is None:
        click.echo("\n\n".join(text(result) for result in cycle.results))
    else:
        print_json(document(cycle.results))
        for result in cycle.results:
            for trouble in result.errors:
                click.echo(trouble.message, err=True)
    sys.exit(cycle.exit_code)


def end(message: str, code: int) -> NoReturn:
    """End with a sentence on standard error."""
    click.echo(message, err=True)
    sys.exit(code)


def end_with_error(error: BaseException) -> NoReturn:
    """End with a sentence and the exit code for what can be expected to go wrong; raise anything else again."""
    from asapfill.core.errors import AsapfillError

    match error:
        case AsapfillError(exit_code=int(code)):
            end(fitted(error) if code == CONFIGURATION else str(error), code)
        case BrokenPipeError():
            # The reader (head, a pager) has gone; the interpreter must not complain about it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
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
