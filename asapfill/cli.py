"""The commands. No logic lives here: options in, a call, text or JSON out, and an exit code.

Modules are imported inside the commands, so that ``asapfill --help`` answers at once.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

import click

from asapfill import __version__

if TYPE_CHECKING:
    from asapfill.clock import Clock
    from asapfill.service.operations import Cycle
    from asapfill.service.results import ClinicResult
    from asapfill.settings import Settings

DONE, FAILED, ALREADY_RUNNING, CONFIGURATION = 0, 1, 75, 78
Command = TypeVar("Command", bound=Callable[..., Any])

_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The settings file (asapfill.toml)."
)
_office = click.option("--office", help="Only this office of the settings.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="asapfill")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens to standard error.")
def cli(verbose: bool) -> None:
    """Fill openings on an Open Dental schedule from the office's ASAP list."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.ERROR,
        format="%(asctime)s %(levelname)s %(message)s",
    )


def main() -> NoReturn:
    """Run a command; every expected failure ends in a sentence and the exit code of the contract."""
    sys.exit(cli())


def _explained(command: Command) -> Command:
    """Turn expected errors into a sentence on standard error and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  passes a command's own parameters through
        from asapfill.opendental.errors import OpenDentalError
        from asapfill.problems import ConfigurationError
        from asapfill.service.operations import Unserved
        from asapfill.store.database import StoreError
        from asapfill.store.lock import AlreadyRunning

        try:
            return command(*args, **kwargs)
        except ConfigurationError as error:
            _end(str(error), CONFIGURATION)
        except AlreadyRunning as error:
            _end(str(error), ALREADY_RUNNING)
        except (StoreError, OpenDentalError) as error:
            _end(str(error), FAILED)
        except Unserved as error:
            _end(str(error), CONFIGURATION if error.configuration else FAILED)
        except BrokenPipeError:
            # The reader (head, a pager) has gone; the interpreter must not complain about it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except KeyboardInterrupt:
            _end("Stopped.", 130)

    return run  # type: ignore[return-value]  # same parameters, by construction


@cli.command()
@_config
@_office
@_json
@click.option("--offline", is_flag=True, help="Check the files only; ask no office.")
@_explained
def check(config: Path | None, office: str | None, as_json: bool, offline: bool) -> None:
    """Check settings, policies and (unless offline) every office."""
    from asapfill.report.text import wrapped
    from asapfill.service.operations import check_all

    settings, clock = _settings(config, with_secrets=not offline)
    checked = check_all(settings, _offices(settings, office), clock, offline=offline)
    for problem in checked.problems:
        click.echo(f"{problem}\n", err=True)
    if as_json:
        _print_json(checked.document())
    else:
        for name, findings in checked.findings.items():
            click.echo(name)
            for finding in findings:
                lines = wrapped(f"  {finding.verdict:<6} {finding.subject}: {finding.message}", 9)
                click.echo(
                    "\n".join(lines if "\n" not in finding.message else [f"  {finding.verdict}  {finding.message}"])
                )
        if not checked.findings and not checked.problems:
            click.echo("Settings and policies are right.")
    sys.exit(checked.exit_code)


@cli.command()
@_config
@_office
@_json
@_explained
def openings(config: Path | None, office: str | None, as_json: bool) -> None:
    """List the openings, and what was left alone and why."""
    from asapfill.report.documents import openings_document
    from asapfill.report.text import openings_text

    cycle = _cycle(config, office, act=False)
    _tell(cycle, openings_document if as_json else None, openings_text)


@cli.command()
@_config
@_office
@_json
@_explained
def plan(config: Path | None, office: str | None, as_json: bool) -> None:
    """Show the offers that one cycle would make now. Sends nothing."""
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    cycle = _cycle(config, office, act=False)
    _tell(cycle, plan_document if as_json else None, plan_text)


@cli.command()
@_config
@_office
@_json
@_explained
def once(config: Path | None, office: str | None, as_json: bool) -> None:
    """Run one full cycle, honouring the policy's mode."""
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    cycle = _cycle(config, office, act=True)
    _tell(cycle, plan_document if as_json else None, plan_text)


