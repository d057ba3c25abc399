"""The options that commands share, each written and explained in the same way everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from asapfill.cycle.plan import PlanTime
    from asapfill.report.past_days import Day

Command = TypeVar("Command", bound=Callable[..., Any])

_CONFIG: Final = "asapfill.config"
"""Where a ``--config`` before the verb is kept for the verb."""
_LARGEST: Final = 2**63 - 1
"""Open Dental's numbers, and those of offers, are 64-bit keys."""


class Number(click.IntRange):
    """A number of a row: an AptNum, a PatNum, an offer's number."""

    name = "number"

    def __init__(self) -> None:
        super().__init__(1, _LARGEST)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401  as Click declares it
        """The number; said in words where it can be none."""
        text = str(value).strip().removeprefix("#")
        # Beyond some thousand digits Python itself refuses to read them.
        if not (text.isascii() and text.isdigit()):
            self.fail(f"{value!r} is not a number.", param, ctx)
        text = text.lstrip("0") or "0"
        if len(text) > len(str(_LARGEST)) or not 1 <= int(text) <= _LARGEST:
            shown = text if len(text) <= len(str(_LARGEST)) + 1 else f"{text[:8]}… ({len(text)} digits)"
            self.fail(f"{shown} cannot be the number of anything in Open Dental.", param, ctx)
        return int(text)


class PastDay(click.ParamType["Day"]):
    """A day that has been, as people write it."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Day:  # noqa: ANN401  as Click declares it
        """The day as a function of today."""
        from asapfill.report.past_days import NoDay, read_day

        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        try:
            return read_day(value)
        except NoDay as error:
            self.fail(str(error), param, ctx)


NUMBER = Number()


def _before_the_verb(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[_CONFIG] = value


def _of_the_verb(ctx: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    return value if value is not None else ctx.meta.get(_CONFIG)


_FILE: Final[dict[str, Any]] = {
    "metavar": "FILE",
    "type": click.Path(path_type=Path, dir_okay=False),
    "help": "The settings file (asapfill.toml).",
}
group_config_option = click.option("--config", callback=_before_the_verb, expose_value=False, **_FILE)
"""``--config`` before the verb."""
config_option = click.option("--config", callback=_of_the_verb, **_FILE)
office_option = click.option("--office", metavar="NAME", help="Only this office of the settings.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


def since_option(text: str) -> Callable[[Command], Command]:
    """``--since DATE``."""
    return click.option("--since", type=PastDay(), metavar="DATE", help=text)


def office_options(command: Command) -> Command:
    """``--config``, ``--office`` and ``--json``, which most commands take."""
    return config_option(office_option(json_option(command)))


def refuse_config_for_nothing(ctx: click.Context) -> None:
    """``--config`` before a verb that reads no settings is wrong usage."""
    verb = ctx.invoked_subcommand
    group = ctx.command
    if _CONFIG not in ctx.meta or verb is None or not isinstance(group, click.Group):
        return
    command = group.get_command(ctx, verb)
    if command is None or isinstance(command, click.Group) or any(item.name == "config" for item in command.params):
        return
    raise click.UsageError(f"{verb} reads no settings, so it takes no --config.")


def _plan_time(_: click.Context, __: click.Parameter, value: str | None) -> PlanTime | None:
    from asapfill.cycle.plan import plan_time
    from asapfill.policy.formats import Unreadable

    try:
        return plan_time(value) if value is not None else None
    except Unreadable as error:
        raise click.BadParameter(f"The time {error} {error.hint}") from None


at_option = click.option(
    "--at",
    metavar="TIME",
    callback=_plan_time,
    help="As if it were the next TIME of the office's day: 10:00, 10am, or 'Mon 10:00'.",
)
