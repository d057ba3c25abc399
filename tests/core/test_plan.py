"""The plan: what it never does, whatever the office, and what it does step by step."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from asapfill.core.chances import PUBLISHED
from asapfill.core.fits import fits
from asapfill.core.offer import Contact, NewOffer, Offer, OfferTerms, OthersOffer, State
from asapfill.core.office import Office
from asapfill.core.plan import Plan, make_plan
from asapfill.core.policy import Policy, TextsPolicy
from asapfill.core.reasons import RULES, Reason
from asapfill.core.rows import Appointment
from asapfill.core.waves import next_wave, ranked
from tests.core.rows import asap, at, visit
from tests.core.situations import NOW, booked, people, planning_policy, policies, situation, waiting_room
from tests.depth import DEPTH

SOME = settings(max_examples=DEPTH.examples(60), derandomize=True)


def plan_of(office: Office, policy: Policy, contacts: Iterable[Contact] = (), now: datetime = NOW) -> Plan:
    return make_plan(situation(office, policy, contacts, now))


def by_slot(offers: Iterable[NewOffer]) -> dict[tuple[int, datetime], list[NewOffer]]:
    slots: dict[tuple[int, datetime], list[NewOffer]] = defaultdict(list)
    for offer in offers:
        slots[offer.operatory, offer.start].append(offer)
    return slots


def needed(offer: NewOffer, patterns: dict[int, str]) -> set[datetime]:
    """The moments at which an offer would need its provider."""
    marks = enumerate(patterns[offer.number])
    return {offer.start + place * timedelta(minutes=5) for place, mark in marks if mark != "/"}


def live(plan: Plan, state: State = State.SENT) -> list[Contact]:
    """The offers of a plan as the journal has them once they are in this state."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Offer(
            **{field.name: getattr(offer, field.name) for field in fields(OfferTerms)},
            id=number,
            office="office",
            state=state,
            created=moment,
            changed=moment,
        )
        for number, offer in enumerate(plan.offers)
    ]


@SOME
@given(waiting=people(), visits=booked(), policy=policies())
def test_nobody_is_asked_twice_and_every_offer_is_a_fit(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy
) -> None:
    given_situation = situation(waiting_room(waiting, visits), policy)
    offers = make_plan(given_situation).offers
    patients = [offer.patient for offer in offers]
    assert len(patients) == len(set(patients))
    phones = [offer.phone for offer in offers]
    assert len(phones) == len(set(phones))
    places = {
        (candidate.kind, candidate.number, fit.opening.operatory, fit.opening.provider, fit.start, fit.end)
        for candidate in given_situation.candidates
        for fit in fits(candidate, given_situation.ground)
    }
    for offer in offers:
        assert (offer.kind, offer.number, offer.operatory, offer.provider, offer.start, offer.end) in places


@SOME
@given(waiting=people(), visits=booked(), policy=policies())
def test_slots_of_one_room_overlap_only_where_they_are_the_same(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy
) -> None:
    offers = plan_of(waiting_room(waiting, visits), policy).offers
    for one in offers:
        for other in offers:
            if one.operatory == other.operatory and one.start < other.end and other.start < one.end:
                assert one.start == other.start


@SOME
@given(waiting=people(), visits=booked(), policy=policies())
def test_a_provider_is_never_on_offer_in_two_places_at_once(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy
) -> None:
    patterns = {row.apt_num: row.pattern for row in waiting}
    offers = plan_of(waiting_room(waiting, visits), policy).offers
    for one in offers:
        for other in offers:
            if one.provider == other.provider and (one.operatory, one.start) != (other.operatory, other.start):
                assert not needed(one, patterns) & needed(other, patterns)


@SOME
@given(waiting=people(), visits=booked(), policy=policies(), seed=st.integers(0, 1000))
def test_the_order_in_which_rows_arrive_changes_nothing(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy, seed: int
) -> None:
    office = waiting_room(waiting, visits)
    shuffle = random.Random(seed).sample
    mixed = replace(
        office,
        operatories=tuple(shuffle(office.operatories, len(office.operatories))),
        schedules=tuple(shuffle(office.schedules, len(office.schedules))),
        appointments=tuple(shuffle(office.appointments, len(office.appointments))),
        asap=tuple(shuffle(office.asap, len(office.asap))),
    )
    first, second = plan_of(office, policy), plan_of(mixed, policy)
    assert first.offers == second.offers
    assert sorted(map(repr, first.skipped)) == sorted(map(repr, second.skipped))


