"""An office of the comparison as time passes: visits are cancelled, texts answered, places taken and left.

Openings, candidates, limits and the states of offers are asapfill's own; who is texted when is up to the rule. All
times are naive office wall-clock, and nothing depends on anything but the terms: what a patient answers to an offer
is the same under every rule.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from asapfill.clock import instant
from asapfill.core.candidates import Candidate, find_candidates
from asapfill.core.fits import Ground, prepare
from asapfill.core.offer import (
    CLOCKS_MAY_DIFFER,
    FINAL,
    LINK_STAYS_OPEN,
    LIVE,
    STEPS,
    Contact,
    Kind,
    NewOffer,
    Offer,
    OfferTerms,
    State,
    require,
)
from asapfill.core.office import Office
from asapfill.core.openings import Found, FreeSince, find_openings, remember, still_settling
from asapfill.core.rows import Appointment, AptStatus, Patient, Recall, Schedule
from asapfill.core.schedule import provider_of
from asapfill.core.units import Interval, ceil_unit, floor_unit, overlaps
from asapfill.core.waves import TIME_TO_ANSWER
from asapfill.sandbox.office.columns import stamp
from asapfill.sandbox.office.people import (
    CALLED_OFF_AHEAD,
    CALLED_OFF_TODAY,
    DESK_CLOSES,
    DESK_OPENS,
    LOOK_AHEAD_DAYS,
    People,
    stable_random,
)
from asapfill.sandbox.office.tables import SimulatedOffice
from tests.compare.book import FIRST_DAY, FIRST_NEW, POLICY, TIMEZONE, free_stretch, full_book, joins

CANCELLED_A_DAY = 5
WARM_UP, WEEKS = 1, 4
"""Weeks that an office lives before it is measured, and weeks in which it is."""
_TODAY_WEIGHT = CALLED_OFF_TODAY / (CALLED_OFF_TODAY + CALLED_OFF_AHEAD * LOOK_AHEAD_DAYS * 5 / 7)
"""The share of cancellations that concern their own day, as in the sandbox."""

SATURDAY: Final = 5
Kept = TypeVar("Kept")
_NO_OFFICE: Final = SimulatedOffice(now=datetime.combine(FIRST_DAY, time(0)))
"""The sandbox's people are asked with an office that they do not look at."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an office is drawn from. ``people``: on the ASAP list; ``acceptance``: chance that a text is accepted."""

    seed: int
    people: int
    acceptance: float


@dataclass(slots=True)
class Tally:
    """What the measured weeks of one office came to. ``disappointed``: said yes, and the place was gone."""

    weeks: int = WEEKS
    minutes: int = 0
    texts: int = 0
    fills: int = 0
    disappointed: int = 0


