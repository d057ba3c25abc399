"""``status``: the document, out of the state, which is only read. ``status_text`` makes the text of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from asapfill.alerts.letters import addresses_of
from asapfill.clock import Clock
from asapfill.core.errors import Problem
from asapfill.core.limits import last_call
from asapfill.core.offer import Offer, State
from asapfill.core.office import Labels, folded
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import Policies, no_policy, read_folder, stands_in
from asapfill.policy.model import PolicyFile, TextsSection
from asapfill.report.documents import iso, iso_or_none, offered
from asapfill.settings.settings import Settings
from asapfill.store.cycles import Tick, last_ticks, requests_since, serving_since
from asapfill.store.database import EmptyStore, Store, open_for_reading
from asapfill.store.lock import is_held
from asapfill.store.notices import failing_addresses, kept_notices
from asapfill.store.offices import EVERY_OFFICE, kept_events, kept_listen_failure, known_office, paused, resting
from asapfill.words import counted

LATE: Final = timedelta(minutes=10)
"""An office whose last cycle ended longer ago needs a look."""

AHEAD: Final = timedelta(seconds=5)
"""A cycle that ended further ahead was not seen by this clock: it says nothing of the present."""

START: Final = "Start it: `systemctl start asapfill`, or `asapfill run` where there is no systemd."


def status_document(settings: Settings, clock: Clock, office: str | None = None) -> dict[str, Any]:
    """``status --json``, of one ``office`` of the settings or of all.

    ``ok``: every office had a cycle lately and nothing needs a person; ``wrong`` tells what does, a sentence each.

    Raises:
        StoreError: the state cannot be read.
        OSError: its folder may not be read.
    """
    running = is_held(settings.state)
    with open_for_reading(settings.state, clock) as store:
        policies = read_folder(settings, store)
        problems = [str(problem) for problem in _policy_problems(settings, policies, office)]
        ticks = last_ticks(store)
        now = clock.now()  # after what was read, so that no cycle of a moment ago lies ahead
        offices = []
        for name in settings.offices:
            if office in {None, name}:
                mine = [tick for tick in ticks if tick.office == name]
                offices.append(
                    _office(settings, store, name, policies.of(name), mine, now, clock.speed, running=running)
                )
        document = {
            "running": running,
            "now": iso(now),
            "policies": problems,
            "paused": sorted(paused(store)),
            "offices": offices,
            **notices_document(settings, store, office),
        }
        service = list(_service_problems(settings, store, running=running))
        served = not isinstance(store, EmptyStore)
    wrong = [
        *({"office": None, "problem": text} for text in (*service, *problems)),
        *_wrong(document, tell_late=served),
    ]
    return {"ok": not wrong, "wrong": wrong, **document}


def _service_problems(settings: Settings, store: Store, *, running: bool) -> Iterator[str]:
    """What is wrong with the program itself and its state, a sentence each."""
    if isinstance(store, EmptyStore):
        if running:
            text = (
                f"asapfill runs, but there is no state in {settings.state}: was it deleted? Stop asapfill, put the "
                "latest backup in its place (`asapfill state restore`), and start it again."
            )
        else:
            text = f"There is no state in {settings.state}: asapfill has not served anybody from here. {START}"
        yield text
    elif not running and (since := serving_since(store)) is not None:
        yield f"The service that began at {since:%Y-%m-%d %H:%M} UTC has ended without being asked to. {START}"


def _wrong(document: Mapping[str, Any], *, tell_late: bool) -> Iterator[dict[str, Any]]:
    """What needs a person besides the policies and the service itself, office by office.

    ``tell_late``: offices without a cycle are worth a word each; without a state it is the same for all.
    """
    running = document["running"]
    for office in document["offices"]:
        texts = [office["late_because"]] if office["late"] and tell_late else []
        failed = [tick for tick in office["ticks"] if not tick["ok"]]
        texts += [f"The last cycle{_of_clinic(tick)} failed; below it says why." for tick in failed]
        if office["unclear"]:
            texts.append(f"Of {counted(len(office['unclear']), 'offer')} it is not clear whether a text went out.")
        if running and office["events"] and office["events"]["problem"]:
            texts.append(f"Events: {office['events']['problem']}")
        for text in texts:
            yield {"office": office["office"], "problem": text}
    if running:
        for notice in document["notices"]:
            yield {"office": notice["office"], "problem": f"{notice['title']}."}
        for address in document["untold"]:
            yield {"office": None, "problem": f"Nothing gets through to the {address['address']}."}


def _of_clinic(tick: Mapping[str, Any]) -> str:
    return f" of {tick['clinic_name'] or 'clinic ' + str(tick['clinic'])}" if tick["clinic"] else ""


def _policy_problems(settings: Settings, policies: Policies, office: str | None) -> list[Problem]:
    """What is wrong with the policies, in the words of ``check``, and what is in force meanwhile."""
    problems = [*policies.problems, *(stands_in(path) for path in sorted(policies.stand_ins))]
    unserved = [name for name in settings.offices if office in {None, name} and not policies.of(name)]
    return [no_policy(settings, unserved)] if unserved and not problems else problems


def _lateness(files: Sequence[PolicyFile], ticks: Sequence[Tick], now: datetime, speed: float, *, running: bool) -> str:
    """Why there is no sign that an office is being served, a sentence; empty when there is.

    Without a policy no cycle is finished, and that is told as what it is.
    """
    if not files:
        return ""
    todo = "The log says why." if running else START
    if len(ticks) < len(files):
        # A policy that has just been written is served with the next cycle.
        return f"No cycle yet{'' if not ticks else ' of one of its clinics'}. {todo}"
    last = min(tick.at for tick in ticks)
    if max(tick.at for tick in ticks) - now > AHEAD * speed:
        return "The last cycle ended at a time that is still to come: this machine's clock is wrong, or was. " + (
            "The next cycle will tell." if running else START
        )
    return f"No finished cycle for {span_text(now - last)}. {todo}" if now - last > LATE else ""


def span_text(length: timedelta) -> str:
    """A length of time in the largest unit that fits: ``12 minutes``, ``3 hours``, ``2 days``."""
    minutes = int(length.total_seconds()) // 60
    for size, unit in ((1440, "day"), (60, "hour")):
        if minutes >= 2 * size:
            return counted(minutes // size, unit)
    return counted(minutes, "minute")


def _office(
    settings: Settings,
    store: Store,
    name: str,
    files: Sequence[PolicyFile],
    ticks: Sequence[Tick],
    now: datetime,
    speed: float,
    *,
    running: bool,
) -> dict[str, Any]:
    """One office. ``ticks``: the last cycle of each of its clinics. ``speed``: of the clock that ``now`` is from."""
    known = known_office(store, name)
    timezone = known.timezone if known is not None else files[0].timezone if files else None
    labels = known.labels if known is not None else Labels()
    rest = resting(store).get(name) if running else None
    journal = Journal(store, name)
    live = journal.live()
    late = _lateness(files, ticks, now, speed, running=running)
    waiting = [offer for offer in live if offer.state in {State.WAITING, State.APPROVED}]
    return {
        "office": name,
        "timezone": timezone.key if timezone is not None else None,
        "policy": bool(files),
        "paused": not {name, EVERY_OFFICE}.isdisjoint(paused(store)),
        "late": bool(late),
        "late_because": late or None,
        "filled_today": _filled(journal, now, timezone),
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
        "waiting": [_offer(offer, labels) | {"until": _until(offer, files, labels)} for offer in waiting],
        "unclear": [_offer(offer, labels) for offer in journal.unknowns()],
    }


def _filled(journal: Journal, now: datetime, timezone: ZoneInfo | None) -> dict[str, int]:
    """What was filled today, by the office's calendar."""
    midnight = now.astimezone(timezone or UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    accepted = journal.accepted(midnight)
    minutes = sum((offer.end - offer.start for offer in accepted), timedelta()) // timedelta(minutes=1)
    return {"openings": len(accepted), "minutes": minutes}


def _until(offer: Offer, files: Sequence[PolicyFile], labels: Labels) -> str:
    """Until when a yes to a waiting offer helps, by the policy of its clinic; the office's wall clock."""
    named = {folded(labels.clinic(offer.clinic)), str(offer.clinic)}
    mine = next((file for file in files if file.clinic is None or folded(file.clinic) in named), None)
    texts = mine.texts if mine is not None else TextsSection()
    return iso(last_call(offer.start, texts.between, frozenset().union(*texts.days), offer.made))


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


def notices_document(settings: Settings, store: Store, office: str | None = None) -> dict[str, Any]:
    """The part of ``status --json``, about one ``office`` or all. ``told``: everybody who is to know does."""
    addresses = addresses_of(settings)
    lasting = [row for row in kept_notices(store) if row.gone is None]
    if office is not None:
        lasting = [row for row in lasting if row.notice.office in {"", office}]
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
