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
    INTERRUPTED,
    at_option,
    config_option,
    end,
    json_option,
    known_office,
    open_settings,
    print_json,
)
from asapfill.words import wrapped

if TYPE_CHECKING:
    from asapfill.clock import Clock
    from asapfill.cycle.plan import PlanTime
    from asapfill.policy.formats import Written
    from asapfill.policy_tools.new import OfficeAnswers, Question
    from asapfill.settings.settings import Settings


Given = str | tuple[str, ...] | None
"""An option of ``policy new``: once, several times, or not at all."""


@click.group()
def policy() -> None:
    """Write a policy, see what an edit changes, help an editor."""


@policy.command()
@config_option
@click.option("--office", help="The office, as the settings name it.")
@click.option("--clinic", help="The clinic, if the office uses clinics.")
@click.option("--timezone", help="Region and city, such as America/Chicago.")
@click.option("--days", help="The days to fill, such as Mon-Thu.")
@click.option("--hours", help="The hours to fill, such as 8am-5pm or '8 to 5'.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="An operatory never to fill; may be repeated.")
@click.option(
    "--fill-over", multiple=True, metavar="NAME", help="A blockout type that any visit may take; may be repeated."
)
@click.option("--notice", help="How long before it begins an opening is left alone, such as '2 hours'.")
@click.option("--between", help="The hours in which texts may go out, such as 9am-7pm.")
@click.option("--spoken-to", help="How long people are left alone to whom the office spoke, such as '3 days'.")
@click.option("--mode", help="preview (only show what would be sent) or ask (wait for somebody's yes).")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file (default: in the policies folder)."
)
@click.option("--offline", is_flag=True, help="Do not ask the office for its names.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is given and defaults.")
def new(config: Path | None, office: str | None, out: Path | None, offline: bool, yes: bool, **given: Given) -> None:
    """Write a commented policy with your office's names in it. It sends nothing before you have looked.

    Asks what is not given, at a terminal only; Enter takes the answer in brackets.
    """
    from asapfill.policy_tools.new import NotWritten, draft_policy, place_for, refusals, write_policy

    settings, clock = open_settings(config, with_secrets=False)
    asking = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    try:
        name = known_office(settings, office) or _office(settings, asking=asking)
        known = None if offline else _known(settings, name, clock)
        answers = _answers(settings, {"office": name, **_given(given)}, known, out, asking=asking)
        wrong = refusals(answers, known)
        if wrong:
            raise click.UsageError("\n".join(wrong))
        path = out or place_for(settings, answers)
        write_policy(path, draft_policy(answers, known))
    except NotWritten as error:
        raise click.UsageError(str(error)) from None
    except click.Abort:
        end("\nStopped. No policy was written.", INTERRUPTED)
    click.echo(f"Wrote {path}.", err=True)
    click.echo("\n".join(wrapped(WRITTEN[str(answers.get("mode", "preview")).strip().casefold()], 0)), err=True)
    click.echo("Next: `asapfill check`, then `asapfill plan` shows what it means for today.", err=True)


WRITTEN = {
    "preview": "It sends nothing yet: its mode is preview.",
    "ask": "Its mode is ask: a running asapfill prepares texts, and nothing is sent without somebody's yes.",
}


def _given(options: Mapping[str, Given]) -> dict[str, Written]:
    """The options that were given, by the path of their key."""
    paths = {
        "clinic": "clinic",
        "timezone": "timezone",
        "days": "openings.days",
        "hours": "openings.hours",
        "leave_out": "openings.except_operatories",
        "fill_over": "openings.blockouts_allowed",
        "notice": "openings.notice",
        "between": "texts.between",
        "spoken_to": "candidates.spoken_to",
        "mode": "mode",
    }
    return {
        path: list(value) if isinstance(value, tuple) else value
        for name, path in paths.items()
        if (value := options[name])
    }


