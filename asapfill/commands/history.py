"""``history``: the offers that were made, step by step."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import click

from asapfill.commands.common import chosen_offices, office_options, open_settings, print_json


@click.command()
@office_options
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Offers made on this day or later (default: 7 days).")
@click.option("--patient", type=int, metavar="N", help="Everything of this PatNum.")
@click.option("--opening", metavar="ID", help="Everything of this opening, as `openings` shows it.")
def history(
    config: Path | None,
    office: str | None,
    as_json: bool,
    since: datetime | None,
    patient: int | None,
    opening: str | None,
) -> None:
    """Tell offers and outcomes, step by step."""
    from asapfill.report.history import history_document, history_text, read_history

    if patient is not None and opening is not None:
        raise click.UsageError("Give --patient or --opening, not both.")
    settings, clock = open_settings(config, with_secrets=False)
    first: date = since.date() if since is not None else (clock.now() - timedelta(days=7)).date()
    found = read_history(settings, chosen_offices(settings, office), clock, first, patient, opening)
    print_json(history_document(found)) if as_json else click.echo(history_text(found))
