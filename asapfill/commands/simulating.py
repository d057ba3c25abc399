"""``sandbox`` and ``demo``: a simulated office to try asapfill on."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from asapfill.commands.common import (
    DONE,
    FAILED,
    explained,
    json_option,
    print_json,
)


@click.command()
@click.option("--port", type=int, default=8080, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--office", "office_file", type=click.Path(path_type=Path, exists=True), help="An office file (JSON).")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the generated office and its people.")
@click.option("--operatories", type=int, default=5, show_default=True, help="Size of the generated office.")
@click.option("--clinics", type=int, default=0, show_default=True, help="Clinics of the generated office; 0: none.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Simulated seconds per real second.")
@click.option("--start", help="Office time at the start, 'yyyy-MM-dd HH:mm:ss' (default: now).")
@click.option("--throttle", type=float, default=0.0, show_default=True, help="Seconds between requests, as HQ asks.")
@click.option("--page-cap", type=int, default=1000, show_default=True, help="Rows of a page (remote API: 100).")
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write settings and policies for this sandbox here.",
)
@explained
def sandbox(
    port: int,
    office_file: Path | None,
    seed: int,
    operatories: int,
    clinics: int,
    speed: float,
    start: str | None,
    throttle: float,
    page_cap: int,
    folder: Path | None,
) -> None:
    """Serve a simulated Open Dental office on loopback."""
    from asapfill.demo.sandboxes import options_for, serve_sandbox

    options = options_for(
        port=port,
        office_file=office_file,
        seed=seed,
        operatories=operatories,
        clinics=clinics,
        speed=speed,
        start=start,
        throttle=throttle,
        page_cap=page_cap,
    )
    serve_sandbox(options, office_file, folder, say=lambda text: click.echo(text, err=True))


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same day.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
              help="Folder for the schedule page.")  # fmt: skip
@json_option
@explained
def demo(seed: int, out: Path, as_json: bool) -> None:
    """Run a simulated office's working day through asapfill, fast."""
    from asapfill.demo.demo import run_demo
    from asapfill.demo.demo_summary import summary_text

    summary = run_demo(seed, out, say=lambda text: click.echo(text, err=True))
    print_json(summary.document()) if as_json else click.echo(summary_text(summary))
    sys.exit(DONE if summary.sent_twice == 0 and not summary.errors else FAILED)
