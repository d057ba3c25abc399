"""``status``: whether asapfill is alive, and what needs a person."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import DONE, FAILED, config_option, json_option, open_settings, print_json


@click.command()
@config_option
@json_option
def status(config: Path | None, as_json: bool) -> None:
    """Is it alive, what is open, what is waiting, what went wrong."""
    from asapfill.report.status import status_document, status_text

    settings, clock = open_settings(config, with_secrets=False)
    document = status_document(settings, clock)
    print_json(document) if as_json else click.echo(status_text(document))
    sys.exit(DONE if document["ok"] else FAILED)
