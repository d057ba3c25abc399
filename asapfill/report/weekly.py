"""``report``: the weekly report out of the state, which is only read, also while the daemon runs.

An offer counts for the day of the office on which it was made, an opening for the day on which it was first found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from asapfill.clock import Clock
from asapfill.core.offer import COUNTED, UNCLEAR, WORDS, Offer, State
from asapfill.files import replace_file
from asapfill.offers.journal import Journal
from asapfill.report.past_days import Day, NoDay, office_day, past_day
from asapfill.report.weekly_figures import LEADS, Figures, OfficeFigures, Period, remarks
from asapfill.report.weekly_page import page
from asapfill.settings.settings import Settings
from asapfill.store.cycles import HELD, LeftPlace, OpenTime, day_counts, left_places, open_times
from asapfill.store.database import Store, open_for_reading
from asapfill.store.offices import KnownOffice, known_office

WEEK: Final = 7
"""Days of a report when nobody says since when."""

LONGEST: Final = timedelta(days=400)
"""Days of a report at most: nothing older is kept."""

PAST: Final = 7
"""Earlier periods in the picture over time."""

TEXTED: Final = COUNTED - UNCLEAR
"""A text went out, as far as Open Dental tells."""

NOT_MADE: Final = frozenset({State.UNSENT, State.LAPSED, State.WITHDRAWN, State.WAITING, State.APPROVED})
"""Never reached Open Dental."""


@dataclass(frozen=True, slots=True)
class Report:
    """The report in its two forms. ``empty``: nothing is known of these days."""

    html: str
    document: dict[str, Any]
    period: Period

    @property
    def empty(self) -> bool:
        """Whether asapfill did nothing in these days."""
        figures = [office["figures"] for office in self.document["offices"]]
        return not any(one["cycles"] or one["offers"] for one in figures)


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


def make_report(settings: Settings, clock: Clock, office: str | None, since: Day | None) -> Report:
    """The report on ``office`` (None: all of them) from the day ``since`` until today; without it, on the seven days
    before today, which on a Monday are last week.

    Raises:
        StoreError: the state cannot be read.
        NoDay: ``since`` is a day to come.
    """
    with open_for_reading(settings.state, clock) as store:
        wanted = [name for name in settings.offices if office in {None, name}]
        known = {name: known_office(store, name) or KnownOffice(ZoneInfo("UTC")) for name in wanted}
        # One period for all.
        period = period_until(office_day(store, clock, wanted), since)
        past = [period.before(times) for times in range(PAST, 0, -1)]
        parts = [_part(store, name, known[name], period, past) for name in wanted]
    return Report(page(parts, period, past), report_document(parts, period), period)


def report_document(parts: Sequence[OfficeFigures], period: Period) -> dict[str, Any]:
    """``report --json``."""
    ahead = period.before()
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "before": {"from": ahead.first.isoformat(), "to": ahead.last.isoformat()},
        "offices": [
            {
                "office": part.name,
                "figures": part.now.document(),
                "before": part.before.document(),
                "has_before": part.has_before,
                "clinics": [
                    {
                        "clinic": clinic.name,
                        "figures": clinic.now.document(),
                        "before": clinic.before.document(),
                        "has_before": clinic.has_before,
                    }
                    for clinic in part.parts
                ],
                "stands_out": [
                    {"tone": remark.tone, "text": remark.text, "todo": remark.todo or None}
                    for remark in remarks(part.now, part.compared)
                ],
            }
            for part in parts
        ],
    }


def period_until(today: date, since: Day | None) -> Period:
    """The days of a report.

    Raises:
        NoDay: ``since`` is a day to come, or so long ago that there is nothing to compare with.
    """
    if since is None:
        return Period(today - timedelta(days=WEEK), today - timedelta(days=1))
    first = past_day(since, today)
    if today - first > LONGEST:
        raise NoDay(f"{first:%Y-%m-%d} is too long ago: the state goes back a year and a month.")
    return Period(first, today)


def _part(store: Store, name: str, known: KnownOffice, period: Period, past: Sequence[Period]) -> OfficeFigures:
    """One office's figures in the period and before, and its clinics' where there are several."""
    records = records_of(store, name, known.timezone, past[0].first, period.last)
    figures = tuple(figures_of(records, days) for days in past)
    began = min((day for _, day, _, _ in records.counts), default=period.last)
    has_before = began <= past[-1].first and bool(figures[-1].cycles or figures[-1].offers)
    clinics: list[OfficeFigures] = []
    if len(records.clinics) > 1:
        for number in records.clinics:
            mine = records.of_clinic(number)
            label = known.labels.clinic(number) if number else "no clinic"
            now, before = figures_of(mine, period), figures_of(mine, past[-1])
            served = has_before and bool(before.cycles or before.offers)
            clinics.append(OfficeFigures(label, now, (before,), has_before=served))
    return OfficeFigures(name, figures_of(records, period), figures, tuple(clinics), has_before)


def records_of(store: Store, office: str, zone: tzinfo, first: date, last: date) -> Records:
    """Everything known of an office from ``first`` to ``last``."""
    begin = datetime.combine(first, datetime.min.time(), zone)
    end = datetime.combine(last + timedelta(days=1), datetime.min.time(), zone)
    # An opening may have been found some time before the period in which it was filled.
    found = open_times(store, office, begin - timedelta(days=31), end)
    return Records(
        offers=tuple(offer for offer in Journal(store, office).since(first) if offer.day <= last),
        found=tuple((item.found.astimezone(zone).replace(tzinfo=None), item) for item in found),
        left=left_places(store, office),
        counts=day_counts(store, office, first, last),
    )


def write_report(report: Report, out: Path) -> Path:
    """Write the page to ``out``, or into it by its dates where it is a folder; only its owner may read it.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    path = out / f"report-{report.period.first}-to-{report.period.last}.html" if out.is_dir() else out
    replace_file(path, report.html)
    return path


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
