"""What a person reads in a terminal: at most 80 columns, numbers and times only, no colours that a log would keep."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby, takewhile
from typing import Any

from asapfill.core.office import Labels
from asapfill.core.openings import LeftAlone, Opening
from asapfill.core.plan import Skipped
from asapfill.core.reasons import RULES
from asapfill.cycle.results import ClinicResult, OfferLine
from asapfill.store.care import Verified
from asapfill.words import WIDTH, counted, fitted, place_text, wrapped

SHORTEST_RUN = 5
"""Fewer starts than this are told one by one."""


def plan_text(result: ClinicResult) -> str:
    """The plan of one clinic, or what one cycle did; only what is wrong, where that kept it from being planned."""
    if result.found is None:
        return "\n".join([_title(result), *_trouble(result)])
    lines = [_title(result), ""]
    if result.offers:
        lines.append("Offers")
        lines += [text for line in result.offers for text in _offer_lines(line, result.labels)]
        if any(line.state == "waiting" for line in result.offers):
            lines += ["", *wrapped("`asapfill status` has their numbers, for `asapfill approve` and `decline`.", 0)]
    else:
        lines.append("No offers.")
    ids = {opening.id for opening in result.openings}
    waiting = [item for item in result.skipped if item.opening in ids and item.kind is None]
    lines += _openings_without_offers(waiting, result.labels)
    lines += _people_not_asked(result.skipped)
    if not result.as_if and any(item.reason.code == "quiet_hours" for item in result.skipped):
        lines += ["", *wrapped("What would be asked at another time: for example `asapfill plan --at 10:00`.", 0)]
    return "\n".join([*lines, *_trouble(result)])


def openings_text(result: ClinicResult) -> str:
    """The openings of one clinic, day by day, operatory by operatory, with what was left alone and why; or, where they
    were compared with Open Dental's own search, what differs.
    """
    if result.found is None:
        return "\n".join([_title(result), *_trouble(result)])
    labels = result.labels
    lines = [_title(result)]
    if result.compared is not None:
        return "\n".join([*lines, *_differences(result), *_trouble(result)])
    items: list[Opening | LeftAlone] = [*result.openings, *result.left_alone]
    everywhere = [item for item in result.left_alone if _whole_days(item)]
    items = [item for item in items if not (isinstance(item, LeftAlone) and _whole_days(item))]
    items.sort(key=lambda item: (item.start.date(), item.operatory, item.start))
    for day, of_day in groupby(items, key=lambda item: item.start.date()):
        lines += ["", f"{day:%A, %Y-%m-%d}"]
        for operatory, of_operatory in groupby(of_day, key=lambda item: item.operatory):
            name = labels.operatory(operatory) if operatory else "everywhere"
            for index, item in enumerate(of_operatory):
                label = name if index == 0 else ""
                lines += wrapped(f"  {label:<12.12} {_span(item.start, item.end)}  {_what(item, labels)}", 30)
    if everywhere:
        lines += ["", "Operatories left out"]
        for item in everywhere:
            lines += wrapped(f"  {labels.operatory(item.operatory):<12.12} {RULES[item.reason.code].sentence}", 15)
    minutes = sum((item.end - item.start for item in result.openings), timedelta()) // timedelta(minutes=1)
    lines += ["", f"{counted(len(result.openings), 'opening')}, {counted(minutes, 'minute')}."]
    return "\n".join([*lines, *_trouble(result)])


def verified_text(found: Verified) -> str:
    """What ``state verify`` found out about a state or a backup."""
    lines = [f"{found.path}: {'sound' if found.usable else 'NOT USABLE'}, schema {found.version}"]
    lines += [f"  {problem}" for problem in found.problems]
    lines += [f"  {count:>8}  {table}" for table, count in found.counts.items()]
    if found.states:
        lines.append("  offers: " + ", ".join(f"{state} {count}" for state, count in found.states.items()))
    return "\n".join(lines)


def _differences(result: ClinicResult) -> list[str]:
    """Where Open Dental's own search and ours differ, and why, day by day. Where they agree, nothing is said."""
    lines = [
        "",
        *wrapped(
            f"Open Dental's own search, compared on {counted(result.compared or 'no', 'day')} of single providers. "
            "Only what differs is shown.",
            0,
        ),
    ]
    for item in sorted(result.differences, key=lambda item: (item.start, item.operatory)):
        name = result.labels.operatory(item.operatory)
        who = "asapfill" if item.ours else "Open Dental"
        cause = item.cause or "NOTHING EXPLAINS IT: nothing is sent for this time"
        when = f"{item.start:%a %m-%d} {_span(item.start, item.end)}"
        lines += wrapped(f"  {when}  {name:<10.10} only {who} calls it free: {cause}", 36)
    return [*lines, *([] if result.differences else ["  No difference."])]


