"""``once``, the modes, ``approve``, ``decline``, ``pause`` and ``resume``: what reaches the office, by its own log."""

from __future__ import annotations

from typing import NoReturn

import pytest

from asapfill.core.offer import IllegalStep
from asapfill.offers.journal import Journal
from tests.cycle.office import OPENING, START, TODAY
from tests.daemon.bench import Bench

POSTED = {"op": 1, "aptNum": 12, "dateTimeStart": f"{TODAY} 14:00:00"}


def test_once_posts_what_plan_said(bench: Bench) -> None:
    (planned,) = bench.clinic("plan")["offers"]
    (sent,) = bench.clinic("once")["offers"]
    assert [entry["body"] for entry in bench.posts()] == [POSTED]
    assert sent == planned | {"state": "sent", "asapcomm": bench.posts()[0]["key"], "id": 1}


def test_once_again_sends_nothing_twice(bench: Bench) -> None:
    bench.clinic("once")
    clinic = bench.clinic("once")
    assert clinic["offers"] == []
    reasons = {item["opening"]: item["reason"] for item in clinic["skipped"] if item["opening"]}
    assert reasons == {OPENING: "waiting_for_answers"}
    assert bench.asked() == [12]


def test_the_next_wave_asks_somebody_else_when_the_wait_is_over(bench: Bench) -> None:
    for minutes in (0, 19, 1, 20, 60):
        bench.pass_time(minutes)
        bench.clinic("once")
    # 60 minutes later it is 11:40: everybody who fits was asked once, and none of them again.
    assert bench.asked() == [12, 14, 11]
    assert bench.sandbox.log()["sent_twice"] == 0


def test_preview_sends_nothing(bench: Bench) -> None:
    bench.policy(mode="preview")
    (offer,) = bench.clinic("once")["offers"]
    assert (offer["state"], offer["reason"], offer["id"]) == ("planned", "preview", None)
    assert bench.sandbox.log()["writes"] == []
    assert "planned" in bench.cli("once").out
    assert bench.json("history")["offers"] == []


def test_ask_waits_for_a_yes_and_then_sends(bench: Bench) -> None:
    bench.policy(mode="ask")
    (waiting,) = bench.clinic("once")["offers"]
    assert (waiting["state"], waiting["asapcomm"]) == ("waiting", None)
    assert bench.posts() == []
    status = bench.json("status")["offices"][0]
    assert [offer["id"] for offer in status["waiting"]] == [waiting["id"]]

    assert bench.cli("approve", str(waiting["id"])).code == 0
    assert bench.posts() == []
    (sent,) = bench.clinic("once")["offers"]
    assert (sent["id"], sent["state"]) == (waiting["id"], "sent")
    assert bench.asked() == [12]
    bench.clinic("once")
    assert bench.asked() == [12]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "patient", "PatNum": 3, "TxtMsgOk": "No"},
        {"action": "patient", "PatNum": 3, "PatStatus": "Inactive"},
        {"action": "priority", "AptNum": 12, "Priority": "Normal"},
        {"action": "delete", "AptNum": 12},
        {"action": "move", "AptNum": 12, "Op": 2, "AptDateTime": f"{TODAY} 16:00:00"},
    ],
    ids=lambda change: f"{change['action']}{change.get('TxtMsgOk', '')}",
)
def test_an_approved_offer_is_looked_at_again_before_it_is_sent(bench: Bench, change: dict[str, object]) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    assert bench.cli("approve", "--all").code == 0
    bench.sandbox.staff(**change)
    bench.clinic("once")
    assert bench.posts() == []


def test_an_approved_offer_whose_place_was_taken_is_not_sent(bench: Bench) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    assert bench.cli("approve", "--all").code == 0
    book = {"PatNum": 9, "Op": 1, "AptDateTime": f"{TODAY} 14:30:00", "Pattern": "XXXXXX"}
    bench.sandbox.staff(action="book", **book)
    clinic = bench.clinic("once")
    assert [offer["state"] for offer in clinic["offers"]] == []
    assert bench.posts() == []
    (story,) = bench.json("history")["offers"]
    assert (story["state"], story["reason"]) == ("lapsed", "no_longer_wanted")


