"""The program's entry. Each command lives in ``commands`` and is imported when it is asked for.

So ``asapfill --help`` answers at once, whatever the commands need.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from asapfill import __version__
from asapfill.logs import Form, configure_logs

COMMANDS = {
    "demo": ("simulating", "Run a simulated office's working day through asapfill, fast."),
    "check": ("asking", "Check settings, policies and (unless offline) every office."),
    "openings": ("cycles", "List the openings, and what was left alone and why."),
    "plan": ("cycles", "Show the offers that one cycle would make now. Sends nothing."),
    "explain": ("asking", "Apply every rule to one candidate or opening, pass or fail."),
    "once": ("cycles", "Run one full cycle, honouring the policy's mode."),
    "run": ("cycles", "Run the daemon: serve every office until stopped."),
    "status": ("asking", "Is it alive, what is open, what is waiting, what went wrong."),
    "history": ("asking", "Tell offers and outcomes, step by step."),
    "pause": ("people", "Stop sending at once, also in a running daemon."),
    "resume": ("people", "Let sending go on."),
    "approve": ("people", "Say yes to offers that wait (mode ask)."),
    "decline": ("people", "Say no to offers that wait (mode ask)."),
    "doctor": ("doctor", "Everything that could be wrong with this installation, and remedies."),
    "notify": ("notify", "Try the addresses that are told when something needs a person."),
    "report": ("report", "Write the weekly report: an HTML page with pictures."),
    "support": ("support", "Write a bundle for asking for help, without secrets or people."),
    "policy": ("policy", "Write a policy, see what an edit changes, help an editor."),
    "state": ("state", "Back up, restore, verify the state; settle an offer."),
    "sandbox": ("simulating", "Serve a simulated Open Dental office on loopback."),
}
"""Every command: its module in ``commands``, and its line in the help."""


class Commands(click.Group):
    """The group of all commands, which imports none of them before it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The commands in the order of a reader's needs."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The command itself, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"asapfill.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The list of commands for the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="asapfill")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens to standard error.")
@click.option(
    "--log",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How log lines look: for people (and systemd's journal), or a JSON object each.",
)
def cli(verbose: bool, form: Form) -> None:
    """Fill openings on an Open Dental schedule from the office's ASAP list."""
    configure_logs(form, verbose=verbose, environ=os.environ)


def main() -> NoReturn:
    """Run a command; every expected failure ends in a sentence and the exit code of the contract."""
    sys.exit(cli())
