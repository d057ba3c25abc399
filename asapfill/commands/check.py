"""``check``: whether settings, policies and offices are as they should be."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import chosen_offices, open_settings, print_json, print_problems, say
from asapfill.commands.options import office_options
from asapfill.commands.progress import progress


@click.command()
@office_options
@click.option("--offline", is_flag=True, help="Check the files only; ask no office.")
@click.option("--names", is_flag=True, help="Show only what each name in the policies was resolved to.")
def check(config: Path | None, office: str | None, as_json: bool, offline: bool, names: bool) -> None:
    """Check settings, policies and (unless offline) every office."""
    from asapfill.checks.check import check_all, checked_text

    if names and offline:
        raise click.UsageError("--names asks the offices, and --offline asks none.")
    settings, clock = open_settings(config, with_secrets=not offline)
    with progress("Checking"):
        checked = check_all(settings, chosen_offices(settings, office), clock, offline=offline)
    print_problems(checked.problems)
    print_json(checked.document()) if as_json else say(checked_text(checked, names=names))
    sys.exit(checked.exit_code)
