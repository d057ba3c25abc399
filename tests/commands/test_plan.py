"""``plan`` and ``openings``: what the contract says about their output, and that looking changes nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from asapfill.core.slot_search import Difference
from asapfill.cycle import offices
from tests.cycle.office import END, OPENING, START, TODAY
from tests.daemon.bench import Bench

OFFER = {
    "kind": "appointment",
    "number": 12,
    "patient": 3,
    "operatory": 1,
    "provider": 1,
    "start": START,
    "end": END,
    "wave": 1,
    "state": "planned",
    "asapcomm": None,
    "reason": None,
}
SKIPPED = {"reason": str, "detail": str, "opening": str, "kind": str, "number": int}


def part(document: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """The part of a document that the contract knows; others may be added."""
    return {key: document[key] for key in keys}


def test_the_json_of_plan_is_as_the_contract_has_it(bench: Bench) -> None:
    document = bench.json("plan")
    (clinic,) = document["offices"]
    assert set(document) == {"offices"}
    assert (clinic["office"], clinic["clinic"], clinic["mode"]) == ("main-street", 0, "automatic")
    opening = {"id": OPENING, "operatory": 1, "provider": 1, "start": START, "end": END}
    assert [part(row, opening) for row in clinic["openings"]] == [opening]
    for row in (*clinic["openings"], *clinic["offers"]):
        assert (row["operatory_name"], row["provider_name"]) == ("OP1", "DOC1")
    assert [part(offer, OFFER) for offer in clinic["offers"]] == [OFFER]
    assert (type(clinic["requests"]), clinic["errors"]) == (int, [])
    assert bench.sandbox.log()["total"] == clinic["requests"]
    for item in clinic["skipped"]:
        assert {key: type(item[key]) for key in SKIPPED if item[key] is not None} | SKIPPED == SKIPPED
        assert item["reason"]
        assert item["detail"]
    people = {(item["kind"], item["number"]): item["reason"] for item in clinic["skipped"] if item["kind"]}
    assert people == {
        ("appointment", 11): "not_needed",
        ("appointment", 14): "not_needed",
        ("recall", 21): "no_fit",
    }


def test_now_has_an_offset_and_slot_times_have_none(bench: Bench) -> None:
    clinic = bench.clinic("plan")
    assert clinic["now"] == f"{TODAY}T10:00:00-07:00"
    times = [row[name] for row in clinic["openings"] + clinic["offers"] for name in ("start", "end")]
    assert times
    assert all(datetime.fromisoformat(text).tzinfo is None for text in times)


def test_standard_output_is_one_document_and_everything_else_goes_to_standard_error(bench: Bench) -> None:
    done = bench.process("-v", "plan", "--json")
    assert done.code == 0
    assert done.json["offices"][0]["offers"][0]["number"] == 12
    assert "office.names" in done.err


def test_a_document_stays_one_when_an_office_fails(bench: Bench) -> None:
    bench.sandbox.faults([{"kind": "401"}])
    done = bench.process("-v", "plan", "--json")
    assert done.code == 1
    (clinic,) = done.json["offices"]
    assert (clinic["openings"], clinic["offers"]) == ([], [])
    assert len(clinic["errors"]) == 1
    assert clinic["errors"][0] in done.err


def test_looking_leaves_no_trace(bench: Bench) -> None:
    for command in (("plan",), ("openings",), ("explain", "--recall", "21"), ("history",), ("check",)):
        assert bench.cli(*command).code == 0, command
    assert bench.cli("status").code == 1
    assert bench.sandbox.log()["writes"] == []
    assert not (bench.folder / "state" / "asapfill.db").exists()


def test_the_text_of_plan_names_the_offer_and_counts_who_is_not_asked(bench: Bench) -> None:
    done = bench.cli("plan")
    assert done.err == ""
    assert "Tue 04-14 14:00-15:00  OP1        appointment 12     wave 1  planned" in done.out
    assert "   2  Others come first for this opening." in done.out


def test_openings_tells_what_is_open_and_what_was_left_alone_in_80_columns(bench: Bench) -> None:
    blockout = {"SchedDate": "2026-04-20", "StartTime": "08:00:00", "StopTime": "17:00:00", "operatories": [1]}
    bench.sandbox.staff(action="cancel", AptNum=11)
    bench.sandbox.staff(action="blockout", BlockoutType=247, **blockout)
    bench.policy(openings={"except_operatories": "[HYG]"})
    done = bench.cli("openings")
    assert done.code == 0
    lines = done.out.splitlines()
    assert f"  OP1          14:00-15:00  open, 60 min, DOC1  {OPENING}" in lines
    assert "  OP1          10:00-11:00  - A blockout lies here (Lunch, type 247)." in lines
    assert "  HYG          The policy leaves this operatory out." in lines
    assert lines[-1] == "1 opening, 60 minutes."
    assert max(map(len, lines)) <= 80


def test_openings_json_tells_the_same(bench: Bench) -> None:
    clinic = bench.clinic("openings")
    assert [opening["id"] for opening in clinic["openings"]] == [OPENING]
    assert {item["reason"] for item in clinic["left_alone"]} == {"no_provider"}


def test_no_line_of_any_text_is_wider_than_80_columns(bench: Bench) -> None:
    bench.clinic("once")
    for command in (
        ("plan",),
        ("openings",),
        ("explain", "--appointment", "11"),
        ("explain", "--opening", OPENING),
        ("status",),
        ("history",),
        ("check",),
    ):
        wide = [line for line in bench.cli(*command).out.splitlines() if len(line) > 80]
        assert wide == [], command


def test_a_sentence_in_the_plan_is_never_cut_off(bench: Bench) -> None:
    bench.clinic("once")
    assert "The people asked so far still have time to answer." in " ".join(bench.cli("plan").out.split())


def test_an_operatory_that_does_not_exist_is_told_and_nothing_is_planned(bench: Bench) -> None:
    bench.policy(openings={"operatories": "[Chair 7]"})
    for command in ("plan", "once", "openings"):
        done = bench.cli(command)
        assert done.code == 78
        lines = done.out.splitlines()
        assert lines[0].startswith("main-street · Tue 2026-04-14 10:00")
        assert "“Chair 7” is no operatory of the office." in lines[2]
        assert "No offers." not in done.out
        assert "0 openings" not in done.out


def test_openings_without_an_offer_stand_below_their_reason(bench: Bench) -> None:
    bench.policy(texts={"between": "12:00-19:00"})
    done = bench.cli("plan")
    told = "  Texts are not sent at this hour or on this day.\n    Tue 04-14  14:00-15:00 OP1\n"
    assert told in done.out
    assert "What would be asked at another time: for example `asapfill plan --at 10:00`." in done.out


def test_the_plan_of_another_time_is_made_as_if_it_were_then(bench: Bench) -> None:
    bench.policy(texts={"between": "11:00-19:00", "wave": 1})
    assert bench.clinic("plan")["offers"] == []
    (clinic,) = bench.json("plan", "--at", "11am")["offices"]
    assert (clinic["now"], clinic["as_if"]) == (f"{TODAY}T11:00:00-07:00", True)
    assert [offer["number"] for offer in clinic["offers"]] == [12]
    # An hour that is past today is tomorrow's, and nothing of today can be offered then.
    (clinic,) = bench.json("plan", "--at", "9:00")["offices"]
    assert (clinic["now"], clinic["openings"]) == ("2026-04-15T09:00:00-07:00", [])
    assert "as if it were Mon 2026-04-20 11:00" in bench.cli("plan", "--at", "Mon 11:00").out
    assert bench.sandbox.log()["writes"] == []


def test_a_time_that_is_none_is_refused_in_words(bench: Bench) -> None:
    for text in ("25:00", "soon", "10", "Foo 10:00", ""):
        done = bench.cli("plan", "--at", text)
        assert done.code == 2
        assert "The time" in done.err
        assert "Write for example" in done.err or "Did you mean" in done.err


def test_why_nobody_is_asked_is_told_in_sentences(bench: Bench) -> None:
    bench.clinic("once")
    bench.pass_time(2)
    bench.sandbox.respond(1, "decline")
    # The next who would be asked are left out, so that only the one who declined fits.
    bench.policy(candidates={"except_patients": "[2, 5]"})
    bench.clinic("once")
    text = " ".join(bench.cli("plan").out.split())
    assert "Nobody who fits may be asked now (because the same time was offered before)." in text


def test_a_plan_can_be_made_from_a_state_in_which_nothing_but_a_pause_was_noted(bench: Bench) -> None:
    assert bench.cli("pause").code == 0
    clinic = bench.clinic("plan")
    assert [offer["number"] for offer in clinic["offers"]] == [12]
    assert bench.posts() == []


def test_a_comparison_is_sorted_by_date_and_hides_what_agrees(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    done = bench.cli("openings", "--compare")
    assert done.code == 0
    assert OPENING not in done.out
    assert "  No difference." in done.out
    at = datetime(2026, 4, 14, 8)

    def found(days: int, operatory: int, *, ours: bool, cause: str | None) -> Difference:
        start = at + timedelta(days=days)
        return Difference(operatory, 1, start, start + timedelta(hours=1), ours, cause)

    several = [
        found(7, 1, ours=True, cause="a blockout"),
        found(0, 2, ours=False, cause=None),
        found(0, 1, ours=True, cause="hours"),
    ]
    monkeypatch.setattr(offices, "compare_openings", lambda *_: (several, 9))
    lines = bench.cli("openings", "--compare").out.splitlines()
    days = [line.split()[1] for line in lines if "calls it free" in line]
    assert days == ["04-14", "04-14", "04-21"]
    assert "compared on 9 days" in " ".join(lines)
    assert max(map(len, lines)) <= 80
    (clinic,) = bench.json("openings", "--compare")["offices"]
    assert [item["start"][8:10] for item in clinic["differences"]] == ["14", "14", "21"]
    assert [opening["id"] for opening in clinic["openings"]] == [OPENING], "the document has everything"


def test_standard_output_holds_the_json_and_nothing_else(bench: Bench) -> None:
    done = bench.process("plan", "--json")
    assert done.out.startswith("{")
    assert json.loads(done.out)["offices"][0]["offers"]
