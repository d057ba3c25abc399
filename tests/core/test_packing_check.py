"""The check of a plan: it lets every plan of ours through, and finds each thing that could be wrong with one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from asapfill.core import placing
from asapfill.core.candidates import Candidate
from asapfill.core.draft import Situation
from asapfill.core.fits import Fit, fits
from asapfill.core.packing import Packing
from asapfill.core.packing_check import mistakes
from asapfill.core.packing_task import Placement, Task
from asapfill.core.plan import make_plan
from asapfill.core.policy import Policy, TextsPolicy
from asapfill.core.rows import Appointment
from tests.core.rows import asap, visit
from tests.core.situations import booked, people, planning_policy, policies, situation, waiting_room
from tests.depth import DEPTH

ROOMS = [visit("9:00", 180, op=1, prov_num=7), visit("9:00", 180, apt_num=2, op=2, prov_num=7)]
"""Leaves 8 to 9 in rooms 1 and 2, which share a dentist, and room 3."""


def two() -> Situation:
    return situation(
        waiting_room([asap(30, apt_num=102, pat_num=2), asap(30, apt_num=104, pat_num=4)], ROOMS), planning_policy()
    )


def at(given: Situation, who: int, operatory: int, first: int) -> tuple[Candidate, Fit]:
    """A candidate at a fit of operatory, the ``first`` unit after its opening's start."""
    candidate = given.candidates[who]
    places = [fit for fit in fits(candidate, given.ground) if fit.opening.operatory == operatory]
    opening = places[0].opening
    start = opening.span[0] + first
    return candidate, Fit(opening, (start, start + len(candidate.pattern)))


def wrong(given: Situation, *placed: tuple[Candidate, Fit]) -> str:
    return " ".join(mistakes(placed, given.ground, given.contacts, given.phones))


@settings(max_examples=DEPTH.examples(200), derandomize=True)
@given(waiting=people(), visits=booked(), policy=policies())
def test_every_plan_passes(waiting: list[Appointment], visits: list[Appointment], policy: Policy) -> None:
    plan = make_plan(situation(waiting_room(waiting, visits), policy))
    assert plan.mistakes == ()


def test_two_one_after_the_other_are_right() -> None:
    given = two()
    assert wrong(given, at(given, 0, 1, 0), at(given, 1, 1, 6)) == ""


def test_a_room_is_not_given_twice() -> None:
    given = two()
    assert "the operatory is given to appointment 102" in wrong(given, at(given, 0, 1, 0), at(given, 1, 1, 2))


def test_a_provider_is_not_needed_twice() -> None:
    given = two()
    assert "the provider is needed by appointment 102" in wrong(given, at(given, 0, 1, 0), at(given, 1, 2, 0))


def test_nobody_is_placed_twice() -> None:
    given = two()
    assert "patient 2 is placed twice" in wrong(given, at(given, 0, 1, 0), at(given, 0, 1, 6))


def test_no_phone_is_texted_twice() -> None:
    given = replace(two(), phones={2: "same", 4: "same"})
    found = wrong(given, at(given, 0, 1, 0), at(given, 1, 1, 6))
    assert "phone of patient 4 is placed twice" in found
    assert "same" not in found


def test_a_visit_lies_inside_its_opening() -> None:
    given = two()
    assert "refused by length" in wrong(given, at(given, 0, 1, 8))


def test_a_start_lies_on_the_grid() -> None:
    given = two()
    assert "neither on the grid nor flush" in wrong(given, at(given, 0, 1, 1))


def test_a_length_is_the_visits_own() -> None:
    given = two()
    candidate, fit = at(given, 0, 1, 0)
    short = Fit(fit.opening, (fit.span[0], fit.span[1] - 1))
    assert "not as long as the visit" in wrong(given, (candidate, short))


def test_an_opening_is_one_of_today() -> None:
    given = two()
    candidate, fit = at(given, 0, 1, 0)
    elsewhere = replace(fit.opening, id="op9-20261120-0800", operatory=9)
    assert "no such opening" in wrong(given, (candidate, Fit(elsewhere, fit.span)))


def test_what_somebody_may_take_already_is_not_placed_again() -> None:
    given = two()
    asked = make_plan(replace(given, policy=planning_policy(TextsPolicy(wave=1)))).offers
    placed = at(given, 0, asked[0].operatory, 0)
    assert "by an open offer" in " ".join(mistakes([placed], given.ground, asked, given.phones))


def test_a_plan_that_fails_is_not_used_and_greedy_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def everybody_at_once(task: Task) -> Packing:
        first = task.stretches[0].span[0]
        return Packing(tuple(Placement(number, 0, first) for number in range(len(task.seekers))), 0, 0)

    good = make_plan(two())
    monkeypatch.setattr(placing, "pack", everybody_at_once)
    plan = make_plan(two())
    assert any("the operatory is given" in told for told in plan.mistakes)
    assert len(plan.offers) == len(good.offers) > 0
    assert all(one.end - one.start == timedelta(minutes=30) for one in plan.offers)
