"""Whether memory stays flat over many cycles of one office.

Run: ``python tests/benchmarks/bench_memory.py --cycles 100000`` (Linux; half an hour of one core).

One session, kept from cycle to cycle as the daemon keeps it, serves a small simulated office: staff book, move, cancel,
patients answer. The clock moves on by a minute after each cycle, so 100,000 cycles are ten weeks. The office is asked
without sockets and lives in this process; its own records of what happened are thrown away now and then, but its
tables grow, so the figures are an upper end. Printed: resident memory, what Python has allocated (tracemalloc), and the
size of the state.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import threading
import time
import tracemalloc
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from asapfill.cycle.cycle import run_cycle  # noqa: E402
from asapfill.cycle.session import OfficeSession, open_sessions  # noqa: E402
from asapfill.opendental.client import OpenDental  # noqa: E402  the path is set above
from asapfill.policy.in_force import PolicyBook  # noqa: E402
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY  # noqa: E402
from asapfill.sandbox.wire.world import Options, World  # noqa: E402
from asapfill.settings.settings import load_settings  # noqa: E402
from asapfill.store.database import open_store  # noqa: E402

SETTINGS = """\
[offices.main-street]
urls = ["http://127.0.0.1:1/api/v1"]
developer_key = "env:DEVELOPER"
customer_key = "env:CUSTOMER"
"""
POLICY = "office: main-street\ntimezone: America/Los_Angeles\nmode: automatic\n"


def resident() -> float:
    """MB of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def report(number: int, began: float, folder: Path, session: OfficeSession) -> None:
    """One line of the table."""
    gc.collect()
    allocated = f"{tracemalloc.get_traced_memory()[0] / 2**20:>10.2f} MB" if tracemalloc.is_tracing() else ""
    state = sum(file.stat().st_size for file in (folder / "state").iterdir()) / 2**20
    offers = session.store.rows("SELECT count(*) AS n FROM offers")[0]["n"]
    print(  # noqa: T201
        f"{number:>7,} cycles {time.monotonic() - began:>6.0f} s  resident {resident():>6.1f} MB {allocated}"
        f"  state {state:>5.1f} MB  {offers:>6,} offers",
        flush=True,
    )


class Near(httpx.BaseTransport):
    """The way to an office in this process."""

    def __init__(self, world: World) -> None:
        self.world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Have the office answer."""
        target, authorization = request.url.raw_path.decode(), request.headers["Authorization"]
        outcome = self.world.handle(request.method, target, authorization, request.read())
        self.world.done(outcome.key)
        headers = {"Content-Type": "application/json", **dict(outcome.answer.headers)}
        return httpx.Response(outcome.answer.status, headers=headers, content=outcome.answer.body)

    def forget(self) -> None:
        """The office's records of what happened are no part of the measurement."""
        for record in (self.world.log.writes, self.world.life.sent, self.world.life.happened):
            record.clear()


def lay_line(client: OpenDental, near: Near) -> None:
    """Replace the sockets of a client."""
    connection = client._connection
    for http_client in connection._clients():
        http_client._client.close()
        http_client._client = httpx.Client(headers=http_client._client.headers, transport=near)


def live(cycles: int, folder: Path, *, operatories: int, trace: bool) -> None:
    """Serve the office for so many cycles."""
    marks = {100, 1000, *range(0, cycles + 1, max(1000, cycles // 10)), cycles} - {0}
    world = World(Options(seed=7, operatories=operatories, days=cycles // 1440 + 15, page_cap=1000))
    near, clock = Near(world), world.clock
    (folder / "policies").mkdir()
    (folder / "policies" / "main.yaml").write_text(POLICY)
    (folder / "asapfill.toml").write_text(SETTINGS)
    settings = load_settings(folder / "asapfill.toml", {"DEVELOPER": DEVELOPER_KEY, "CUSTOMER": CUSTOMER_KEY})
    book, stop = PolicyBook(settings.policies, ("main-street",)), threading.Event()
    with (
        open_store(settings.state, clock) as store,
        open_sessions(settings, ("main-street",), clock, store, stop=stop, remember=True) as (session,),
    ):
        lay_line(session.client, near)
        began = time.monotonic()
        if trace:
            tracemalloc.start()
        for number in range(1, cycles + 1):
            policies = book.read(store)
            run_cycle(session, policies.files, still_valid=policies.still_valid, last_good=policies.last_good)
            clock.sleep(60)
            near.forget()
            if number in marks:
                report(number, began, folder, session)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=100_000)
    parser.add_argument("--operatories", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="also tell what Python has allocated; takes twice as long")
    wanted = parser.parse_args()
    memory = Path("/dev/shm")  # noqa: S108  to measure the work, not the disk
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        live(wanted.cycles, Path(folder), operatories=wanted.operatories, trace=wanted.trace)


if __name__ == "__main__":
    main()
