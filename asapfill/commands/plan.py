"""``plan``: the offers that one cycle would make. Sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asapfill.commands.common import chosen_offices, end_with_cycle, open_settings
from asapfill.commands.options import at_option, office_options
from asapfill.commands.progress import progress

if TYPE_CHECKING:
    from asapfill.cycle.plan import PlanTime


@click.command()
@office_options
@at_option
def plan(config: Path | None, office: str | None, as_json: bool, at: PlanTime | None) -> None:
    """Show the offers that one cycle would make now, or at another time. Sends nothing."""
    from asapfill.cycle.offices import plan_offices
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    settings, clock = open_settings(config)
    with progress("Planning"):
        cycle = plan_offices(settings, chosen_offices(settings, office), clock, at=at)
    end_with_cycle(cycle, plan_document if as_json else None, plan_text)
