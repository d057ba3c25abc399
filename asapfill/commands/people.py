"""``pause``, ``resume``, ``approve`` and ``decline``: what a person says to a running asapfill."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import (
    DONE,
    FAILED,
    config_option,
    explained,
    known_office,
    open_settings,
)


@click.command()
@config_option
@click.argument("office", required=False)
@explained
def pause(config: Path | None, office: str | None) -> None:
    """Stop sending at once, for OFFICE or for all, also in a running daemon."""
    from asapfill.operations.operations import set_pause

    settings, clock = open_settings(config, with_secrets=False)
    set_pause(settings, known_office(settings, office), clock, paused=True)
    click.echo(f"Sending is paused for {office or 'all offices'}. `asapfill resume` starts it again.", err=True)


@click.command()
@config_option
@click.argument("office", required=False)
@explained
def resume(config: Path | None, office: str | None) -> None:
    """Let sending go on, for OFFICE or for all."""
    from asapfill.operations.operations import set_pause

    settings, clock = open_settings(config, with_secrets=False)
    set_pause(settings, known_office(settings, office), clock, paused=False)
    click.echo(f"Sending goes on for {office or 'all offices'}.", err=True)


@click.command()
@config_option
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every offer that waits.")
@explained
def approve(config: Path | None, ids: tuple[int, ...], everything: bool) -> None:
    """Say yes to offers that wait (mode ask); each is looked at again before it is sent."""
    _answer(config, ids, everything=everything, yes=True)


@click.command()
@config_option
@click.argument("ids", nargs=-1, type=int, required=True)
@explained
def decline(config: Path | None, ids: tuple[int, ...]) -> None:
    """Say no to offers that wait (mode ask)."""
    _answer(config, ids, everything=False, yes=False)


def _answer(config: Path | None, ids: tuple[int, ...], *, everything: bool, yes: bool) -> None:
    from asapfill.operations.operations import answer_waiting
    from asapfill.words import counted

    if not ids and not everything:
        raise click.UsageError("Name the offers by their numbers (see `asapfill status`), or say --all.")
    settings, clock = open_settings(config, with_secrets=False)
    answered, refused = answer_waiting(settings, clock, ids if not everything else None, yes=yes)
    if answered:
        then = "Each is looked at again, then sent with the next cycle." if yes else "Nobody is texted about it."
        click.echo(f"{counted(len(answered), 'offer')} {'approved' if yes else 'declined'}. {then}", err=True)
    elif not refused:
        click.echo("No offer waits for an answer.", err=True)
    for sentence in refused:
        click.echo(sentence, err=True)
    sys.exit(FAILED if refused else DONE)
