"""Options are written, placed and explained in the same way everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from asapfill.cli import COMMANDS, cli
from tests.daemon.bench import ENVIRONMENT, Bench

METAVARS = {
    *("FILE", "FOLDER", "NAME", "OFFICE", "OTHER", "N", "ID", "DATE", "TIME", "DAYS", "HOURS", "LENGTH", "MODE"),
    *("ZONE", "[FILE]", "[OFFICE]", "[ID]...", "[text|json]"),
}
WITHOUT_AN_OFFICE = {
    "demo": "plays its own office",
    "sandbox": "is an office itself",
    "policy schema": "the same for all",
    "run": "serves all offices of the settings",
    "support": "tells of the whole installation",
    "state backup": "copies the whole state",
    "state restore": "puts back the whole state",
    "state verify": "looks at the whole state",
}
WITHOUT_JSON = {
    "sandbox": "serves until it is stopped",
    "policy schema": "is JSON",
    "run": "serves until it is stopped",
    "support": "is JSON",
    "policy new": "writes a file",
}
WITHOUT_SETTINGS = {"demo", "sandbox", "policy schema"}


def verbs() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


def options(command: click.Command) -> set[str]:
    return {text for item in command.params for text in item.opts}


@pytest.mark.parametrize(("name", "command"), list(verbs()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_reads_an_office_or_the_state_takes_the_same_options(name: str, command: click.Command) -> None:
    found = options(command)
    if name != "sandbox":  # its --office is a file
        assert ("--office" in found) == (name not in WITHOUT_AN_OFFICE)
    assert ("--json" in found) == (name not in WITHOUT_JSON)
    assert ("--config" in found) == (name not in WITHOUT_SETTINGS)


@pytest.mark.parametrize(("name", "command"), list(verbs()), ids=lambda value: value if isinstance(value, str) else "")
def test_values_have_the_same_names_everywhere(name: str, command: click.Command) -> None:
    context = click.Context(command)
    for item in command.params:
        if not (isinstance(item, click.Option) and item.is_flag):
            assert item.make_metavar(context) in METAVARS, (name, item.name)


VERBS = (
    ("plan",),
    ("status",),
    ("history",),
    ("check", "--offline"),
    ("state", "verify"),
    ("policy", "diff", "--offline"),
    ("report",),
    ("doctor", "--offline"),
)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_the_settings_may_be_named_before_or_after_the_verb(bench: Bench, verb: tuple[str, ...]) -> None:
    bench.cli("once")
    at = ("--config", str(bench.config))
    places = [(*at, *verb), (*verb, *at), (verb[0], *at, *verb[1:])]
    done = [CliRunner(env=ENVIRONMENT).invoke(cli, [*place, "--json"]) for place in places]
    assert {one.exit_code for one in done} == {done[0].exit_code}, [one.output for one in done]
    first, *others = (json.loads(one.stdout) for one in done)
    assert [list(other) for other in others] == [list(first)] * 2
    if verb[0] != "doctor":  # which looks at the machine, too
        assert others == [first, first]
    nearest = CliRunner(env=ENVIRONMENT).invoke(cli, ["--config", "nowhere.toml", *verb, *at])
    assert nearest.exit_code == done[0].exit_code


@pytest.mark.parametrize("verb", [("demo",), ("sandbox",), ("policy", "schema")], ids=" ".join)
def test_settings_for_a_verb_that_reads_none_are_wrong_usage(verb: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, ["--config", "asapfill.toml", *verb])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{verb[-1]} reads no settings" in done.stderr


@pytest.mark.parametrize("number", ["99999999999999999999", "9" * 5000, "0", "-1", "1.5", "twelve", "٣", ""])
@pytest.mark.parametrize(
    "verb",
    [
        ("explain", "--appointment"),
        ("explain", "--recall"),
        ("history", "--patient"),
        ("state", "settle", "--sent", "--"),
    ],
    ids=" ".join,
)
def test_a_number_that_none_can_be_is_wrong_usage(verb: tuple[str, ...], number: str) -> None:
    done = CliRunner().invoke(cli, ["--config", "never-read.toml", *verb, number])
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 5100
    if number.startswith("9"):
        assert "cannot be the number of anything in Open Dental." in done.stderr


def test_an_offers_number_far_too_large_is_wrong_usage(bench: Bench) -> None:
    assert bench.cli("approve", "9" * 30).code == 2
    assert bench.cli("decline", "9" * 5000).code == 2


def test_the_largest_number_that_there_can_be_is_looked_for(bench: Bench) -> None:
    assert bench.json("history", "--patient", str(2**63 - 1)) == {"offers": []}


@pytest.mark.parametrize("made", [False, True], ids=["no state", "a fresh state"])
def test_the_json_of_an_empty_state_is_an_empty_document_everywhere(bench: Bench, made: bool) -> None:  # noqa: FBT001  a parameter
    if made:
        bench.cli("pause")
        bench.cli("resume")
    assert bench.json("history") == {"offers": []}
    (office,) = bench.json("report")["offices"]
    assert (office["figures"]["texts"], office["figures"]["cycles"], office["stands_out"][0]["tone"]) == (0, 0, "bad")
    (office,) = bench.json("status", code=1)["offices"]
    assert (office["ticks"], office["live"], office["waiting"], office["unclear"]) == ([], [], [], [])
    assert bench.json("approve", "--all") == {"answer": "approved", "offers": [], "refused": [], "held": []}


def test_pausing_names_its_office_either_way(bench: Bench) -> None:
    assert bench.json("pause", "--office", "main-street")["office"] == "main-street"
    assert bench.json("status", code=1)["offices"][0]["paused"] is True
    assert bench.json("resume", "main-street")["paused"] is False
    assert bench.cli("pause", "main-street", "--office", "elm").code == 2


def test_policy_diff_is_for_the_office_that_is_named(bench: Bench) -> None:
    assert bench.cli("policy", "diff", "--offline", "--office", "main-street").code == 0
    assert bench.cli("policy", "diff", "--offline", "--office", "elm").code == 2


@pytest.mark.parametrize("since", ["yesterday", "4/13", "Apr 13", "Monday", "1 day ago"])
def test_days_are_written_as_people_write_them(bench: Bench, since: str) -> None:
    bench.cli("once")
    assert len(bench.json("history", "--since", since)["offers"]) == 1
    assert bench.json("report", "--since", since)["from"] == "2026-04-13"
