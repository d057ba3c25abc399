"""``pause`` and ``resume``: stopping and starting the sending, also of a running daemon."""

from __future__ import annotations

from pathlib import Path

import click

from asapfill.commands.common import config_option, known_office, open_settings


@click.command()
@config_option
@click.argument("office", required=False)
def pause(config: Path | None, office: str | None) -> None:
    """Stop sending at once, for OFFICE or for all, also in a running daemon."""
    from asapfill.offers.decisions import set_pause

    settings, clock = open_settings(config, with_secrets=False)
    set_pause(settings, known_office(settings, office), clock, paused=True)
    click.echo(f"Sending is paused for {office or 'all offices'}. `asapfill resume` starts it again.", err=True)


@click.command()
@config_option
@click.argument("office", required=False)
def resume(config: Path | None, office: str | None) -> None:
    """Let sending go on, for OFFICE or for all."""
    from asapfill.offers.decisions import set_pause

    settings, clock = open_settings(config, with_secrets=False)
    set_pause(settings, known_office(settings, office), clock, paused=False)
    click.echo(f"Sending goes on for {office or 'all offices'}.", err=True)
