"""What ``explain`` says in a terminal, at most 80 columns wide; the document comes from ``explain``."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby, takewhile
from typing import Any

from asapfill.core.reasons import RULES
from asapfill.words import WIDTH, counted, place_text, wrapped

SHORTEST_RUN = 5
"""Fewer starts than this are told one by one."""


def explanation_text(document: dict[str, Any]) -> str:
    """The text of an explanation document."""
    lines = _opening(document) if "id" in document else _candidate(document)
    return "\n".join(line for part in lines for line in (wrapped(part, 26) if len(part) > WIDTH else [part]))


def _candidate(document: dict[str, Any]) -> list[str]:
    kind, number = document["kind"], document["number"]
    minutes = f", {document['minutes']} minutes" if document["minutes"] else ""
    lines = [f"{kind.capitalize()} {number}, patient {document['patient']}{minutes} · {document['office']}", ""]
    for check in document["checks"]:
        if check["passed"]:
            lines += wrapped(f"  pass  {check['sentence']}", 8)
        else:
            sentence = check["sentence"]
            if check["detail"]:
                sentence = f"{sentence.removesuffix('.')} ({check['detail']})."
            lines += wrapped(f"  FAIL  {sentence}", 8)
            lines += wrapped(f"        Rule: {check['source']}.", 8)
    lines += ["", f"Places where the visit fits: {len(document['fits'])}"]
    for (where, day), starts in groupby(document["fits"], key=lambda fit: (place_text(fit), fit["start"][:10])):
        times = _runs([datetime.fromisoformat(fit["start"]) for fit in starts])
        lines += wrapped(f"  {date.fromisoformat(day):%a %m-%d}  {where:<18} {times}", 33)
    lines += _nowhere(document)
    reason = document["reason"]
    if document["asked"]:
        lines += ["", "One cycle now would offer a place."]
    elif reason is not None:
        lines += ["", f"Not asked now: {RULES[reason].sentence}", f"Rule: {RULES[reason].source}."]
    return lines


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
    lines = [f"Opening {document['id']} · {document['office']}"]
    opening = document["opening"]
    if opening is not None:
        start = datetime.fromisoformat(opening["start"])
        lines.append(f"{place_text(opening)}, {start:%a %Y-%m-%d %H:%M} to {opening['end'][11:16]}")
    for reason in document["reasons"]:
        lines += ["", f"{reason['detail']}", f"Rule: {reason['source']}."]
    candidates = document.get("candidates", [])
    if candidates:
        lines.append("")
    for candidate in sorted(candidates, key=lambda item: (not item["asked"], not item["starts"], item["number"])):
        who = f"{candidate['kind']} {candidate['number']}"
        what = "would be offered now" if candidate["asked"] else RULES[candidate["reason"]].sentence
        lines.append(f"  {who:<20} {candidate['minutes']:>3} min  {what}")
    return lines
