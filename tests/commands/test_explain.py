"""``explain``, ``status`` and ``history``: what a person and a script can find out."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.core.offer import WORDS, State
from asapfill.core.reasons import RULES
from tests.cycle.office import END, OPENING, START, TODAY, office_file, unscheduled
from tests.daemon.bench import Bench, bench_for


def failed(document: dict[str, list[dict[str, object]]]) -> list[object]:
    """The rules that a candidate does not pass."""
    return [check["rule"] for check in document["checks"] if not check["passed"]]


def test_explaining_a_candidate_lists_every_rule_and_every_place(bench: Bench) -> None:
    document = bench.json("explain", "--appointment", "12")
    assert (document["kind"], document["number"], document["patient"]) == ("appointment", 12, 3)
    assert document["minutes"] == 60
    assert (document["asked"], document["reason"], failed(document)) == (True, None, [])
    (fit,) = document["fits"]
    expected = {"operatory": 1, "provider": 1, "start": START, "end": END}
    assert {key: fit[key] for key in expected} == expected
    assert {"not_asap", "no_text_consent", "under_18"} <= {check["rule"] for check in document["checks"]}


def test_fits_are_on_the_offices_time_grid(tmp_path: Path) -> None:
    with bench_for(tmp_path, office_file(more_appointments=[unscheduled(16, 9, minutes=40)])) as bench:
        document = bench.json("explain", "--appointment", "16")
    assert [fit["start"][11:16] for fit in document["fits"]] == ["14:00", "14:10", "14:20"]


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"action": "patient", "PatNum": 3, "TxtMsgOk": "No"}, "no_text_consent"),
        ({"action": "patient", "PatNum": 3, "WirelessPhone": "call my mother"}, "no_wireless_phone"),
        ({"action": "patient", "PatNum": 3, "Birthdate": "2015-01-01"}, "under_18"),
        ({"action": "priority", "AptNum": 12, "Priority": "Normal"}, "not_asap"),
    ],
)
def test_the_rule_that_stands_against_a_candidate_is_named(
    bench: Bench, action: dict[str, object], reason: str
) -> None:
    bench.sandbox.staff(**action)
    document = bench.json("explain", "--appointment", "12")
    assert (document["asked"], document["reason"]) == (False, reason)
    assert failed(document) == [reason]
    text = " ".join(bench.cli("explain", "--appointment", "12").out.split())
    assert f"FAIL {RULES[reason].sentence.removesuffix('.')}" in text
    assert f"Not asked now: {RULES[reason].sentence}" in text


def test_explaining_a_recall(bench: Bench) -> None:
    # A recall may be seen by the patient's own providers or by any hygienist: here none works in the opening.
    document = bench.json("explain", "--recall", "21")
    assert (document["kind"], document["patient"], document["reason"]) == ("recall", 6, "no_fit")
    bench.policy(candidates={"same_provider": "no"})
    document = bench.json("explain", "--recall", "21")
    assert [fit["start"] for fit in document["fits"]] == [START]


def test_a_recall_may_be_seen_by_the_patients_own_dentist(bench: Bench) -> None:
    bench.sandbox.staff(action="patient", PatNum=6, PriProv=1)
    document = bench.json("explain", "--recall", "21")
    assert [fit["start"] for fit in document["fits"]] == [START]
    assert document["reason"] == "not_needed"


def test_explaining_an_opening_says_who_would_be_asked_and_what_stands_against_the_others(bench: Bench) -> None:
    document = bench.json("explain", "--opening", OPENING)
    assert document["opening"]["start"] == START
    people = {(row["kind"], row["number"]): (row["asked"], row["reason"]) for row in document["candidates"]}
    assert people == {
        ("appointment", 12): (True, None),
        ("appointment", 11): (False, "not_needed"),
        ("appointment", 14): (False, "not_needed"),
        ("recall", 21): (False, "other_provider"),
    }
    text = bench.cli("explain", "--opening", OPENING).out
    assert "OP1, DOC1, Tue 2026-04-14 14:00 to 15:00" in text
    (place,) = document["asking"]
    assert (place["start"], place["open_offers"], place["next"]) == (START, 0, 1)
    assert (place["chance_of_one"], place["texting_minutes_left"], place["pause_minutes"]) == (0.09, 120, 9)
    assert "nobody asked yet. One more person says yes in 9% of cases; 12.8 more" in " ".join(text.split())
    assert (document["opening"]["operatory_name"], document["opening"]["provider_name"]) == ("OP1", "DOC1")
    assert "It is another provider's time." in text


def test_explaining_what_nobody_has(bench: Bench) -> None:
    for option, value in (("--appointment", "999"), ("--recall", "999"), ("--opening", "op9-20260414-1400")):
        done = bench.cli("explain", option, value)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"No office that asapfill serves has {option[2:]} {value}.")
    assert "`asapfill openings` lists them with their ids." in done.err


@pytest.mark.parametrize("name", ["OP1", "chair 1", "Chair 1 (OP1)", "op1"])
def test_an_operatory_instead_of_an_opening_is_answered_with_its_openings(bench: Bench, name: str) -> None:
    done = bench.cli("explain", "--opening", name)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"{name} is an operatory, not an opening. Its openings now:\n  {OPENING}\n"


def test_a_visit_that_fits_nowhere_is_told_what_stands_against_it(bench: Bench) -> None:
    document = bench.json("explain", "--recall", "21")
    assert document["fits"] == []
    told = {"reason": "other_provider", "openings": 1, "detail": RULES["other_provider"].sentence}
    assert document["nowhere"] == [told]
    text = bench.cli("explain", "--recall", "21").out
    assert "What stands against it in the 1 opening that there are:\n     1  It is another provider's time." in text


def test_where_there_is_no_opening_at_all_that_is_said(bench: Bench) -> None:
    bench.policy(openings={"except_operatories": "[OP1]"})
    document = bench.json("explain", "--appointment", "12")
    assert (document["openings"], document["nowhere"]) == (0, [])
    assert "There is no opening at all now" in bench.cli("explain", "--appointment", "12").out


def test_a_recall_that_is_not_on_the_list_is_placed_all_the_same(bench: Bench) -> None:
    bench.policy(candidates={"same_provider": "no"})
    bench.sandbox.staff(action="priority", RecallNum=21, Priority="Normal")
    document = bench.json("explain", "--recall", "21")
    assert document["reason"] == "not_asap"
    assert [fit["start"] for fit in document["fits"]] == [START]


def test_explain_wants_one_thing(bench: Bench) -> None:
    assert bench.cli("explain").code == 2
    assert bench.cli("explain", "--recall", "1", "--appointment", "2").code == 2
    assert bench.cli("explain", "--office", "north", "--recall", "1").code == 2


def test_status_and_history_before_anything(bench: Bench) -> None:
    status = bench.json("status", code=1)
    assert (status["ok"], status["running"], status["offices"][0]["ticks"]) == (False, False, [])
    assert bench.json("history") == {"offers": []}
    assert bench.cli("history").out == "No offers.\n"


def test_status_and_history_after_an_offer_and_its_outcome(bench: Bench) -> None:
    bench.clinic("once")
    (office,) = bench.json("status")["offices"]
    assert [(offer["number"], offer["state"]) for offer in office["live"]] == [(12, "sent")]
    assert (office["unclear"], office["ticks"][0]["ok"]) == ([], True)

    bench.pass_time(2)
    bench.sandbox.respond(1, "accept")
    bench.clinic("once")
    assert bench.json("status")["offices"][0]["live"] == []
    (story,) = bench.json("history")["offers"]
    assert (story["kind"], story["number"], story["state"], story["asapcomm"]) == ("appointment", 12, "accepted", 1)
    assert [(step["from"], step["to"]) for step in story["steps"]] == [
        (None, "intent"),
        ("intent", "sent"),
        ("sent", "accepted"),
    ]
    assert (story["operatory"], story["operatory_name"], story["provider_name"]) == (1, "OP1", "DOC1")
    lines = bench.cli("history").out.splitlines()
    assert lines[0] == "Oldest first; times are the office's."
    assert lines[2] == "#1  appointment 12, patient 3: Tue 2026-04-14 14:00, OP1, DOC1, wave 1"
    assert [line.split(":", 1)[1][2:].strip() for line in lines[3:]] == ["about to be sent", "sent", "ACCEPTED"]
    assert all(line.startswith("    Tue 04-14 10:0") for line in lines[3:])
    assert "Texted, and no answer yet: 0." in bench.cli("status").out


def test_status_speaks_as_the_office_does(bench: Bench) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    (office,) = bench.json("status")["offices"]
    (offer,) = office["waiting"]
    assert (office["timezone"], offer["operatory_name"], offer["provider_name"]) == (
        "America/Los_Angeles",
        "OP1",
        "DOC1",
    )
    text = bench.cli("status").out
    assert "main-street · Tue 2026-04-14 10:00, America/Los_Angeles" in text
    assert "Last cycle: Tue 2026-04-14 10:00, " in text
    assert "Waiting for your yes: 1." in text
    assert "#1  Tue 04-14 14:00-15:00, OP1, DOC1: appointment 12, patient 3" in text
    assert bench.cli("approve", "1").err.startswith("1 offer approved. ")
    assert "Approved, to be looked at again and sent with the next cycle: 1." in bench.cli("status").out
    assert bench.cli("approve", "--all").err == "No offer waits for an answer.\n"


def test_an_offer_is_the_same_wherever_it_is_told_also_in_a_room_without_a_name(tmp_path: Path) -> None:
    rooms = [{"OperatoryNum": 1, "ProvDentist": 1}]
    with bench_for(tmp_path, office_file(operatories=rooms)) as bench:
        bench.policy(mode="ask")
        (planned,) = bench.clinic("once")["offers"]
        (waiting,) = bench.json("status")["offices"][0]["waiting"]
        (told,) = bench.json("history")["offers"]
        text = bench.cli("status").out
    same = {name: value for name, value in waiting.items() if name not in {"id", "until"}}
    assert same == {name: planned[name] for name in same} == {name: told[name] for name in same}
    assert (same["operatory"], same["operatory_name"], same["provider_name"]) == (1, None, "DOC1")
    assert "14:00-15:00, operatory 1, DOC1: appointment 12" in text


def test_every_state_has_words() -> None:
    assert set(WORDS) == set(State)


def test_history_can_be_narrowed(bench: Bench) -> None:
    bench.clinic("once")
    assert len(bench.json("history", "--since", TODAY)["offers"]) == 1
    assert len(bench.json("history", "--since", "today")["offers"]) == 1
    assert "2026-04-15 is a day to come" in bench.cli("history", "--since", "2026-04-15").err
    assert len(bench.json("history", "--patient", "3")["offers"]) == 1
    assert bench.json("history", "--patient", "5")["offers"] == []


def test_status_tells_a_failed_cycle(bench: Bench) -> None:
    bench.sandbox.faults([{"kind": "401"}])
    bench.clinic("once", code=1)
    document = bench.json("status", code=1)
    assert document["ok"] is False
    assert "keys" in document["offices"][0]["ticks"][0]["problems"][0]
    done = bench.cli("status")
    assert (done.code, "FAILED" in done.out) == (1, True)


def test_the_verdict_comes_first_and_names_the_place(bench: Bench) -> None:
    document = bench.json("explain", "--appointment", "12")
    place = {"operatory_name": "OP1", "provider_name": "DOC1", "start": START, "end": END}
    assert {key: document["place"][key] for key in place} == place
    lines = bench.cli("explain", "--appointment", "12").out.splitlines()
    assert lines[0] == "Asked now: OP1, DOC1, Tue 04-14 14:00-15:00."
    assert lines[1] == "Appointment 12, patient 3, 60 minutes · main-street"
    document = bench.json("explain", "--appointment", "14")
    assert document["place"] is None
    text = bench.cli("explain", "--appointment", "14").out
    assert text.startswith(f"Not asked now: {RULES['not_needed'].sentence}\nRule: ")
    assert bench.cli("explain", "--opening", OPENING).out.startswith("Offered now to appointment 12.\n")
    bench.sandbox.staff(action="priority", AptNum=12, Priority="Normal")
    for option, value in (("--appointment", "12"), ("--recall", "21")):
        assert bench.cli("explain", option, value).out.startswith("Not asked now: ")


def test_it_is_explained_as_if_it_were_another_time(bench: Bench) -> None:
    night = bench.json("explain", "--appointment", "12", "--at", "21:00")
    assert (night["as_if"], night["now"]) == (True, "2026-04-14T21:00:00-07:00")
    assert night["asked"] is False
    text = bench.cli("explain", "--appointment", "12", "--at", "Tue 13:30").out
    assert text.startswith("Not asked if it were Tue 2026-04-14 13:30: ")
    assert bench.json("explain", "--appointment", "12")["as_if"] is False
    quiet = bench.json("explain", "--appointment", "12", "--at", "10:05")
    assert "quiet_hours" not in failed(quiet)
    early = bench.json("explain", "--appointment", "11", "--at", "7:00")
    assert early["now"] == "2026-04-15T07:00:00-07:00"
    assert bench.cli("explain", "--appointment", "12", "--at", "noonish").code == 2
    opening = bench.json("explain", "--opening", OPENING, "--at", "10:30")
    assert [row["number"] for row in opening["candidates"] if row["asked"]] == [12]


def test_the_hours_for_texts_are_those_of_the_time_that_is_asked_for(bench: Bench) -> None:
    """Next Monday's hour is free when visit 11 is called off; tonight nobody is texted about it."""
    bench.sandbox.staff(action="cancel", AptNum=11)
    night = bench.json("explain", "--appointment", "12", "--at", "20:00")
    assert [fit["start"] for fit in night["fits"]] == ["2026-04-20T10:00:00"]
    assert (night["reason"], failed(night)) == ("quiet_hours", ["quiet_hours"])
    morning = bench.json("explain", "--appointment", "12", "--at", "Wed 10:00")
    assert (morning["now"], failed(morning)) == ("2026-04-15T10:00:00-07:00", [])
