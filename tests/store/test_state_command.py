"""``asapfill state``, and the whole story of an opening in ``history``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asapfill.core.offer import State
from asapfill.store.database import FILE_NAME
from tests.cycle.office import OPENING
from tests.daemon.bench import Bench
from tests.daemon.serving import serving


@pytest.mark.parametrize(("word", "state"), [("--sent", State.SENT), ("--not-sent", State.UNSENT)])
def test_a_person_settles_what_could_not_be_found_out(tmp_path: Path, word: str, state: State) -> None:
    with serving(tmp_path) as served:
        served.sandbox.faults([{"kind": "504_before", "method": "POST", "path": "asapcomms"}])
        served.cycle()
        served.sandbox.faults([{"kind": "500", "method": "GET"}])
        for _ in range(2):
            served.wait(hours=13)
            served.cycle()
        (offer,) = served.journal.unknowns()
        assert offer.state is State.UNSETTLED
        bench = served.bench
        assert f"asapfill state settle {offer.id} --sent (or --not-sent)" in bench.cli("status").out
        assert "asapfill state settle" in " ".join(bench.cli("history", "--patient", str(offer.patient)).out.split())
        assert bench.cli("state", "settle", str(offer.id)).code == 2
        assert bench.cli("state", "settle", str(offer.id), word).code == 0
        assert served.journal.get(offer.id).state is state
        again = bench.cli("state", "settle", str(offer.id), word)
        assert (again.code, "is not unsettled" in again.err) == (1, True)


def test_what_is_still_being_found_out_is_not_a_persons_to_settle(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.sandbox.faults([{"kind": "504_before", "method": "POST", "path": "asapcomms"}])
        served.cycle()
        (offer,) = served.journal.unknowns()
        done = served.bench.cli("state", "settle", str(offer.id), "--not-sent")
        assert (done.code, "still being found out" in done.err) == (1, True)
        assert served.journal.get(offer.id).state is State.UNKNOWN


def test_the_state_is_backed_up_beside_a_running_asapfill_verified_and_restored(bench: Bench) -> None:
    assert bench.cli("once").code == 0
    copy = bench.folder / "copy.db"
    assert bench.cli("state", "backup", str(copy)).code == 0
    assert bench.json("state", "verify", str(copy))["offers"] == {"sent": 1}
    bench.pass_time(30)
    assert bench.cli("once").code == 0
    assert sum(bench.json("state", "verify")["offers"].values()) == 2
    done = bench.cli("state", "restore", str(copy))
    assert done.code == 0
    assert "Sending is paused" in done.err
    assert bench.json("state", "verify")["offers"] == {"sent": 1}


def test_after_an_old_backup_was_restored_nobody_gets_the_same_again(bench: Bench) -> None:
    bench.policy(texts={"wave": 4, "wait": "20 minutes", "per_opening": 12})
    assert bench.cli("pause").code == 0
    assert bench.cli("resume").code == 0
    copy = bench.folder / "before anything was sent.db"
    assert bench.cli("state", "backup", str(copy)).code == 0
    assert bench.cli("once").code == 0
    asked = sorted(bench.asked())
    assert len(asked) > 1
    assert bench.cli("state", "restore", str(copy)).code == 0
    assert bench.cli("once").code == 0
    assert sorted(bench.asked()) == asked
    assert bench.cli("resume").code == 0
    assert bench.cli("once").code == 0
    assert sorted(bench.asked()) == asked
    assert bench.sandbox.log()["sent_twice"] == 0


def test_the_story_of_an_opening_is_told_on_one_screen(bench: Bench) -> None:
    assert bench.cli("once").code == 0
    bench.pass_time(2)
    bench.sandbox.respond(1, "decline")
    bench.pass_time(25)
    assert bench.cli("once").code == 0
    story = bench.json("history", "--opening", OPENING)["offers"]
    assert [offer["state"] for offer in story] == ["declined", "sent"]
    assert bench.json("history", "--opening", "op9-20260414-1400")["offers"] == []
    text = bench.cli("history", "--opening", OPENING).out
    assert text.count("\n") < 24
    assert max(len(line) for line in text.splitlines()) <= 80
    assert bench.cli("history", "--opening", OPENING, "--patient", "3").code == 2


def test_a_declined_offer_frees_the_slot_for_the_next_but_a_look_makes_them_wait_longer(tmp_path: Path) -> None:
    """A wave waits; somebody who has opened the link gets half a wait more."""
    with serving(tmp_path, texts={"wave": 1, "wait": "20 minutes"}) as served:
        served.cycle()
        served.wait(minutes=2)
        served.sandbox.respond(1, "view")
        served.wait(minutes=20)
        assert [line.state for line in served.cycle().offers] == []
        served.wait(minutes=10)
        assert [line.state for line in served.cycle().offers] == ["sent"]


@pytest.mark.parametrize("what", ["taken", "blocked", "the policy says stop", "paused", "accepted"])
def test_a_wave_stops(tmp_path: Path, what: str) -> None:
    with serving(tmp_path, texts={"wave": 1, "wait": "20 minutes"}) as served:
        served.cycle()
        served.wait(minutes=5)
        place = {"SchedDate": "2026-04-14", "StartTime": "14:00:00", "StopTime": "15:00:00", "operatories": [1]}
        booked = {"PatNum": 9, "Op": 1, "AptDateTime": "2026-04-14 14:00:00", "Pattern": "X" * 12}
        match what:
            case "taken":
                served.sandbox.staff(action="book", **booked)
            case "blocked":
                served.sandbox.staff(action="blockout", BlockoutType=248, **place)
            case "the policy says stop":
                served.bench.policy(mode="preview", texts={"wave": 1, "wait": "20 minutes"})
            case "paused":
                assert served.bench.cli("pause").code == 0
            case "accepted":
                served.sandbox.respond(1, "accept")
        for _ in range(4):
            served.wait(minutes=20)
            served.cycle()
        asked = served.bench.posts()
        assert len([post for post in asked if post["body"]["dateTimeStart"] == "2026-04-14 14:00:00"]) == 1
        assert served.sandbox.log()["sent_twice"] == 0


FIRST = {
    "pause": ("pause",),
    "pause of one": ("pause", "main-street"),
    "resume": ("resume",),
    "approve": ("approve", "--all"),
    "approve one": ("approve", "7"),
    "decline": ("decline", "7"),
    "settle": ("state", "settle", "7", "--sent"),
    "once": ("once",),
}


@pytest.mark.parametrize("first", FIRST)
def test_whichever_command_makes_the_state_makes_all_of_it(bench: Bench, first: str) -> None:
    bench.cli(*FIRST[first])
    path = bench.folder / "state" / FILE_NAME
    assert path.exists()
    with closing(sqlite3.connect(path)) as connection:
        kept = [name for (name,) in connection.execute("SELECT name FROM meta WHERE name = 'phone_key'")]
        assert kept == ["phone_key"]
    for looking in (
        ("plan",),
        ("openings",),
        ("status",),
        ("history",),
        ("report", "--json"),
        ("explain", "--appointment", "12"),
        ("policy", "diff", str(bench.folder / "policies" / "main.yaml")),
        ("check",),
        ("state", "verify"),
        ("state", "backup"),
    ):
        done = bench.cli(*looking)
        assert done.code in {0, 1}, (looking, done)
        assert "disk" not in done.err, (looking, done)
        assert looking[0] == "status" or done.code == 0, (looking, done)
