"""``run``: the daemon."""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path

import click

from asapfill.commands.common import config_option, open_settings


@click.command()
@config_option
def run(config: Path | None) -> None:
    """Run the daemon: serve every office until stopped."""
    from asapfill.daemon.daemon import Systemd, run_daemon
    from asapfill.settings.settings import load_settings

    logging.getLogger("asapfill").setLevel(logging.INFO)
    settings, clock = open_settings(config)
    run_daemon(settings, clock, lambda: load_settings(settings.path, os.environ), Systemd.of(os.environ))
    # What is left in memory goes with the process; with many offices, looking through it once more takes seconds.
    gc.freeze()
