"""``notify``: trying the addresses that are told what needs a person."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import CONFIGURATION, DONE, FAILED, end, known_office, open_settings, print_json, say
from asapfill.commands.options import group_config_option, office_options
from asapfill.commands.progress import progress


@click.group()
@group_config_option
def notify() -> None:
    """Mail, chat and webhooks that are told when something needs a person."""


@notify.command()
@office_options
def test(config: Path | None, office: str | None, as_json: bool) -> None:
    """Send a message to every address of the settings, and say which took it.

    Run it as the user that runs asapfill: sudo -u asapfill asapfill notify test
    """
    from asapfill.alerts.letters import ERRORS, try_addresses

    settings, _ = open_settings(config, with_secrets=False)
    with progress("Sending the messages"):
        tried = try_addresses(settings, known_office(settings, office))
    if not tried:
        end(
            f"{settings.path} names no address to tell. For example:\n"
            '      [notify]\n      urls = ["credential:mail"]     # or notify = [...] in the table of an office',
            CONFIGURATION,
        )
    if as_json:
        print_json({"addresses": [{"address": name, "error": error or None} for name, error in tried]})
    for name, error in tried if not as_json else ():
        say(f"{name}: {ERRORS.get(error, f'it did not get through ({error}).') if error else 'told.'}")
    sys.exit(FAILED if any(error for _, error in tried) else DONE)
