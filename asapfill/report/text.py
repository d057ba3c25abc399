"""What a person reads in a terminal: at most 80 columns, numbers and times only, no colours that a log would keep."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby

from asapfill.offers.journal import Step
from asapfill.offers.offer import Offer
from asapfill.planning.plan import Skipped
from asapfill.reasons import RULES
from asapfill.scheduling.openings import LeftAlone, Opening
from asapfill.service.results import ClinicResult, OfferLine

WIDTH = 80

Names = Mapping[int, str]
"""Operatory abbreviations by OperatoryNum, as the front desk knows them."""


def plan_text(result: ClinicResult) -> str:
    """The plan of one clinic, or what one cycle did."""
    names = result.names
    lines = [_title(result), ""]
    if result.offers:
        lines.append("Offers")
        lines += [text for line in result.offers for text in _offer_lines(line, names)]
    else:
        lines.append("No offers.")
    ids = {opening.id for opening in result.openings}
    waiting = [item for item in result.skipped if item.opening in ids and item.kind is None]
    lines += _openings_without_offers(waiting, names)
    lines += _people_not_asked(result.skipped)
    return "\n".join([*lines, *_trouble(result)])


def openings_text(result: ClinicResult) -> str:
    """The openings of one clinic, day by day, operatory by operatory, with what was left alone and why."""
    names = result.names
    lines = [_title(result)]
    items: list[Opening | LeftAlone] = [*result.openings, *result.left_alone]
    everywhere = [item for item in result.left_alone if _whole_days(item)]
    items = [item for item in items if not (isinstance(item, LeftAlone) and _whole_days(item))]
    items.sort(key=lambda item: (item.start.date(), item.operatory, item.start))
    for day, of_day in groupby(items, key=lambda item: item.start.date()):
        lines += ["", _day(day)]
        for operatory, of_operatory in groupby(of_day, key=lambda item: item.operatory):
            name = names.get(operatory, f"operatory {operatory}") if operatory else "everywhere"
            for index, item in enumerate(of_operatory):
                label = name if index == 0 else ""
                lines += wrapped(f"  {label:<12.12} {_span(item.start, item.end)}  {_what(item)}", 30)
    if everywhere:
        lines += ["", "Operatories left out"]
        for item in everywhere:
            lines.append(
                f"  {names.get(item.operatory, str(item.operatory)):<12.12} {RULES[item.reason.code].sentence}"
            )
    lines += _differences(result)
    minutes = sum((item.end - item.start for item in result.openings), timedelta())
    count = "1 opening" if len(result.openings) == 1 else f"{len(result.openings)} openings"
    lines += ["", f"{count}, {int(minutes.total_seconds()) // 60} minutes."]
    return "\n".join([*lines, *_trouble(result)])


def _differences(result: ClinicResult) -> list[str]:
    """Where Open Dental's own search and ours differ, and why."""
    if result.compared is None:
        return []
    lines = ["", f"Open Dental's own search, compared on {result.compared} days of single providers"]
    for item in result.differences:
        name = result.names.get(item.operatory, f"operatory {item.operatory}")
        who = "asapfill" if item.ours else "Open Dental"
        cause = item.cause or "NOTHING EXPLAINS IT: nothing is sent for this time"
        when = f"{item.start:%a %m-%d} {_span(item.start, item.end)}"
        lines += wrapped(f"  {when}  {name:<10.10} only {who} calls it free: {cause}", 36)
    return [*lines, *([] if result.differences else ["  No difference."])]


def history_text(offers: Iterable[tuple[Offer, tuple[Step, ...]]]) -> str:
    """Offers and their stories, oldest first."""
    lines: list[str] = []
    for offer, steps in offers:
        lines += wrapped(
            f"#{offer.id}  {offer.kind} {offer.number}, patient {offer.patient}: "
            f"{offer.start:%a %Y-%m-%d %H:%M}, operatory {offer.operatory}, wave {offer.wave}",
            4,
        )
        for step in steps:
            reason = f"  {RULES[step.reason].sentence}" if step.reason in RULES else ""
            at = offer.office_time(step.at)
            lines += wrapped(f"    {at:%m-%d %H:%M:%S}  {step.after:<11}{reason}", 6)
    return "\n".join(lines) if lines else "No offers."


def wrapped(text: str, indent: int = 2) -> list[str]:
    """Text in lines of at most 80 columns."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, drop_whitespace=True) or [""]


def _title(result: ClinicResult) -> str:
    clinic = f", clinic {result.clinic}" if result.clinic else ""
    return f"{result.office}{clinic} · {result.now:%a %Y-%m-%d %H:%M} · mode {result.mode}"


def _offer_lines(line: OfferLine, names: Names) -> list[str]:
    """The offer, and below it what stands against it or became of it."""
    offer = line.offer
    place = names.get(offer.operatory, f"operatory {offer.operatory}")
    who = f"{offer.kind} {offer.number}"
    when = f"{offer.start:%a %m-%d} {_span(offer.start, offer.end)}"
    lines = wrapped(f"  {when}  {place:<10.10} {who:<18} wave {offer.wave}  {line.state}", 26)
    if line.reason in RULES and line.reason != "preview":
        lines += wrapped(f"      {RULES[line.reason].sentence}", 6)
    return lines


def _openings_without_offers(items: Iterable[Skipped], names: Names) -> list[str]:
    lines: list[str] = []
    for item in sorted(items, key=lambda item: (item.start or datetime.max, item.operatory or 0)):
        if item.start is None or item.end is None:
            continue
        place = names.get(item.operatory or 0, "everywhere")
        when = f"{item.start:%a %m-%d} {_span(item.start, item.end)}"
        lines += wrapped(f"  {when}  {place:<10.10} {item.reason.sentence}", 36)
    return ["", "Openings without an offer", *lines] if lines else []


def _people_not_asked(items: Iterable[Skipped]) -> list[str]:
    counts = Counter(item.reason.code for item in items if item.kind is not None)
    if not counts:
        return []
    lines = ["", "On the ASAP list, not asked now"]
    for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        lines += wrapped(f"  {count:>4}  {RULES[code].sentence}", 8)
    return lines


def _trouble(result: ClinicResult) -> list[str]:
    lines: list[str] = []
    if result.notes:
        lines += ["", "Rows to look at", *(line for note in result.notes for line in wrapped(f"  {note}", 4))]
    for trouble in result.errors:
        lines += ["", *wrapped(trouble.message, 0)] if "\n" not in trouble.message else ["", trouble.message]
    return lines


def _whole_days(item: LeftAlone) -> bool:
    return item.end - item.start > timedelta(days=1)


def _what(item: Opening | LeftAlone) -> str:
    if isinstance(item, Opening):
        minutes = int((item.end - item.start).total_seconds()) // 60
        return f"open, {minutes} min, provider {item.provider}  {item.id}"
    return f"- {item.reason.sentence}"


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%H:%M}-{end:%H:%M}"


def _day(day: date) -> str:
    return f"{day:%A, %Y-%m-%d}"