def test_a_declined_offer_is_never_sent_nor_asked_about_again(bench: Bench) -> None:
    bench.policy(mode="ask")
    (first,) = bench.clinic("once")["offers"]
    assert bench.cli("decline", str(first["id"])).code == 0
    again = bench.clinic("once")["offers"]
    assert all(offer["number"] != first["number"] for offer in again)
    assert bench.posts() == []
    assert bench.json("history", "--patient", "3")["offers"][0]["state"] == "withdrawn"


def test_offers_are_named_as_people_write_numbers(bench: Bench) -> None:
    bench.policy(mode="ask")
    assert "`asapfill status` has their numbers, for `asapfill approve` and `decline`." in bench.cli("once").out
    (waiting,) = bench.json("status")["offices"][0]["waiting"]
    done = bench.cli("approve", f"#{waiting['id']},77,", "77")
    assert "1 offer approved." in done.err
    assert done.err.count("Offer 77 does not wait for an answer.") == 1
    assert "“first” is not an offer's number; `asapfill status` shows them." in bench.cli("approve", "first").err
    assert "without #" in bench.cli("decline").err


def test_the_offers_of_one_office_can_be_approved(bench: Bench) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    assert bench.cli("approve", "--all", "--office", "north").code == 2
    assert "1 offer approved." in bench.cli("approve", "--all", "--office", "main-street").err


def test_an_offer_that_lapses_while_it_is_approved_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")

    def lapsed(*_: object) -> NoReturn:
        raise IllegalStep

    monkeypatch.setattr(Journal, "approve", lapsed)
    done = bench.cli("approve", "--all")
    assert done.code == 1
    assert "does not wait for an answer any more." in done.err


def test_an_answer_to_an_offer_that_does_not_wait_is_told(bench: Bench) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    done = bench.cli("approve", "1", "77")
    assert done.code == 1
    assert "Offer 77 does not wait for an answer." in done.err
    assert bench.cli("approve").code == 2
    assert bench.cli("decline").code == 2
    assert bench.cli("decline", "1").code == 1


def test_pause_stops_sending_and_resume_goes_on(bench: Bench) -> None:
    assert bench.cli("pause", "main-street").code == 0
    (held,) = bench.clinic("once")["offers"]
    assert (held["state"], held["reason"]) == ("planned", "paused")
    assert bench.sandbox.log()["writes"] == []
    assert bench.json("status")["offices"][0]["paused"] is True
    assert "PAUSED" in bench.cli("status").out

    assert bench.cli("resume").code == 0
    (sent,) = bench.clinic("once")["offers"]
    assert sent["state"] == "sent"
    assert bench.asked() == [12]


def test_a_pause_for_all_offices_is_kept_from_the_one(bench: Bench) -> None:
    assert bench.cli("pause").code == 0
    assert bench.clinic("once")["offers"][0]["reason"] == "paused"
    assert bench.json("status")["paused"] == ["*"]
    assert bench.cli("pause", "north").code == 2
    assert bench.posts() == []


def test_paused_offers_waiting_for_a_yes_are_not_sent_either(bench: Bench) -> None:
    bench.policy(mode="ask")
    bench.clinic("once")
    bench.cli("approve", "--all")
    bench.cli("pause")
    bench.clinic("once")
    assert bench.posts() == []
    bench.cli("resume")
    bench.clinic("once")
    assert bench.asked() == [12]


def test_an_offer_is_noted_in_the_chart_and_its_outcome_added(bench: Bench) -> None:
    bench.clinic("once")
    bench.pass_time(2)
    number = bench.posts()[0]["key"]
    bench.sandbox.respond(number, "decline")
    for _ in range(3):
        bench.clinic("once")
    (commlog,) = [row for row in bench.sandbox.office()["commlogs"] if row["PatNum"] == 3]
    slot = START.replace("T", " ")[:16]
    text = f"[asapfill AsapCommNum={number}] Texted an ASAP offer for {slot}, operatory 1. Outcome: declined."
    assert (commlog["PatNum"], commlog["Note"], commlog["Mode_"], commlog["CommType"]) == (3, text, "Text", 235)
    assert [entry["body"]["PatNum"] for entry in bench.posts("commlogs")] == [3, 5]


def test_no_commlog_is_written_where_the_policy_does_not_want_it(bench: Bench) -> None:
    bench.policy(commlog={"write": "no"})
    bench.clinic("once")
    assert bench.asked() == [12]
    assert bench.posts("commlogs") == []
