"""``doctor``: one page about everything that could be wrong with this installation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from asapfill.commands.common import print_json, say
from asapfill.commands.options import office_options
from asapfill.commands.progress import progress


@click.command()
@office_options
@click.option("--offline", is_flag=True, help="Ask no office.")
def doctor(config: Path | None, office: str | None, as_json: bool, offline: bool) -> None:
    """Everything that could be wrong with this installation, each line ok, look or wrong, with the remedy.

    Run it as the user that runs asapfill: sudo -u asapfill asapfill doctor
    """
    from asapfill.checks.doctor import diagnosis_text, examine

    with progress("Examining"):
        diagnosis = examine(config, os.environ, Path.cwd(), office, offline=offline)
    print_json(diagnosis.document()) if as_json else say(diagnosis_text(diagnosis))
    sys.exit(diagnosis.exit_code)
