"""``status``: the document, out of the state, which is only read, and its text for a terminal, with times as the
office's clock shows them and names as the office has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from asapfill.alerts.letters import addresses_of
from asapfill.clock import Clock
from asapfill.core.errors import Problem
from asapfill.core.offer import WORDS, Offer, State
from asapfill.core.office import Labels
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import Policies, no_policy, read_folder, stands_in
from asapfill.policy.model import PolicyFile
from asapfill.report.documents import iso, iso_or_none, offered
from asapfill.settings.settings import Settings
from asapfill.store.cycles import Tick, last_ticks, requests_since
from asapfill.store.database import EmptyStore, Store, open_for_reading
from asapfill.store.lock import is_held
from asapfill.store.notices import failing_addresses, kept_notices
from asapfill.store.offices import EVERY_OFFICE, kept_events, kept_listen_failure, known_office, paused, resting
from asapfill.webhooks.deliveries import REASONS
from asapfill.words import counted, fitted, place_text, wrapped

LATE: Final = timedelta(minutes=10)
"""A daemon that has not finished a cycle for so long needs a look."""


def status_document(settings: Settings, clock: Clock) -> dict[str, Any]:
    """``status --json``. ``ok``: nothing needs a person.

    Raises:
        StoreError: the state cannot be read.
        OSError: its folder may not be read.
    """
    now, running = clock.now(), is_held(settings.state)
    with open_for_reading(settings.state, clock) as store:
        policies = read_folder(settings, store)
        problems = [str(problem) for problem in _policy_problems(settings, policies)]
        if isinstance(store, EmptyStore):
            return {"ok": not problems, "running": running, "now": iso(now), "policies": problems,
                    "paused": [], "offices": [], "notices": [], "addresses": 0, "untold": []}  # fmt: skip
        pauses, ticks = paused(store), last_ticks(store)
        offices = []
        for name in settings.offices:
            mine = [tick for tick in ticks if tick.office == name]
            offices.append(_office(settings, store, name, policies.of(name), mine, now, running=running))
        notices = notices_document(settings, store)
    healthy = not any(o["late"] or o["unclear"] or not all(t["ok"] for t in o["ticks"]) for o in offices)
    listening = not any(o["events"] and o["events"]["problem"] for o in offices)
    untroubled = listening and not notices["notices"] and not notices["untold"]
    return {
        "ok": healthy and not problems and (untroubled or not running),
        "running": running,
        "now": iso(now),
        "policies": problems,
        "paused": sorted(pauses),
        "offices": offices,
        **notices,
    }


def _policy_problems(settings: Settings, policies: Policies) -> list[Problem]:
    """What is wrong with the policies, in the words of ``check``, and what is in force meanwhile."""
    problems = [*policies.problems, *(stands_in(path) for path in sorted(policies.stand_ins))]
    unserved = [office for office in settings.offices if not policies.of(office)]
    return [no_policy(settings, unserved)] if unserved and not problems else problems


def _office(
    settings: Settings,
    store: Store,
    name: str,
    files: Sequence[PolicyFile],
    ticks: Sequence[Tick],
    now: datetime,
    *,
    running: bool,
) -> dict[str, Any]:
    """One office. ``ticks``: the last cycle of each of its clinics."""
    known = known_office(store, name)
    timezone = known.timezone if known is not None else files[0].timezone if files else None
    labels = known.labels if known is not None else Labels()
    # Without a policy no cycle is finished, and that is told as what it is.
    late = running and bool(files) and (not ticks or any(now - tick.at > LATE for tick in ticks))
    rest = resting(store).get(name) if running else None
    journal = Journal(store, name)
    live = journal.live()
    return {
        "office": name,
        "timezone": timezone.key if timezone is not None else None,
        "policy": bool(files),
        "paused": not {name, EVERY_OFFICE}.isdisjoint(paused(store)),
        "late": late,
        "ticks": [
            {
                "clinic": tick.clinic,
                "clinic_name": labels.clinics.get(tick.clinic),
                "at": iso(tick.at),
                "ok": tick.ok,
                "requests": tick.requests,
                "problems": list(tick.problems),
            }
            for tick in ticks
        ],
        # It did not answer: how often in a row, and when it is tried again.
        "resting": {"failures": rest.failures, "until": iso(rest.until)} if rest is not None else None,
        "requests": requests_document(store, name, now),
        "events": events_document(settings, store, name),
        "live": [_offer(offer, labels) for offer in live if offer.state in {State.SENT, State.VIEWED}],
        "waiting": [_offer(offer, labels) for offer in live if offer.state in {State.WAITING, State.APPROVED}],
        "unclear": [_offer(offer, labels) for offer in journal.unknowns()],
    }


def _offer(offer: Offer, labels: Labels) -> dict[str, Any]:
    return {"id": offer.id, **offered(offer, labels), "wave": offer.wave, "state": str(offer.state)}


def requests_document(store: Store, office: str, now: datetime) -> dict[str, Any]:
    """Requests of the last hour and the last day, to ten minutes, together and by purpose. ``now``: aware.

    Raises:
        StoreError: the state cannot be read.
    """
    document = {}
    for name, length in (("last_hour", timedelta(hours=1)), ("last_day", timedelta(days=1))):
        counts = requests_since(store, office, now - length)
        most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        document[name] = {"together": counts.total(), "purposes": dict(most_first)}
    return document


def events_document(settings: Settings, store: Store, office: str) -> dict[str, Any] | None:
    """The events of an office; None when they are off and nothing of them is left.

    ``url``: where Open Dental sends them, None when they are off and subscriptions of ours are still there.
    ``problem``: a sentence for a person, or empty. ``refused``: by reason, a code of ``deliveries.REASONS``.
    """
    kept = kept_events(store, office)
    on = settings.events is not None and settings.offices[office].events
    if not on and not kept.addresses:
        return None
    failure = kept_listen_failure(store) if on else None
    return {
        "url": settings.events.address(office) if on and settings.events is not None else None,
        "tables": list(kept.watched),
        "checked": iso_or_none(kept.checked),
        "since": iso_or_none(kept.since),
        "deliveries": kept.deliveries,
        "last": iso_or_none(kept.last),
        "refused": dict(kept.refused),
        "problem": failure.problem if failure is not None else kept.problem,
    }


def notices_document(settings: Settings, store: Store) -> dict[str, Any]:
    """The part of ``status --json``. ``told``: everybody who is to know does."""
    addresses = addresses_of(settings)
    lasting = [row for row in kept_notices(store) if row.gone is None]
    return {
        "notices": [
            {
                "office": row.notice.office or None,
                "code": row.notice.code,
                "subject": row.notice.subject or None,
                "since": iso(row.since),
                "title": row.notice.title,
                "message": row.notice.message,
                "told": all(
                    row.told.get(address.id) == row.notice.about
                    for address in addresses
                    if address.is_for(row.notice.office)
                ),
            }
            for row in lasting
        ],
        "addresses": len(addresses),
        "untold": [
            {"address": item.name, "since": iso(item.since), "error": item.error} for item in failing_addresses(store)
        ],
    }


def status_text(document: dict[str, Any]) -> str:
    """The text of a ``status_document``, at most 80 columns wide but for quoted lines of files."""
    lines = ["asapfill is running." if document["running"] else "asapfill is not running."]
    if EVERY_OFFICE in document["paused"]:
        lines.append("Sending is paused for all offices (`asapfill resume` starts it again).")
    for problem in document["policies"]:
        lines += ["", fitted(problem)]
    now = datetime.fromisoformat(document["now"])
    for office in document["offices"]:
        lines += ["", *_office_text(office, now)]
    if document["running"]:
        lines += _notice_lines(document)
    return "\n".join(lines)


def _office_text(office: dict[str, Any], now: datetime) -> Iterator[str]:
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
    return wrapped(f"    #{offer['id']}  {start:%a %m-%d %H:%M}-{end}, {place_text(offer)}: {who}", 8)


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
