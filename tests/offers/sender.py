"""A process that sends one offer, so that a test can kill it: not a test itself.

Reads one JSON command per line, runs each in a forked child (the imports are paid for once) and prints how it ended.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from asapfill.clock import SteppedClock, office_now
from asapfill.core.limits import checker
from asapfill.core.offer import NewOffer
from asapfill.core.policy import TextsPolicy
from asapfill.core.rows import AsapComm, Commlog, Schedule
from asapfill.offers.commlogs import keep_commlogs, recover_commlogs
from asapfill.offers.following import follow
from asapfill.offers.journal import Journal
from asapfill.offers.reconcile import reconcile, recover
from asapfill.offers.sending import send
from asapfill.store.database import open_store

PACIFIC = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class Listing:
    rows: tuple[Any, ...]
    problems: tuple[str, ...] = ()


class Api:
    """The few calls that a send needs, with nothing between us and the socket."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body, default=str).encode()
        request = urllib.request.Request(self.url + path, data, {"X-Pid": str(os.getpid())}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def create_asapcomm(
        self, *, op: int, date_time_start: datetime, apt_num: int | None = None, recall_num: int | None = None
    ) -> AsapComm:
        body = {"op": op, "dateTimeStart": date_time_start, "aptNum": apt_num, "recallNum": recall_num}
        return AsapComm.read(self._call("POST", "/asapcomms", body))

    def asapcomms(self, *, date_start: date, date_end: date) -> Listing:
        rows = self._call("GET", f"/asapcomms?dateStart={date_start}&dateEnd={date_end}")
        return Listing(tuple(AsapComm.read(row) for row in rows))

    def schedule(self, schedule_num: int) -> Schedule:
        return Schedule.read(self._call("GET", f"/schedules/{schedule_num}"))

    def create_commlog(
        self,
        *,
        pat_num: int,
        note: str,
        comm_date_time: datetime,
        comm_type: int | None,
        mode: str = "Text",
        sent_or_received: str = "Sent",
    ) -> Commlog | None:
        body = {"PatNum": pat_num, "Note": note, "CommDateTime": comm_date_time, "CommType": comm_type}
        return Commlog.read(
            self._call("POST", "/commlogs", {**body, "Mode_": mode, "SentOrReceived": sent_or_received})
        )

    def commlog(self, commlog_num: int) -> Commlog:
        return Commlog.read(self._call("GET", f"/commlogs/{commlog_num}"))

    def update_commlog(self, commlog_num: int, note: str) -> None:
        self._call("PUT", f"/commlogs/{commlog_num}", {"Note": note})

    def commlogs(self, pat_num: int) -> Listing:
        return Listing(tuple(Commlog.read(row) for row in self._call("GET", f"/commlogs?PatNum={pat_num}")))


def cycle(url: str, folder: Path, start: datetime) -> None:
    """What a daemon does from its start to the outcome of one offer."""
    clock = SteppedClock(start)
    api = Api(url)
    with open_store(folder, clock) as store:
        journal = Journal(store, "main-street")
        recover(journal)
        recover_commlogs(journal)
        for _ in range(3):
            clock.sleep(75)
            reconcile(journal, api, clock, PACIFIC)
        now = office_now(clock.now(), PACIFIC)
        slot = datetime(2026, 11, 20, 14, 0)
        new = NewOffer(
            clinic=0,
            kind="appointment",
            number=11939,
            patient=6522,
            phone="family",
            operatory=3,
            provider=1,
            start=slot,
            end=slot + timedelta(hours=1),
            wave=1,
            opening="3-14",
            made=now,
        )
        check = checker(new, (), TextsPolicy(), now)
        send(new, journal=journal, api=api, check=check, look_again=lambda: None, may_go_on=lambda: None)
        follow(
            journal,
            api.asapcomms(date_start=date(2026, 11, 19), date_end=date(2026, 11, 22)).rows,
            now,
            lambda _: False,
        )
        for _ in range(3):
            clock.sleep(75)
            keep_commlogs(journal, api, clinic=0, comm_type=None, now=now, may_update=True, may_go_on=lambda: None)


def run(command: dict[str, Any]) -> int:
    """Run one cycle in a child process; returns how it ended (a signal as a negative number)."""
    child = os.fork()
    if child == 0:
        os.environ.update(command["env"])
        try:
            cycle(command["url"], Path(command["folder"]), datetime.fromisoformat(command["start"]))
        except BaseException as error:  # noqa: BLE001  the parent must not see this process go on
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(_: Sequence[str]) -> None:
    """Serve commands until standard input ends."""
    for line in sys.stdin:
        print(run(json.loads(line)), flush=True)  # noqa: T201  the answer to the test


if __name__ == "__main__":
    main(sys.argv)