def _title(result: ClinicResult) -> str:
    clinic = f", {result.labels.clinic(result.clinic)}" if result.clinic else ""
    as_if = "as if it were " if result.as_if else ""
    paused = " · PAUSED" if result.paused else ""
    return f"{result.office}{clinic} · {as_if}{result.now:%a %Y-%m-%d %H:%M} · mode {result.mode}{paused}"


def _offer_lines(line: OfferLine, labels: Labels) -> list[str]:
    """The offer, and below it what stands against it or became of it."""
    offer = line.offer
    who = f"{offer.kind} {offer.number}"
    when = f"{offer.start:%a %m-%d} {_span(offer.start, offer.end)}"
    lines = wrapped(
        f"  {when}  {labels.operatory(offer.operatory):<10.10} {who:<18} wave {offer.wave}  {line.state}", 26
    )
    if line.reason in RULES and line.reason != "preview":
        lines += wrapped(f"      {RULES[line.reason].sentence}", 6)
    return lines


def _openings_without_offers(items: Iterable[Skipped], labels: Labels) -> list[str]:
    """Reason by reason, and day by day below it: most openings of an office share a few reasons."""
    by_reason: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for item in sorted(items, key=lambda item: (item.start or datetime.max, item.operatory or 0)):
        if item.start is not None and item.end is not None:
            place = labels.operatory(item.operatory) if item.operatory else "everywhere"
            by_reason[item.reason.of_opening].append((item.start, item.end, place))
    lines: list[str] = []
    for sentence, places in by_reason.items():
        lines += wrapped(f"  {sentence}", 2)
        for day, of_day in groupby(places, key=lambda place: place[0].date()):
            # Blanks that do not break keep a time and its operatory on one line.
            spans = ", ".join(f"{_span(start, end)}\u00a0{name}".replace(" ", "\u00a0") for start, end, name in of_day)
            lines += [line.replace("\u00a0", " ") for line in wrapped(f"    {day:%a %m-%d}  {spans}", 15)]
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
        lines += ["", *wrapped(trouble.message, 0)] if "\n" not in trouble.message else ["", fitted(trouble.message)]
    return lines


def _whole_days(item: LeftAlone) -> bool:
    return item.end - item.start > timedelta(days=1)


def _what(item: Opening | LeftAlone, labels: Labels) -> str:
    if isinstance(item, Opening):
        return (
            f"open, {(item.end - item.start) // timedelta(minutes=1)} min, {labels.provider(item.provider)}  {item.id}"
        )
    return f"- {item.reason.sentence}"


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%H:%M}-{end:%H:%M}"


def explanation_text(document: dict[str, Any]) -> str:
    """The text of an explanation document."""
    lines = _opening(document) if "id" in document else _candidate(document)
    return "\n".join(line for part in lines for line in (wrapped(part, 26) if len(part) > WIDTH else [part]))


def _candidate(document: dict[str, Any]) -> list[str]:
    kind, number = document["kind"], document["number"]
    minutes = f", {document['minutes']} minutes" if document["minutes"] else ""
    when, reason = _when(document), document["reason"]
    if document["asked"]:
        place = document["place"]
        start = datetime.fromisoformat(place["start"])
        lines = wrapped(f"Asked {when}: {place_text(place)}, {start:%a %m-%d %H:%M}-{place['end'][11:16]}.")
    else:
        rule = RULES[reason or "nobody_to_ask"]
        lines = [*wrapped(f"Not asked {when}: {rule.sentence}"), *wrapped(f"Rule: {rule.source}.")]
    lines += [f"{kind.capitalize()} {number}, patient {document['patient']}{minutes} · {document['office']}"]
    lines += [*_paused(document), ""]
    for check in document["checks"]:
        sentence = check["sentence"]
        if check["passed"]:
            lines += wrapped(f"  pass  {sentence}", 8)
            continue
        if check["detail"]:
            sentence = f"{sentence.removesuffix('.')} ({check['detail']})."
        lines += [*wrapped(f"  FAIL  {sentence}", 8), *wrapped(f"        Rule: {check['source']}.", 8)]
    lines += ["", f"Places where the visit fits: {len(document['fits'])}"]
    for (where, day), starts in groupby(document["fits"], key=lambda fit: (place_text(fit), fit["start"][:10])):
        times = _runs([datetime.fromisoformat(fit["start"]) for fit in starts])
        lines += wrapped(f"  {date.fromisoformat(day):%a %m-%d}  {where:<18} {times}", 33)
    return lines + _nowhere(document)


