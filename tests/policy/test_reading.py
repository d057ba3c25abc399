"""Policy files: read as meant, or refused with every reason and its place."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from asapfill.core.errors import ConfigurationError, Problem
from asapfill.core.policy import Policy
from asapfill.policy.in_force import PolicyBook
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import parse_policy, read_policy
from asapfill.words import fitted
from tests.depth import DEPTH

BROKEN = Path(__file__).parent / "broken"
SAMPLE = Path(__file__).parents[2] / "policies" / "sample.yaml"
HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"


def parse(text: str) -> PolicyFile:
    return parse_policy(text.encode(), Path("main-street.yaml"))


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_broken_file_is_told_as_in_the_text_beside_it(path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_policy(path)
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_are_many_broken_files_and_no_text_without_its_file() -> None:
    files = {path.stem for path in BROKEN.glob("*.yaml")}
    assert len(files) >= 60
    assert {path.stem for path in BROKEN.glob("*.txt")} == files


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.txt")), ids=lambda path: path.stem)
def test_no_message_speaks_the_language_of_a_library(path: Path) -> None:
    text = path.read_text(encoding="utf-8").casefold()
    for word in (
        "pydantic",
        "ruamel",
        "validation",
        "scalar",
        "mapping",
        "sequence",
        "token",
        "literal",
        "input should",
    ):
        assert word not in text


def test_a_policy_of_two_lines_has_the_defaults_of_the_resolved_policy() -> None:
    written = parse(HEAD)
    defaults = Policy(office="main-street", timezone=written.timezone)
    assert written.mode == defaults.mode
    assert written.order == defaults.order
    openings = written.openings.model_dump()
    for name in ("look_ahead", "notice", "settle", "shortest", "operatories"):
        assert openings[name] == getattr(defaults.openings, name)
    assert written.openings.hours == defaults.openings.hours
    assert frozenset().union(*written.openings.days) == defaults.openings.days
    assert frozenset(written.candidates.include) == defaults.candidates.include
    for name in ("gain", "same_provider", "under_18", "spoken_to"):
        assert getattr(written.candidates, name) == getattr(defaults.candidates, name)
    for name in TEXT_KEYS:
        assert getattr(written.texts, name) == getattr(defaults.texts, name)
    assert frozenset().union(*written.texts.days) == defaults.texts.days
    assert written.commlog.write == defaults.commlog.write
    assert written.commlog.second_entry == defaults.commlog.second_entry
    for name in ("except_operatories", "except_providers", "blockouts_allowed", "hygiene_only_in", "recalls_only_in"):
        assert not openings[name]
        assert not getattr(defaults.openings, name)


TEXT_KEYS = (
    "between",
    "per_patient_per_day",
    "per_patient_per_week",
    "per_opening",
    "wave",
    "wait",
    "rest_after_decline",
)


def test_one_name_may_stand_for_a_list_and_numbers_are_names_too() -> None:
    written = parse(HEAD + "openings:\n  operatories: Op 1\n  except_providers: [3, DOC2]\n  days: Mon, Wed-Fri\n")
    assert written.openings.operatories == ("Op 1",)
    assert written.openings.except_providers == ("3", "DOC2")
    assert frozenset().union(*written.openings.days) == {0, 2, 3, 4}


def test_nothing_is_read_as_something_else_silently() -> None:
    written = parse(
        "office: NO\ntimezone: UTC\nclinic: 8:00\nopenings:\n  operatories: [0123, 1_000, on, 1e3, 2026-11-20]\n"
    )
    assert written.office == "NO"
    assert written.clinic == "8:00"
    assert written.openings.operatories == ("0123", "1_000", "on", "1e3", "2026-11-20")


def test_a_yaml_1_1_heading_changes_nothing() -> None:
    written = parse("%YAML 1.1\n---\n" + HEAD + "candidates:\n  except_patients: [0123]\n")
    assert written.candidates.except_patients == (123,)


def test_quoted_values_windows_line_ends_and_hard_blanks_are_forgiven() -> None:
    written = parse(
        "\ufeffoffice: \"main-street\"\r\ntimezone:\u00a0America/Denver\r\nopenings:\r\n  notice: '1 hour'\r\n"
    )
    assert written.office == "main-street"
    assert written.openings.notice == timedelta(hours=1)


@pytest.mark.parametrize(
    ("written", "clinic"),
    [
        ("'Children''s \"North\"' # it's ours", 'Children\'s "North"'),
        ('"a \\" b"', 'a " b'),
        ("Children's", "Children's"),
        ("the 'North'", "the 'North'"),
        ("Suite 3 # 3 is upstairs", "Suite 3"),
        ("'Suite #3' #3 is upstairs", "Suite #3"),
    ],
)
def test_quotes_and_notes_are_taken_as_people_mean_them(written: str, clinic: str) -> None:
    assert parse(f"{HEAD}clinic: {written}\nmode: ask\n").clinic == clinic


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.txt")), ids=lambda path: path.stem)
def test_a_mistake_fits_a_narrow_screen_with_its_mark_below_its_place(path: Path) -> None:
    lines = fitted(path.read_text(encoding="utf-8")).split("\n")
    assert max(map(len, lines)) <= 80
    marks = [number for number, line in enumerate(lines) if line.strip() == "^"]
    assert all(lines[number - 1].startswith("    ") for number in marks)


def test_a_contradiction_is_told_together_with_other_mistakes() -> None:
    text = refusal(HEAD + "mode: loud\ntexts:\n  wave: 5\n  per_opening: 3\n")
    assert "`mode` cannot be “loud”" in text
    assert "`wave` asks 5 at a time" in text


def test_a_contradiction_with_a_value_that_could_not_be_read_is_not_told() -> None:
    text = refusal(HEAD + "openings:\n  look_ahead: 30\n  notice: 20 days\n")
    assert "look_ahead` is “30”" in text
    assert "reaches as far" not in text


def test_the_commented_sample_is_a_policy_with_the_defaults() -> None:
    written = read_policy(SAMPLE)
    assert written.office == "demo"
    assert written.mode == "automatic"
    plain = parse_policy(b"office: demo\ntimezone: America/Los_Angeles\nmode: automatic\n", SAMPLE)
    assert written.model_dump() == plain.model_dump()


def test_the_commented_sample_explains_every_key() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    for name, field in PolicyFile.model_fields.items():
        assert f"{name}:" in text
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for key in field.annotation.model_fields:
                assert f"{key}:" in text


def test_every_key_has_a_meaning_an_example_that_reads_and_a_reason() -> None:
    for name, field in PolicyFile.model_fields.items():
        assert field.description, name
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            continue
        for key, inner in field.annotation.model_fields.items():
            assert inner.description, key
            assert isinstance(inner.json_schema_extra, dict), key
            assert inner.json_schema_extra["why"], key
            assert inner.examples, key
            parse(f"{HEAD}{name}:\n  {key}: {inner.examples[0]}\n")


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    assert "larger than 64 KiB" in refusal(HEAD + "#" + "x" * 70_000)


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "{a: " * 15_000, "- " * 30_000, "a:\n" * 20_000, "? " * 30_000, "'" * 60_000]
)
def test_hostile_files_get_their_verdict_quickly(text: str) -> None:
    refusal_in_time(text.encode())


def refusal_in_time(raw: bytes) -> None:
    """Any verdict, in less than a second of computing."""
    begin = time.process_time()
    verdict(raw)
    assert time.process_time() - begin < 1


LONG = st.builds(
    lambda head, piece, times, tail: (head + piece * times + tail)[:70_000],
    st.sampled_from([b"", HEAD.encode(), b"openings:\n"]),
    st.binary(min_size=1, max_size=20) | st.text(":-[]{}#\n ,'\"&*!|>%@`~?ab", min_size=1, max_size=8).map(str.encode),
    st.integers(1, 70_000),
    st.binary(max_size=20),
)


@given(LONG)
@settings(max_examples=DEPTH.examples(60))
def test_any_bytes_up_to_the_largest_file_get_a_verdict_within_a_second(raw: bytes) -> None:
    refusal_in_time(raw)


PIECES = st.sampled_from(
    [
        *SAMPLE.read_text(encoding="utf-8").split(),
        *("office: x\n", "timezone: UTC\n", "\n", "  ", "    ", "- ", ": ", "[", "]", "{", "}", ", ", "'", '"', "\\x"),
        *(
            "|",
            ">",
            "&a ",
            "*a",
            "!!int ",
            "# ",
            "? ",
            "---\n",
            "...\n",
            "%YAML 1.1\n",
            "\t",
            "~",
            "<<: ",
            "\\U00110000",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
@settings(max_examples=DEPTH.examples(300))
def test_any_text_is_a_policy_or_refused_with_a_reason(text: str) -> None:
    verdict(text.encode("utf-8", errors="surrogatepass"))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused_with_a_reason(raw: bytes) -> None:
    verdict(raw)


@given(st.data())
@settings(max_examples=DEPTH.examples(200))
def test_the_sample_with_a_piece_cut_out_or_put_in_gets_a_verdict(data: st.DataObject) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    verdict((text[:start] + data.draw(PIECES | st.text(max_size=5)) + text[end:]).encode("utf-8", "surrogatepass"))


def verdict(raw: bytes) -> None:
    for problem in problems_of(raw):
        assert problem.message
        assert str(problem).startswith("any.yaml")


def problems_of(raw: bytes) -> tuple[Problem, ...]:
    try:
        policy = parse_policy(raw, Path("any.yaml"))
    except ConfigurationError as error:
        return error.problems or (Problem(Path("any.yaml"), ""),)
    return () if policy.office else (Problem(Path("any.yaml"), ""),)


def test_thousands_of_mistakes_are_told_in_a_readable_number() -> None:
    (text, days) = (
        refusal(HEAD + "".join(f"a{n}: 1\n" for n in range(2_000))),
        HEAD + "order: [" + "x, " * 9_000 + "]",
    )
    for told in (text, refusal(days)):
        assert len(told) < 20_000
        assert "more mistakes" in told


# Folders of policies


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_a_folder_gives_its_good_policies_and_every_problem_of_the_others(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", HEAD)
    write(tmp_path, "b.yml", "office: elm-street\ntimezone: UTC\nmode: loud\n")
    write(tmp_path, "notes.txt", "not a policy")
    write(tmp_path, ".a.yaml.swp.yaml", "an editor's leftover")
    loaded = PolicyBook(tmp_path, {"main-street", "elm-street"}).read()
    assert [file.office for file in loaded.files] == ["main-street"]
    assert [problem.file.name for problem in loaded.problems] == ["b.yml"]


def test_two_files_for_the_same_clinic_are_both_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", HEAD + "clinic: North Side\n")
    write(tmp_path, "b.yaml", HEAD + "clinic: northside\n")
    write(tmp_path, "c.yaml", HEAD + "clinic: South\n")
    loaded = PolicyBook(tmp_path, ["main-street"]).read()
    assert [file.clinic for file in loaded.files] == ["South"]
    assert "b.yaml is for “main-street”, clinic “North Side” too" in str(loaded.problems[0])
    assert len(loaded.problems) == 2


def test_a_policy_for_an_office_that_the_settings_do_not_have_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", HEAD.replace("main-street", "main-stret"))
    loaded = PolicyBook(tmp_path, ["main-street", "elm-street"]).read()
    assert loaded.files == ()
    assert str(loaded.problems[0]).startswith("a.yaml:1:9: ")
    assert "Did you mean main-street?" in str(loaded.problems[0])


def test_a_missing_or_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        (problem,) = PolicyBook(folder, ["main-street"]).read().problems
        # Not a sample: one of them is automatic.
        assert "`asapfill policy new` writes one in mode preview" in problem.hint
        assert "sample" not in problem.hint


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    loaded = PolicyBook(tmp_path, ["main-street"]).read()
    assert len(loaded.problems) == 2
    with pytest.raises(ConfigurationError, match="There is no file"):
        read_policy(tmp_path / "gone.yaml")
