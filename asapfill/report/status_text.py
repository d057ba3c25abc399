"""``status`` for a terminal: times as the office's clock shows them, names as the office has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from asapfill.core.offer import WORDS, State
from asapfill.store.offices import EVERY_OFFICE
from asapfill.webhooks.deliveries import REASONS
from asapfill.words import counted, fitted, place_text, wrapped


def status_text(document: dict[str, Any]) -> str:
    """The text of a ``status_document``, at most 80 columns wide but for quoted lines of files."""
    lines = ["asapfill is running." if document["running"] else "asapfill is not running."]
    if EVERY_OFFICE in document["paused"]:
        lines.append("Sending is paused for all offices (`asapfill resume` starts it again).")
    for problem in document["policies"]:
        lines += ["", fitted(problem)]
    now = datetime.fromisoformat(document["now"])
    for office in document["offices"]:
        lines += ["", *_office(office, now)]
    if document["running"]:
        lines += _notices(document)
    return "\n".join(lines)


def _office(office: dict[str, Any], now: datetime) -> Iterator[str]:
    zone: tzinfo = ZoneInfo(office["timezone"]) if office["timezone"] else UTC
    state = " · sending is PAUSED" if office["paused"] else ""
    yield f"{office['office']} · {_when(now, zone)}, {office['timezone'] or 'UTC'}{state}"
    if office["late"]:
        yield "  LATE: no finished cycle for 10 minutes. The log says why."
    if not office["policy"]:
        yield from wrapped("  No policy is in force, so nothing is offered.", 2)
        if office["live"] or office["unclear"]:
            yield from wrapped("  asapfill goes on finding out what becomes of the offers already sent.", 2)
    for tick in office["ticks"]:
        clinic = f" of {tick['clinic_name'] or 'clinic ' + str(tick['clinic'])}" if tick["clinic"] else ""
        at = _when(datetime.fromisoformat(tick["at"]), zone)
        requests = counted(tick["requests"], "request")
        yield f"  Last cycle{clinic}: {at}, {requests}, {'ok' if tick['ok'] else 'FAILED'}"
        yield from (line for problem in tick["problems"] for line in _sentence(problem))
    if not office["ticks"] and office["policy"]:
        yield "  No cycle yet."
    if office["resting"]:
        again = _when(datetime.fromisoformat(office["resting"]["until"]), zone)
        times = office["resting"]["failures"]
        often = "in the last cycle" if times == 1 else f"in {times} cycles in a row"
        yield from wrapped(f"  It did not answer as it should {often}; the next one begins at {again}.", 4)
    yield from requests_lines(office["requests"])
    yield from events_lines(office["events"], lambda moment: _when(moment, zone))
    yield f"  Texted, and no answer yet: {len(office['live'])}."
    yield from _waiting(office["waiting"])
    yield from _unclear(office["unclear"])


def requests_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a ``requests_document``; none when nothing was asked for a day."""
    hour, day = document["last_hour"], document["last_day"]
    if not day["together"]:
        return
    yield f"  Requests: {hour['together']:,} in the last hour, {day['together']:,} in the last day, for"
    purposes = ", ".join(f"{purpose} {count:,}" for purpose, count in day["purposes"].items())
    yield from wrapped(f"    {purposes}.", 4)


def events_lines(events: dict[str, Any] | None, when: Callable[[datetime], str]) -> Iterator[str]:
    """The lines of an ``events_document``. ``when``: a moment as the office's clock shows it."""
    if events is None:
        return
    if events["url"] is not None and events["since"] is not None:
        since = when(datetime.fromisoformat(events["since"]))
        came = counted(events["deliveries"] or "no", "delivery", "deliveries")
        last = f", last {when(datetime.fromisoformat(events['last']))}" if events["last"] else ""
        yield from wrapped(f"  Events: {came} since {since}{last}.", 4)
    if events["url"] is None:
        yield from wrapped("  Events are off; the running service removes asapfill's subscriptions.", 4)
    if events["refused"]:
        told = ", ".join(f"{count} because {REASONS[reason]}" for reason, count in sorted(events["refused"].items()))
        yield from wrapped(f"    Refused: {told}.", 6)
    if events["problem"]:
        yield from wrapped(f"    Events: {events['problem']}", 4)


def _waiting(offers: list[dict[str, Any]]) -> Iterator[str]:
    asked = [offer for offer in offers if offer["state"] == State.WAITING]
    approved = [offer for offer in offers if offer["state"] != State.WAITING]
    if asked:
        numbers = " ".join(str(offer["id"]) for offer in asked[:2])
        yield f"  Waiting for your yes: {len(asked)}. Answer with their numbers or for all:"
        yield f"  `asapfill approve {numbers}` or `--all`, `asapfill decline {asked[0]['id']}`."
        yield from (line for offer in asked for line in _offer(offer))
    if approved:
        yield f"  Approved, to be looked at again and sent with the next cycle: {len(approved)}."
        yield from (line for offer in approved for line in _offer(offer))


def _unclear(offers: list[dict[str, Any]]) -> Iterator[str]:
    if not offers:
        return
    yield f"  Not clear whether they were sent: {len(offers)}. Their people and places get nothing until it is."
    for offer in offers:
        yield from _offer(offer)
        yield from wrapped(f"      {WORDS[State(offer['state'])].text}", 6)
        if offer["state"] == State.UNSETTLED:
            yield f"      Look in Open Dental whether #{offer['id']} was texted, then:"
            yield f"      asapfill state settle {offer['id']} --sent (or --not-sent)"


def _offer(offer: dict[str, Any]) -> list[str]:
    start, end = datetime.fromisoformat(offer["start"]), offer["end"][11:16]
    who = f"{offer['kind']} {offer['number']}, patient {offer['patient']}"
    return wrapped(f"    #{offer['id']}  {start:%a %m-%d %H:%M}-{end}, {place_text(offer)}: {who}", 8)


def _notices(document: dict[str, Any]) -> list[str]:
    """What needs a person and who knows of it; nothing when nothing does."""
    zones = {office["office"]: office["timezone"] for office in document["offices"]}
    lines: list[str] = []
    for notice in document["notices"]:
        zone = zones.get(notice["office"] or "")
        since = _when(datetime.fromisoformat(notice["since"]), ZoneInfo(zone) if zone else UTC)
        since += "" if zone else " UTC"
        told = "told" if notice["told"] else "NOT TOLD YET"
        told = told if document["addresses"] else "no address to tell"
        lines += wrapped(f"  {notice['office'] or 'all offices'}: {notice['title']}. Since {since}, {told}.", 4)
        lines += _sentence(notice["message"])
    for address in document["untold"]:
        since = _when(datetime.fromisoformat(address["since"]), UTC)
        text = f"  Nothing gets through to the {address['address']} since {since} UTC ({address['error']})."
        lines += wrapped(f"{text} `asapfill notify test` says more.", 4)
    return ["", "Needs a person", *lines] if lines else []


def _when(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _sentence(problem: str) -> list[str]:
    """A sentence in lines, indented; one that quotes a line of a file stays as it is."""
    return [f"    {line}" for line in problem.split("\n")] if "\n" in problem else wrapped(f"    {problem}", 4)
