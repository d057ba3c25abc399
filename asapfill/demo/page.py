"""The schedule page of ``asapfill demo``: what the day came to, the schedule before and after, and every offer.

One HTML file that needs nothing else: no network, no JavaScript. Numbers only: no name, phone or text of a person is
on it, although the office files have them. The schedule comes from sheets.py, the looks from templates/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from asapfill.core.offer import WORDS, Offer, State
from asapfill.core.reasons import RULES
from asapfill.demo.sheets import Fills, clock, sheet, visit_of
from asapfill.report.pictures import template
from asapfill.sandbox.office.columns import NO_MOMENT, moment
from asapfill.sandbox.office.tables import SimulatedOffice

PAGE: Final = "index.html"
MOST_DAYS: Final = 4

_EXPLAINED: Final = frozenset({State.SUPPRESSED, State.REFUSED, State.UNSENT})
"""Nothing went out: the page adds why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary. ``tone``: good, bad or nothing."""

    name: str
    value: str
    detail: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """A filled slot in words: where, who, and where the visit came from."""

    place: str
    times: str
    who: str
    origin: str


@dataclass(frozen=True, slots=True)
class PageLine:
    """One offer in the table."""

    made: str
    place: str
    day: str
    times: str
    who: str
    wave: int
    outcome: str
    why: str
    accepted: bool


def write_page(
    out: Path,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    offers: Iterable[Offer],
    summary: Mapping[str, Any],
    day: date,
) -> Path:
    """Write the page of a demo into the folder ``out``, which is made if need be, and give the page's path.

    Args:
        out: the folder; an older page in it is replaced.
        before: the simulated office's file as the day began.
        after: its file as the day ended.
        offers: all offers of the day.
        summary: ``Summary.document()``, the demo's own count.
        day: the office's day that was played.

    Raises:
        OfficeFileError: an office file is not usable.
        OSError: the folder cannot be written to.
    """
    made = sorted(offers, key=lambda offer: (offer.made, offer.id))
    html = page(SimulatedOffice.load(dict(before)), SimulatedOffice.load(dict(after)), made, summary, day)
    out.mkdir(parents=True, exist_ok=True)
    path = out / PAGE
    path.write_text(html, encoding="utf-8")
    return path


def page(
    before: SimulatedOffice, after: SimulatedOffice, offers: Sequence[Offer], summary: Mapping[str, Any], day: date
) -> str:
    """The page's HTML; ``offers`` in the order of the table."""
    accepted = sorted((offer for offer in offers if offer.state is State.ACCEPTED), key=lambda offer: offer.start)
    fills: Fills = {(offer.operatory, offer.start): offer for offer in accepted}
    others = sorted({offer.start.date() for offer in accepted} - {day})
    shown = [day, *others[: MOST_DAYS - 1]]
    names = {number: row["Abbrev"] or row["OpName"] for number, row in after.operatories.items()}
    return template("demo.html", "demo", clock=clock, long_day=long_day).render(
        day=day,
        seed=summary["seed"],
        errors=summary["errors"],
        figures=figures(summary),
        days=[
            (
                sheet(before, after, one, fills),
                [_fill(offer, before, after, names) for offer in accepted if offer.start.date() == one],
            )
            for one in shown
        ],
        more=sum(offer.start.date() not in shown for offer in accepted),
        lines=[_line(offer, names, day) for offer in offers],
    )


def figures(summary: Mapping[str, Any]) -> list[Figure]:
    """The day's numbers, the most important first."""
    filled, twice = summary["filled"], summary["sent_twice"]
    hours, minutes = divmod(summary["filled_minutes"], 60)
    texts = summary["texts_per_filled"]
    per_filled = "–" if texts is None else f"{texts:.1f}"
    share, open_time = f"{summary['share_recovered']:.1%}", f"of {summary['free_minutes']:,} minutes that stood open"
    good = "good" if filled else ""
    return [
        Figure("Openings filled", f"{filled:,}", f"of {summary['openings']:,} found", good),
        Figure("Chair time recovered", f"{hours} h {minutes:02d} min", f"{summary['filled_minutes']:,} minutes", good),
        Figure("Share recovered", share, open_time),
        Figure("Refills", f"{summary['refilled']:,}", "places that a mover left, filled again"),
        Figure("Texts sent", f"{summary['texts']:,}", "counted by the simulated office"),
        Figure("Texts per filled opening", per_filled, "all texts, by openings filled"),
        Figure("Sent twice", f"{twice:,}", "counted by the simulated office", "bad" if twice else "good"),
        Figure("Requests", f"{summary['requests']:,}", "to the office’s API, over HTTP"),
    ]


def long_day(day: date) -> str:
    """A day as people in the office write it."""
    return f"{day:%A, %B} {day.day}, {day.year}"


def _short_day(day: date) -> str:
    return f"{day:%a, %b} {day.day}"


def _times(start: datetime, end: datetime) -> str:
    return f"{start:%H:%M}–{end:%H:%M}"


def _line(offer: Offer, names: Mapping[int, str], day: date) -> PageLine:
    reason = RULES.get(offer.reason or "") if offer.state in _EXPLAINED else None
    made = f"{offer.made:%H:%M}"
    return PageLine(
        made=made if offer.made.date() == day else f"{_short_day(offer.made.date())}, {made}",
        place=names.get(offer.operatory) or f"operatory {offer.operatory}",
        day=_short_day(offer.start.date()),
        times=_times(offer.start, offer.end),
        who=f"{offer.kind} {offer.number}",
        wave=offer.wave,
        outcome=WORDS[offer.state].page,
        why=reason.sentence if reason is not None else "",
        accepted=offer.state is State.ACCEPTED,
    )


def _fill(offer: Offer, before: SimulatedOffice, after: SimulatedOffice, names: Mapping[int, str]) -> Fill:
    origin = _origin(offer, before)
    return Fill(
        place=names.get(offer.operatory) or f"operatory {offer.operatory}",
        times=_times(offer.start, offer.end),
        who=f"{offer.kind} {offer.number}",
        origin=origin if visit_of(offer, after) is not None else f"{origin}; changed by the office since",
    )


def _origin(offer: Offer, before: SimulatedOffice) -> str:
    """Where an accepted visit stood when the day began."""
    if offer.kind == "recall":
        return "a recall that had no appointment"
    row = before.appointments.get(offer.number)
    if row is None:
        return "an appointment made during the day"
    if row["AptStatus"] == "Scheduled" and row["AptDateTime"] != NO_MOMENT:
        old = moment(row["AptDateTime"])
        return f"was on {_short_day(old.date())} at {old:%H:%M}"
    words = {"Broken": "a broken appointment", "Planned": "a planned appointment that had no time"}
    return words.get(row["AptStatus"], "an unscheduled appointment")
