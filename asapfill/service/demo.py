"""``asapfill demo``: a working day in a simulated office, served by the real thing over real HTTP, in seconds.

The sandbox runs in a process of its own and keeps its own count of what was sent; asapfill's clock and the sandbox's
move together, so the same seed gives the same day.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from asapfill.clock import SteppedClock, instant, office_now
from asapfill.offers.journal import Journal
from asapfill.offers.offer import Offer
from asapfill.offers.states import State
from asapfill.opendental.models import AptStatus
from asapfill.policy.reading import read_policy
from asapfill.report.demo_page import write_page
from asapfill.sandbox.generate import make_office
from asapfill.sandbox.generate_asap import Wishes
from asapfill.sandbox.process import Sandbox, start
from asapfill.scheduling.intervals import Interval, merged, overlaps
from asapfill.scheduling.occupied import appointment_span
from asapfill.scheduling.units import ceil_unit, floor_unit
from asapfill.service.cycle import run_cycle
from asapfill.service.desk import Desk
from asapfill.service.operations import desks_for
from asapfill.service.results import ClinicResult
from asapfill.service.samples import sample_policy
from asapfill.service.sandboxes import write_settings
from asapfill.settings import load_settings

DAY = datetime(2026, 4, 14)
OPENS, CLOSES = time(7, 30), time(17, 30)
TICK = timedelta(minutes=5)
OPERATORIES = 7
WISHES = Wishes(per_chair=30, near=0.6)
"""An ASAP list as long as that of an office that keeps it well."""
BOOKED = 0.99
EAGERNESS = 0.3
CALLED_OFF = 4

Say = Callable[[str], None]
Place = tuple[int, Interval]
"""OperatoryNum and units of a visit's place when it was offered another."""


class LinkedClock(SteppedClock):
    """A clock that stands still between our steps and takes the sandbox along with each."""

    def __init__(self, moment: datetime, sandbox: Sandbox) -> None:
        super().__init__(moment)
        self._sandbox = sandbox

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let time pass here and in the office."""
        if seconds > 0:
            super().sleep(seconds, stop)
            self._sandbox.advance(seconds)


@dataclass(slots=True)
class Summary:
    """What the day came to. ``texts`` and ``sent_twice`` are the sandbox's own counts; minutes are of chair time."""

    seed: int
    openings: int = 0
    free_minutes: int = 0
    filled: int = 0
    filled_minutes: int = 0
    refilled: int = 0
    offers: int = 0
    texts: int = 0
    sent_twice: int = 0
    requests: int = 0
    page: Path = Path()
    errors: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """``demo --json``."""
        return {
            "seed": self.seed,
            "openings": self.openings,
            "free_minutes": self.free_minutes,
            "filled": self.filled,
            "filled_minutes": self.filled_minutes,
            "share_recovered": self.share,
            "refilled": self.refilled,
            "offers": self.offers,
            "texts": self.texts,
            "texts_per_filled": self.texts_per_filled,
            "requests": self.requests,
            "sent_twice": self.sent_twice,
            "page": str(self.page),
            "errors": self.errors,
        }

    @property
    def share(self) -> float:
        """Filled minutes of all minutes that were open at some time of the day."""
        return round(self.filled_minutes / self.free_minutes, 3) if self.free_minutes else 0.0

    @property
    def texts_per_filled(self) -> float | None:
        """Texts for each filled opening."""
        return round(self.texts / self.filled, 1) if self.filled else None


