"""The weekly report's figures, and what stands out in them, with what the office manager can do about it.

Pure: ``weekly`` counts the figures, ``weekly_page`` makes the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from statistics import median
from typing import Any, Final, Literal

from asapfill.core.offer import WORDS
from asapfill.core.reasons import RULES
from asapfill.words import counted

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

Tone = Literal["good", "look", "bad"]

FEW: Final = 3
"""Fewer of a kind may be chance."""

ENOUGH: Final = 20
"""Texts from which on shares mean something."""


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


@dataclass(frozen=True, slots=True)
class OfficeFigures:
    """One office, or all of them together, in the period. ``past``: the same for earlier periods, oldest first, the
    last being the one right before.

    ``parts``: its clinics, or the offices; empty where there is only one. ``has_before``: asapfill served it already
    when the days right before began; otherwise there is nothing to compare with.
    """

    name: str
    now: Figures
    past: tuple[Figures, ...]
    parts: tuple[OfficeFigures, ...] = ()
    has_before: bool = True

    @property
    def before(self) -> Figures:
        """The period right before."""
        return self.past[-1] if self.past else Figures()

    @property
    def compared(self) -> Figures | None:
        """The period right before, where that can be compared with."""
        return self.before if self.has_before else None


def summed(parts: Iterable[Figures]) -> Figures:
    """The figures of several offices together."""
    total = Figures()
    for part in parts:
        total = Figures(**{item.name: getattr(total, item.name) + getattr(part, item.name) for item in fields(Figures)})
    return total


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that stands out, and what to do; ``todo`` empty: nothing."""

    tone: Tone
    text: str
    todo: str = ""


_SUPPRESSED: Final[dict[str, str]] = {
    "suppressed_opted_out": "Ask these patients for their consent to texts when they are next in; `asapfill history` "
    "has their numbers.",
    "suppressed_no_phone": "Have their mobile numbers completed; only the field Wireless Phone is texted.",
    "suppressed_not_preferred": "Whoever prefers calls or mail gets no text. Call the top of the ASAP list yourselves.",
    "suppressed_daily_limit": "Open Dental's own limit of ASAP texts a day is lower than the policy's "
    "`texts.per_patient_per_day`.",
    "suppressed_too_late": "Leave more time before the opening: a longer `openings.notice` in the policy.",
    "suppressed_no_texting": "Texting is switched off for the clinic in Open Dental (eServices).",
    "suppressed_slot_taken": "The front desk was quicker, which is fine. If it is so often, lengthen "
    "`openings.settle` in the policy.",
    "suppressed_stop": "They are not asked about this again; nothing to do.",
}
"""What to do about texts that Open Dental held back, by reason."""

_HELD: Final[dict[str, str]] = {
    "per_patient_per_day": "If that is too careful, raise `texts.per_patient_per_day` in the policy.",
    "per_patient_per_week": "If that is too careful, raise `texts.per_patient_per_week` in the policy.",
    "resting": "If that is too careful, shorten `texts.rest_after_decline` in the policy.",
    "no_text_consent": "Ask for consent to texts at the next visit.",
    "no_wireless_phone": "Have the mobile numbers on the ASAP list completed.",
    "under_18": "If a parent's phone is on file, `candidates.under_18: text` in the policy.",
    "no_length": "Set time patterns for these recall types in Open Dental.",
    "lab_case": "They come by themselves when the lab case is back.",
    "gain": "If smaller moves are worth it, shorten `candidates.gain` in the policy.",
    "spoken_to": "If that is too careful, shorten `candidates.spoken_to` in the policy.",
    "not_included": "See `candidates.include` in the policy.",
}
"""What an office can do about people who were not asked, by reason. Other reasons are as they should be."""


def remarks(now: Figures, before: Figures | None) -> list[Remark]:
    """What stands out, the worst first. ``before``: the days before, if they can be compared with."""
    found = [*_service(now), *_suppressed(now), *_answers(now, before), *_people(now), *_good(now, before)]
    order = ("bad", "look", "good")
    return sorted(found, key=lambda remark: order.index(remark.tone))


