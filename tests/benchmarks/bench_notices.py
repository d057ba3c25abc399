"""What the notifier's look costs with many offices: ``python -m tests.benchmarks.bench_notices [OFFICES]``.

Processor time of one look at a state in which every office has a tick and offers, and nothing is wrong; and of one in
which every office is not served.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asapfill.alerts.notifier import Notifier
from asapfill.clock import SteppedClock
from asapfill.core.offer import NewOffer, State
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import policy_book
from asapfill.settings.settings import load_settings
from asapfill.store.cycles import record_tick
from asapfill.store.database import Store, open_store

BEGAN = datetime(2026, 4, 14, 17, 0, tzinfo=UTC)
OFFICE = """
[offices.office-{n}]
urls = ["http://127.0.0.1:9/api/v1"]
developer_key = "env:KEY"
customer_key = "env:KEY"
"""
OFFERS = 20


def nobody(url: str, title: str, body: str, all_right: bool) -> str:  # noqa: ARG001, FBT001  the shape of ``Send``
    """Take every message."""
    return ""


def fill(store: Store, office: str, clock: SteppedClock) -> None:
    """A tick and some offers, answered."""
    record_tick(store, office, 0, ok=True, requests=3)
    wall = clock.now().replace(tzinfo=None)
    for number in range(OFFERS):
        new = NewOffer(
            clinic=0, kind="appointment", number=number, patient=number, phone=f"h{number}", operatory=1, provider=1,
            start=wall + timedelta(hours=5), end=wall + timedelta(hours=6), wave=1, opening="o", made=wall,
        )  # fmt: skip
        offer = Journal(store, office).begin(new, check=lambda _: None)
        Journal(store, office).step(offer.id, State.SENT, asapcomm=number + 1)


def main(offices: int) -> None:
    """Print the figures."""
    logging.getLogger("asapfill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policies").mkdir()
        names = [f"office-{n}" for n in range(offices)]
        text = '[notify]\nurls = ["env:KEY"]\n' + "".join(OFFICE.format(n=n) for n in range(offices))
        (folder / "asapfill.toml").write_text(text)
        for office in names:
            policy = f"office: {office}\ntimezone: America/Los_Angeles\n"
            (folder / "policies" / f"{office}.yaml").write_text(policy)
        settings = load_settings(folder / "asapfill.toml", {"KEY": "json://it"})
        clock = SteppedClock(BEGAN)
        notifier, book = Notifier(settings, clock, nobody), policy_book(settings)
        with open_store(folder / "state", clock) as store:
            for office in names:
                fill(store, office, clock)
            book.read()
            for what in ("nothing is wrong", "every office is not served, told", "the same again"):
                if what.startswith("every"):
                    for office in names:
                        for _ in range(12):
                            record_tick(store, office, 0, ok=False, requests=1, problems=["x"], codes=["not_sent"])
                began = time.process_time()
                notifier.round(store, book.read())
                seconds = time.process_time() - began
                sys.stdout.write(f"{offices} offices, {what}: {seconds:.3f} s of processor time\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
