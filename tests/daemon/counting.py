"""What an office says after a storm: counted from its own log and tables, and compared with asapfill's journal."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from asapfill.clock import SystemClock
from asapfill.core.offer import State
from asapfill.offers.journal import Journal
from asapfill.sandbox.wire.process import Sandbox
from asapfill.store.care import verify
from asapfill.store.database import EmptyStore, open_for_reading
from tests.daemon.bench import Bench

Row = dict[str, Any]

PER_DAY, PER_WEEK = 1, 2
BETWEEN = (time(9), time(19))
LATE = timedelta(minutes=5)
"""Of the office's time, which runs fast: what may lie between asapfill's look at the clock and the POST's arrival."""

_ANSWERS = {
    "AcceptedAndMoved": State.ACCEPTED,
    "Declined": State.DECLINED,
    "DeclinedStopComm": State.STOPPED,
    "ChoseDifferentSlot": State.OTHER_SLOT,
}


def made_offers(log: Row) -> list[Row]:
    """The writes by which the office made an offer, whether its answer arrived or not."""
    return [entry for entry in log["writes"] if entry["path"] == "asapcomms" and entry["status"] == 201]


def violations(office: Row, log: Row) -> Counter[str]:
    """What should never happen, as the office's own record has it."""
    found = Counter({"sent twice": log["sent_twice"]})
    texts = Counter((row["FKey"], row["FKeyType"] == "Recall", row["op"], row["dateTimeStart"])
                    for row in log["texts_sent"])  # fmt: skip
    found["texted twice"] = sum(count > 1 for count in texts.values())
    markers = Counter(_marker(row["Note"]) for row in office["commlogs"])
    found["commlog twice"] = sum(count > 1 for marker, count in markers.items() if marker)
    made = made_offers(log)
    found["outside the hours"] = sum(not _within_hours(datetime.fromisoformat(entry["at"])) for entry in made)
    ours = {entry["key"] for entry in made}
    found.update(_over_caps(office, [row for row in office["asapcomms"] if row["AsapCommNum"] in ours]))
    return +found


def _within_hours(at: datetime) -> bool:
    return datetime.combine(at, BETWEEN[0]) - LATE <= at <= datetime.combine(at, BETWEEN[1]) + LATE


def _over_caps(office: Row, rows: list[Row]) -> Iterator[str]:
    """Each text above the cap of a patient or a phone, for a day or seven of them."""
    phones = {row["PatNum"]: re.sub(r"\D", "", row["WirelessPhone"]) for row in office["patients"]}
    days: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in rows:
        if row["SmsSendStatus"] == "DoNotSend" and row["ResponseStatus"] == "UnableToSend":
            continue
        day = datetime.fromisoformat(row["DateTimeEntry"]).date()
        days["patient", str(row["PatNum"])].append(day)
        days["phone", phones[row["PatNum"]]].append(day)
    for (kind, _), texts in days.items():
        for number, day in enumerate(texts):
            earlier = texts[:number]
            if sum(other == day for other in earlier) >= PER_DAY:
                yield f"per {kind} and day"
            if sum(day - timedelta(days=7) < other <= day for other in earlier) >= PER_WEEK:
                yield f"per {kind} and week"


def _marker(note: str) -> str:
    """What begins each commlog of asapfill's and names its offer."""
    return note.split("]", 1)[0] if note.startswith("[asapfill") else ""


def state_violations(bench: Bench, office: Row, log: Row) -> Counter[str]:
    """What is wrong with asapfill's own state, against what the office said before asapfill's last cycles."""
    folder = bench.folder / "state"
    found = Counter({"damaged": len(verify(folder / "asapfill.db").problems)})
    with open_for_reading(folder, SystemClock()) as store:
        if isinstance(store, EmptyStore):
            return Counter({"no state": 1})
        journal = Journal(store, "main-street")
        offers = journal.since(date.min)
        found["still unclear in the end"] = len(journal.unknowns())
        known = journal.asapcomms()
    found["not in the journal"] = len({entry["key"] for entry in made_offers(log)} - known)
    rows = {row["AsapCommNum"]: row["ResponseStatus"] for row in office["asapcomms"]}
    found["outcome missed"] = sum(
        _ANSWERS.get(rows.get(offer.asapcomm or 0, ""), offer.state) is not offer.state for offer in offers
    )
    return +found


def unclear(bench: Bench) -> int:
    """How many offers asapfill does not know the fate of now."""
    with open_for_reading(bench.folder / "state", SystemClock()) as store:
        return len(Journal(store, "main-street").unknowns())


def office_days(sandbox: Sandbox, since: datetime) -> float:
    """How many days have passed at the office."""
    return (datetime.fromisoformat(sandbox.clock()["office_now"]) - since) / timedelta(days=1)