class World:
    """One office under one rule. ``text`` makes an offer, ``advance`` lets time pass."""

    def __init__(self, terms: Terms, *, weeks: int = WEEKS) -> None:
        self.terms = terms
        self.now = datetime.combine(FIRST_DAY, time(0))
        self.begins = self.now + timedelta(weeks=WARM_UP)
        self.ends = self.begins + timedelta(weeks=weeks)
        self.tally = Tally(weeks)
        self.version = 0
        """Grows with every change of the schedule, of the list, and with every answer."""
        self.given_up = 0
        """Grows when an offer ends without an answer: its person may be asked about another place."""
        self.contacts: dict[int, Offer] = {}
        self._by_patient: dict[int, list[int]] = defaultdict(list)
        self._book = full_book(terms.seed)
        self.rows = 0
        """Grows with every change of the schedule and of the list."""
        self._visits: dict[int, Appointment] = {}
        self._days: dict[date, set[int]] = defaultdict(set)
        self._stretches: dict[date, list[Schedule]] = defaultdict(list)
        self._changed: dict[date, int] = defaultdict(int)
        for row in self._book.appointments:
            self._put(row)
        self._list: dict[tuple[Kind, int], Appointment | Recall] = {}
        self._judged: dict[tuple[Kind, int], Candidate] = {}
        self._patients: dict[int, Patient] = {}
        self._joined = 0
        self._new = itertools.count(FIRST_NEW * 5)
        self._people = People(terms.seed, eagerness=terms.acceptance)
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._free: list[FreeSince] = []
        self._kept: dict[str, tuple[object, Any]] = {}
        self._day(self.now.date())

    # What a rule may know

    @property
    def moment(self) -> datetime:
        """Now, aware."""
        return instant(self.now, TIMEZONE)

    def office(self) -> Office:
        """What asapfill reads, of today to the end of the look-ahead: what was free once, and what may clash."""
        return self._once("office", (self.rows, self.now.date()), self._read)

    def _read(self) -> Office:
        first, last = self.now.date(), (self.now + POLICY.openings.look_ahead).date()
        days = [day for day in self._stretches if first <= day <= last]
        return replace(
            self._book,
            first=first,
            last=last,
            appointments=tuple(row for day in days for row in self._beside(day)),
            schedules=tuple(row for day in days for row in self._stretches[day]),
            asap=tuple(row for row in self._list.values() if isinstance(row, Appointment)),
            recalls=tuple(row for row in self._list.values() if isinstance(row, Recall)),
            patients=self._patients,
        )

    def _beside(self, day: date) -> list[Appointment]:
        """The visits that lie in what was free, or need the same provider at the same time."""

        def build() -> list[Appointment]:
            places = [(span_of(row), row.operatories[0], row.prov_num) for row in self._stretches[day]]
            return [
                row
                for row in self._on(day)
                if any(
                    overlaps(visit_span(row), span) and (row.op == operatory or provider_of(row) == provider)
                    for span, operatory, provider in places
                )
            ]

        return self._once(f"beside {day}", self._changed[day], build)

    def found(self) -> Found:
        """The openings at this moment, without what is settling."""

        def build() -> Found:
            settling = still_settling(self._free, self.moment, POLICY.openings.settle)
            return find_openings(self.office(), POLICY, self.moment, settling)

        return self._once("found", (self.rows, self.now), build)

    def candidates(self) -> tuple[Candidate, ...]:
        """Everybody on the list, as asapfill judges them: each once, for nothing in this world changes a verdict."""

        def build() -> tuple[Candidate, ...]:
            fresh = {key: row for key, row in self._list.items() if key not in self._judged}
            appointments = tuple(row for row in fresh.values() if isinstance(row, Appointment))
            recalls = tuple(row for row in fresh.values() if isinstance(row, Recall))
            office = replace(self.office(), appointments=(), asap=appointments, recalls=recalls)
            candidates, passed = find_candidates(office, POLICY, self.now)
            assert not passed, passed
            self._judged |= {one.key: one for one in candidates}
            return tuple(self._judged[key] for key in self._list)

        return self._once("candidates", (self.rows, self.now.date()), build)

    def ground(self) -> Ground:
        """The openings prepared for fitting, anew when they are others."""
        found = self.found()
        return self._once("ground", (self.rows, found.openings), lambda: prepare(self.office(), POLICY, found))

    def that_count(self) -> tuple[Contact, ...]:
        """The texts that may still matter: of eight days, of places to come, open ones, and stops."""
        since = self.now - timedelta(days=8)
        return tuple(
            one
            for one in self.contacts.values()
            if one.made >= since or one.start >= self.now or one.state not in FINAL or one.state is State.STOPPED
        )

    def of_patient(self, patient: int) -> list[Contact]:
        """Every text to one patient."""
        return [self.contacts[number] for number in self._by_patient.get(patient, ())]

    def open_offers(self) -> list[Offer]:
        """The offers that may still be answered, as asapfill counts them."""
        return [one for one in self.contacts.values() if one.state in LIVE]

    def _once(self, name: str, key: object, build: Callable[[], Kept]) -> Kept:
        """What ``build`` gives, kept until its key is another one."""
        known = self._kept.get(name)
        if known is None or known[0] != key:
            known = self._kept[name] = (key, build())
        value: Kept = known[1]
        return value

    # Texts and answers

    def text(self, new: NewOffer) -> None:
        """A text goes out now; the patient reacts in their own time, as the simulated patients of the sandbox do."""
        require(None, State.INTENT)
        number = len(self.contacts) + 1
        terms = {field.name: getattr(new, field.name) for field in fields(OfferTerms)}
        offer = Offer(**terms, id=number, office="compare", state=State.SENT, created=self.moment, changed=self.moment)
        self.contacts[number] = offer
        self._by_patient[new.patient].append(number)
        self._count(texts=1)
        self._at(self.now + TIME_TO_ANSWER, partial(self._give_up, number, State.UNANSWERED))
        self._at(new.start + CLOCKS_MAY_DIFFER, partial(self._give_up, number, State.PASSED))
        row = {
            "FKey": new.number,
            "FKeyType": "Recall" if new.kind == "recall" else "Appointment",
            "DateTimeExpire": stamp(new.start + LINK_STAYS_OPEN),
        }
        reactions = self._people.texted(_NO_OFFICE, row, self.now)
        wants = any(action == "accept" for _, action in reactions)
        for delay, action in reactions:
            self._at(self.now + delay, partial(self._react, number, action, wants=wants))

    def _react(self, number: int, action: str, *, wants: bool) -> None:
        """A patient uses the link: looks, and perhaps answers. Open Dental: whoever comes first has the place."""
        offer = self.contacts[number]
        if State.TAKEN not in STEPS[offer.state]:
            return  # answered already, or took another time
        if action in {"view", "accept"} and not self._is_free(offer):
            self._step(offer, State.TAKEN)
            self._count(disappointed=int(wants))
        elif action == "accept":
            self._accept(offer)
        else:
            to = {"view": State.VIEWED, "decline": State.DECLINED, "stop": State.STOPPED}[action]
            if to in STEPS[offer.state]:
                self._step(offer, to)

    def _accept(self, offer: Offer) -> None:
        """The visit moves to the offered place; what it leaves is free, or, far ahead, booked by the front desk."""
        row = self._list.pop((offer.kind, offer.number))
        before = self._visits.get(offer.number) if offer.kind == "appointment" else None
        self._step(offer, State.ACCEPTED)
        for other in self.of_patient(offer.patient):
            if isinstance(other, Offer) and State.OTHER_SLOT in STEPS[other.state]:
                self._step(other, State.OTHER_SLOT)
        self._count(fills=1, minutes=int((offer.end - offer.start).total_seconds()) // 60)
        if before is not None:
            self._leave(before)
        self._put(_visit(row, offer, before.apt_num if before is not None else next(self._new)))
        self._schedule_changed()
        for other in [one for one in self.contacts.values() if State.CLOSED in STEPS[one.state]]:
            if other.operatory == offer.operatory and other.start < offer.end and offer.start < other.end:
                self._step(other, State.CLOSED)

    def _is_free(self, offer: Offer) -> bool:
        """Whether the place can still be had (Open Dental looks at the operatory, not at the provider)."""
        place = (floor_unit(offer.start), ceil_unit(offer.end))
        rows = self._on(offer.start.date())
        return offer.start > self.now and not any(
            row.op == offer.operatory and overlaps(visit_span(row), place) for row in rows
        )

    def _on(self, day: date) -> list[Appointment]:
        """The visits of a day, by AptNum."""
        return [self._visits[number] for number in sorted(self._days[day])]

    def _put(self, row: Appointment) -> None:
        """Onto the schedule."""
        assert row.apt_date_time is not None
        self._visits[row.apt_num] = row
        self._days[row.apt_date_time.date()].add(row.apt_num)
        self._changed[row.apt_date_time.date()] += 1

    def _leave(self, row: Appointment) -> None:
        """Off the schedule: its place is free, unless it lies so far ahead that the front desk fills it meanwhile."""
        assert row.apt_date_time is not None
        day = row.apt_date_time.date()
        del self._visits[row.apt_num]
        self._days[day].discard(row.apt_num)
        self._changed[day] += 1
        number = next(self._new)
        if row.apt_date_time < self.now + POLICY.openings.look_ahead:
            self._stretches[day].append(free_stretch(row, number))
        else:
            self._put(row.model_copy(update={"apt_num": number, "pat_num": number, "priority": "Normal"}))

    def _give_up(self, number: int, to: State) -> None:
        offer = self.contacts[number]
        if to in STEPS[offer.state]:
            self._step(offer, to)

    def _step(self, offer: Offer, to: State) -> None:
        require(offer.state, to)
        settled = self.moment if to in FINAL else None
        self.contacts[offer.id] = replace(offer, state=to, changed=self.moment, settled=settled)
        if to in {State.UNANSWERED, State.PASSED, State.CLOSED}:
            self.given_up += 1
        elif to is not State.VIEWED:
            self.version += 1

    def _count(self, **more: int) -> None:
        if self.begins <= self.now < self.ends:
            for name, number in more.items():
                setattr(self.tally, name, getattr(self.tally, name) + number)

    # Time

    def advance(self, to: datetime) -> None:
        """Let everything happen that is due up to ``to``."""
        while self._queue and self._queue[0][0] <= to:
            when, _, act = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            act()
        self.now = to

    def _at(self, when: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), act))

    def _day(self, day: date) -> None:
        """Whose visit is today comes anyway; the list is filled up to its size; the day's cancellations are drawn."""
        self._list = {key: row for key, row in self._list.items() if not _has_come(row, day)}
        visits = sorted(self._visits.values(), key=lambda row: row.apt_num)
        while len(self._list) < self.terms.people:
            self._join(visits, day)
        if day.weekday() < SATURDAY:
            for number in range(CANCELLED_A_DAY):
                self._plan_cancellation(visits, day, number)
        tomorrow = day + timedelta(days=1)
        self._at(datetime.combine(tomorrow, time(0)), partial(self._day, tomorrow))
        self.rows += 1
        self.version += 1

    def _join(self, visits: Sequence[Appointment], day: date) -> None:
        self._joined += 1
        person = joins(self.terms.seed, self._joined, visits, day)
        if person.row.pat_num in self._patients:
            return
        self._patients = {**self._patients, person.row.pat_num: person.patient}
        self._list["recall" if isinstance(person.row, Recall) else "appointment", person.row.number] = person.row

    def _plan_cancellation(self, visits: Iterable[Appointment], day: date, number: int) -> None:
        """One visit falls through today: one of today's, mostly early in the day, or one of the next two weeks."""
        draws = stable_random(self.terms.seed, "cancelled", day, number)
        opens, closes = datetime.combine(day, DESK_OPENS), datetime.combine(day, DESK_CLOSES)
        today = draws.random() < _TODAY_WEIGHT
        last = day + timedelta(days=LOOK_AHEAD_DAYS)
        row = draws.choice(
            [
                row
                for row in visits
                if row.apt_num < FIRST_NEW and row.apt_date_time is not None
                if (row.apt_date_time.date() == day if today else day < row.apt_date_time.date() <= last)
            ]
        )
        assert row.apt_date_time is not None
        early, late = sorted((draws.random(), draws.random()))
        latest = row.apt_date_time - timedelta(minutes=20)
        when = opens + (early * max(timedelta(0), min(latest, closes) - opens) if today else late * (closes - opens))
        self._at(when.replace(microsecond=0), partial(self._cancel, row))

    def _cancel(self, row: Appointment) -> None:
        """The visit leaves the schedule, unless it was moved, or its patient asked for an earlier one meanwhile."""
        if self._visits.get(row.apt_num) is row and ("appointment", row.apt_num) not in self._list:
            self._leave(row)
            self._schedule_changed()

    def _schedule_changed(self) -> None:
        """What is free now was found at this moment, as a cycle a minute would find it."""
        self.rows += 1
        self.version += 1
        self._free = remember(self._free, find_openings(self.office(), POLICY, self.moment, {}).free_time, self.moment)
        self._at(self.now + POLICY.openings.settle, self._settled)

    def _settled(self) -> None:
        """Something that became free lately may be offered now."""
        self.rows += 1
        self.version += 1