@SOME
@given(waiting=people(), visits=booked(), policy=policies())
def test_in_each_slot_the_first_by_the_policys_order_are_asked_and_no_more_than_a_wave(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy
) -> None:
    given_situation = situation(waiting_room(waiting, visits), policy)
    order = [candidate.number for candidate in ranked(given_situation.candidates, policy.order, {})]
    for (_, start), offers in by_slot(make_plan(given_situation).offers).items():
        asked = [order.index(offer.number) for offer in offers]
        assert asked == sorted(asked)
        now, notice = given_situation.office_now, policy.openings.notice
        assert len(offers) <= next_wave(start, (), policy.texts, PUBLISHED, now, notice=notice).size


@SOME
@given(waiting=people(), visits=booked(), policy=policies())
def test_everybody_and_every_opening_is_either_served_or_has_a_reason(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy
) -> None:
    given_situation = situation(waiting_room(waiting, visits), policy)
    plan = make_plan(given_situation)
    asked = {offer.number for offer in plan.offers}
    told = {item.number for item in plan.skipped if item.number is not None}
    assert asked | told == {row.apt_num for row in waiting}
    assert not asked & told
    served = {offer.opening for offer in plan.offers}
    explained = {item.opening for item in plan.skipped}
    assert {opening.id for opening in given_situation.found.openings} <= served | explained
    assert all(item.reason.code in RULES for item in plan.skipped)


@SOME
@given(waiting=people(), visits=booked(), policy=policies())
def test_planning_again_at_once_asks_nobody_for_what_is_on_offer(
    waiting: list[Appointment], visits: list[Appointment], policy: Policy
) -> None:
    patterns = {row.apt_num: row.pattern for row in waiting}
    office = waiting_room(waiting, visits)
    first = plan_of(office, policy)
    second = plan_of(office, policy, live(first))
    assert not {offer.patient for offer in first.offers} & {offer.patient for offer in second.offers}
    assert not by_slot(first.offers).keys() & by_slot(second.offers).keys()
    for one in first.offers:
        for other in second.offers:
            assert one.operatory != other.operatory or one.end <= other.start or other.end <= one.start
            assert one.provider != other.provider or not needed(one, patterns) & needed(other, patterns)


ONE_HOUR = [visit("9:00", 180, op=1, prov_num=7), visit("8:00", 240, apt_num=2, op=2, prov_num=7)]
"""Leaves 8 to 9 in room 1, besides room 3."""


def five_people(**columns: object) -> list[Appointment]:
    return [asap(60, apt_num=100 + 2 * n, pat_num=2 * n, **columns) for n in range(1, 6)]


def test_the_next_wave_follows_when_the_first_had_its_time() -> None:
    policy = planning_policy(TextsPolicy(wave=2, wait=timedelta(minutes=30)))
    office = waiting_room(five_people(), ONE_HOUR)
    early = NOW - timedelta(hours=2)
    first = plan_of(office, policy, now=early)
    assert [(offer.number, offer.wave) for offer in first.offers] == [(102, 1), (104, 1)]
    waiting = plan_of(office, policy, live(first), early + timedelta(minutes=29))
    assert waiting.offers == ()
    assert "waiting_for_answers" in {item.reason.code for item in waiting.skipped}
    second = plan_of(office, policy, live(first), early + timedelta(minutes=30))
    assert [(offer.number, offer.wave) for offer in second.offers] == [(106, 2), (108, 2)]
    both = [*live(first), *live(second)]
    assert plan_of(office, policy, both, early + timedelta(minutes=59)).offers == ()
    third = plan_of(office, policy, both, early + timedelta(minutes=60))
    assert [(offer.number, offer.wave) for offer in third.offers] == [(110, 3)]


def test_somebody_who_looks_at_the_offer_has_half_a_wait_more() -> None:
    policy = planning_policy(TextsPolicy(wave=1, wait=timedelta(minutes=30)))
    office = waiting_room(five_people(), ONE_HOUR)
    early = NOW - timedelta(hours=2)
    viewed = live(plan_of(office, policy, now=early), State.VIEWED)
    assert plan_of(office, policy, viewed, early + timedelta(minutes=44)).offers == ()
    assert len(plan_of(office, policy, viewed, early + timedelta(minutes=45)).offers) == 1


def test_when_all_have_declined_the_next_are_asked_at_once() -> None:
    policy = planning_policy(TextsPolicy(wave=2, wait=timedelta(hours=5)))
    office = waiting_room(five_people(), ONE_HOUR)
    first = plan_of(office, policy)
    declined = live(first, State.DECLINED)
    second = plan_of(office, policy, declined, NOW + timedelta(minutes=5))
    assert [(offer.number, offer.wave) for offer in second.offers] == [(106, 2), (108, 2)]


def test_an_unclear_offer_blocks_its_slot() -> None:
    policy = planning_policy(TextsPolicy(wave=2, wait=timedelta(minutes=5)))
    office = waiting_room(five_people(), ONE_HOUR)
    unclear = live(plan_of(office, policy), State.UNKNOWN)
    later = plan_of(office, policy, unclear, NOW + timedelta(hours=1))
    assert not [offer for offer in later.offers if offer.operatory == 1]


