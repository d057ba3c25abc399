"""``status`` as a JSON document, out of the state, which is only read. Its text is made in ``status_text``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from asapfill.alerts.letters import addresses_of
from asapfill.clock import Clock
from asapfill.core.errors import Problem
from asapfill.core.offer import Offer, State
from asapfill.core.office import Labels
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import Policies, no_policy, read_folder, stands_in
from asapfill.policy.model import PolicyFile
from asapfill.report.documents import iso, iso_or_none, offered
from asapfill.settings.settings import Settings
from asapfill.store.cycles import Tick, last_ticks, requests_since
from asapfill.store.database import Store, open_for_reading
from asapfill.store.lock import is_held
from asapfill.store.notices import failing_addresses, kept_notices
from asapfill.store.offices import EVERY_OFFICE, known_office, paused, resting
from asapfill.store.webhooks import kept_deaf, kept_events

LATE: Final = timedelta(minutes=10)
"""A daemon that has not finished a cycle for so long needs a look."""


def status_document(settings: Settings, clock: Clock) -> dict[str, Any]:
    """``status --json``. ``ok``: nothing needs a person.

    Raises:
        StoreError: the state cannot be read.
        OSError: its folder may not be read.
    """
    now = clock.now()
    running = is_held(settings.state)
    store = open_for_reading(settings.state, clock)
    policies = read_folder(settings, store)
    problems = [str(problem) for problem in _policy_problems(settings, policies)]
    if store is None:
        return {"ok": not problems, "running": running, "now": iso(now), "policies": problems,
                "paused": [], "offices": [], "notices": [], "addresses": 0, "untold": []}  # fmt: skip
    with store:
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
        **_offers(Journal(store, name), labels),
    }


def _offers(journal: Journal, labels: Labels) -> dict[str, Any]:
    live = journal.live()
    return {
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
    return {
        "last_hour": _counted(requests_since(store, office, now - timedelta(hours=1))),
        "last_day": _counted(requests_since(store, office, now - timedelta(days=1))),
    }


def _counted(counts: Counter[str]) -> dict[str, Any]:
    """The purposes that cost most first."""
    purposes = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return {"together": counts.total(), "purposes": purposes}


def events_document(settings: Settings, store: Store, office: str) -> dict[str, Any] | None:
    """The events of an office; None when they are off and nothing of them is left.

    ``url``: where Open Dental sends them, None when they are off and subscriptions of ours are still there.
    ``problem``: a sentence for a person, or empty. ``refused``: by reason, a code of ``deliveries.REASONS``.
    """
    kept = kept_events(store, office)
    on = settings.events is not None and settings.offices[office].events
    if not on and not kept.addresses:
        return None
    deaf = kept_deaf(store) if on else None
    return {
        "url": settings.events.address(office) if on and settings.events is not None else None,
        "tables": list(kept.watched),
        "checked": iso_or_none(kept.checked),
        "since": iso_or_none(kept.since),
        "deliveries": kept.deliveries,
        "last": iso_or_none(kept.last),
        "refused": dict(kept.refused),
        "problem": deaf.problem if deaf is not None else kept.problem,
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
