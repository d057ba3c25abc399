"""``status`` for a terminal: what a front desk asks first, then each office.

Times as the office's clock shows them, names as the office has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from asapfill.core.offer import WORDS, State
from asapfill.store.offices import EVERY_OFFICE
from asapfill.webhooks.deliveries import REASONS
from asapfill.words import counted, fitted, place_text, wrapped


def status_text(document: dict[str, Any], *, requests: bool = False) -> str:
    """The text of a ``status_document``, at most 80 columns wide but for quoted lines of files.

    ``requests``: tell what the offices were asked for, too.
    """
    lines = [*_front_desk(document["offices"]), *_wrong(document["wrong"], document["policies"]), ""]
    lines.append("asapfill is running." if document["running"] else "asapfill is not running.")
    if EVERY_OFFICE in document["paused"]:
        lines.append("Sending is PAUSED for all offices (`asapfill resume` starts it again).")
    for problem in document["policies"]:
        lines += ["", fitted(problem)]
    now = datetime.fromisoformat(document["now"])
    several = len(document["offices"]) > 1
    for office in document["offices"]:
        lines += ["", *_office_text(office, now, several=several, requests=requests)]
    if document["running"]:
        lines += _notice_lines(document)
    return "\n".join(lines)


def _front_desk(offices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a front desk asks first, of all offices together."""
    filled = sum(office["filled_today"]["openings"] for office in offices)
    hours, minutes = divmod(sum(office["filled_today"]["minutes"] for office in offices), 60)
    time = f", {f'{hours} h ' if hours else ''}{minutes} min of chair time" if filled else ""
    yield f"Filled today:          {counted(filled or 'no', 'opening')}{time}"
    yield f"Being asked now:       {counted(sum(len(office['live']) for office in offices) or 'no', 'patient')}"
    waiting = [offer for office in offices for offer in office["waiting"] if offer["state"] == State.WAITING]
    until = min((datetime.fromisoformat(offer["until"]) for offer in waiting), default=None)
    first = "" if until is None else f", {'' if len(waiting) == 1 else 'the first '}until {until:%a %m-%d %H:%M}"
    yield f"Waiting for your yes:  {counted(len(waiting) or 'no', 'offer')}{first}"


def _wrong(found: Sequence[Mapping[str, Any]], policies: Sequence[str]) -> list[str]:
    """What is wrong; a policy's mistake is quoted further down."""
    if not found:
        return ["What is wrong:         nothing"]
    lines = ["What is wrong:"]
    for item in found:
        where = f"{item['office']}: " if item["office"] else ""
        text = (
            f"{item['problem'].partition(chr(10))[0]} (see below)" if item["problem"] in policies else item["problem"]
        )
        lines += wrapped(f"  - {where}{text}", 4)
    return lines


def _office_text(office: dict[str, Any], now: datetime, *, several: bool, requests: bool) -> Iterator[str]:
    zone: tzinfo = ZoneInfo(office["timezone"]) if office["timezone"] else UTC
    state = " · sending is PAUSED" if office["paused"] else ""
    yield f"{office['office']} · {_when(now, zone)}, {office['timezone'] or 'UTC'}{state}"
    if several:
        filled = office["filled_today"]
        minutes = f", {filled['minutes']} min" if filled["openings"] else ""
        yield f"  Filled today: {counted(filled['openings'] or 'no', 'opening')}{minutes}."
    if office["late"]:
        # What to do stands above.
        yield from wrapped(f"  LATE: {office['late_because'].partition('. ')[0].rstrip('.')}.", 4)
    if not office["policy"]:
        yield from wrapped("  No policy is in force, so nothing is offered.", 2)
        if office["live"] or office["unclear"]:
            yield from wrapped("  asapfill goes on finding out what becomes of the offers already sent.", 2)
    for tick in office["ticks"]:
        clinic = f" of {tick['clinic_name'] or 'clinic ' + str(tick['clinic'])}" if tick["clinic"] else ""
        at = _when(datetime.fromisoformat(tick["at"]), zone)
        made = f", {counted(tick['requests'], 'request')}" if requests else ""
        yield f"  Last cycle{clinic}: {at}{made}, {'ok' if tick['ok'] else 'FAILED'}"
        yield from (line for problem in tick["problems"] for line in _sentence(problem))
    if office["resting"]:
        again = _when(datetime.fromisoformat(office["resting"]["until"]), zone)
        times = office["resting"]["failures"]
        often = "in the last cycle" if times == 1 else f"in {times} cycles in a row"
        yield from wrapped(f"  It did not answer as it should {often}; the next one begins at {again}.", 4)
    if requests:
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
        yield from (line for offer in asked for line in _offer_lines(offer))
    if approved:
        yield f"  Approved, to be looked at again and sent with the next cycle: {len(approved)}."
        yield from (line for offer in approved for line in _offer_lines(offer))


def _unclear(offers: list[dict[str, Any]]) -> Iterator[str]:
    if not offers:
        return
    yield f"  Not clear whether they were sent: {len(offers)}. Their people and places get nothing until it is."
    for offer in offers:
        yield from _offer_lines(offer)
        yield from wrapped(f"      {WORDS[State(offer['state'])].text}", 6)
        if offer["state"] == State.UNSETTLED:
            yield f"      Look in Open Dental whether #{offer['id']} was texted, then:"
            yield f"      asapfill state settle {offer['id']} --sent (or --not-sent)"


def _offer_lines(offer: dict[str, Any]) -> list[str]:
    start, end = datetime.fromisoformat(offer["start"]), offer["end"][11:16]
    who = f"{offer['kind']} {offer['number']}, patient {offer['patient']}"
    until = datetime.fromisoformat(offer["until"]) if offer.get("state") == State.WAITING else None
    limit = "" if until is None else f", until {until:%a %m-%d %H:%M}"
    return wrapped(f"    #{offer['id']}  {start:%a %m-%d %H:%M}-{end}, {place_text(offer)}: {who}{limit}", 8)


def _notice_lines(document: dict[str, Any]) -> list[str]:
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
