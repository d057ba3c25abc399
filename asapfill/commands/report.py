"""``report``: what the last week came to, as a page for the office manager."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import click

from asapfill.commands.common import (
    DONE,
    config_option,
    json_option,
    known_office,
    office_option,
    open_settings,
    print_json,
)


@click.command()
@config_option
@office_option
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="From this day (2026-11-09) until today. Default: the seven days before today.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write the page; in a folder it is named by its dates. Default: asapfill-report.html.",
)
@json_option
def report(config: Path | None, office: str | None, since: datetime | None, out: Path | None, as_json: bool) -> None:
    """Write the weekly report: an HTML page with pictures, without patients. Asks no office.

    With --json the figures go to standard output, and a page is written only if --out says where.
    """
    from asapfill.report.weekly import make_report, write_report

    settings, clock = open_settings(config, with_secrets=False)
    day: date | None = since.date() if since is not None else None
    try:
        made = make_report(settings, clock, known_office(settings, office), day)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--since") from None
    if made.empty:
        today = "" if day is not None else f" For today: asapfill report --since {clock.now():%Y-%m-%d}"
        click.echo(f"Nothing is known of {made.period.first} to {made.period.last}.{today}", err=True)
    if as_json:
        print_json(made.document)
    if out is not None or not as_json:
        path = write_report(made, out or Path("asapfill-report.html"))
        click.echo(f"Written: {path}", err=as_json)
    sys.exit(DONE)
