"""The weekly report's figures, counted from plain data: what was found, offered, texted, answered and filled.

Pure: ``weekly`` reads the data, ``weekly_page`` makes the page. An offer counts for the day of the office on which it
was made, an opening for the day on which it was first found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final

from asapfill.core.offer import COUNTED, UNCLEAR, WORDS, Offer, State
from asapfill.store.figures import HELD, LeftPlace, OpenTime

TEXTED: Final = COUNTED - UNCLEAR
"""A text went out, as far as Open Dental tells."""
NOT_MADE: Final = frozenset({State.UNSENT, State.LAPSED, State.WITHDRAWN, State.WAITING, State.APPROVED})
"""Never reached Open Dental."""

OUTCOMES: Final = tuple(dict.fromkeys(words.outcome for words in WORDS.values() if words.outcome))
"""What becomes of a text, in the order of the page."""
ANSWERED: Final = ("Accepted", "Declined", "Took another offered time", "The time was gone")

LEADS: Final[tuple[tuple[str, timedelta], ...]] = (
    ("under 4 hours", timedelta(hours=4)),
    ("4 to 24 hours", timedelta(hours=24)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
    ("over 7 days", timedelta.max),
)
"""From the text to the start of the offered time."""
WAITS: Final[tuple[tuple[str, int], ...]] = (
    ("under 15 minutes", 15),
    ("15 to 60 minutes", 60),
    ("1 to 4 hours", 240),
    ("4 to 24 hours", 1440),
    ("over a day", 10**9),
)
"""Minutes from finding an opening to the yes of whoever fills it."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days of an office, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def before(self, times: int = 1) -> Period:
        """As many days right before it, or ``times`` as far back."""
        length = timedelta(days=len(self.days) * times)
        return Period(self.first - length, self.last - length)


