"""``report``: what the last week came to, as a page for the office manager."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asapfill.commands.common import DONE, known_office, open_settings, print_json, say
from asapfill.commands.options import office_options, since_option

if TYPE_CHECKING:
    from asapfill.report.past_days import Day


@click.command()
@office_options
@since_option("From this day (11/9, 'Nov 9', Monday …) until today. Default: the seven days before today.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write the page; in a folder it is named by its dates. Default: asapfill-report.html.",
)
def report(config: Path | None, office: str | None, as_json: bool, since: Day | None, out: Path | None) -> None:
    """Write the weekly report: an HTML page with pictures, without patients. Asks no office.

    With --json the figures go to standard output, and a page is written only if --out says where.
    """
    from asapfill.report.past_days import NoDay
    from asapfill.report.weekly import make_report, write_report

    settings, clock = open_settings(config, with_secrets=False)
    try:
        made = make_report(settings, clock, known_office(settings, office), since)
    except NoDay as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    if made.empty:
        today = "" if since is not None else " For today: asapfill report --since today"
        say(f"Nothing is known of {made.period.first} to {made.period.last}.{today}", err=True)
    if as_json:
        print_json(made.document)
    if out is not None or not as_json:
        path = write_report(made, out or Path("asapfill-report.html"))
        say(f"Written: {path}", err=as_json)
    sys.exit(DONE)
