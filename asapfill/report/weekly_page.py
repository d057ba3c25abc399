"""The weekly report as an HTML page: one file that needs nothing else, no network, no scripts; works printed.

Numbers, names of offices, clinics and reasons; no name, phone, number or text of a patient is on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from asapfill import __version__
from asapfill.core.reasons import RULES
from asapfill.report.pictures import Bar, Picture, template
from asapfill.report.weekly_figures import (
    LEADS,
    OUTCOMES,
    WAITS,
    Figures,
    OfficeFigures,
    Period,
    Remark,
    remarks,
    summed,
)

MOST_OFFICES: Final = 12
"""Offices with a section of their own on one page; with more, the page has their table only."""
MOST_BARS: Final = 6
MOST_DAYS: Final = 14
"""Columns that fit side by side."""
PASSING: Final = frozenset({"quiet_hours", "too_late_to_text", "not_needed", "asked_elsewhere", "nobody_to_ask"})
"""Reasons of the hour or of the plan: they hold back everybody at some time of each day, and say nothing of anybody."""
_LONG: Final = 2 * 24 * 60
"""Minutes from which on days say more than hours."""


@dataclass(frozen=True, slots=True)
class Box:
    """One number at the top. ``change``: against the days before, in words."""

    name: str
    value: str
    change: str
    tone: str = ""


def page(parts: Sequence[OfficeFigures], period: Period, past: Sequence[Period]) -> str:
    """The page's HTML. ``parts``: each office; with several, all of them together come first.

    ``past``: the earlier periods of the parts' ``past``.
    """
    if len(parts) > 1:
        earlier = tuple(summed(together) for together in zip(*(part.past for part in parts), strict=True))
        # An office that is new would pass for more chair time.
        has_before = all(part.has_before for part in parts)
        everything = OfficeFigures("All offices", summed(part.now for part in parts), earlier, tuple(parts), has_before)
        parts = [everything, *parts] if len(parts) <= MOST_OFFICES else [everything]
    return template("weekly.html", hours=hours).render(
        title=days_text(period),
        most=MOST_OFFICES,
        parts=[
            {
                "name": part.name,
                "lead": lead(part.now),
                "boxes": boxes(part.now, part.compared),
                "remarks": _worded(remarks(part.now, part.compared)),
                "pictures": pictures(part, period, past),
                "parts": part.parts,
                "what": "Office" if part.name == "All offices" else "Clinic",
                "now": part.now,
            }
            for part in parts
        ],
        version=__version__,
    )


def _worded(found: Sequence[Remark]) -> list[tuple[Remark, Markup]]:
    """Each remark and what to do, in which words between ` ` are shown as what is typed."""
    shown = []
    for remark in found:
        pieces = remark.todo.split("`")
        words = [Markup("<code>{}</code>").format(text) if n % 2 else Markup("{}").format(text)
                 for n, text in enumerate(pieces)]  # fmt: skip
        shown.append((remark, Markup("").join(words)))
    return shown


def days_text(period: Period) -> str:
    """``November 9 to 15, 2026``."""
    first, last = period.first, period.last
    if first == last:
        return f"{first:%B} {first.day}, {first.year}"
    end = str(last.day) if (first.year, first.month) == (last.year, last.month) else f"{last:%B} {last.day}"
    return f"{first:%B} {first.day}{f', {first.year}' if first.year != last.year else ''} to {end}, {last.year}"


def lead(now: Figures) -> str:
    """The days in one sentence."""
    if not now.texts:
        return "No text went out in these days."
    texts = "1 text" if now.texts == 1 else f"{now.texts:,} texts"
    if not now.filled:
        return f"{texts} went out; nobody accepted yet."
    fills = "1 opening was" if now.filled == 1 else f"{now.filled:,} openings were"
    return f"{fills} filled with {texts}: {hours(now.filled_minutes)} of chair time."


def hours(count: int) -> str:
    """Minutes as hours: ``11 h 30 min``."""
    whole, rest = divmod(count, 60)
    return f"{whole:,} h {rest:02d} min" if whole else f"{rest} min"


def span(count: int) -> str:
    """Minutes that may be days: ``45 min``, ``3 h 10 min``, ``2.5 days``."""
    return hours(count) if count < _LONG else f"{count / 1440:.1f} days"


def boxes(now: Figures, before: Figures | None) -> list[Box]:
    """The numbers at the top. ``before``: the days before, if they can be compared with."""

    def change(of: Callable[[Figures], int], words: Callable[[int], str] = "{:,}".format) -> str:
        return "" if before is None else _change(of(now), of(before), words)

    filled = change(lambda figures: figures.filled)
    share = f"{now.filled / now.texts:.0%}" if now.texts else "–"
    wait = "–" if now.wait is None else span(now.wait)
    return [
        Box("Chair time filled", hours(now.filled_minutes), change(lambda figures: figures.filled_minutes, hours),
            "good" if now.filled else ""),
        Box("Openings filled", f"{now.filled:,}", f"of {now.openings:,} found{f' · {filled}' if filled else ''}",
            "good" if now.filled else ""),
        Box("Refills", f"{now.refills:,}", "places that movers left"),
        Box("From found to filled", wait, "half of them were quicker" if now.waits else "nothing filled"),
        Box("Texts sent", f"{now.texts:,}", change(lambda figures: figures.texts)),
        Box("Answered", f"{now.answered:,}", f"{now.answered / now.texts:.0%} of the texts" if now.texts else "–"),
        Box("Texts that led to a visit", share,
            f"{now.texts_per_filled} texts for each" if now.filled else "nobody accepted"),
        Box("Held back by Open Dental", f"{now.suppressed.total():,}",
            change(lambda figures: figures.suppressed.total())),
    ]  # fmt: skip


def _change(now: int, before: int, words: Callable[[int], str] = "{:,}".format) -> str:
    if now == before:
        return "as in the days before"
    fewer = "less" if words is hours else "fewer"
    return f"{words(abs(now - before))} {'more' if now > before else fewer} than before"


def pictures(part: OfficeFigures, period: Period, past: Sequence[Period]) -> list[Picture]:
    """The drawings for which there is something to draw."""
    now, before = part.now, part.compared
    drawn = []
    if now.filled or (before is not None and before.filled):
        drawn.append(_by_day(now, before, period))
    if any(figures.filled for figures in (*part.past, now)):
        drawn.append(_by_week(part, period, past))
    if now.offers:
        drawn.append(_from_offer_to_visit(now, before))
    if now.texts:
        drawn += [_outcomes(now, before), _by_lead(now), _by_wave(now)]
    if now.waits:
        drawn.append(_waits(now))
    for title, counter, remark in (
        ("Why Open Dental sent no text", now.suppressed, "Offers that Open Dental made without texting the patient."),
        ("Why people were not asked", now.held, "The most people at one time who were held back by each reason."),
    ):
        told = [(code, count) for code, count in counter.most_common() if code not in PASSING]
        if told:
            rows = [Bar(_short(code), count, str(count)) for code, count in told[:MOST_BARS]]
            drawn.append(Picture(title, rows, remark))
    return drawn


def _by_day(now: Figures, before: Figures | None, period: Period) -> Picture:
    days = period.days[-MOST_DAYS:]
    earlier = period.before().days[-MOST_DAYS:]
    rows = [
        Bar(_day(day, days), now.filled_by_day[day], _short_hours(now.filled_by_day[day]),
            None if before is None else before.filled_by_day[ghost], "good")
        for day, ghost in zip(days, earlier, strict=True)
    ]  # fmt: skip
    remark = f"Hours of the visits, by the day of the text.{_pale(before)}"
    return Picture("Chair time filled, by day", rows, remark, upright=True)


def _pale(before: Figures | None) -> str:
    return "" if before is None else " Pale: the days before."


def _day(day: date, days: Sequence[date]) -> str:
    return f"{day:%a}" if len(days) <= 7 else f"{day.day}"  # noqa: PLR2004  a week


def _short_hours(count: int) -> str:
    return f"{count / 60:.1f}".removesuffix(".0") + " h" if count else "–"


def _by_week(part: OfficeFigures, period: Period, past: Sequence[Period]) -> Picture:
    # Before the first cycle there was nothing to fill.
    first = next((n for n, one in enumerate(part.past) if one.cycles or one.offers), len(part.past))
    figures, periods = (*part.past[first:], part.now), (*past[first:], period)
    rows = [
        Bar(f"{days.first:%b} {days.first.day}", one.filled_minutes, _short_hours(one.filled_minutes),
            tone="good" if days == period else "plain")
        for one, days in zip(figures, periods, strict=True)
    ]  # fmt: skip
    return Picture(
        "Chair time filled, over time",
        rows,
        f"Each column: {len(period.days)} days from the date below it.",
        upright=True,
    )


def _from_offer_to_visit(now: Figures, before: Figures | None) -> Picture:
    of_each: tuple[tuple[str, Callable[[Figures], int]], ...] = (
        ("Offers made", lambda figures: figures.offers),
        ("Texts sent", lambda figures: figures.texts),
        ("Answered", lambda figures: figures.answered),
        ("Accepted", lambda figures: figures.filled),
    )
    rows = [
        Bar(name, of(now), f"{of(now):,}", None if before is None else of(before),
            "good" if name == "Accepted" else "plain")
        for name, of in of_each
    ]  # fmt: skip
    return Picture("From offer to visit", rows, _pale(before).strip())


def _outcomes(now: Figures, before: Figures | None) -> Picture:
    ghosts = {} if before is None else before.outcomes
    rows = [
        Bar(name, now.outcomes[name], f"{now.outcomes[name]:,}", None if before is None else ghosts.get(name, 0),
            "good" if name == "Accepted" else "plain")
        for name in OUTCOMES
        if now.outcomes[name] or ghosts.get(name)
    ]  # fmt: skip
    return Picture("What became of the texts", rows, _pale(before).strip())


def _by_lead(now: Figures) -> Picture:
    rows = [_share(name, now.leads_accepted[name], now.leads[name]) for name, _ in LEADS if now.leads[name]]
    return Picture("Accepted, by time before the visit", rows, "From the text to the beginning of the offered time.")


def _by_wave(now: Figures) -> Picture:
    waves = sorted(now.waves)
    shown, rest = waves[: MOST_BARS - 1], waves[MOST_BARS - 1 :]
    rows = [_share(f"wave {wave}", now.waves_accepted[wave], now.waves[wave]) for wave in shown]
    if rest:
        accepted = sum(now.waves_accepted[wave] for wave in rest)
        rows.append(_share(f"wave {rest[0]} and later", accepted, sum(now.waves[wave] for wave in rest)))
    return Picture("Accepted, by wave", rows, "Wave 1 is asked first; the next when nobody has taken the time.")


def _share(label: str, accepted: int, texts: int) -> Bar:
    return Bar(label, accepted / texts, f"{accepted / texts:.0%} of {texts:,}", tone="good")


def _waits(now: Figures) -> Picture:
    rows, least = [], -1
    for name, most in WAITS:
        count = sum(least < wait < most if least < 0 else least <= wait < most for wait in now.waits)
        rows.append(Bar(name, count, str(count), tone="good"))
        least = most
    return Picture("How soon openings were filled", rows, "From finding the opening to the patient's yes.")


_SHORT: Final[dict[str, str]] = {
    "suppressed_opted_out": "No consent to texts",
    "suppressed_no_phone": "No wireless phone",
    "suppressed_not_preferred": "Prefers another way",
    "suppressed_daily_limit": "The day's texts used up",
    "suppressed_too_late": "Too late before the time",
    "suppressed_no_texting": "Texting is off",
    "suppressed_slot_taken": "Taken before the text",
    "suppressed_stop": "Asked to be left alone",
    "suppressed_other": "Another reason",
    "per_patient_per_day": "Day's texts used up",
    "per_patient_per_week": "Week's texts used up",
    "resting": "Declined lately",
    "no_text_consent": "No consent to texts",
    "no_wireless_phone": "No wireless phone",
    "under_18": "Under 18",
    "no_length": "Length not known",
    "lab_case": "Lab case not back",
    "gain": "Not much earlier",
    "spoken_to": "Office talked to them",
    "live_offer": "Has an open offer",
    "phone_live_offer": "Same phone, open offer",
    "already_offered": "Had this time offered",
    "recall_not_due": "Recall not due yet",
    "recall_scheduled": "Recall is scheduled",
    "no_fit": "Fits nowhere",
    "quiet_hours": "Not the hour for texts",
    "not_included": "Not in the policy",
    "not_needed": "Others come first",
    "asked_elsewhere": "Asked for another time",
    "no_text_lately": "Held back lately",
    "patient_status": "Not an active patient",
    "past_appointment": "Its time is past",
    "other_provider": "Another provider",
    "length": "Visit too long",
}
"""Reasons that are met often, in as many words as fit beside a bar."""


def _short(code: str) -> str:
    """A reason beside a bar."""
    if code in _SHORT:
        return _SHORT[code]
    sentence = RULES[code].sentence.rstrip(".") if code in RULES else code
    return sentence if len(sentence) <= 26 else f"{sentence[:25].rstrip()}…"  # noqa: PLR2004  as many fit
