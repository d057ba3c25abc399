"""``once``: one full cycle, and what it did."""

from __future__ import annotations

from pathlib import Path

import click

from asapfill.commands.common import chosen_offices, end_with_cycle, open_settings
from asapfill.commands.options import office_options
from asapfill.commands.progress import progress


@click.command()
@office_options
def once(config: Path | None, office: str | None, as_json: bool) -> None:
    """Run one full cycle, honouring the policy's mode."""
    from asapfill.cycle.offices import run_offices
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    settings, clock = open_settings(config)
    with progress("One cycle") as tell:
        cycle = run_offices(settings, chosen_offices(settings, office), clock, tell)
    end_with_cycle(cycle, plan_document if as_json else None, plan_text)
