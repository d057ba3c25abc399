"""``check``: whether settings, policies and offices are as they should be."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import (
    chosen_offices,
    config_option,
    explained,
    json_option,
    office_option,
    open_settings,
    print_json,
)


@click.command()
@config_option
@office_option
@json_option
@click.option("--offline", is_flag=True, help="Check the files only; ask no office.")
@explained
def check(config: Path | None, office: str | None, as_json: bool, offline: bool) -> None:
    """Check settings, policies and (unless offline) every office."""
    from asapfill.checks.check import check_all
    from asapfill.words import fitted, wrapped

    settings, clock = open_settings(config, with_secrets=not offline)
    checked = check_all(settings, chosen_offices(settings, office), clock, offline=offline)
    for problem in checked.problems:
        click.echo(f"{fitted(problem)}\n", err=True)
    if as_json:
        print_json(checked.document())
    else:
        for name, findings in checked.findings.items():
            click.echo(name)
            for finding in findings:
                lines = wrapped(f"  {finding.verdict:<6} {finding.subject}: {finding.message}", 9)
                in_file = [fitted(f"  {finding.verdict}  {finding.message}")]
                click.echo("\n".join(lines if "\n" not in finding.message else in_file))
        click.echo(checked.verdict)
    sys.exit(checked.exit_code)
