"""``status``: is it alive, what is open, what is waiting, what went wrong. Reads the state only, asks no office.

The text of it is in ``report.status``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from asapfill.clock import Clock
from asapfill.events.telling import events_document
from asapfill.labels import Labels
from asapfill.notices.open_notices import notices_document
from asapfill.offers.journal import Journal
from asapfill.offers.offer import Offer
from asapfill.offers.states import State
from asapfill.problems import Problem
from asapfill.report.documents import offered
from asapfill.report.requests import requests_document
from asapfill.service.policies import Policies, no_policy, read_folder, stands_in
from asapfill.settings import Settings
from asapfill.store.database import open_for_reading
from asapfill.store.lock import is_held
from asapfill.store.offices import known_office
from asapfill.store.pause import EVERY_OFFICE, paused
from asapfill.store.resting import Rest, resting
from asapfill.store.ticks import last_ticks

LATE = timedelta(minutes=10)
"""A daemon that has not finished a tick for so long needs a look."""


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
        return {"ok": not problems, "running": running, "now": now.isoformat(timespec="seconds"), "policies": problems,
                "paused": [], "offices": [], "notices": [], "addresses": 0, "untold": []}  # fmt: skip
    with store:
        ticks = last_ticks(store)
        pauses = paused(store)
        rests = resting(store) if running else {}
        offices = []
        for name in settings.offices:
            journal = Journal(store, name)
            known = known_office(store, name)
            files = policies.of(name)
            timezone = known.timezone if known is not None else files[0].timezone if files else None
            labels = known.labels if known is not None else Labels()
            mine = [tick for tick in ticks if tick.office == name]
            # Without a policy no cycle is finished, and that is told as what it is.
            late = running and bool(files) and (not mine or any(now - tick.at > LATE for tick in mine))
            offices.append(
                {
                    "office": name,
                    "timezone": timezone.key if timezone is not None else None,
                    "policy": bool(files),
                    "paused": name in pauses or EVERY_OFFICE in pauses,
                    "late": late,
                    "ticks": [
                        {
                            "clinic": tick.clinic,
                            "clinic_name": labels.clinics.get(tick.clinic),
                            "at": tick.at.isoformat(timespec="seconds"),
                            "ok": tick.ok,
                            "requests": tick.requests,
                            "problems": list(tick.problems),
                        }
                        for tick in mine
                    ],
                    "resting": _rest(rests.get(name)),
                    "requests": requests_document(store, name, now),
                    "events": events_document(settings, store, name),
                    **_offers(journal, labels),
                }
            )
        notices = notices_document(settings, store)
    healthy = not any(o["late"] or o["unclear"] or not all(t["ok"] for t in o["ticks"]) for o in offices)
    eventful = not (running and any(o["events"] and o["events"]["problem"] for o in offices))
    return {
        "ok": healthy and eventful and not problems and not (running and (notices["notices"] or notices["untold"])),
        "running": running,
        "now": now.isoformat(timespec="seconds"),
        "policies": problems,
        "paused": sorted(pauses),
        "offices": offices,
        **notices,
    }


def _rest(rest: Rest | None) -> dict[str, Any] | None:
    """An office that did not answer: how often in a row, and when it is tried again; None when it is well."""
    if rest is None:
        return None
    return {"failures": rest.failures, "until": rest.until.isoformat(timespec="seconds")}


def _policy_problems(settings: Settings, policies: Policies) -> list[Problem]:
    """What is wrong with the policies, in the words of ``check``, and what is in force meanwhile."""
    problems = list(policies.problems)
    problems += [stands_in(path) for path in sorted(policies.stand_ins)]
    unserved = [office for office in settings.offices if not policies.of(office)]
    if unserved and not problems:
        problems.append(no_policy(settings, unserved))
    return problems


def _offers(journal: Journal, labels: Labels) -> dict[str, Any]:
    live = journal.live()
    return {
        "live": [_short(offer, labels) for offer in live if offer.state in {State.SENT, State.VIEWED}],
        "waiting": [_short(offer, labels) for offer in live if offer.state in {State.WAITING, State.APPROVED}],
        "unclear": [_short(offer, labels) for offer in journal.unknowns()],
    }


def _short(offer: Offer, labels: Labels) -> dict[str, Any]:
    return {"id": offer.id, **offered(offer, labels), "wave": offer.wave, "state": str(offer.state)}
