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
    chosen_offices,
    end,
    known_office,
    open_settings,
    print_json,
    say,
)
from asapfill.commands.options import (
    at_option,
    config_option,
    group_config_option,
    office_options,
    refuse_config_for_nothing,
)
from asapfill.commands.progress import progress
from asapfill.words import wrapped

if TYPE_CHECKING:
    from asapfill.cycle.plan import PlanTime
    from asapfill.policy.formats import Written

Given = str | tuple[str, ...] | None
"""An option of ``policy new``: once, several times, or not at all."""
PATHS = {
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
"""The key of the policy that each of these options is for."""
WRITTEN = {
    "preview": "It sends nothing yet: its mode is preview.",
    "ask": "Its mode is ask: a running asapfill prepares texts, and nothing is sent without somebody's yes.",
}


@click.group()
@group_config_option
@click.pass_context
def policy(ctx: click.Context) -> None:
    """Write a policy, see what an edit changes, help an editor."""
    refuse_config_for_nothing(ctx)


@policy.command()
@config_option
@click.option("--office", metavar="NAME", help="The office, as the settings name it.")
@click.option("--clinic", metavar="NAME", help="The clinic, if the office uses clinics.")
@click.option("--timezone", metavar="ZONE", help="Region and city, such as America/Chicago.")
@click.option("--days", metavar="DAYS", help="The days to fill, such as Mon-Thu.")
@click.option("--hours", metavar="HOURS", help="The hours to fill, such as 8am-5pm or '8 to 5'.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="An operatory never to fill; may be repeated.")
@click.option(
    "--fill-over", multiple=True, metavar="NAME", help="A blockout type that any visit may take; may be repeated."
)
@click.option(
    "--notice", metavar="LENGTH", help="How long before it begins an opening is left alone, such as '2 hours'."
)
@click.option("--between", metavar="HOURS", help="The hours in which texts may go out, such as 9am-7pm.")
@click.option(
    "--spoken-to", metavar="LENGTH", help="How long people are left alone to whom the office spoke, such as '3 days'."
)
@click.option("--mode", metavar="MODE", help="preview (only show what would be sent) or ask (wait for somebody's yes).")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file (default: in the policies folder).",
)
@click.option("--offline", is_flag=True, help="Do not ask the office for its names.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is given and defaults.")
def new(config: Path | None, office: str | None, out: Path | None, offline: bool, yes: bool, **given: Given) -> None:
    """Write a commented policy with your office's names in it. It sends nothing before you have looked.

    Asks what is not given, at a terminal only; Enter takes the answer in brackets.
    """
    from asapfill.policy_tools.new import (
        NotWritten,
        answers_for,
        ask_office,
        draft_policy,
        place_for,
        refusals,
        which_office,
        write_policy,
    )

    settings, clock = open_settings(config, with_secrets=False)
    asking = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    try:
        name = known_office(settings, office) or which_office(settings, asking=asking)
        with progress("Asking the office for its names"):
            known = None if offline else ask_office(settings, name, clock)
        answers = answers_for(settings, {"office": name, **_given(given)}, known, out, asking=asking)
        wrong = refusals(answers, known)
        if wrong:
            raise click.UsageError("\n".join(wrong))
        path = out or place_for(settings, answers)
        write_policy(path, draft_policy(answers, known))
    except NotWritten as error:
        raise click.UsageError(str(error)) from None
    except click.Abort:
        end("\nStopped. No policy was written.", INTERRUPTED)
    say(f"Wrote {path}.", err=True)
    say("\n".join(wrapped(WRITTEN[str(answers.get("mode", "preview")).strip().casefold()], 0)), err=True)
    say("Next: `asapfill check`, then `asapfill plan` shows what it means for today.", err=True)


def _given(options: Mapping[str, Given]) -> dict[str, Written]:
    """The options that were given, by the path of their key."""
    return {
        path: list(value) if isinstance(value, tuple) else value
        for name, path in PATHS.items()
        if (value := options[name])
    }


@policy.command()
def schema() -> None:
    """Print the JSON Schema with which editors explain and check a policy while you type."""
    from asapfill.policy_tools.reference import schema_text

    say(schema_text().rstrip("\n"))


@policy.command()
@office_options
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
    config: Path | None,
    office: str | None,
    as_json: bool,
    file: Path | None,
    against: Path | None,
    offline: bool,
    at: PlanTime | None,
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
    wanted = chosen_offices(settings, office)
    edits = [
        edit for edit in find_edits(settings, clock, file, against) if office is None or edit.after.office in wanted
    ]
    if not edits:
        end(f"{file or settings.policies} holds no policy for {office}.", CONFIGURATION)
    plans: list[PlanChange | None] = [None] * len(edits)
    if not offline:
        with progress("Planning twice"):
            plans = [*compare_plans(settings, clock, edits, at)]
    print_json(diff_document(edits, plans)) if as_json else say(diff_text(edits, plans))
    failed = [plan for plan in plans if plan is not None and plan.errors]
    for plan in failed:
        say("\n".join(plan.errors), err=True)
    sys.exit(CONFIGURATION if any(plan.configuration for plan in failed) else FAILED if failed else DONE)
