"""``plan``: the offers that one cycle would make. Sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asapfill.commands.common import at_option, chosen_offices, end_with_cycle, office_options, open_settings

if TYPE_CHECKING:
    from asapfill.cycle.results import AsIf


@click.command()
@office_options
@at_option
def plan(config: Path | None, office: str | None, as_json: bool, at: AsIf | None) -> None:
    """Show the offers that one cycle would make now, or at another time. Sends nothing."""
    from asapfill.cycle.operations import run_once
    from asapfill.report.documents import plan_document
    from asapfill.report.text import plan_text

    settings, clock = open_settings(config)
    cycle = run_once(settings, chosen_offices(settings, office), clock, act=False, at=at)
    end_with_cycle(cycle, plan_document if as_json else None, plan_text)
