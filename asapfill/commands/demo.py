"""``demo``: a simulated office's working day with asapfill, fast."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import DONE, FAILED, print_json, say
from asapfill.commands.options import json_option


@click.command()
@click.option("--seed", type=int, metavar="N", default=1, show_default=True, help="The same seed gives the same day.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
              metavar="FOLDER", help="Folder for the schedule page.")  # fmt: skip
@json_option
def demo(seed: int, out: Path, as_json: bool) -> None:
    """Run a simulated office's working day through asapfill, fast."""
    from asapfill.demo.demo import run_demo, summary_text

    summary = run_demo(seed, out, say=lambda text: say(text, err=True))
    print_json(summary.document()) if as_json else say(summary_text(summary))
    sys.exit(DONE if summary.sent_twice == 0 and not summary.errors else FAILED)
