"""``sandbox``: a simulated Open Dental office on loopback, to try asapfill on."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from asapfill.commands.common import say


class _Seconds(click.FloatRange):
    """A number in a range; Click's own takes ``nan`` for one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401  as Click declares it
        number: float = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is no number of seconds.", param, ctx) if math.isnan(number) else number


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--office",
    "office_file",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="An office file (JSON).",
)
@click.option(
    "--seed", type=int, metavar="N", default=1, show_default=True, help="Of the generated office and its people."
)
@click.option(
    "--operatories",
    type=click.IntRange(1, 100),
    metavar="N",
    default=5,
    show_default=True,
    help="Size of the generated office.",
)
@click.option(
    "--clinics",
    type=click.IntRange(0, 20),
    metavar="N",
    default=0,
    show_default=True,
    help="Clinics of the generated office; 0: none.",
)
@click.option(
    "--speed",
    type=_Seconds(0, 100_000, min_open=True),
    metavar="N",
    default=1.0,
    show_default=True,
    help="Simulated seconds per real second.",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]),
    metavar="TIME",
    help="Office time at the start, 'yyyy-MM-dd HH:mm:ss' (default: now).",
)
@click.option(
    "--throttle",
    type=_Seconds(0, 3600),
    metavar="N",
    default=0.0,
    show_default=True,
    help="Seconds between requests, as HQ asks.",
)
@click.option(
    "--page-cap",
    type=click.IntRange(min=1),
    metavar="N",
    default=1000,
    show_default=True,
    help="Rows of a page (remote API: 100).",
)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write settings and policies for this sandbox here.",
)
def sandbox(office_file: Path | None, start: datetime | None, folder: Path | None, **sizes: Any) -> None:  # noqa: ANN401  numbers, each as its option says
    """Serve a simulated Open Dental office on loopback."""
    from asapfill.demo.demo import options_for, serve_sandbox

    options = options_for(office_file=office_file, start=None if start is None else str(start), **sizes)
    serve_sandbox(options, office_file, folder, say=lambda text: say(text, err=True))
