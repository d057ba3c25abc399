"""What the demo's day came to: figures of asapfill's journal and of the simulated office's own count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asapfill.offers.offer import Offer
from asapfill.offers.states import State
from asapfill.scheduling.intervals import Interval, overlaps
from asapfill.scheduling.units import MINUTES, ceil_unit, floor_unit

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
