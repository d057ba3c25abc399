"""``asapfill demo``: a working day in a simulated office, served by the real thing over real HTTP, in seconds.

The sandbox runs in a process of its own and keeps its own count of what was sent; asapfill's clock and the sandbox's
move together, so the same seed gives the same day.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from asapfill.clock import SteppedClock, instant, office_now
from asapfill.core.offer import Offer, State
from asapfill.core.rows import AptStatus
from asapfill.core.schedule import appointment_span
from asapfill.core.units import MINUTES, Interval, ceil_unit, floor_unit, merged, overlaps
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession, sessions_to_send
from asapfill.demo.page import write_page
from asapfill.demo.sandboxes import sample_policy, write_settings
from asapfill.offers.journal import Journal
from asapfill.policy.reading import read_policy
from asapfill.sandbox.generate.asap import Wishes
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.wire.process import Sandbox, start
from asapfill.settings.settings import load_settings

Place = tuple[int, Interval]
"""OperatoryNum and units of a visit's place when it was offered another."""


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
class Seen:
    """What was seen on the way. ``open_time``: per OperatoryNum everything that was open at some time; ``left``: per
    AptNum the place of a visit when it was offered another.
    """

    openings: set[str] = field(default_factory=set)
    open_time: dict[int, list[Interval]] = field(default_factory=dict)
    left: dict[int, Place] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def summarise(seed: int, seen: Seen, offers: Iterable[Offer], log: dict[str, Any], requests: int) -> Summary:
    """The figures of a day. ``log``: the simulated office's own record."""
    made = list(offers)
    accepted = [offer for offer in made if offer.state is State.ACCEPTED]
    open_units = sum(end - begin for spans in seen.open_time.values() for begin, end in spans)
    return Summary(
        seed=seed,
        openings=len(seen.openings),
        free_minutes=open_units * MINUTES,
        filled=len(accepted),
        filled_minutes=sum(int((offer.end - offer.start).total_seconds()) // 60 for offer in accepted),
        refilled=sum(refilled_from(offer, accepted, seen.left) is not None for offer in accepted),
        offers=len(made),
        texts=log["texts"],
        sent_twice=log["sent_twice"],
        requests=requests,
        errors=seen.errors,
    )


def refilled_from(offer: Offer, accepted: Iterable[Offer], left: Mapping[int, Place]) -> int | None:
    """The AptNum of a mover whose old place an accepted offer fills; None when it fills another opening."""
    place = (floor_unit(offer.start), ceil_unit(offer.end))
    for mover in accepted:
        if mover.made < offer.made and mover.kind == "appointment" and mover.number in left:
            operatory, span = left[mover.number]
            if operatory == offer.operatory and overlaps(span, place):
                return mover.number
    return None


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
class Teller:
    """Tells what happens, a line each. ``visits``: the office's appointments as the day began, by AptNum."""

    say: Say
    visits: Mapping[int, Mapping[str, Any]]
    seen: Seen = field(default_factory=Seen)
    _told: set[int] = field(default_factory=set)
    _happened: int = 0

    def called_off(self, happened: list[dict[str, Any]], names: Mapping[int, str]) -> None:
        """Visits that were called off since the last time."""
        for event in happened[self._happened :]:
            words = _CALLED_OFF.get(event["action"])
            visit = self.visits.get(event.get("AptNum", 0))
            if words is None or visit is None or not visit["Op"]:
                continue
            begin = datetime.fromisoformat(str(visit["AptDateTime"]))
            self._line(datetime.fromisoformat(event["at"]), names.get(visit["Op"], ""), begin, words)
        self._happened = len(happened)

    def cycle(self, session: OfficeSession, result: ClinicResult, wall: datetime) -> None:
        """What one cycle found, offered and learned."""
        self._look(session, result)
        slots = Counter(
            (line.offer.operatory, line.offer.start, line.offer.wave) for line in result.offers if line.state == "sent"
        )
        for (operatory, begin, wave), count in slots.items():
            people = "1 person" if count == 1 else f"{count} people"
            self._line(wall, result.names.get(operatory, ""), begin, f"offered to {people}, wave {wave}")
        accepted = accepted_offers(session.journal)
        for offer in accepted:
            if offer.id in self._told:
                continue
            self._told.add(offer.id)
            mover = refilled_from(offer, accepted, self.seen.left)
            where = f", in the place {mover} left" if mover is not None else ""
            words = f"FILLED by {offer.kind} {offer.number}{where}"
            self._line(wall, result.names.get(offer.operatory, ""), offer.start, words)

    def _look(self, session: OfficeSession, result: ClinicResult) -> None:
        office = session.mirror.office()
        visits = {row.apt_num: row for row in office.appointments if row.apt_status == AptStatus.SCHEDULED}
        for line in result.offers:
            visit = visits.get(line.offer.number) if line.offer.kind == "appointment" else None
            span = appointment_span(visit, office) if visit is not None else None
            if visit is not None and span is not None and line.state == "sent":
                self.seen.left[visit.apt_num] = (visit.op, span)
        self.seen.errors += [trouble.message for trouble in result.errors]
        for opening in result.openings:
            self.seen.openings.add(opening.id)
            spans = self.seen.open_time.get(opening.operatory, [])
            self.seen.open_time[opening.operatory] = merged([*spans, opening.span])

    def _line(self, at: datetime, operatory: str, begin: datetime, words: str) -> None:
        self.say(f"{at:%H:%M}  {operatory:<7} {begin:%a %d %H:%M}  {words}")


_CALLED_OFF = {
    "cancel": "called off",
    "delete": "called off",
    "break": "called off, left on the schedule as broken",
}


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
        teller = Teller(say, {row["AptNum"]: row for row in before["appointments"]})
        with sessions_to_send(settings, (policy.office,), clock) as sessions:
            session = sessions[0]
            moment = opens
            while moment <= datetime.combine(DAY, CLOSES):
                clock.set(instant(moment, policy.timezone))
                for result in run_cycle(session, [policy]):
                    teller.called_off(sandbox.log()["happened"], result.names)
                    teller.cycle(session, result, office_now(clock.now(), policy.timezone))
                moment += TICK
            offers = session.journal.since(DAY.date())
            requests = session.client.request_total
        summary = summarise(seed, teller.seen, offers, sandbox.log(), requests)
        summary.page = write_page(out, before, sandbox.office(), offers, summary.document(), DAY.date())
    return summary


def accepted_offers(journal: Journal) -> list[Offer]:
    """Every offer of the day that was accepted."""
    return [offer for offer in journal.since(DAY.date()) if offer.state is State.ACCEPTED]
