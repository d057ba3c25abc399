"""``policy diff``: what an edit changes, and what one cycle now would do differently."""

from __future__ import annotations

from typing import Any

from tests.daemon.bench import Bench, policy_text

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
    assert found["against"].startswith("the version in force since 2026-04-14 10:0")
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
    assert "  + Tue 04-14 14:00-15:00, OP1, DOC1: appointment 12, patient 3\n" in done.out
    assert bench.posts() == []


def test_an_operatory_that_is_written_otherwise_is_no_change(bench: Bench) -> None:
    bench.policy(openings={"operatories": "[OP1]"})
    edited = draft(bench, openings={"operatories": "'1'"})
    before = str(bench.folder / "policies" / "main.yaml")
    assert "Nothing changes: both say the same." in bench.cli("policy", "diff", edited, "--against", before).out
    assert "Gone: OP1." in bench.cli("policy", "diff", edited, "--against", before, "--offline").out


def test_time_that_only_the_edit_allows_is_said_to_have_to_settle(bench: Bench) -> None:
    bench.policy(openings={"hours": "8-13"})
    bench.clinic("once")
    done = bench.cli("policy", "diff", draft(bench))
    assert "Openings: 0. Until now: 0." in done.out
    assert "Time that only the edit allows is not among them yet" in done.out


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
    assert {change["key"] for change in found["changes"]} == {
        "mode",
        "openings.hygiene_chairs",
        "texts.wave",
        "texts.wait",
    }
    (added,) = found["plan"]["added"]
    assert (added["operatory"], added["operatory_name"], added["provider_name"]) == (1, "OP1", "DOC1")
    text = bench.cli("policy", "diff").out
    assert text.startswith("main.yaml: nothing is in force for main-street yet, so there is nothing to\n  compare")
    assert "Once asapfill works by it: mode automatic. Texts go out without anybody's" in text
    assert "Asked at a time: 1. By default: auto." in text
    assert "Until now" not in text
    assert "\n  Openings: 1.\n  + Tue 04-14 14:00-15:00" in text


def test_a_file_that_says_nothing_but_the_defaults_is_told_as_that(bench: Bench) -> None:
    (bench.folder / "policies" / "main.yaml").write_text("office: main-street\ntimezone: America/Los_Angeles\n")
    text = bench.cli("policy", "diff", "--offline").out
    assert "mode preview. Nothing is sent; `asapfill plan` shows what would be." in " ".join(text.split())
    assert "It says nothing otherwise than the defaults." in text


def test_outside_the_hours_for_texts_another_time_can_be_asked_for(bench: Bench) -> None:
    late = {"texts": {"between": "13:00-19:00", "wave": 1}}
    bench.policy(**late)
    against = ("--against", str(bench.folder / "policies" / "main.yaml"))
    edited = draft(bench, candidates={"except_patients": "[3]"}, **late)
    text = bench.cli("policy", "diff", edited, *against).out
    assert "No text goes out at that time. To see another time, for example: --at 10:00" in text
    # The opening is at 14:00, and the default notice is two hours.
    bench.policy(openings={"notice": "30 minutes"}, texts={"between": "12:00-19:00", "wave": 1})
    edited = draft(
        bench,
        candidates={"except_patients": "[3]"},
        openings={"notice": "30 minutes"},
        texts={"between": "12:00-19:00", "wave": 1},
    )
    text = bench.cli("policy", "diff", edited, "--at", "12:30pm", *against).out
    assert "One cycle as if it were Tue 2026-04-14 12:30" in text
    assert "appointment 12, patient 3" in text
    assert bench.posts() == []


def test_another_time_is_no_use_where_nothing_is_planned(bench: Bench) -> None:
    done = bench.cli("policy", "diff", "--offline", "--at", "10:00")
    assert (done.code, "--at is about the plan" in done.err) == (2, True)


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
