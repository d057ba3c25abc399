"""``approve`` and ``decline``: a person's answer to offers that wait for it (mode ask)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from asapfill.commands.common import DONE, FAILED, known_office, open_settings, print_json, say
from asapfill.commands.options import NUMBER, office_options


@click.command()
@office_options
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every offer that waits.")
def approve(config: Path | None, office: str | None, as_json: bool, ids: tuple[str, ...], everything: bool) -> None:
    """Say yes to offers that wait (mode ask); each is looked at again before it is sent.

    The IDs are the numbers that status shows, such as 12 13.
    """
    _answer(config, office, ids, as_json=as_json, everything=everything, yes=True)


@click.command()
@office_options
@click.argument("ids", nargs=-1, metavar="[ID]...")
def decline(config: Path | None, office: str | None, as_json: bool, ids: tuple[str, ...]) -> None:
    """Say no to offers that wait (mode ask).

    The IDs are the numbers that status shows, such as 12 13.
    """
    _answer(config, office, ids, as_json=as_json, everything=False, yes=False)


def _answer(
    config: Path | None, office: str | None, ids: tuple[str, ...], *, as_json: bool, everything: bool, yes: bool
) -> None:
    from asapfill.offers.decisions import answer_waiting, what_holds_sending
    from asapfill.words import counted, wrapped

    numbers = None if everything else _numbers(ids)
    if numbers == ():
        other = ", or say --all" if yes else ""
        raise click.UsageError(f"Name the offers by their numbers, without # (see `asapfill status`){other}.")
    settings, clock = open_settings(config, with_secrets=False)
    known = known_office(settings, office)
    answered, refused = answer_waiting(settings, clock, numbers, yes=yes, office=known)
    held = what_holds_sending(settings, clock, {offer.office for offer in answered}) if yes and answered else []
    if as_json:
        print_json({
            "answer": "approved" if yes else "declined",
            "offers": [{"id": offer.id, "office": offer.office} for offer in answered],
            "refused": refused,
            "held": held,
        })  # fmt: skip
    if answered:
        then = "Each is looked at again, then sent with the next cycle." if yes else "Nobody is texted about it."
        then = "Nothing goes out yet." if held else then
        say(f"{counted(len(answered), 'offer')} {'approved' if yes else 'declined'}. {then}", err=True)
    elif not refused:
        say("No offer waits for an answer.", err=True)
    for sentence in (*held, *refused):
        say("\n".join(wrapped(sentence)), err=True)
    sys.exit(FAILED if refused else DONE)


def _numbers(words: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers of offers as people write them: ``12``, ``#12``, ``12,13``."""
    parts = [part.strip().removeprefix("#") for word in words for part in word.split(",") if part.strip()]
    for part in parts:
        if not re.fullmatch("[0-9]+", part):
            raise click.UsageError(f"“{part}” is not an offer's number; `asapfill status` shows them.")
    return tuple(dict.fromkeys(NUMBER.convert(part, None, None) for part in parts))