@dataclass(slots=True)
class _Watch:
    """What is seen on the way."""

    openings: set[str] = field(default_factory=set)
    open_time: dict[int, list[Interval]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    left: dict[int, Place] = field(default_factory=dict)


def run_demo(seed: int, out: Path, say: Say) -> Summary:
    """Run the day of ``seed`` and write its page into ``out``. ``say`` gets a line for each thing that happens."""
    opens = datetime.combine(DAY, OPENS)
    with (
        tempfile.TemporaryDirectory(prefix="asapfill-demo-") as folder,
        start(
            make_office(seed, start=opens, operatories=OPERATORIES, days=20, wishes=WISHES, booked=BOOKED),
            seed=seed,
            page_cap=1000,
            eagerness=EAGERNESS,
            called_off=CALLED_OFF,
        ) as sandbox,
    ):
        before = sandbox.office()
        settings = load_settings(write_settings(Path(folder), sandbox.port), {})
        policy = read_policy(sample_policy())
        clock = LinkedClock(instant(opens, policy.timezone), sandbox)
        say(f"A simulated office, {OPERATORIES} operatories, {opens:%A} {opens:%H:%M}. Seed {seed}.")
        watch = _Watch()
        with desks_for(settings, (policy.office,), clock, threading.Event(), act=True) as desks:
            desk = desks[0]
            moment = opens
            while moment <= datetime.combine(DAY, CLOSES):
                clock.set(instant(moment, policy.timezone))
                results = run_cycle(desk, [policy], act=True)
                _watch(desk, results, watch)
                _tell(desk, results, watch, office_now(clock.now(), policy.timezone), say)
                moment += TICK
            offers = desk.journal.since(DAY.date()) if desk.journal is not None else ()
            requests = desk.client.request_total
        summary = _summary(seed, watch, offers, sandbox.log(), requests)
        summary.page = write_page(out, before, sandbox.office(), offers, summary.document(), DAY.date())
    return summary


def summary_text(summary: Summary) -> str:
    """The end of the demo, for a terminal."""
    hours, minutes = divmod(summary.filled_minutes, 60)
    per = f"{summary.texts_per_filled} for each" if summary.filled else "none filled"
    lines = [
        "",
        f"Openings found     {summary.openings:>5}   {summary.free_minutes} minutes of chair time",
        f"Openings filled    {summary.filled:>5}   {hours} h {minutes:02d} min recovered, {summary.share:.0%}",
        f"  of these refills {summary.refilled:>5}   of places that a mover left",
        f"Texts sent         {summary.texts:>5}   {per}",
        f"Requests           {summary.requests:>5}",
        f"Anything sent twice{summary.sent_twice:>5}   counted by the simulated office",
        f"Schedule page            {summary.page}",
    ]
    return "\n".join([*lines, *(f"Trouble: {error}" for error in summary.errors)])


def _watch(desk: Desk, results: Iterable[ClinicResult], watch: _Watch) -> None:
    office = desk.mirror.office()
    visits = {row.apt_num: row for row in office.appointments if row.apt_status == AptStatus.SCHEDULED}
    for result in results:
        for line in result.offers:
            visit = visits.get(line.offer.number) if line.offer.kind == "appointment" else None
            span = appointment_span(visit, office) if visit is not None else None
            if visit is not None and span is not None and line.state == "sent":
                watch.left[visit.apt_num] = (visit.op, span)
        watch.errors += [trouble.message for trouble in result.errors]
        for opening in result.openings:
            watch.openings.add(opening.id)
            spans = watch.open_time.setdefault(opening.operatory, [])
            spans.append(opening.span)
            watch.open_time[opening.operatory] = merged(spans)


def _tell(desk: Desk, results: Iterable[ClinicResult], watch: _Watch, wall: datetime, say: Say) -> None:
    """A line for each slot offered and each offer accepted."""
    for result in results:
        slots: dict[tuple[int, datetime, int], int] = {}
        for line in result.offers:
            if line.state == "sent":
                key = (line.offer.operatory, line.offer.start, line.offer.wave)
                slots[key] = slots.get(key, 0) + 1
        for (operatory, begin, wave), count in slots.items():
            name = result.names.get(operatory, str(operatory))
            people = "1 person" if count == 1 else f"{count} people"
            say(f"{wall:%H:%M}  {name:<8} {begin:%a %H:%M}  offered to {people}, wave {wave}")
        for offer in _accepted(desk.journal):
            if offer.id not in watch.told:
                watch.told.add(offer.id)
                name = result.names.get(offer.operatory, str(offer.operatory))
                say(f"{wall:%H:%M}  {name:<8} {offer.start:%a %H:%M}  FILLED by {offer.kind} {offer.number}")


def _accepted(journal: Journal | None) -> list[Offer]:
    if journal is None:
        return []
    return [offer for offer in journal.since(DAY.date()) if offer.state is State.ACCEPTED]


def _summary(seed: int, watch: _Watch, offers: Iterable[Offer], log: dict[str, Any], requests: int) -> Summary:
    made = list(offers)
    accepted = [offer for offer in made if offer.state is State.ACCEPTED]
    open_units = sum(end - begin for spans in watch.open_time.values() for begin, end in spans)
    return Summary(
        seed=seed,
        openings=len(watch.openings),
        free_minutes=open_units * 5,
        filled=len(accepted),
        filled_minutes=sum(int((offer.end - offer.start).total_seconds()) // 60 for offer in accepted),
        refilled=sum(_is_refill(offer, accepted, watch.left) for offer in accepted),
        offers=len(made),
        texts=log["texts"],
        sent_twice=log["sent_twice"],
        requests=requests,
        errors=watch.errors,
    )


def _is_refill(offer: Offer, accepted: Iterable[Offer], left: Mapping[int, Place]) -> bool:
    """Whether an accepted offer fills a place that somebody left who had moved up on an earlier offer."""
    place = (floor_unit(offer.start), ceil_unit(offer.end))
    movers = [other for other in accepted if other.made < offer.made and other.kind == "appointment"]
    places = [left[mover.number] for mover in movers if mover.number in left]
    return any(operatory == offer.operatory and overlaps(span, place) for operatory, span in places)
