"""``policy diff``: what an edit changes, and what one cycle now would do differently."""

from __future__ import annotations

from typing import Any

from tests.service.bench import Bench, policy_text

DRAFT = "draft.yaml"


def draft(bench: Bench, **sections: Any) -> str:
    path = bench.folder / DRAFT
    path.write_text(policy_text(**sections))
    return str(path)


def test_an_edit_is_compared_with_the_version_in_force_and_with_what_it_would_send(bench: Bench) -> None:
    bench.clinic("once")
    bench.pass_time(30)
    edited = draft(bench, openings={"notice": "5 hours"})
    (found,) = bench.json("policy", "diff", edited)["policies"]
    assert found["against"].startswith("the version in force since 2026-04-14 17:0")
    assert [(change["key"], change["effect"]) for change in found["changes"]] == [("openings.notice", "less")]
    assert (found["plan"]["openings_before"], found["plan"]["openings_after"]) == (1, 0)
    assert (found["plan"]["added"], [offer["number"] for offer in found["plan"]["removed"]]) == ([], [14])
    assert bench.asked() == [12]


def test_what_a_wider_edit_would_add_is_told_to_a_person(bench: Bench) -> None:
    bench.policy(candidates={"except_patients": "[3]"})
    done = bench.cli("policy", "diff", draft(bench), "--against", str(bench.folder / "policies" / "main.yaml"))
    assert done.code == 0
    assert done.out.startswith("draft.yaml, compared with main.yaml\nAllows more\n")
    assert "Patients who are never asked: none. Until now: 3." in done.out
    assert "  + appointment 12 (patient 3), operatory 1, Tue 04-14 14:00-15:00\n" in done.out
    assert bench.posts() == []


def test_every_policy_of_the_folder_is_compared_when_none_is_named(bench: Bench) -> None:
    bench.clinic("once")
    assert "Nothing changes: both say the same." in bench.cli("policy", "diff").out
    bench.policy(mode="preview")
    done = bench.cli("policy", "diff", "--offline")
    assert "Nothing is sent any more; `asapfill plan` shows what would be. Until" in done.out
    assert "One cycle now" not in done.out


def test_without_a_version_in_force_the_defaults_are_compared(bench: Bench) -> None:
    (found,) = bench.json("policy", "diff")["policies"]
    assert found["against"] == "the defaults, because no version was in force yet"
    assert {change["key"] for change in found["changes"]} == {"mode", "texts.wave", "texts.wait"}
    assert len(found["plan"]["added"]) == 1


def test_a_draft_elsewhere_is_compared_with_the_file_of_the_same_clinic(bench: Bench) -> None:
    (found,) = bench.json("policy", "diff", draft(bench, mode="ask"), "--offline")["policies"]
    assert found["against"] == "main.yaml"
    assert [change["key"] for change in found["changes"]] == ["mode"]


def test_a_draft_with_a_mistake_is_told_as_check_tells_it(bench: Bench) -> None:
    done = bench.cli("policy", "diff", draft(bench, mode="loud"))
    assert done.code == 78
    assert "draft.yaml:3:7: `mode` cannot be “loud”." in done.err


def test_a_draft_with_a_name_that_the_office_does_not_have_is_compared_and_told(bench: Bench) -> None:
    done = bench.cli("policy", "diff", draft(bench, openings={"operatories": "[Chair 9]"}))
    assert done.code == 78
    assert "Operatories to fill: Chair 9. Until now: all." in done.out
    assert "“Chair 9” is no operatory of the office." in done.err


def test_an_office_that_does_not_answer_leaves_the_sentences(bench: Bench) -> None:
    bench.settings(port=1)
    done = bench.cli("policy", "diff", draft(bench, mode="ask"))
    assert done.code == 1
    assert "Offers wait until somebody says yes" in done.out
    assert done.err


def test_against_needs_a_file(bench: Bench) -> None:
    done = bench.cli("policy", "diff", "--against", str(bench.folder / "policies" / "main.yaml"))
    assert done.code == 2
    assert "Name the FILE" in done.err