def _when(document: dict[str, Any]) -> str:
    return f"if it were {datetime.fromisoformat(document['now']):%a %Y-%m-%d %H:%M}" if document["as_if"] else "now"


def _paused(document: dict[str, Any]) -> list[str]:
    return ["Sending is PAUSED: nobody is texted before `asapfill resume`."] if document["paused"] else []


def _runs(starts: list[datetime]) -> str:
    """Times of one day; where many follow each other at one distance, the first and the last with that distance."""
    parts: list[str] = []
    rest = starts
    while rest:
        step = rest[1] - rest[0] if len(rest) > 1 else timedelta(0)
        even = takewhile(lambda index: rest[index] - rest[index - 1] == step, range(1, len(rest)))  # noqa: B023  used at once
        run = rest[: 1 + len(list(even))]
        if len(run) < SHORTEST_RUN:
            parts.append(f"{rest[0]:%H:%M}")
            rest = rest[1:]
            continue
        parts.append(f"{run[0]:%H:%M} to {run[-1]:%H:%M} every {step // timedelta(minutes=1)} min")
        rest = rest[len(run) :]
    return ", ".join(parts)


def _nowhere(document: dict[str, Any]) -> list[str]:
    """Why a visit fits nowhere."""
    if document["fits"]:
        return []
    if document["minutes"] is None:
        return ["  How long it takes cannot be told, or it is no visit to offer: see above."]
    if not document["openings"]:
        return ["  There is no opening at all now (`asapfill openings` says why)."]
    lines = [f"  What stands against it in the {counted(document['openings'], 'opening')} that there are:"]
    for item in document["nowhere"]:
        lines += wrapped(f"  {item['openings']:>4}  {item['detail']}", 8)
    return lines


def _opening(document: dict[str, Any]) -> list[str]:
    asked = [f"{item['kind']} {item['number']}" for item in document.get("candidates", []) if item["asked"]]
    if asked:
        lines = wrapped(f"Offered {_when(document)} to {', '.join(asked)}.")
    else:
        reasons = document["reasons"]
        lines = wrapped(f"Not offered {_when(document)}: {reasons[0]['detail'] if reasons else 'nobody fits.'}")
    lines += [f"Opening {document['id']} · {document['office']}", *_paused(document)]
    opening = document["opening"]
    if opening is not None:
        start = datetime.fromisoformat(opening["start"])
        lines.append(f"{place_text(opening)}, {start:%a %Y-%m-%d %H:%M} to {opening['end'][11:16]}")
    for reason in document["reasons"]:
        lines += ["", f"{reason['detail']}", f"Rule: {reason['source']}."]
    for item in document.get("asking", []):
        lines += ["", *wrapped(_asked_so_far(item), 0)]
    candidates = document.get("candidates", [])
    if candidates:
        lines.append("")
    for candidate in sorted(candidates, key=lambda item: (not item["asked"], not item["starts"], item["number"])):
        who = f"{candidate['kind']} {candidate['number']}"
        what = "would be offered now" if candidate["asked"] else RULES[candidate["reason"]].sentence
        lines.append(f"  {who:<20} {candidate['minutes']:>3} min  {what}")
    return lines


def _asked_so_far(item: Mapping[str, Any]) -> str:
    """One place of an opening: who was asked, what is hoped of them, and who is asked next. See docs/waves.md."""
    so_far = (
        f"{counted(item['open_offers'], 'open offer')}, {item['chance_on_its_way']:.0%} that one is accepted"
        if item["open_offers"]
        else "nobody asked yet"
    )
    following = (
        f"{counted(item['next'], 'person', 'people')} can be asked now"
        if item["next"]
        else f"the next are asked in {item['next_in_minutes']} min, unless somebody says yes"
    )
    return (
        f"From {item['start'][11:16]}: {so_far}. One more person says yes in {item['chance_of_one']:.0%} of cases; "
        f"{item['needed']:g} more are needed, one every {item['pause_minutes']} min of the "
        f"{item['texting_minutes_left']} min left for texts; {following}."
    )
