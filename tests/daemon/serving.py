"""One office served cycle by cycle in this process, the sandbox in its own; both clocks stand still in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from asapfill.clock import instant
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession, sessions_to_send
from asapfill.demo.demo import LinkedClock
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import PolicyBook
from asapfill.policy.model import PolicyFile
from asapfill.settings.settings import load_settings
from tests.daemon.bench import ENVIRONMENT, Bench, bench_for

Row = dict[str, Any]
PACIFIC = ZoneInfo("America/Los_Angeles")


class Serving:
    """A session that is kept from cycle to cycle, as the daemon keeps it."""

    def __init__(self, bench: Bench, session: OfficeSession, clock: LinkedClock) -> None:
        self.bench = bench
        self.sandbox = bench.sandbox
        self.session = session
        self.clock = clock
        self.book = PolicyBook(bench.folder / "policies", ("main-street",))

    @property
    def journal(self) -> Journal:
        """The journal, which a session that acts always has."""
        assert self.session.journal is not None
        return self.session.journal

    def cycle(self, *, still_valid: Callable[[PolicyFile], bool] = lambda _: True) -> ClinicResult:
        """One cycle by the policy as it stands. ``still_valid``: called between plan and POST."""
        policies = self.book.read(self.session.store)

        def valid(file: PolicyFile) -> bool:
            return still_valid(file) and policies.still_valid(file)

        (result,) = run_cycle(self.session, policies.files, still_valid=valid, last_good=policies.last_good)
        return result

    def cycle_while(self, happening: Callable[[], object]) -> ClinicResult:
        """A cycle in which something happens after the plan was made and before the last look."""
        waiting = [happening]

        def still_valid(_: PolicyFile) -> bool:
            if waiting:
                waiting.pop()()
            return True

        return self.cycle(still_valid=still_valid)

    def wait(self, **time: float) -> None:
        """Let time pass here and in the office."""
        self.clock.sleep(timedelta(**time).total_seconds())

    def states(self) -> dict[int, str]:
        """How each of our offers stands, by AptNum or RecallNum, the last one of each."""
        return {offer.number: str(offer.state) for offer in self.journal.since(datetime.min.date())}


@contextmanager
def serving(
    folder: Path, office: Row | None = None, *, ahead: timedelta = timedelta(0), **sections: Any
) -> Iterator[Serving]:
    """Serve ``office`` (default: the small one). ``ahead``: our clock before the office's. ``sections``: the policy."""
    with bench_for(folder, office) as bench:
        bench.policy(**sections)
        settings = load_settings(bench.config, ENVIRONMENT)
        start = instant(datetime.fromisoformat(bench.sandbox.clock()["office_now"]), PACIFIC)
        clock = LinkedClock(start + ahead, bench.sandbox)
        with sessions_to_send(settings, ("main-street",), clock) as sessions:
            yield Serving(bench, sessions[0], clock)


def openings(result: ClinicResult) -> list[str]:
    """The openings of a cycle: ``op1 14:00-15:00``, with the day when it is not the first of the test."""
    return [f"op{item.operatory} {item.start:%d %H:%M}-{item.end:%H:%M}" for item in result.openings]


def left(result: ClinicResult, reason: str) -> list[str]:
    """The time that was left alone for a reason, the same way."""
    return [
        f"op{item.operatory} {item.start:%d %H:%M}-{item.end:%H:%M}"
        for item in result.left_alone
        if item.reason.code == reason
    ]


def passed_over(result: ClinicResult) -> dict[int, str]:
    """Why each candidate who is not asked is not, by AptNum or RecallNum."""
    return {item.number: item.reason.code for item in result.skipped if item.number is not None}
