"""``status``: whether asapfill is alive, and what needs a person."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import DONE, FAILED, known_office, open_settings, print_json, say
from asapfill.commands.options import office_options


@click.command()
@office_options
@click.option("--requests", is_flag=True, help="Tell what the offices were asked for, too.")
def status(config: Path | None, office: str | None, as_json: bool, requests: bool) -> None:
    """Is it alive, what is open, what is waiting, what went wrong.

    Ends with 0 when every office was served lately and nothing needs a person, else with 1.
    """
    from asapfill.report.status import status_document
    from asapfill.report.status_text import status_text

    settings, clock = open_settings(config, with_secrets=False)
    document = status_document(settings, clock, known_office(settings, office))
    print_json(document) if as_json else say(status_text(document, requests=requests))
    sys.exit(DONE if document["ok"] else FAILED)
