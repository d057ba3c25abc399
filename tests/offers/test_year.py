"""What a cycle asks of the journal costs no more after a year than after a day: counted in SQLite's own steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from asapfill.core.offer import NewOffer, State
from asapfill.offers.journal import Journal
from asapfill.store.commlogs import CommlogTable
from asapfill.store.database import Store
from tests.offers.conftest import OFFICE_NOW

Ask = Callable[[Journal], object]

QUESTIONS: dict[str, Ask] = {
    "since": lambda journal: journal.since((OFFICE_NOW - timedelta(days=31)).date()),
    "followed": lambda journal: journal.followed(OFFICE_NOW),
    "live": lambda journal: journal.live(),
    "unknowns": lambda journal: journal.unknowns(),
    "asapcomms": lambda journal: journal.asapcomms(range(1, 20)),
    "saw": lambda journal: journal.saw(range(1, 20)),
    "notes": lambda journal: CommlogTable(journal.store, journal.office).notes([1]),
    "under way": lambda journal: CommlogTable(journal.store, journal.office).under_way(),
}


OFFERS = """
    WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
    INSERT INTO offers (office, clinic, kind, number, patient, phone, operatory, provider, start, "end", wave, opening,
        state, asapcomm, schedule, made, created, changed, settled, seen)
    SELECT office, clinic, kind, n, n, 'hash' || n, operatory, provider, '2026-01-05T14:00:00', '2026-01-05T15:00:00',
        wave, 'op' || n, 'passed', n, n, '2026-01-05T09:00:00', :ago, :ago, :ago, 0
    FROM offers, numbers WHERE offers.id = 1
"""
COMMLOGS = """
    INSERT INTO commlogs (offer, entry, office, patient, state, noted, attempts, changed)
    SELECT id, 1, office, patient, 'written', '', 1, :ago FROM offers WHERE number >= :first AND number < :end
"""
SEEN = """
    INSERT INTO asapcomms_seen (office, asapcomm, at)
    SELECT office, number, :ago FROM offers WHERE number >= :first AND number < :end
"""


def add_old_offers(store: Store, first: int, count: int) -> None:
    """Offers of last winter, settled long ago, each with its commlog, read back from the office."""
    with store.transaction() as database:
        for statement in (OFFERS, COMMLOGS, SEEN):
            ago = "2026-01-05T17:00:00.000000+00:00"
            database.execute(statement, {"first": first, "end": first + count, "ago": ago})


def steps(journal: Journal, ask: Ask) -> int:
    """How many hundreds of steps of SQLite's machine a question takes."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    ask(journal)
    connection = journal.store._database().conn
    connection.set_progress_handler(count, 100)
    try:
        ask(journal)
    finally:
        connection.set_progress_handler(None, 0)
    return taken


def test_a_question_costs_no_more_after_a_year(store: Store, journal: Journal, meant: Callable[..., NewOffer]) -> None:
    def anything(_: Any) -> None:
        return None

    offer = journal.begin(meant(), check=anything)
    journal.step(offer.id, State.SENT, asapcomm=1_000_000, schedule=5)
    add_old_offers(store, 100_000, 50)
    soon = {name: steps(journal, ask) for name, ask in QUESTIONS.items()}
    add_old_offers(store, 200_000, 5000)
    assert store.rows("SELECT count(*) AS n FROM commlogs") == [{"n": 5050}]
    dearer = {name: steps(journal, ask) - soon[name] for name, ask in QUESTIONS.items()}
    assert {name: more for name, more in dearer.items() if more > 5} == {}
