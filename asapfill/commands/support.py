"""``support``: a bundle for asking for help."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from asapfill.commands.common import FAILED, end, print_json, say
from asapfill.commands.options import config_option


@click.command()
@config_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default=Path("asapfill-support.json"),
    show_default=True,
    help="The file, or - for standard output.",
)
def support(config: Path | None, out: Path) -> None:
    """Write a bundle for asking for help: versions, verdicts and counts, without secrets or people.

    Look into it before you pass it on: it is one page of JSON. It asks no office.
    """
    from asapfill.checks.support import bundle

    document = bundle(config, os.environ, Path.cwd())
    if str(out) == "-":
        print_json(document)
        return
    try:
        with open(out, "x", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(json.dumps(document, indent=2) + "\n")
    except FileExistsError:
        end(f"{out} is there already. Move it away, or name another file with --out.", FAILED)
    say(f"Wrote {out}. It has no names, numbers of patients, addresses or keys; look into it all the same.", err=True)