def test_a_provider_in_two_rooms_is_offered_in_one_of_them_at_a_time() -> None:
    rooms = [visit("9:00", 180, op=1, prov_num=7), visit("9:00", 180, apt_num=2, op=2, prov_num=7)]
    office = waiting_room([asap(60, apt_num=102, pat_num=2), asap(60, apt_num=104, pat_num=4)], rooms)
    policy = planning_policy(TextsPolicy(wave=1))
    plan = plan_of(office, policy)
    assert [offer.number for offer in plan.offers] == [102]
    assert ("provider_busy", 104) in {(item.reason.code, item.number) for item in plan.skipped}
    waiting = plan_of(office, policy, live(plan), NOW + timedelta(minutes=1))
    assert waiting.offers == ()


def test_assistant_time_lets_the_provider_be_offered_in_both_rooms() -> None:
    rooms = [visit("9:00", 180, op=1, prov_num=7), visit("9:00", 180, apt_num=2, op=2, prov_num=7)]
    first, second = (
        asap(apt_num=102, pat_num=2, pattern="X" * 6 + "/" * 6),
        asap(apt_num=104, pat_num=4, pattern="/" * 6 + "X" * 6),
    )
    plan = plan_of(waiting_room([first, second], rooms), planning_policy(TextsPolicy(wave=1)))
    assert {offer.number for offer in plan.offers} == {102, 104}
    assert {(offer.operatory, offer.start) for offer in plan.offers} == {(1, at("8:00")), (2, at("8:00"))}


OF_STAFF = OthersOffer(
    patient=60,
    phone="",
    day=at("6:00").date(),
    kind="appointment",
    number=999,
    state=State.SENT,
    operatory=2,
    start=at("8:00"),
    end=at("12:00"),
)
"""An open offer that staff made for the second operatory."""


def test_somebody_elses_offer_holds_the_provider_too() -> None:
    plan = plan_of(waiting_room([asap(60, apt_num=102, pat_num=2)]), planning_policy(), [OF_STAFF])
    # The same place may go to either of them; every other would need the provider twice.
    assert by_slot(plan.offers).keys() == {(2, at("8:00"))}


def test_an_offer_for_a_place_that_was_taken_meanwhile_holds_nobody() -> None:
    taken = [visit("8:00", 60, op=2, prov_num=7)]
    plan = plan_of(waiting_room([asap(60, apt_num=102, pat_num=2)], taken), planning_policy(), [OF_STAFF])
    assert by_slot(plan.offers).keys() == {(1, at("8:00"))}


def test_of_several_starts_the_one_that_leaves_no_unusable_rest_is_offered() -> None:
    between = [visit("8:00", 20, op=1, prov_num=7), visit("9:50", 130, apt_num=2, op=1, prov_num=7)]
    room_2 = [visit("8:00", 240, apt_num=3, op=2, prov_num=7)]
    plan = plan_of(waiting_room([asap(45, apt_num=102, pat_num=2)], between + room_2), planning_policy())
    assert [offer.start for offer in plan.offers] == [at("8:20")]


def test_two_short_visits_share_one_opening() -> None:
    room_2 = [visit("8:00", 240, op=2, prov_num=7)]
    plan = plan_of(
        waiting_room([asap(60, apt_num=100 + 2 * n, pat_num=2 * n) for n in (1, 2, 3)], room_2),
        planning_policy(TextsPolicy(wave=1)),
    )
    assert [(offer.start, offer.operatory) for offer in plan.offers] == [(at(f"{hour}:00"), 1) for hour in (8, 9, 10)]


def test_patients_not_read_yet_are_asked_for_before_anything_is_final() -> None:
    office = waiting_room([asap(60, apt_num=102, pat_num=2)], patients=[])
    plan = plan_of(office, planning_policy())
    assert plan.wanted == {2}
    assert plan_of(waiting_room([asap(60, apt_num=102, pat_num=2)]), planning_policy()).wanted == frozenset()


def test_what_the_judge_refuses_is_told() -> None:
    def judge(new: NewOffer, contacts: Sequence[Contact]) -> Reason | None:
        return Reason("resting") if new.number == 102 and not contacts else None

    office = waiting_room([asap(60, apt_num=102, pat_num=2), asap(60, apt_num=104, pat_num=4)])
    plan = make_plan(situation(office, planning_policy(), judge=judge))
    # Nobody is asked twice, even if the limits had nothing against it.
    assert [offer.number for offer in plan.offers] == [104]
    assert ("resting", 102) in {(item.reason.code, item.number) for item in plan.skipped}
