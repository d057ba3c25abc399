"""``run``: the daemon."""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path

import click

from asapfill.commands.common import open_settings
from asapfill.commands.options import config_option


@click.command()
@config_option
def run(config: Path | None) -> None:
    """Run the daemon: serve every office until stopped."""
    from asapfill.daemon.daemon import Systemd, run_daemon
    from asapfill.settings.settings import load_settings

    logging.getLogger("asapfill").setLevel(logging.INFO)
    settings, clock = open_settings(config)
    try:
        run_daemon(settings, clock, lambda: load_settings(settings.path, os.environ), Systemd.of(os.environ))
    finally:
        # What is left in memory goes with the process; with many offices, looking through it once more takes seconds.
        gc.freeze()
