"""``openings``, ``plan``, ``once`` and ``run``: cycles that look, and cycles that send."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from asapfill.commands.common import (
    at_option,
    chosen_offices,
    config_option,
    explained,
    json_option,
    office_option,
    open_settings,
    print_json,
)

if TYPE_CHECKING:
    from asapfill.cycle.operations import Cycle
    from asapfill.cycle.results import AsIf, ClinicResult


@click.command()
@config_option
@office_option
@json_option
@click.option(
    "--compare", is_flag=True, help="Put Open Dental's own search beside ours, with the cause of differences."
)
@explained
def openings(config: Path | None, office: str | None, as_json: bool, compare: bool) -> None:
    """List the openings, and what was left alone and why."""
    from asapfill.report.documents import openings_document
    from asapfill.report.text import openings_text

    cycle = _cycle(config, office, act=False, compare=compare)
    _tell(cycle, openings_document if as_json else None, openings_text)


@click.command()
@config_option
@office_option
@json_option
@at_option
@explained
def plan(config: Path | None, office: str | None, as_json: bool, at: AsIf | None) -> None:
    """Show the offers that one cycle would make now, or at another time. Sends nothing."""
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    cycle = _cycle(config, office, act=False, at=at)
    _tell(cycle, plan_document if as_json else None, plan_text)


@click.command()
@config_option
@office_option
@json_option
@explained
def once(config: Path | None, office: str | None, as_json: bool) -> None:
    """Run one full cycle, honouring the policy's mode."""
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    cycle = _cycle(config, office, act=True)
    _tell(cycle, plan_document if as_json else None, plan_text)


@click.command()
@config_option
@explained
def run(config: Path | None) -> None:
    """Run the daemon: serve every office until stopped."""
    from asapfill.daemon.daemon import run_daemon
    from asapfill.daemon.systemd import Systemd
    from asapfill.settings.settings import load_settings

    logging.getLogger("asapfill").setLevel(logging.INFO)
    settings, clock = open_settings(config)
    run_daemon(settings, clock, lambda: load_settings(settings.path, os.environ), Systemd.of(os.environ))
    # What is left in memory goes with the process; with many offices, looking through it once more takes seconds.
    gc.freeze()


def _cycle(
    config: Path | None, office: str | None, *, act: bool, compare: bool = False, at: AsIf | None = None
) -> Cycle:
    from asapfill.cycle.operations import run_once

    settings, clock = open_settings(config)
    return run_once(settings, chosen_offices(settings, office), clock, act=act, compare=compare, at=at)


def _tell(
    cycle: Cycle,
    document: Callable[[Iterable[ClinicResult]], dict[str, Any]] | None,
    text: Callable[[ClinicResult], str],
) -> NoReturn:
    """Print what a cycle found, problems on standard error, and end with its exit code."""
    from asapfill.words import fitted

    for problem in cycle.problems:
        click.echo(f"{fitted(problem)}\n", err=True)
    if document is not None:
        print_json(document(cycle.results))
        for result in cycle.results:
            for trouble in result.errors:
                click.echo(trouble.message, err=True)
    else:
        click.echo("\n\n".join(text(result) for result in cycle.results))
    sys.exit(cycle.exit_code)
