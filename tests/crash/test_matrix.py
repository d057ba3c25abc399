"""asapfill is killed with -9 at every named place, and between the office's work and its answer; then it goes on."""

from __future__ import annotations

import pytest

from tests.crash.matrix import between, deaths, discover, live
from tests.crash.scenarios import MODES, Found, Spec
from tests.depth import DEPTH

VISIBLE = {
    "offers.intent.before",
    "offers.intent.committed",
    "offers.post.before",
    "offers.post.answered",
    "offers.answer.recorded",
    "offers.outcome.before",
    "offers.outcome.recorded",
    "commlogs.intent.committed",
    "commlogs.post.answered",
    "commlogs.update.before",
    "commlogs.update.answered",
    "store.commit.before",
    "store.commit.after",
}


def wrong(found: list[Found]) -> list[str]:
    return [f"{one.spec}: {sentence}" for one in found for sentence in one.wrong]


@pytest.mark.parametrize("mode", MODES)
def test_killed_anywhere_it_sends_nothing_twice_keeps_the_caps_and_gets_stuck_nowhere(mode: str) -> None:
    reached = discover([mode])
    assert set().union(*reached[mode]) == VISIBLE
    specs = list(
        deaths(reached, DEPTH.deaths_at_each_place, last=mode == "automatic", every_run=DEPTH.deaths_in_every_run)
    )
    found = live(specs)
    assert wrong(found) == []
    assert len(found) == len(specs)


def test_killed_between_the_office_having_done_it_and_the_answer_it_sends_nothing_twice() -> None:
    specs = list(between(every_run=DEPTH.deaths_in_every_run))
    found = live(specs)
    assert wrong(found) == []
    assert len(found) == len(specs)


def test_the_matrix_would_notice_a_death_that_does_not_happen() -> None:
    (found,) = live([Spec(run=0, place="offers.post.before:1000")])
    assert found.wrong == ["run 0 did not die but ended with 0"]
