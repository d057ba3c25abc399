"""``state``: backups of the state database, restoring and verifying, and settling what asapfill cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import DONE, FAILED, end, known_office, open_settings, print_json, say
from asapfill.commands.options import NUMBER, config_option, group_config_option, json_option, office_options
from asapfill.commands.progress import progress


@click.group()
@group_config_option
def state() -> None:
    """Look after the state database, which keeps patients from being texted twice."""


@state.command()
@config_option
@json_option
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False))
def backup(config: Path | None, as_json: bool, file: Path | None) -> None:
    """Copy the state to FILE (default: beside it, by date), also while asapfill runs."""
    from asapfill.report.documents import verified_document
    from asapfill.report.text import verified_text
    from asapfill.store import care
    from asapfill.store.database import FILE_NAME

    settings, clock = open_settings(config, with_secrets=False)
    target = file or settings.state / f"{FILE_NAME}.backup-{clock.now():%Y%m%d-%H%M%S}"
    with progress("Copying and checking the state"):
        found = care.backup(settings.state, target)
    print_json(verified_document(found)) if as_json else say(verified_text(found))
    sys.exit(DONE if found.usable else FAILED)


@state.command()
@config_option
@json_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(config: Path | None, as_json: bool, file: Path) -> None:
    """Put the backup FILE in the state's place. Sending is paused until `asapfill resume`."""
    from asapfill.report.documents import verified_document
    from asapfill.report.text import verified_text
    from asapfill.store import care

    settings, clock = open_settings(config, with_secrets=False)
    with progress("Checking and restoring the state"):
        found, replaced = care.restore(settings.state, file, clock)
    if as_json:
        print_json(verified_document(found) | {"replaced": str(replaced) if replaced is not None else None})
    else:
        say(verified_text(found))
    if replaced is not None:
        say(f"The state that was there is kept as {replaced}.", err=True)
    say(
        "Sending is paused: what was sent since the backup is known only as far as the offices still tell. "
        "Look at `asapfill plan`, then `asapfill resume`.",
        err=True,
    )


@state.command()
@config_option
@json_option
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False))
def verify(config: Path | None, as_json: bool, file: Path | None) -> None:
    """Check the state, or the backup FILE: sound, complete, of which version, how much is in it."""
    from asapfill.report.documents import verified_document
    from asapfill.report.text import verified_text
    from asapfill.store import care
    from asapfill.store.database import FILE_NAME

    settings, _ = open_settings(config, with_secrets=False)
    with progress("Checking the state"):
        found = care.verify(file or settings.state / FILE_NAME)
    print_json(verified_document(found)) if as_json else say(verified_text(found))
    sys.exit(DONE if found.usable else FAILED)


@state.command()
@office_options
@click.argument("number", metavar="ID", type=NUMBER)
@click.option("--sent/--not-sent", "sent", default=None, help="What you found in Open Dental.")
def settle(config: Path | None, office: str | None, as_json: bool, number: int, sent: bool | None) -> None:
    """Say what became of offer ID, which asapfill could not find out within a day.

    Look in Open Dental at the ASAP history of the patient: was there a text for this time?
    """
    from asapfill.offers.decisions import settle_offer

    if sent is None:
        raise click.UsageError("Say --sent or --not-sent.")
    settings, clock = open_settings(config, with_secrets=False)
    refused = settle_offer(settings, clock, number, sent=sent, office=known_office(settings, office))
    if as_json:
        print_json({"id": number, "settled": refused is None, "sent": sent if refused is None else None})
    if refused is not None:
        end(refused, FAILED)
    say(f"Offer {number} is settled: {'sent' if sent else 'not sent'}.", err=True)
