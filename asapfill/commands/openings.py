"""``openings``: the free time on the schedule that may be offered."""

from __future__ import annotations

from pathlib import Path

import click

from asapfill.commands.common import chosen_offices, end_with_cycle, open_settings
from asapfill.commands.options import office_options
from asapfill.commands.progress import progress


@click.command()
@office_options
@click.option(
    "--compare", is_flag=True, help="Put Open Dental's own search beside ours, with the cause of differences."
)
def openings(config: Path | None, office: str | None, as_json: bool, compare: bool) -> None:
    """List the openings, and what was left alone and why."""
    from asapfill.cycle.offices import plan_offices
    from asapfill.report.documents import openings_document
    from asapfill.report.text import openings_text

    settings, clock = open_settings(config)
    with progress("Looking for openings"):
        cycle = plan_offices(settings, chosen_offices(settings, office), clock, compare=compare)
    end_with_cycle(cycle, openings_document if as_json else None, openings_text)