@cli.command()
@_config
@_office
@_json
@click.option("--appointment", type=int, metavar="N", help="An AptNum.")
@click.option("--recall", type=int, metavar="N", help="A RecallNum.")
@click.option("--opening", metavar="ID", help="An opening's id, as `openings` shows it.")
@_explained
def explain(
    config: Path | None,
    office: str | None,
    as_json: bool,
    appointment: int | None,
    recall: int | None,
    opening: str | None,
) -> None:
    """Apply every rule to one candidate or opening, pass or fail."""
    from asapfill.report.explained import explanation_text
    from asapfill.service.operations import explain_one

    given = [value for value in (appointment, recall, opening) if value is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --appointment, --recall and --opening.")
    settings, clock = _settings(config)
    document = explain_one(
        settings, _offices(settings, office), clock, appointment=appointment, recall=recall, opening=opening
    )
    if document is None:
        what = f"appointment {appointment}" if appointment else f"recall {recall}" if recall else f"opening {opening}"
        _end(f"No office that asapfill serves has {what}.", FAILED)
    _print_json(document) if as_json else click.echo(explanation_text(document))


@cli.command()
@_config
@_explained
def run(config: Path | None) -> None:
    """Run the daemon: serve every office until stopped."""
    from asapfill.service.daemon import run_daemon

    logging.getLogger().setLevel(logging.INFO)
    # APScheduler tells every start and end of a job; only its troubles matter here.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    settings, clock = _settings(config)
    run_daemon(settings, clock)


@cli.command()
@_config
@_json
@_explained
def status(config: Path | None, as_json: bool) -> None:
    """Is it alive, what is open, what is waiting, what went wrong."""
    from asapfill.service.statuses import status_document, status_text

    settings, clock = _settings(config, with_secrets=False)
    document = status_document(settings, clock)
    _print_json(document) if as_json else click.echo(status_text(document))
    sys.exit(DONE if document["ok"] else FAILED)


@cli.command()
@_config
@_office
@_json
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Offers made on this day or later (default: 7 days).")
@click.option("--patient", type=int, metavar="N", help="Only this PatNum.")
@_explained
def history(
    config: Path | None,
    office: str | None,
    as_json: bool,
    since: datetime | None,
    patient: int | None,
) -> None:
    """Tell offers and outcomes, step by step."""
    from asapfill.report.documents import history_document
    from asapfill.report.text import history_text
    from asapfill.service.operations import read_history

    settings, clock = _settings(config, with_secrets=False)
    first: date = since.date() if since is not None else (clock.now() - timedelta(days=7)).date()
    stories = read_history(settings, _offices(settings, office), clock, first, patient)
    _print_json(history_document(stories)) if as_json else click.echo(history_text(stories))


@cli.command()
@_config
@click.argument("office", required=False)
@_explained
def pause(config: Path | None, office: str | None) -> None:
    """Stop sending at once, for OFFICE or for all, also in a running daemon."""
    from asapfill.service.operations import set_pause

    settings, clock = _settings(config, with_secrets=False)
    set_pause(settings, _one_office(settings, office), clock, paused=True)
    click.echo(f"Sending is paused for {office or 'all offices'}. `asapfill resume` starts it again.", err=True)


@cli.command()
@_config
@click.argument("office", required=False)
@_explained
def resume(config: Path | None, office: str | None) -> None:
    """Let sending go on, for OFFICE or for all."""
    from asapfill.service.operations import set_pause

    settings, clock = _settings(config, with_secrets=False)
    set_pause(settings, _one_office(settings, office), clock, paused=False)
    click.echo(f"Sending goes on for {office or 'all offices'}.", err=True)


@cli.command()
@_config
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every offer that waits.")
@_explained
def approve(config: Path | None, ids: tuple[int, ...], everything: bool) -> None:
    """Say yes to offers that wait (mode ask); each is looked at again before it is sent."""
    _answer(config, ids, everything=everything, yes=True)


@cli.command()
@_config
@click.argument("ids", nargs=-1, type=int, required=True)
@_explained
def decline(config: Path | None, ids: tuple[int, ...]) -> None:
    """Say no to offers that wait (mode ask)."""
    _answer(config, ids, everything=False, yes=False)


@cli.command()
@click.option("--port", type=int, default=8080, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--office", "office_file", type=click.Path(path_type=Path, exists=True), help="An office file (JSON).")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the generated office and its people.")
@click.option("--operatories", type=int, default=5, show_default=True, help="Size of the generated office.")
@click.option("--clinics", type=int, default=0, show_default=True, help="Clinics of the generated office; 0: none.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Simulated seconds per real second.")
@click.option("--start", help="Office time at the start, 'yyyy-MM-dd HH:mm:ss' (default: now).")
@click.option("--throttle", type=float, default=0.0, show_default=True, help="Seconds between requests, as HQ asks.")
@click.option("--page-cap", type=int, default=1000, show_default=True, help="Rows of a page (remote API: 100).")
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write settings and a policy for this sandbox here.",
)
@_explained
def sandbox(
    port: int,
    office_file: Path | None,
    seed: int,
    operatories: int,
    clinics: int,
    speed: float,
    start: str | None,
    throttle: float,
    page_cap: int,
    folder: Path | None,
) -> None:
    """Serve a simulated Open Dental office on loopback."""
    from asapfill.service.sandboxes import options_for, serve_sandbox

    options = options_for(
        port=port,
        office_file=office_file,
        seed=seed,
        operatories=operatories,
        clinics=clinics,
        speed=speed,
        start=start,
        throttle=throttle,
        page_cap=page_cap,
    )
    serve_sandbox(options, office_file, folder, say=lambda text: click.echo(text, err=True))


