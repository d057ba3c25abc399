"""The simulated office-weeks of ``make compare``: the same for everybody, fair, and like the sandbox's."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import pytest

from asapfill.core.limits import verdict
from asapfill.core.offer import LIVE, State
from asapfill.demo.demo import EAGERNESS, OPERATORIES, WISHES, run_demo
from tests.compare.book import POLICY
from tests.compare.compare import WORDS, document, read_before, tables
from tests.compare.figure import figure
from tests.compare.rules import Asapfill, live, new_rule, situation
from tests.compare.sums import mean, per_fill, ratio
from tests.compare.world import Tally, Terms, World

RULES = ("everybody", "one", "tens", "asapfill")
SMALL = Terms(3, 40, 0.2)


def lived(rule: str, terms: Terms = SMALL) -> World:
    world = World(terms, weeks=1)
    live(world, new_rule(rule))
    return world


@pytest.fixture(scope="module", params=RULES)
def world(request: pytest.FixtureRequest) -> World:
    return lived(request.param)


def test_the_same_seed_gives_the_same_weeks() -> None:
    first, second = lived("asapfill"), lived("asapfill")
    assert first.tally == second.tally
    assert first.contacts == second.contacts
    assert lived("asapfill", Terms(4, 40, 0.2)).contacts != first.contacts


def test_no_rule_texts_more_often_or_at_other_hours_than_the_policy_allows(world: World) -> None:
    days = Counter((offer.patient, offer.day) for offer in world.contacts.values())
    assert max(days.values()) == 1
    for patient in {offer.patient for offer in world.contacts.values()}:
        texted: list[date] = sorted(day for one, day in days if one == patient)
        assert all(later - first >= timedelta(days=7) for first, later in zip(texted, texted[3:], strict=False))
    keys = [offer.key for offer in world.contacts.values()]
    assert len(keys) == len(set(keys))
    hours = POLICY.texts.between
    assert all(hours.start <= offer.made.time() < hours.end for offer in world.contacts.values())
    assert all(offer.start - offer.made >= POLICY.openings.notice for offer in world.contacts.values())


def test_nobody_has_a_place_that_somebody_else_has(world: World) -> None:
    taken = [offer for offer in world.contacts.values() if offer.state is State.ACCEPTED]
    assert taken
    for one, other in combinations(taken, 2):
        assert one.operatory != other.operatory or one.end <= other.start or other.end <= one.start


def test_what_is_counted_is_what_happened(world: World) -> None:
    tally = world.tally
    measured = [offer for offer in world.contacts.values() if world.begins <= offer.made < world.ends]
    assert tally.texts == len(measured)
    assert 0 < tally.fills <= sum(offer.state is State.ACCEPTED for offer in world.contacts.values())
    assert tally.minutes >= 30 * tally.fills


def test_the_quick_judge_of_the_simulation_says_what_all_limits_say() -> None:
    world = World(SMALL, weeks=1)
    rule = Asapfill()
    end = world.begins
    while world.now < end:
        if POLICY.texts.between.start <= world.now.time() < POLICY.texts.between.end:
            rule.tick(world)
        world.advance(world.now + timedelta(minutes=30))
    asked = situation(world)
    for offer in world.contacts.values():
        assert asked.judge(offer, asked.contacts) == verdict(offer, asked.contacts, POLICY.texts, world.now)  # type: ignore[arg-type]
    assert {offer.state for offer in world.contacts.values()} - LIVE


TALLIES = [Tally(4, 400, 40, 8, 2), Tally(4, 600, 44, 12, 0), Tally(4, 500, 48, 10, 1)]


def test_intervals_are_those_of_a_mean() -> None:
    minutes = mean(TALLIES, "minutes")
    # 100, 150, 125 a week: standard deviation 25, over the root of three.
    assert minutes.value == 125
    assert minutes.half == pytest.approx(2.01 * 25 / 3**0.5)
    assert per_fill(TALLIES, "texts").value == pytest.approx(132 / 30)
    assert ratio(TALLIES, TALLIES, "texts").value == 1
    assert ratio(TALLIES, TALLIES, "texts").half == pytest.approx(0)


def test_the_table_the_document_and_the_figure_have_every_rule() -> None:
    results = {(rule, (0.11, 250)): TALLIES for rule in WORDS}
    text = "\n".join(tables(results))
    assert all(words in text for words in WORDS.values())
    rows = json.loads(json.dumps(document(results)))
    assert {row["rule"] for row in rows} == set(WORDS)
    assert rows[0] == {
        "rule": "everybody",
        "acceptance": 0.11,
        "people": 250,
        "weeks": 12,
        "minutes": 1500,
        "texts": 132,
        "fills": 30,
        "disappointed": 3,
    }
    drawn = figure(results)
    root = ET.fromstring(drawn)  # noqa: S314  our own figure
    assert "style=" not in drawn
    assert len(root.findall(".//{http://www.w3.org/2000/svg}circle")) == len(WORDS)


def test_the_figures_of_0_2_are_kept_for_every_office() -> None:
    kept = read_before(50)
    assert len({len(tallies) for tallies in kept.values()}) == 1
    assert set(kept) == {("before", (rate, people)) for rate in (0.11, 0.083) for people in (250, 90)}


def test_an_abstract_week_is_like_days_of_the_sandbox(tmp_path: Path) -> None:
    """The real thing over real HTTP and the simulation need about as many texts for a visit."""
    days = [run_demo(seed, tmp_path / str(seed), lambda _: None) for seed in (1, 2)]
    texts = sum(day.figures.texts for day in days)
    fills = sum(day.figures.filled for day in days)
    world = World(Terms(1, round(OPERATORIES * WISHES.per_chair), EAGERNESS), weeks=1)
    tally = live(world, Asapfill())
    assert 0.5 < (texts / fills) / (tally.texts / tally.fills) < 2
