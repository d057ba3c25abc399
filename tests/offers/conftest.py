from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import NewOffer, Offer
from asapfill.core.reasons import Reason
from asapfill.core.rows import AsapComm
from asapfill.offers.journal import Journal
from asapfill.store.database import Store, open_store

# 9:00 on a Friday in Los Angeles
START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
OFFICE_NOW = datetime(2026, 11, 20, 9, 0)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: SteppedClock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def journal(store: Store) -> Journal:
    return Journal(store, "main-street")


@pytest.fixture
def meant() -> Callable[..., NewOffer]:
    """Builds an offer: patient 6522's appointment 11939 in operatory 3 at 14:00, unless told otherwise."""

    def build(**changes: Any) -> NewOffer:
        start = changes.pop("start", datetime(2026, 11, 20, 14, 0))
        values: dict[str, Any] = {
            "clinic": 0,
            "kind": "appointment",
            "number": 11939,
            "patient": 6522,
            "phone": "",
            "operatory": 3,
            "provider": 1,
            "start": start,
            "end": start + timedelta(minutes=60),
            "wave": 1,
            "opening": "3-14",
            "made": OFFICE_NOW,
        }
        return NewOffer(**{**values, **changes})

    return build


@pytest.fixture
def anything() -> Callable[[Sequence[Offer]], Reason | None]:
    """A check that lets everything through, so that the journal's own indexes are what is tested."""
    return lambda _: None


@pytest.fixture
def row() -> Callable[..., AsapComm]:
    """Builds an AsapComm as Open Dental answers for the offer that ``meant`` builds; arguments are column names."""

    def build(**columns: Any) -> AsapComm:
        values: dict[str, Any] = {
            "AsapCommNum": 2374,
            "FKey": 11939,
            "FKeyType": "ScheduledAppt",
            "ScheduleNum": 52527,
            "PatNum": 6522,
            "ClinicNum": 0,
            "DateTimeEntry": "2026-11-20 09:00:05",
            "DateTimeExpire": "2026-11-27 14:00:00",
            "DateTimeSmsScheduled": "2026-11-20 09:00:05",
            "SmsSendStatus": "SendNotAttempted",
            "DateTimeSmsSent": "0001-01-01 00:00:00",
            "ResponseStatus": "AwaitingTransmit",
            "DateTimeOrig": "2026-12-11 10:00:00",
            "TemplateText": "[NameF], an opening …",
            "Note": "",
        }
        return AsapComm.read({**values, **columns})

    return build