@cli.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same day.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
              help="Folder for the schedule page.")  # fmt: skip
@_json
@_explained
def demo(seed: int, out: Path, as_json: bool) -> None:
    """Run a simulated office's working day through asapfill, fast."""
    from asapfill.service.demo import run_demo, summary_text

    summary = run_demo(seed, out, say=lambda text: click.echo(text, err=True))
    _print_json(summary.document()) if as_json else click.echo(summary_text(summary))
    sys.exit(DONE if summary.sent_twice == 0 and not summary.errors else FAILED)


def _settings(config: Path | None, *, with_secrets: bool = True) -> tuple[Settings, Clock]:
    from asapfill.service.simulated import clock_for
    from asapfill.settings import find_settings, load_settings

    path = find_settings(config, os.environ, Path.cwd())
    settings = load_settings(path, os.environ, with_secrets=with_secrets)
    return settings, clock_for(settings)


def _offices(settings: Settings, office: str | None) -> tuple[str, ...]:
    """The offices a command is for."""
    if office is None:
        return tuple(settings.offices)
    return (_one_office(settings, office) or office,)


def _one_office(settings: Settings, office: str | None) -> str | None:
    if office is not None and office not in settings.offices:
        known = ", ".join(settings.offices)
        raise click.UsageError(f"The settings have no office {office!r}. They have: {known}.")
    return office


def _cycle(config: Path | None, office: str | None, *, act: bool) -> Cycle:
    from asapfill.service.operations import run_once

    settings, clock = _settings(config)
    return run_once(settings, _offices(settings, office), clock, act=act)


def _tell(
    cycle: Cycle,
    document: Callable[[Iterable[ClinicResult]], dict[str, Any]] | None,
    text: Callable[[ClinicResult], str],
) -> NoReturn:
    """Print what a cycle found, problems on standard error, and end with its exit code."""
    for problem in cycle.problems:
        click.echo(f"{problem}\n", err=True)
    if document is not None:
        _print_json(document(cycle.results))
        for result in cycle.results:
            for trouble in result.errors:
                click.echo(trouble.message, err=True)
    else:
        click.echo("\n\n".join(text(result) for result in cycle.results))
    sys.exit(cycle.exit_code)


def _answer(config: Path | None, ids: tuple[int, ...], *, everything: bool, yes: bool) -> None:
    from asapfill.service.operations import answer_waiting

    if not ids and not everything:
        raise click.UsageError("Name the offers by their numbers (see `asapfill status`), or say --all.")
    settings, clock = _settings(config, with_secrets=False)
    answered, refused = answer_waiting(settings, clock, ids if not everything else None, yes=yes)
    word: Literal["approved", "declined"] = "approved" if yes else "declined"
    click.echo(f"{len(answered)} offers {word}.", err=True)
    for sentence in refused:
        click.echo(sentence, err=True)
    sys.exit(FAILED if refused else DONE)


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _end(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)
