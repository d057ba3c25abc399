"""``status``: is it alive, what is open, what is waiting, what went wrong. Reads the state only, asks no office."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from asapfill.clock import Clock
from asapfill.offers.journal import Journal
from asapfill.offers.offer import Offer
from asapfill.offers.states import State
from asapfill.problems import Problem
from asapfill.report.documents import wall
from asapfill.service.operations import no_policy
from asapfill.service.policies import PolicyBook, stands_in
from asapfill.settings import Settings
from asapfill.store.database import Store, open_for_reading
from asapfill.store.lock import is_held
from asapfill.store.pause import EVERY_OFFICE, paused
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
    problems = [str(problem) for problem in _policy_problems(settings, store)]
    if store is None:
        return {"ok": not problems, "running": running, "now": now.isoformat(timespec="seconds"), "policies": problems,
                "paused": [], "offices": []}  # fmt: skip
    with store:
        ticks = last_ticks(store)
        pauses = paused(store)
        offices = []
        for name in settings.offices:
            journal = Journal(store, name)
            mine = [tick for tick in ticks if tick.office == name]
            late = running and (not mine or any(now - tick.at > LATE for tick in mine))
            offices.append(
                {
                    "office": name,
                    "paused": name in pauses or EVERY_OFFICE in pauses,
                    "late": late,
                    "ticks": [
                        {
                            "clinic": tick.clinic,
                            "at": tick.at.isoformat(timespec="seconds"),
                            "ok": tick.ok,
                            "requests": tick.requests,
                            "problems": list(tick.problems),
                        }
                        for tick in mine
                    ],
                    **_offers(journal),
                }
            )
    healthy = not any(o["late"] or o["unclear"] or not all(t["ok"] for t in o["ticks"]) for o in offices)
    return {
        "ok": healthy and not problems,
        "running": running,
        "now": now.isoformat(timespec="seconds"),
        "policies": problems,
        "paused": sorted(pauses),
        "offices": offices,
    }


def _policy_problems(settings: Settings, store: Store | None) -> list[Problem]:
    """What is wrong with the policies, in the words of ``check``, and what is in force meanwhile."""
    policies = PolicyBook(settings.policies, tuple(settings.offices)).read(store)
    problems = list(policies.problems)
    problems += [stands_in(path) for path in sorted(policies.stand_ins)]
    unserved = [office for office in settings.offices if not policies.of(office)]
    if unserved and not problems:
        problems.append(no_policy(settings, unserved))
    return problems


def status_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = ["asapfill is running." if document["running"] else "asapfill is not running."]
    if EVERY_OFFICE in document["paused"]:
        lines.append("Sending is paused for all offices (`asapfill resume` starts it again).")
    for problem in document["policies"]:
        lines += ["", problem]
    for office in document["offices"]:
        state = " · PAUSED" if office["paused"] else ""
        late = " · LATE: no finished cycle for 10 minutes" if office["late"] else ""
        lines += ["", f"{office['office']}{state}{late}"]
        if not office["ticks"]:
            lines.append("  No cycle yet.")
        for tick in office["ticks"]:
            clinic = f" clinic {tick['clinic']}" if tick["clinic"] else ""
            lines.append(
                f"  Last cycle{clinic}: {tick['at']}, {tick['requests']} requests, {'ok' if tick['ok'] else 'FAILED'}"
            )
            lines += [f"    {problem}" for problem in tick["problems"]]
        lines.append(f"  Open offers: {len(office['live'])}. Waiting for a yes: {len(office['waiting'])}.")
        for offer in office["waiting"]:
            lines.append(f"    {_one(offer)}")
        if office["unclear"]:
            lines.append(f"  No clear answer yet: {len(office['unclear'])}.")
            lines += [f"    {_one(offer)}" for offer in office["unclear"]]
            lines += [
                f"    Look in Open Dental whether #{offer['id']} was texted, then: "
                f"asapfill state settle {offer['id']} --sent (or --not-sent)"
                for offer in office["unclear"]
                if offer["state"] == State.UNSETTLED
            ]
    return "\n".join(lines)


def _one(offer: dict[str, Any]) -> str:
    who = f"{offer['kind']} {offer['number']}, patient {offer['patient']}"
    place = f"operatory {offer['operatory']}, {offer['start'].replace('T', ' ')[:16]}"
    return f"#{offer['id']}  {who}, {place} ({offer['state']})"


def _offers(journal: Journal) -> dict[str, Any]:
    live = journal.live()
    return {
        "live": [_short(offer) for offer in live if offer.state in {State.SENT, State.VIEWED}],
        "waiting": [_short(offer) for offer in live if offer.state in {State.WAITING, State.APPROVED}],
        "unclear": [_short(offer) for offer in journal.unknowns()],
    }


def _short(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.id,
        "kind": offer.kind,
        "number": offer.number,
        "patient": offer.patient,
        "operatory": offer.operatory,
        "start": wall(offer.start),
        "state": str(offer.state),
    }
