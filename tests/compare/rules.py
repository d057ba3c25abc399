"""Who is texted when: asapfill itself, and the rules that it is compared with.

Each rule is asked at its own interval during the hours in which the default policy allows texts. All keep to the same
caps: a text a day and three a week for each person, nobody twice for the same place, a week's rest after a no.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from asapfill.core.candidates import Candidate
from asapfill.core.chances import PUBLISHED
from asapfill.core.draft import Situation, new_offer
from asapfill.core.fits import Fit, fits_by_opening
from asapfill.core.limits import may_text_now, rules, verdict
from asapfill.core.offer import Contact, NewOffer, Offer
from asapfill.core.openings import Opening
from asapfill.core.plan import make_plan
from asapfill.core.policy import OrderLine
from asapfill.core.reasons import Reason
from asapfill.core.waves import next_wave, ranked
from tests.compare.book import POLICY, TIMEZONE
from tests.compare.world import Tally, World

AGAIN: Final = timedelta(minutes=30)
"""Until people whose offers ended without an answer are looked at again, if nothing else has happened."""

LOOK_AGAIN: Final = timedelta(minutes=20)
"""Until a place whose answers are waited for is looked at again: the longer they take, the less is hoped of them."""


class Rule(Protocol):
    """One way of asking people. ``interval``: from one tick to the next."""

    interval: timedelta

    def tick(self, world: World) -> None:
        """Text whoever is to be texted at this moment."""


def may_text(new: NewOffer, world: World, *, ours: bool, contacts: Sequence[Contact]) -> Reason | None:
    """Why a person is not texted: every limit of asapfill, or (``ours`` False) only those that all rules keep to."""
    if ours:
        reason = verdict(new, contacts, POLICY.texts, world.now)
    else:
        told = rules(new, contacts, POLICY.texts, world.now)
        reason = next((why for code, why in told if why is not None and code not in _ASAPFILLS_OWN), None)
    return reason or may_text_now(POLICY.texts, None, new.start, world.moment, TIMEZONE)


_ASAPFILLS_OWN: Final = frozenset({"unknown_offer", "live_offer", "per_opening"})


Place = tuple[int, datetime]
"""OperatoryNum and start."""


@dataclass(slots=True)
class Asapfill:
    """The real plan, as a cycle every five minutes would make it, without those in which nothing can have changed."""

    interval: timedelta = timedelta(minutes=5)
    _planned: int = -1
    _given_up: int = -1
    _at: datetime = datetime.min
    _nobody_for: frozenset[Place] = frozenset()
    _looked: dict[Place, tuple[datetime, list[Offer]]] = field(default_factory=dict)

    def tick(self, world: World) -> None:
        """One cycle."""
        due = self._due(world)
        if world.version == self._planned and not due - self._nobody_for and not self._again(world):
            return
        offers = make_plan(situation(world)).offers
        for offer in offers:
            world.text(offer)
        self._planned, self._given_up, self._at = world.version, world.given_up, world.now
        self._nobody_for = frozenset() if offers else due

    def _again(self, world: World) -> bool:
        """Whether people may be asked now who might not when it was planned last."""
        if world.now.date() != self._at.date():
            return True
        return world.given_up != self._given_up and world.now - self._at >= AGAIN

    def _due(self, world: World) -> frozenset[Place]:
        """The places whose next wave is due."""
        asked: dict[Place, list[Offer]] = defaultdict(list)
        for one in world.open_offers():
            asked[one.operatory, one.start].append(one)
        return frozenset(place for place, live in asked.items() if self._is_due(place, live, world))

    def _is_due(self, place: Place, live: list[Offer], world: World) -> bool:
        """Asked again at the latest when the wave told to, and at once after an answer."""
        until, of = self._looked.get(place, (world.now, []))
        if until > world.now and of == live:
            return False
        notice = POLICY.openings.notice
        wave = next_wave(place[1], live, POLICY.texts, PUBLISHED, world.now, notice=notice, kind=live[-1].kind)
        self._looked[place] = (world.now + min(wave.again, LOOK_AGAIN), live)
        return wave.size > 0


def situation(world: World) -> Situation:
    """What the service would put together, as ``cycle.plan`` does from the mirror and the journal."""
    contacts = world.that_count()
    candidates = world.candidates()
    here: dict[tuple[int, date], list[Contact]] = defaultdict(list)
    for one in contacts:
        if one.start is not None:
            here[one.operatory, one.start.date()].append(one)

    def judge(new: NewOffer, texted: Sequence[Contact]) -> Reason | None:
        # Of all texts only those to this person and for this operatory's day can stand against the offer.
        near = here[new.operatory, new.start.date()]
        own = [*world.of_patient(new.patient), *(one for one in near if one.patient != new.patient)]
        return may_text(new, world, ours=True, contacts=[*own, *texted[len(contacts) :]])

    return Situation(
        policy=POLICY,
        office_now=world.now,
        found=world.found(),
        ground=world.ground(),
        candidates=candidates,
        passed=(),
        contacts=contacts,
        phones={one.patient: f"phone {one.patient}" for one in candidates},
        judge=judge,
    )


OPEN_DENTALS_ORDER: Final[tuple[OrderLine, ...]] = (
    "unscheduled first",
    "planned first",
    "scheduled first",
    "furthest out first",
)
"""Open Dental, Web Sched ASAP: unscheduled, planned, scheduled (furthest out first), recalls last."""


def open_dentals_stagger(until: timedelta) -> timedelta:
    """Open Dental, Web Sched ASAP: from one text to the next, by how far ahead the place is."""
    steps = ((2, 1), (12, 2), (48, 4))
    return timedelta(minutes=next((minutes for hours, minutes in steps if until < timedelta(hours=hours)), 8))


@dataclass(slots=True)
class AskInTurn:
    """For each opening ``size`` people after the other, ``pause`` apart, until its beginning is taken.

    Everybody is asked for the first place that fits in the opening; what is left of it then is another opening.
    """

    size: int
    pause: Callable[[timedelta], timedelta]
    interval: timedelta = timedelta(minutes=1)
    _due: dict[str, datetime] = field(default_factory=dict)
    _nobody: dict[str, tuple[int, date]] = field(default_factory=dict)
    _known: tuple[int, int] = (-1, -1)
    _openings: tuple[Opening, ...] = ()
    _order: dict[str, list[tuple[Candidate, Fit]]] = field(default_factory=dict)

    def tick(self, world: World) -> None:
        """Ask for every opening whose turn it is."""
        if self._known != (world.rows, world.now.hour):
            # The notice eats into openings hour by hour.
            self._known, self._openings, self._order = (world.rows, world.now.hour), world.found().openings, {}
        state = (world.rows, world.now.date())
        for opening in self._openings:
            if self._due.get(opening.id, world.now) > world.now or self._nobody.get(opening.id) == state:
                continue
            if self._ask(opening, world):
                self._due[opening.id] = world.now + self.pause(opening.start - world.now)
            else:
                self._nobody[opening.id] = state

    def _who_fits(self, opening: Opening, world: World) -> list[tuple[Candidate, Fit]]:
        """Those who fit, in Open Dental's order, each with the first place."""
        if opening.id not in self._order:
            only = replace(world.ground(), openings=(opening,))
            able = [one for one in world.candidates() if opening.provider in one.providers]
            fitting = ((one, next(fits_by_opening(one, only), None)) for one in ranked(able, OPEN_DENTALS_ORDER, {}))
            self._order[opening.id] = [(one, found[1][0]) for one, found in fitting if found is not None]
        return self._order[opening.id]

    def _ask(self, opening: Opening, world: World) -> int:
        asked = 0
        for candidate, fit in self._who_fits(opening, world):
            if asked >= self.size:
                break
            new = _offer(candidate, fit, world)
            if new.start < world.now + POLICY.openings.notice:
                continue
            if may_text(new, world, ours=False, contacts=world.of_patient(candidate.patient)) is None:
                world.text(new)
                asked += 1
        return asked


def _offer(candidate: Candidate, fit: Fit, world: World) -> NewOffer:
    phone = f"phone {candidate.patient}"
    return new_offer(candidate, fit, clinic=POLICY.clinic, phone=phone, wave=1, made=world.now)


def new_rule(name: str) -> Rule:
    """A rule by its name in the table."""
    if name == "everybody":
        return AskInTurn(1, open_dentals_stagger)
    if name == "one":
        return AskInTurn(1, lambda _: timedelta(hours=1))
    if name == "tens":
        return AskInTurn(10, lambda _: timedelta(minutes=5))
    return Asapfill()


def live(world: World, rule: Rule) -> Tally:
    """Let an office live under a rule to its end."""
    hours, leaves = POLICY.texts.between, timedelta(minutes=5)
    while world.now < world.ends:
        if hours.start <= world.now.time() and (world.now + leaves).time() < hours.end:
            if world.now.weekday() in POLICY.texts.days:
                rule.tick(world)
            world.advance(world.now + rule.interval)
        else:
            tomorrow = world.now.date() + timedelta(days=world.now.time() >= hours.start)
            world.advance(datetime.combine(tomorrow, hours.start))
    return world.tally
