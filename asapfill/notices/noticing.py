"""What there is to tell: the state and the policies looked at as a whole, and the notices in the state kept up to date.

The conditions themselves are in ``notices.conditions``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from asapfill.notices.conditions import OfficeFacts, PolicyMistake, notices_of
from asapfill.offers.journal import Journal
from asapfill.offers.offer import Offer
from asapfill.offers.rows import offer_of
from asapfill.problems import Problem
from asapfill.service.policies import Policies, no_policy
from asapfill.settings import Settings
from asapfill.store.database import Store
from asapfill.store.events import kept_deaf, kept_events
from asapfill.store.notices import keep_notices
from asapfill.store.ticks import Tick, last_ticks

log = logging.getLogger(__name__)


def look(settings: Settings, store: Store, policies: Policies, since: datetime) -> None:
    """Find what needs a person now, and keep it. ``since``: from when on the offices are served, aware.

    Raises:
        StoreError: the state cannot be read or written.
    """
    ticks: dict[str, list[Tick]] = defaultdict(list)
    for tick in last_ticks(store):
        ticks[tick.office].append(tick)
    deaf = kept_deaf(store) if settings.events is not None else None
    facts = [
        OfficeFacts(
            name=name,
            ticks=tuple(ticks[name]),
            has_policy=bool(policies.of(name)),
            unclear=Journal(store, name).unknowns(),
            lately=_lately(store, name),
            since=since,
            # Nothing can get through to an asapfill that does not listen.
            events_fail=deaf is None and bool(kept_events(store, name).problem),
            events_on=settings.events is not None and office.events,
        )
        for name, office in settings.offices.items()
    ]
    mistakes = list(_mistakes(settings, policies))
    found = notices_of(facts, mistakes, store.clock.now(), "" if deaf is None else deaf.code)
    news, gone = keep_notices(store, found)
    for notice in news:
        log.warning("notice.stands office=%s code=%s subject=%s", notice.office, notice.code, notice.subject)
    for notice in gone:
        log.info("notice.over office=%s code=%s subject=%s", notice.office, notice.code, notice.subject)


def _lately(store: Store, office: str) -> tuple[Offer, ...]:
    """The offers of the last day of the office on which any was made."""
    rows = store.rows(
        "SELECT * FROM offers WHERE office = :office AND made >= "
        "(SELECT date(max(made)) FROM offers WHERE office = :office AND (asapcomm IS NOT NULL OR state = 'refused'))",
        {"office": office},
    )
    return tuple(offer_of(row) for row in rows)


def _mistakes(settings: Settings, policies: Policies) -> Iterator[PolicyMistake]:
    """What is wrong with the policies, by the office that it concerns as far as the files tell."""
    offices = {file.source.path: file.office for file in policies.files}
    for problem in policies.problems:
        yield PolicyMistake(offices.get(problem.file, ""), _place(settings, problem), str(problem))
    if not policies.problems:
        for name in settings.offices:
            if not policies.of(name):
                yield PolicyMistake(name, "missing", str(no_policy(settings, [name])))


def _place(settings: Settings, problem: Problem) -> str:
    """The file; empty for the folder."""
    return "" if problem.file == settings.policies else problem.file.name
