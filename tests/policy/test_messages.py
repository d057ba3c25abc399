"""What people really type wrong is told in words that say what to do, and the rest of the file is checked, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.core.errors import ConfigurationError
from asapfill.core.office import OfficeNames
from asapfill.core.rows import Operatory
from asapfill.policy.in_force import PolicyBook
from asapfill.policy.reading import parse_policy
from asapfill.policy.resolve import resolve
from asapfill.settings.settings import find_settings
from tests.daemon.bench import bench_for

HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"


def told(raw: str | bytes) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        parse_policy(raw if isinstance(raw, bytes) else raw.encode(), Path("main.yaml"))
    return [f"{problem.message} {problem.hint}" for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("office:main-street\ntimezone:America/Los_Angeles\n", ["office", "timezone"]),
        (f"{HEAD}mode:preview\n", ["mode"]),
        (f"{HEAD}texts:\n  wave:2\n", ["wave"]),
        (f"{HEAD}texts:\n  wave:2\n  wait: auto\n", ["wave"]),
        (f"{HEAD}openings:\n  days:Mon-Fri\n  hours:08:00-17:00\n", ["days", "hours"]),
        (f"{HEAD}openings:\n  except_operatories:[Op 1]\n", ["except_operatories"]),
        (f"{HEAD}texts:\r\n  wave:2\r\n", ["wave"]),
    ],
)
def test_a_missing_blank_behind_a_colon_is_told_at_its_place(text: str, keys: list[str]) -> None:
    assert [line.split(".")[0] for line in told(text)] == [
        f"A blank is missing behind the colon of `{key}`" for key in keys
    ]
    assert "Write wave: 2" in told(f"{HEAD}texts:\n  wave:2\n")[0]


def test_the_rest_of_a_file_with_a_missing_blank_is_checked_too() -> None:
    blank, wrong = told(f"{HEAD}texts:\n  wave:2\n  per_opening: many\n")
    assert "blank is missing" in blank
    assert "`texts.per_opening` is “many”" in wrong


@pytest.mark.parametrize(
    "line",
    [
        "texts:\n  per_opening: " + "9" * 60,
        "texts:\n  wave: " + "9" * 30,
        "openings:\n  notice: " + "9" * 50 + " hours",
        "candidates:\n  except_patients: [" + "9" * 40 + "]",
    ],
)
def test_a_number_far_too_large_is_told_as_that(line: str) -> None:
    (message,) = told(f"{HEAD}{line}\n")
    assert "number" in message
    assert "far too large" in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01",
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01",
        b"GIF89a\x01\x00\x01\x00",
        b"RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00",
        b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00",
    ],
)
def test_a_picture_or_program_is_told_as_that(raw: bytes) -> None:
    (message,) = told(raw)
    assert "The file is no text: it seems to be" in message


def test_an_order_of_nothing_is_told() -> None:
    (message,) = told(f"{HEAD}order: []\n")
    assert message.startswith("`order` is an empty list: nothing says who is asked first. Take the line out to get")


@pytest.mark.parametrize("name", ["main-street.yaml.txt", "main-street.YML.TXT", "main-street.yaml.docx"])
def test_a_policy_with_the_ending_of_an_editor_is_seen_and_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(HEAD)
    (problem,) = PolicyBook(tmp_path, ("main-street",)).read().problems
    assert f"{name} is not read: a policy's name ends in .yaml. Rename it to main-street." in problem.hint


def test_check_names_a_policy_that_is_not_read(tmp_path: Path) -> None:
    with bench_for(tmp_path) as bench:
        (bench.folder / "policies" / "north.yaml.txt").write_text(HEAD)
        out = " ".join(bench.cli("check").out.split())
        assert "look policies: north.yaml.txt is not read: a policy's name ends in .yaml." in out
        (bench.folder / "policies" / "main.yaml").unlink()
        assert "north.yaml.txt is not read" in " ".join(bench.cli("plan").err.split())


def test_settings_with_the_ending_of_an_editor_are_seen_and_named(tmp_path: Path) -> None:
    (tmp_path / "asapfill.toml.txt").write_text("")
    with pytest.raises(ConfigurationError, match=r"asapfill\.toml\.txt .*rename it to asapfill\.toml"):
        find_settings(None, {}, tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        "Se\N{LATIN SMALL LETTER N WITH TILDE}or",
        "Sen\N{COMBINING TILDE}or",
        "SE\N{LATIN CAPITAL LETTER N WITH TILDE}OR",
    ],
)
def test_a_name_with_an_accent_is_one_name_in_every_place(written: str) -> None:
    names = OfficeNames((Operatory(operatory_num=1, op_name="Sen\N{COMBINING TILDE}or"),), (), (), (), ())
    file = parse_policy(f"{HEAD}openings:\n  operatories: [{written}]\n".encode(), Path("main.yaml"))
    assert resolve(file, names).openings.operatories == frozenset({1})
    (message,) = told(
        f"{HEAD}openings:\n  operatories: [Sen\N{COMBINING TILDE}or]\n  except_operatories: [{written}]\n"
    )
    assert "is both in `operatories` and in `except_operatories`" in message
