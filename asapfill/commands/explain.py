"""``explain``: why somebody is asked or not, and what stands in the way of an opening."""

from __future__ import annotations

from pathlib import Path

import click

from asapfill.commands.common import chosen_offices, office_options, open_settings, print_json


@click.command()
@office_options
@click.option("--appointment", type=int, metavar="N", help="An AptNum.")
@click.option("--recall", type=int, metavar="N", help="A RecallNum.")
@click.option("--opening", metavar="ID", help="An opening's id, as `openings` shows it.")
def explain(
    config: Path | None,
    office: str | None,
    as_json: bool,
    appointment: int | None,
    recall: int | None,
    opening: str | None,
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
    document = explain_one(settings, chosen_offices(settings, office), clock, subject)
    print_json(document) if as_json else click.echo(explanation_text(document))
