"""What stands out in a week's figures, with what to do about it: for the office manager."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from asapfill.core.reasons import RULES
from asapfill.report.weekly_figures import Figures
from asapfill.words import counted

Tone = Literal["good", "look", "bad"]

FEW: Final = 3
"""Fewer of a kind may be chance."""
ENOUGH: Final = 20
"""Texts from which on shares mean something."""


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


def remarks(now: Figures, before: Figures) -> list[Remark]:
    """What stands out, the worst first."""
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


def _answers(now: Figures, before: Figures) -> Iterator[Remark]:
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
    if min(now.texts, before.texts) >= ENOUGH and now.filled * before.texts * 2 < before.filled * now.texts:
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


def _people(now: Figures) -> Iterator[Remark]:
    held = [(reason, count) for reason, count in now.held.most_common() if reason in _HELD and count >= FEW]
    for reason, count in held[:2]:
        text = f"Up to {counted(count, 'person', 'people')} at a time not asked: {_inside(RULES[reason].sentence)}"
        yield Remark("look", text, _HELD[reason])


def _good(now: Figures, before: Figures) -> Iterator[Remark]:
    if now.filled_minutes > before.filled_minutes > 0:
        more = (now.filled_minutes - before.filled_minutes) / 60
        yield Remark("good", f"{more:.1f} hours more chair time filled than in the days before.")
    if now.refills:
        places = counted(now.refills, "place that a mover left was", "places that movers left were")
        yield Remark("good", f"{places} filled again.")


def _inside(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
