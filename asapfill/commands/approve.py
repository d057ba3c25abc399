"""``approve`` and ``decline``: a person's answer to offers that wait for it (mode ask)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from asapfill.commands.common import DONE, FAILED, config_option, known_office, office_option, open_settings


@click.command()
@config_option
@office_option
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every offer that waits.")
def approve(config: Path | None, office: str | None, ids: tuple[str, ...], everything: bool) -> None:
    """Say yes to offers that wait (mode ask); each is looked at again before it is sent.

    The IDs are the numbers that status shows, such as 12 13.
    """
    _answer(config, office, ids, everything=everything, yes=True)


@click.command()
@config_option
@office_option
@click.argument("ids", nargs=-1, metavar="[ID]...")
def decline(config: Path | None, office: str | None, ids: tuple[str, ...]) -> None:
    """Say no to offers that wait (mode ask).

    The IDs are the numbers that status shows, such as 12 13.
    """
    _answer(config, office, ids, everything=False, yes=False)


def _answer(config: Path | None, office: str | None, ids: tuple[str, ...], *, everything: bool, yes: bool) -> None:
    from asapfill.offers.decisions import answer_waiting
    from asapfill.words import counted

    numbers = None if everything else _numbers(ids)
    if numbers == ():
        other = ", or say --all" if yes else ""
        raise click.UsageError(f"Name the offers by their numbers, without # (see `asapfill status`){other}.")
    settings, clock = open_settings(config, with_secrets=False)
    known = known_office(settings, office)
    answered, refused = answer_waiting(settings, clock, numbers, yes=yes, office=known)
    if answered:
        then = "Each is looked at again, then sent with the next cycle." if yes else "Nobody is texted about it."
        click.echo(f"{counted(len(answered), 'offer')} {'approved' if yes else 'declined'}. {then}", err=True)
    elif not refused:
        click.echo("No offer waits for an answer.", err=True)
    for sentence in refused:
        click.echo(sentence, err=True)
    sys.exit(FAILED if refused else DONE)


def _numbers(words: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers of offers as people write them: ``12``, ``#12``, ``12,13``."""
    parts = [part.strip().removeprefix("#") for word in words for part in word.split(",") if part.strip()]
    for part in parts:
        if not re.fullmatch("[0-9]{1,18}", part):
            raise click.UsageError(f"“{part}” is not an offer's number; `asapfill status` shows them.")
    return tuple(dict.fromkeys(int(part) for part in parts))
