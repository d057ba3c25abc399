"""``check``, ``explain``, ``status`` and ``history``: questions about offices and about what was done."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from asapfill.commands.common import (
    DONE,
    FAILED,
    chosen_offices,
    config_option,
    explained,
    json_option,
    office_option,
    open_settings,
    print_json,
)


@click.command()
@config_option
@office_option
@json_option
@click.option("--offline", is_flag=True, help="Check the files only; ask no office.")
@explained
def check(config: Path | None, office: str | None, as_json: bool, offline: bool) -> None:
    """Check settings, policies and (unless offline) every office."""
    from asapfill.checks.check import check_all
    from asapfill.words import fitted, wrapped

    settings, clock = open_settings(config, with_secrets=not offline)
    checked = check_all(settings, chosen_offices(settings, office), clock, offline=offline)
    for problem in checked.problems:
        click.echo(f"{fitted(problem)}\n", err=True)
    if as_json:
        print_json(checked.document())
    else:
        for name, findings in checked.findings.items():
            click.echo(name)
            for finding in findings:
                lines = wrapped(f"  {finding.verdict:<6} {finding.subject}: {finding.message}", 9)
                in_file = [fitted(f"  {finding.verdict}  {finding.message}")]
                click.echo("\n".join(lines if "\n" not in finding.message else in_file))
        click.echo(checked.verdict)
    sys.exit(checked.exit_code)


@click.command()
@config_option
@office_option
@json_option
@click.option("--appointment", type=int, metavar="N", help="An AptNum.")
@click.option("--recall", type=int, metavar="N", help="A RecallNum.")
@click.option("--opening", metavar="ID", help="An opening's id, as `openings` shows it.")
@explained
def explain(
    config: Path | None,
    office: str | None,
    as_json: bool,
    appointment: int | None,
    recall: int | None,
    opening: str | None,
) -> None:
    """Apply every rule to one candidate or opening, pass or fail."""
    from asapfill.report.explain import explain_one, explanation_text

    given = [value for value in (appointment, recall, opening) if value is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --appointment, --recall and --opening.")
    settings, clock = open_settings(config)
    document = explain_one(
        settings, chosen_offices(settings, office), clock, appointment=appointment, recall=recall, opening=opening
    )
    print_json(document) if as_json else click.echo(explanation_text(document))


@click.command()
@config_option
@json_option
@explained
def status(config: Path | None, as_json: bool) -> None:
    """Is it alive, what is open, what is waiting, what went wrong."""
    from asapfill.report.status import status_document, status_text

    settings, clock = open_settings(config, with_secrets=False)
    document = status_document(settings, clock)
    print_json(document) if as_json else click.echo(status_text(document))
    sys.exit(DONE if document["ok"] else FAILED)


@click.command()
@config_option
@office_option
@json_option
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Offers made on this day or later (default: 7 days).")
@click.option("--patient", type=int, metavar="N", help="Everything of this PatNum.")
@click.option("--opening", metavar="ID", help="Everything of this opening, as `openings` shows it.")
@explained
def history(
    config: Path | None,
    office: str | None,
    as_json: bool,
    since: datetime | None,
    patient: int | None,
    opening: str | None,
) -> None:
    """Tell offers and outcomes, step by step."""
    from asapfill.report.documents import history_document
    from asapfill.report.history import office_labels, read_history
    from asapfill.report.text import history_text

    if patient is not None and opening is not None:
        raise click.UsageError("Give --patient or --opening, not both.")
    settings, clock = open_settings(config, with_secrets=False)
    first: date = since.date() if since is not None else (clock.now() - timedelta(days=7)).date()
    stories = read_history(settings, chosen_offices(settings, office), clock, first, patient, opening)
    labels = office_labels(settings, clock)
    print_json(history_document(stories, labels)) if as_json else click.echo(history_text(stories, labels))
