"""``explain`` for a terminal: the walk through the rules, then the places."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from asapfill.reasons import RULES
from asapfill.report.text import wrapped


def explanation_text(document: dict[str, Any]) -> str:
    """The text of an explanation document, at most 80 columns wide."""
    lines = _opening(document) if "id" in document else _candidate(document)
    return "\n".join(line for part in lines for line in (wrapped(part, 26) if len(part) > 80 else [part]))  # noqa: PLR2004


def _candidate(document: dict[str, Any]) -> list[str]:
    kind, number = document["kind"], document["number"]
    minutes = f", {document['minutes']} minutes" if document["minutes"] else ""
    lines = [f"{kind.capitalize()} {number}, patient {document['patient']}{minutes} · {document['office']}", ""]
    for check in document["checks"]:
        if check["passed"]:
            lines += wrapped(f"  pass  {check['sentence']}", 8)
        else:
            detail = f" ({check['detail']})" if check["detail"] else ""
            lines += wrapped(f"  FAIL  {check['sentence']}{detail}", 8)
            lines += wrapped(f"        Rule: {check['source']}.", 8)
    lines += ["", f"Places where the visit fits: {len(document['fits'])}"]
    for (operatory, day), fits in groupby(document["fits"], key=lambda fit: (fit["operatory"], fit["start"][:10])):
        times = " ".join(fit["start"][11:16] for fit in fits)
        lines.append(f"  {day}  op {operatory:<4} {times}")
    reason = document["reason"]
    if document["asked"]:
        lines += ["", "One cycle now would offer a place."]
    elif reason is not None:
        lines += ["", f"Not asked now: {RULES[reason].sentence}", f"Rule: {RULES[reason].source}."]
    return lines


def _opening(document: dict[str, Any]) -> list[str]:
    lines = [f"Opening {document['id']} · {document['office']}"]
    opening = document["opening"]
    if opening is not None:
        lines.append(
            f"Operatory {opening['operatory']}, provider {opening['provider']}, "
            f"{opening['start'].replace('T', ' ')[:16]} to {opening['end'][11:16]}"
        )
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
