"""``history``: the offers that were made, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asapfill.commands.common import chosen_offices, open_settings, print_json, say
from asapfill.commands.options import NUMBER, office_options, since_option

if TYPE_CHECKING:
    from asapfill.report.past_days import Day


@click.command()
@office_options
@since_option("Offers made on this day or later (11/9, 'Nov 9', Monday, yesterday …); default: 7 days.")
@click.option("--patient", type=NUMBER, metavar="N", help="Everything of this PatNum.")
@click.option("--opening", metavar="ID", help="Everything of this opening, as `openings` shows it.")
def history(
    config: Path | None,
    office: str | None,
    as_json: bool,
    since: Day | None,
    patient: int | None,
    opening: str | None,
) -> None:
    """Tell offers and outcomes, step by step."""
    from asapfill.report.history import history_document, history_text, read_history
    from asapfill.report.past_days import NoDay

    if patient is not None and opening is not None:
        raise click.UsageError("Give --patient or --opening, not both.")
    settings, clock = open_settings(config, with_secrets=False)
    try:
        found = read_history(settings, chosen_offices(settings, office), clock, since, patient, opening)
    except NoDay as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    print_json(history_document(found)) if as_json else say(history_text(found))