@dataclass(frozen=True, slots=True)
class Records:
    """What the state knows of one office, or of one clinic of it. ``counts``: clinic, day, what, count.

    ``found``: with the naive office time of the first finding beside each stretch.
    """

    offers: tuple[Offer, ...] = ()
    found: tuple[tuple[datetime, OpenTime], ...] = ()
    left: tuple[LeftPlace, ...] = ()
    counts: tuple[tuple[int, date, str, int], ...] = ()

    def of_clinic(self, clinic: int) -> Records:
        """Only one clinic's."""
        return Records(
            tuple(offer for offer in self.offers if offer.clinic == clinic),
            tuple((at, item) for at, item in self.found if item.clinic == clinic),
            self.left,
            tuple(row for row in self.counts if row[0] == clinic),
        )

    @property
    def clinics(self) -> list[int]:
        """ClinicNums that anything is known of."""
        numbers = {offer.clinic for offer in self.offers} | {item.clinic for _, item in self.found}
        return sorted(numbers | {row[0] for row in self.counts})


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some days. Minutes are of chair time.

    ``waves`` and ``leads``: texts, and of these accepted, by wave and by time before the start. ``waits``: minutes from
    finding an opening to its filling. ``held``: by reason, the most people held back by it at one time, the highest of
    the days. ``filled_by_day``: minutes by the day on which the offer was made.
    """

    openings: int = 0
    open_minutes: int = 0
    offers: int = 0
    texts: int = 0
    unclear: int = 0
    refused: int = 0
    filled: int = 0
    filled_minutes: int = 0
    refills: int = 0
    requests: int = 0
    cycles: int = 0
    cycles_failed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    waves: Counter[int] = field(default_factory=Counter)
    waves_accepted: Counter[int] = field(default_factory=Counter)
    leads: Counter[str] = field(default_factory=Counter)
    leads_accepted: Counter[str] = field(default_factory=Counter)
    filled_by_day: Counter[date] = field(default_factory=Counter)
    waits: tuple[int, ...] = ()

    @property
    def answered(self) -> int:
        """Texts to which the patient did something."""
        return sum(self.outcomes[name] for name in ANSWERED)

    @property
    def texts_per_filled(self) -> float | None:
        """Texts for each filled opening."""
        return round(self.texts / self.filled, 1) if self.filled else None

    @property
    def wait(self) -> int | None:
        """The middle of ``waits``."""
        return round(median(self.waits)) if self.waits else None

    def document(self) -> dict[str, Any]:
        """For ``report --json``."""
        return {
            "openings": self.openings,
            "open_minutes": self.open_minutes,
            "offers": self.offers,
            "texts": self.texts,
            "answered": self.answered,
            "filled": self.filled,
            "filled_minutes": self.filled_minutes,
            "refills": self.refills,
            "texts_per_filled": self.texts_per_filled,
            "minutes_to_fill": self.wait,
            "unclear": self.unclear,
            "refused": self.refused,
            "outcomes": {name: self.outcomes[name] for name in OUTCOMES},
            "suppressed": dict(self.suppressed.most_common()),
            "held": dict(self.held.most_common()),
            "by_wave": [
                {"wave": wave, "texts": self.waves[wave], "accepted": self.waves_accepted[wave]}
                for wave in sorted(self.waves)
            ],
            "by_time_before": [
                {"time": name, "texts": self.leads[name], "accepted": self.leads_accepted[name]} for name, _ in LEADS
            ],
            "requests": self.requests,
            "cycles": self.cycles,
            "cycles_failed": self.cycles_failed,
        }


def summed(parts: Iterable[Figures]) -> Figures:
    """The figures of several offices together."""
    total = Figures()
    for part in parts:
        total = Figures(**{item.name: getattr(total, item.name) + getattr(part, item.name) for item in fields(Figures)})
    return total


def figures_of(records: Records, period: Period) -> Figures:
    """The figures of some days."""
    made = [offer for offer in records.offers if offer.day in period and offer.state not in NOT_MADE]
    texted = [offer for offer in made if offer.state in TEXTED]
    accepted = [offer for offer in texted if offer.state is State.ACCEPTED]
    stretches = [item for at, item in records.found if at.date() in period]
    filled_by_day: Counter[date] = Counter()
    for offer in accepted:
        filled_by_day[offer.day] += minutes(offer.start, offer.end)
    waits = [wait for offer in accepted if (wait := _wait(offer, records.found)) is not None]
    counts: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for _, day, what, count in records.counts:
        if day not in period:
            continue
        if what.startswith(HELD):
            held[what.removeprefix(HELD)] = max(count, held[what.removeprefix(HELD)])
        else:
            counts[what] += count
    return Figures(
        openings=len(stretches),
        open_minutes=sum(minutes(item.start, item.end) for item in stretches),
        offers=len(made),
        texts=len(texted),
        unclear=sum(offer.state in UNCLEAR for offer in made),
        refused=sum(offer.state is State.REFUSED for offer in made),
        filled=len(accepted),
        filled_minutes=filled_by_day.total(),
        refills=sum(mover_before(offer, records) is not None for offer in accepted),
        requests=counts["requests"],
        cycles=counts["cycles"],
        cycles_failed=counts["cycles_failed"],
        outcomes=Counter(WORDS[offer.state].outcome for offer in texted),
        suppressed=Counter(offer.reason or "suppressed_other" for offer in made if offer.state is State.SUPPRESSED),
        held=held,
        waves=Counter(offer.wave for offer in texted),
        waves_accepted=Counter(offer.wave for offer in accepted),
        leads=Counter(_lead(offer) for offer in texted),
        leads_accepted=Counter(_lead(offer) for offer in accepted),
        filled_by_day=filled_by_day,
        waits=tuple(waits),
    )


def minutes(start: datetime, end: datetime) -> int:
    """Whole minutes of a stretch."""
    return int((end - start).total_seconds()) // 60


def _lead(offer: Offer) -> str:
    return next(name for name, most in LEADS if offer.start - offer.made < most)


def _wait(offer: Offer, found: Sequence[tuple[datetime, OpenTime]]) -> int | None:
    """Minutes from the first finding of the place to the yes; None when the place is not known."""
    known = [
        item.found
        for _, item in found
        if (item.clinic, item.operatory) == (offer.clinic, offer.operatory)
        and item.start < offer.end
        and offer.start < item.end
    ]
    if not known or offer.settled is None:
        return None
    return max(0, int((offer.settled - min(known)).total_seconds()) // 60)


def mover_before(offer: Offer, records: Records) -> int | None:
    """The AptNum of the mover whose old place an accepted offer fills; None when it fills another opening."""
    places = {
        place.number
        for place in records.left
        if place.operatory == offer.operatory and place.start < offer.end and offer.start < place.end
    }
    for other in records.offers:
        moved = other.number in places and other.kind == "appointment" and other.state is State.ACCEPTED
        if moved and other.settled is not None and other.settled <= offer.created:
            return other.number
    return None


@dataclass(frozen=True, slots=True)
class OfficeFigures:
    """One office, or all of them together, in the period. ``past``: the same for earlier periods, oldest first, the
    last being the one right before.

    ``parts``: its clinics, or the offices; empty where there is only one.
    """

    name: str
    now: Figures
    past: tuple[Figures, ...]
    parts: tuple[OfficeFigures, ...] = ()

    @property
    def before(self) -> Figures:
        """The period right before."""
        return self.past[-1] if self.past else Figures()