def _answers(
    settings: Settings, given: dict[str, Written], known: OfficeAnswers | None, out: Path | None, *, asking: bool
) -> dict[str, Written]:
    """What was given, and for the rest what a person answers, or the default.

    Raises:
        NotWritten: there is such a policy already; told before anything else is asked.
    """
    from asapfill.policy_tools.new import place_for, questions, require_free

    answers = dict(given)
    place_is_free = False
    if asking:
        click.echo("Enter takes the answer in brackets. Ctrl-C stops, and nothing is written.\n", err=True)
    for question in questions(settings, str(given["office"]), known, answers):
        if question.path != "clinic" and not place_is_free:
            require_free(settings, out or place_for(settings, answers), answers, known)
            place_is_free = True
        if question.path in answers:
            continue
        answer = _answer(question, answers, known) if asking else question.default if question.sure else ""
        if not answer and question.flag:
            raise click.UsageError(f"Give {question.flag}. {question.text}")
        answers |= {question.path: answer} if answer else {}
    return answers


def _office(settings: Settings, *, asking: bool) -> str:
    """The office that the policy is for."""
    offices = list(settings.offices)
    if len(offices) == 1:
        return offices[0]
    if not asking:
        raise click.UsageError(f"Give --office. The settings have: {', '.join(offices)}.")
    chosen: str = click.prompt("For which office?", type=click.Choice(offices), err=True)
    return chosen


def _known(settings: Settings, office: str, clock: Clock) -> OfficeAnswers | None:
    """What the office tells; None, with the reason on standard error, when it cannot be asked."""
    from asapfill.core.errors import ConfigurationError
    from asapfill.opendental.errors import OpenDentalError
    from asapfill.policy_tools.new import ask_office

    try:
        return ask_office(settings, office, clock)
    except (OpenDentalError, ConfigurationError) as error:
        click.echo(f"{error}\nThe office cannot be asked for its names, so the file has examples.\n", err=True)
        return None


def _answer(question: Question, answers: Mapping[str, Written], known: OfficeAnswers | None) -> Written:
    """Ask until the answer can be used."""
    from asapfill.policy_tools.new import refusals

    before = refusals(answers, known)
    if question.explained:
        lines = [line for part in question.explained.split("\n") for line in wrapped(part, 0)]
        click.echo("\n".join(["", *lines]), err=True)
    while True:
        text: str = click.prompt(question.text, default=question.default, show_default=bool(question.default), err=True)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        answer: Written = parts if question.several else text.strip()
        if not answer and question.flag:
            click.echo("This needs an answer; Ctrl-C stops.", err=True)
            continue
        wrong = [line for line in refusals({**answers, question.path: answer}, known) if line not in before]
        if not answer or not wrong:
            return answer
        click.echo("\n".join(part for line in wrong for part in wrapped(line, 0)), err=True)


@policy.command()
def schema() -> None:
    """Print the JSON Schema with which editors explain and check a policy while you type."""
    from asapfill.policy_tools.reference import schema_text

    click.echo(schema_text(), nl=False)


@policy.command()
@config_option
@json_option
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--against",
    metavar="OTHER",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare FILE with this policy file (default: with the version in force).",
)
@click.option("--offline", is_flag=True, help="Tell what changes only; plan nothing, ask no office.")
@at_option
def diff(
    config: Path | None, as_json: bool, file: Path | None, against: Path | None, offline: bool, at: PlanTime | None
) -> None:
    """Tell in sentences what an edit changes, and what one cycle would do differently.

    FILE is an edited policy: the one in the policies folder, or a draft anywhere. Left out: every policy of the
    folder. It is compared with the version by which asapfill works now; if there is none yet, with the defaults.
    """
    from asapfill.policy_tools.diff import PlanChange, compare_plans, diff_document, diff_text, find_edits

    if offline and at is not None:
        raise click.UsageError("--at is about the plan, and --offline makes none.")
    if against is not None and file is None:
        raise click.UsageError("Name the FILE that is to be compared with --against.")
    settings, clock = open_settings(config, with_secrets=not offline)
    edits = find_edits(settings, clock, file, against)
    plans: list[PlanChange | None] = [None] * len(edits) if offline else [*compare_plans(settings, clock, edits, at)]
    print_json(diff_document(edits, plans)) if as_json else click.echo(diff_text(edits, plans))
    failed = [plan for plan in plans if plan is not None and plan.errors]
    for plan in failed:
        click.echo("\n".join(plan.errors), err=True)
    sys.exit(CONFIGURATION if any(plan.configuration for plan in failed) else FAILED if failed else DONE)
