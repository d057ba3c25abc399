"""``explain``: why somebody is asked or not, and what stands in the way of an opening."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asapfill.commands.common import chosen_offices, open_settings, print_json, say
from asapfill.commands.options import NUMBER, at_option, office_options
from asapfill.commands.progress import progress

if TYPE_CHECKING:
    from asapfill.cycle.plan import PlanTime


@click.command()
@office_options
@click.option("--appointment", type=NUMBER, metavar="N", help="An AptNum.")
@click.option("--recall", type=NUMBER, metavar="N", help="A RecallNum.")
@click.option("--opening", metavar="ID", help="An opening's id, as `openings` shows it.")
@at_option
def explain(
    config: Path | None,
    office: str | None,
    as_json: bool,
    appointment: int | None,
    recall: int | None,
    opening: str | None,
    at: PlanTime | None,
) -> None:
    """Apply every rule to one candidate or opening, pass or fail."""
    from asapfill.report.explain import Subject, explain_one
    from asapfill.report.text import explanation_text

    given = [value for value in (appointment, recall, opening) if value is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --appointment, --recall and --opening.")
    settings, clock = open_settings(config)
    candidate: Subject = ("recall", recall or 0) if appointment is None else ("appointment", appointment)
    subject = candidate if opening is None else opening
    with progress("Asking the office"):
        document = explain_one(settings, chosen_offices(settings, office), clock, subject, at=at)
    print_json(document) if as_json else say(explanation_text(document))