def _has_come(row: Appointment | Recall, day: date) -> bool:
    """Whether somebody on the list has their visit on ``day`` or had it before."""
    if not isinstance(row, Appointment) or row.apt_status != AptStatus.SCHEDULED or row.apt_date_time is None:
        return False
    return row.apt_date_time.date() <= day


def visit_span(row: Appointment) -> Interval:
    """The units of a visit on the schedule."""
    assert row.apt_date_time is not None
    start = floor_unit(row.apt_date_time)
    return start, start + len(row.pattern)


def span_of(row: Schedule) -> Interval:
    """The units of a stretch of hours."""
    assert row.sched_date is not None
    return floor_unit(datetime.combine(row.sched_date, row.start_time)), floor_unit(
        datetime.combine(row.sched_date, row.stop_time)
    )


def _visit(row: Appointment | Recall, offer: Offer, number: int) -> Appointment:
    """The visit that an accepted offer makes, in its place."""
    length = int((offer.end - offer.start).total_seconds()) // 300
    hygiene = isinstance(row, Recall) or row.is_hygiene
    return Appointment(
        apt_num=number,
        pat_num=offer.patient,
        apt_status=AptStatus.SCHEDULED,
        pattern=row.pattern if isinstance(row, Appointment) else "X" * length,
        op=offer.operatory,
        prov_num=0 if hygiene else offer.provider,
        prov_hyg=offer.provider if hygiene else 0,
        is_hygiene=hygiene,
        apt_date_time=offer.start,
        priority="Normal",
    )