def _service(now: Figures) -> Iterator[Remark]:
    if not now.cycles:
        yield Remark("bad", "asapfill did not run in these days.", "See `asapfill status` and `asapfill doctor`.")
    elif now.cycles_failed * 20 > now.cycles:
        share = f"{now.cycles_failed / now.cycles:.0%}"
        yield Remark(
            "bad",
            f"In {share} of the cycles the office could not be served.",
            "Tell whoever looks after the computers: `asapfill doctor` says what is wrong.",
        )
    if now.unclear:
        yield Remark(
            "bad",
            f"Of {counted(now.unclear, 'offer')} it is not known whether a text went out.",
            "`asapfill status` names them and says what to do.",
        )
    if now.refused >= FEW:
        yield Remark("look", f"Open Dental refused {counted(now.refused, 'offer')}.", "`asapfill history` says why.")
    if now.cycles and now.openings >= FEW and not now.offers:
        yield Remark(
            "look",
            f"{counted(now.openings, 'opening')} found, and nobody was asked.",
            "Does the policy only preview? Is anybody on the ASAP list? `asapfill plan` says why nobody is asked.",
        )


def _suppressed(now: Figures) -> Iterator[Remark]:
    for reason, count in now.suppressed.most_common():
        if count >= FEW:
            rule = RULES.get(reason, RULES["suppressed_other"])
            text = f"{counted(count, 'offer')} without a text from Open Dental: {_inside(rule.sentence)}"
            yield Remark("look", text, _SUPPRESSED.get(reason, "`asapfill history` names them."))


def _answers(now: Figures, before: Figures | None) -> Iterator[Remark]:
    if now.outcomes["Could not be delivered"] >= FEW:
        yield Remark(
            "look",
            f"{counted(now.outcomes['Could not be delivered'], 'text')} could not be delivered.",
            "Have these phone numbers checked: `asapfill history`.",
        )
    late = now.outcomes["The time was gone"]
    if late >= FEW and late * 4 > now.filled:
        yield Remark(
            "look",
            f"{counted(late, 'text')} came too late: somebody else had the time already.",
            "Ask fewer at once: a smaller `texts.wave` in the policy.",
        )
    if before is not None and _accepts_less(now, before):
        yield Remark(
            "look",
            f"Fewer people accept: {now.filled / now.texts:.0%} of texts; {before.filled / before.texts:.0%} before.",
            "Is the ASAP list kept up to date? People who were booked meanwhile should be taken off it.",
        )
    if now.texts >= ENOUGH and now.outcomes["No answer"] * 10 > now.texts * 8:
        yield Remark(
            "look",
            f"{now.outcomes['No answer'] / now.texts:.0%} of the texts had no answer.",
            "Texts late in the day are read too late: see `texts.between`, and whether the ASAP list is up to date.",
        )


def _accepts_less(now: Figures, before: Figures) -> bool:
    """Whether texts are accepted less than half as often, where there are enough to tell."""
    return min(now.texts, before.texts) >= ENOUGH and now.filled * before.texts * 2 < before.filled * now.texts


def _people(now: Figures) -> Iterator[Remark]:
    held = [(reason, count) for reason, count in now.held.most_common() if reason in _HELD and count >= FEW]
    for reason, count in held[:2]:
        text = f"Up to {counted(count, 'person', 'people')} at a time not asked: {_inside(RULES[reason].sentence)}"
        yield Remark("look", text, _HELD[reason])


def _good(now: Figures, before: Figures | None) -> Iterator[Remark]:
    if before is not None and now.filled_minutes > before.filled_minutes > 0:
        more = (now.filled_minutes - before.filled_minutes) / 60
        yield Remark("good", f"{more:.1f} hours more chair time filled than in the days before.")
    if now.refills:
        places = counted(now.refills, "place that a mover left was", "places that movers left were")
        yield Remark("good", f"{places} filled again.")


def _inside(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
