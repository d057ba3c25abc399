"""``policy new``, ``policy schema`` and ``policy diff``: writing a policy, and seeing what an edit does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asapfill.commands.common import (
    CONFIGURATION,
    DONE,
    FAILED,
    config_option,
    explained,
    json_option,
    known_office,
    open_settings,
    print_json,
)

if TYPE_CHECKING:
    from asapfill.clock import Clock
    from asapfill.policy.keys import Written
    from asapfill.service.new_policy import Known, Question
    from asapfill.settings import Settings


@click.group()
def policy() -> None:
    """Write a policy, see what an edit changes, help an editor."""


@policy.command()
@config_option
@click.option("--office", help="The office, as the settings name it.")
@click.option("--clinic", help="The clinic, if the office uses clinics.")
@click.option("--timezone", help="Region and city, such as America/Chicago.")
@click.option("--days", help="The days to fill, such as Mon-Thu.")
@click.option("--hours", help="The hours to fill, such as 8am-5pm.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="An operatory never to fill; may be repeated.")
@click.option("--fill-over", multiple=True, metavar="NAME", help="A blockout type to offer over; may be repeated.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file (default: in the policies folder)."
)
@click.option("--offline", is_flag=True, help="Do not ask the office for its names.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is given and defaults.")
@explained
def new(
    config: Path | None,
    office: str | None,
    clinic: str | None,
    timezone: str | None,
    days: str | None,
    hours: str | None,
    leave_out: tuple[str, ...],
    fill_over: tuple[str, ...],
    out: Path | None,
    offline: bool,
    yes: bool,
) -> None:
    """Write a commented policy with your office's names in it. It sends nothing: the mode is preview.

    Asks what is not given, at a terminal only.
    """
    from asapfill.service.new_policy import draft_policy, place_for, questions, refusals, write_policy

    settings, clock = open_settings(config, with_secrets=False)
    asking = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    name = known_office(settings, office) or _office(settings, asking=asking)
    known = None if offline else _known(settings, name, clock)
    given: dict[str, Written | None] = {
        "office": name,
        "clinic": clinic,
        "timezone": timezone,
        "openings.days": days,
        "openings.hours": hours,
        "openings.except_operatories": list(leave_out) or None,
        "openings.blockouts_allowed": list(fill_over) or None,
    }
    answers: dict[str, Written] = {path: value for path, value in given.items() if value is not None}
    for question in questions(settings, name, known, answers):
        if question.path not in answers:
            default = question.default if question.sure else ""
            answer = _answer(question, answers, known) if asking else default
            if not answer and question.flag:
                raise click.UsageError(f"Give {question.flag}. {question.text}")
            answers |= {question.path: answer} if answer else {}
    wrong = refusals(answers, known)
    if wrong:
        raise click.UsageError("\n".join(wrong))
    path = out or place_for(settings, answers)
    write_policy(settings, path, draft_policy(answers, known), known)
    click.echo(f"Wrote {path}. It sends nothing yet: its mode is preview.", err=True)
    click.echo("Next: `asapfill check`, then `asapfill plan` shows what it means for today.", err=True)


def _office(settings: Settings, *, asking: bool) -> str:
    """The office that the policy is for."""
    offices = list(settings.offices)
    if len(offices) == 1:
        return offices[0]
    if not asking:
        raise click.UsageError(f"Give --office. The settings have: {', '.join(offices)}.")
    chosen: str = click.prompt("For which office?", type=click.Choice(offices), err=True)
    return chosen


def _known(settings: Settings, office: str, clock: Clock) -> Known | None:
    """What the office tells; None, with the reason on standard error, when it cannot be asked."""
    from asapfill.opendental.errors import OpenDentalError
    from asapfill.problems import ConfigurationError
    from asapfill.service.new_policy import ask_office

    try:
        return ask_office(settings, office, clock)
    except (OpenDentalError, ConfigurationError) as error:
        click.echo(f"{error}\nThe office cannot be asked for its names, so the file has examples.\n", err=True)
        return None


def _answer(question: Question, answers: Mapping[str, Written], known: Known | None) -> Written:
    """Ask until the answer can be used."""
    from asapfill.service.new_policy import refusals

    before = refusals(answers, known)
    while True:
        text: str = click.prompt(question.text, default=question.default, show_default=bool(question.default), err=True)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        answer: Written = parts if question.several else text.strip()
        if not answer and question.flag:
            continue
        wrong = [line for line in refusals({**answers, question.path: answer}, known) if line not in before]
        if not answer or not wrong:
            return answer
        click.echo("\n".join(wrong), err=True)


@policy.command()
def schema() -> None:
    """Print the JSON Schema with which editors explain and check a policy while you type."""
    from asapfill.policy.schema import schema_text

    click.echo(schema_text(), nl=False)


@policy.command()
@config_option
@json_option
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--against", type=click.Path(path_type=Path, dir_okay=False), help="Compare with this file.")
@click.option("--offline", is_flag=True, help="Tell what changes only; plan nothing, ask no office.")
@explained
def diff(config: Path | None, as_json: bool, file: Path | None, against: Path | None, offline: bool) -> None:
    """Tell in sentences what an edit changes, and what one cycle now would do differently.

    Compares FILE, or every policy, with --against, or with the version in force.
    """
    from asapfill.service.policy_diff import PlanChange, compare_plans, diff_document, diff_text, find_edits

    if against is not None and file is None:
        raise click.UsageError("Name the FILE that is to be compared with --against.")
    settings, clock = open_settings(config, with_secrets=not offline)
    edits = find_edits(settings, clock, file, against)
    plans: list[PlanChange | None] = [None] * len(edits) if offline else [*compare_plans(settings, clock, edits)]
    print_json(diff_document(edits, plans)) if as_json else click.echo(diff_text(edits, plans))
    failed = [plan for plan in plans if plan is not None and plan.errors]
    for plan in failed:
        click.echo("\n".join(plan.errors), err=True)
    sys.exit(CONFIGURATION if any(plan.configuration for plan in failed) else FAILED if failed else DONE)
