"""The program's entry. Each command is imported when it is asked for, so that ``asapfill --help`` answers at once."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from asapfill import __version__
from asapfill.commands.options import group_config_option, refuse_config_for_nothing
from asapfill.logs import Form, configure_logs

COMMANDS = {
    "demo": "Run a simulated office's working day through asapfill, fast.",
    "check": "Check settings, policies and (unless offline) every office.",
    "openings": "List the openings, and what was left alone and why.",
    "plan": "Show the offers that one cycle would make now. Sends nothing.",
    "explain": "Apply every rule to one candidate or opening, pass or fail.",
    "once": "Run one full cycle, honouring the policy's mode.",
    "run": "Run the daemon: serve every office until stopped.",
    "status": "Is it alive, what is open, what is waiting, what went wrong.",
    "history": "Tell offers and outcomes, step by step.",
    "pause": "Stop sending at once, also in a running daemon.",
    "resume": "Let sending go on.",
    "approve": "Say yes to offers that wait (mode ask).",
    "decline": "Say no to offers that wait (mode ask).",
    "doctor": "Everything that could be wrong with this installation, and remedies.",
    "notify": "Try the addresses that are told when something needs a person.",
    "report": "Write the weekly report: an HTML page with pictures.",
    "support": "Write a bundle for asking for help, without secrets or people.",
    "policy": "Write a policy, see what an edit changes, help an editor.",
    "state": "Back up, restore, verify the state; settle an offer.",
    "sandbox": "Serve a simulated Open Dental office on loopback.",
}
"""Every command with its line in the help; its module in ``commands`` has its name."""

SHARED = {"resume": "pause", "decline": "approve"}
"""Commands that stand in the module of their twin."""


class Commands(click.Group):
    """The group of all commands, which imports none of them before it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The commands in the order of a reader's needs."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The command itself, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"asapfill.commands.{SHARED.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what can be expected to go wrong ends in a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise  # wrong usage and --help are click's
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  what is not expected is raised again
            from asapfill.commands.common import end_with_error

            end_with_error(error)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The list of commands for the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="asapfill")
@group_config_option
@click.option("--verbose", "-v", is_flag=True, help="Log what happens to standard error.")
@click.option(
    "--log",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How log lines look: for people (and systemd's journal), or a JSON object each.",
)
@click.pass_context
def cli(ctx: click.Context, verbose: bool, form: Form) -> None:
    """Fill openings on an Open Dental schedule from the office's ASAP list."""
    refuse_config_for_nothing(ctx)
    configure_logs(form, verbose=verbose, environ=os.environ)


def main() -> NoReturn:
    """Run the command that the arguments name, and end with its exit code."""
    sys.exit(cli())
