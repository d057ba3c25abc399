"""``pause`` and ``resume``: stopping and starting the sending, also of a running daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from asapfill.commands.common import known_office, open_settings, print_json, say
from asapfill.commands.options import Command, config_option, json_option
from asapfill.words import wrapped


def _for_an_office(command: Command) -> Command:
    """The office as an argument, or as an option as in other commands."""
    decorators: tuple[Callable[[Command], Command], ...] = (
        config_option,
        click.option("--office", "named", metavar="NAME", help="The same as OFFICE."),
        json_option,
        click.argument("office", required=False),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.command()
@_for_an_office
def pause(config: Path | None, named: str | None, as_json: bool, office: str | None) -> None:
    """Stop sending at once, for OFFICE or for all, also in a running daemon."""
    _set(config, _one(office, named), as_json=as_json, paused=True)


@click.command()
@_for_an_office
def resume(config: Path | None, named: str | None, as_json: bool, office: str | None) -> None:
    """Let sending go on, for OFFICE or for all."""
    _set(config, _one(office, named), as_json=as_json, paused=False)


def _one(office: str | None, named: str | None) -> str | None:
    if office is not None and named is not None and office != named:
        raise click.UsageError(f"Which office: {office} or {named}? Name one.")
    return office or named


def _set(config: Path | None, office: str | None, *, as_json: bool, paused: bool) -> None:
    from asapfill.offers.decisions import set_pause, what_holds_sending

    settings, clock = open_settings(config, with_secrets=False)
    set_pause(settings, known_office(settings, office), clock, paused=paused)
    held = what_holds_sending(settings, clock, [office] if office else settings.offices)
    if as_json:
        print_json({"office": office, "paused": paused, "held": held})
    if paused:
        say(f"Sending is paused for {office or 'all offices'}. `asapfill resume` starts it again.", err=True)
        return
    for sentence in held or [f"Sending goes on for {office or 'all offices'}."]:
        say("\n".join(wrapped(sentence)), err=True)
