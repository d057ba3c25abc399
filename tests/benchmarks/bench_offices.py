"""What many offices in one process cost, and what some that misbehave cost the others.

Run: ``python tests/benchmarks/bench_offices.py --offices 1 50 500 --minutes 6 --bad 0`` (Linux, loopback only).

The real daemon, ``asapfill run``, serves simulated offices (three operatories, about 600 patients, staff and patients
at work, in real time) that live in another process, whose cost is not counted. A cycle of each office is due every 60
seconds. Measured from outside, after the first cycle of every office: the processor time and memory of the daemon from
/proc, and how late cycles began, from its own log.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.many_offices import DEVELOPER, TIMEZONE, customer  # noqa: E402  the path is set above

TICKS = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1024.0
POLICY = "office: {name}\ntimezone: {timezone}\nmode: automatic\n"
OFFICE = """
[offices.{name}]
urls = ["http://127.0.0.1:{port}/api/v1"]
developer_key = "file:developer.key"
customer_key = "file:{name}.key"
"""


@dataclass(frozen=True)
class Sample:
    """The daemon as /proc shows it: seconds of processor time, MB, open files and threads."""

    at: float
    cpu: float
    rss: float
    files: int
    threads: int


def look(pid: int) -> Sample:
    """One look at a process."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Sample(
        time.monotonic(),
        (int(stat[11]) + int(stat[12])) / TICKS,
        int(status["VmRSS"].split()[0]) / MEGABYTE,
        len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208  counted only
        int(status["Threads"]),
    )


@contextmanager
def host(offices: int, operatories: int, bad: int) -> Iterator[dict[str, Any]]:
    """The process in which the offices live."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/benchmarks/many_offices.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps({"offices": offices, "operatories": operatories, "bad": bad}) + "\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def write_settings(folder: Path, offices: int, found: dict[str, Any]) -> Path:
    """Settings, keys and a policy for each office."""
    (folder / "policies").mkdir()
    (folder / "developer.key").write_text(DEVELOPER)
    names = {f"office-{number:03d}": (customer(number), found["port"]) for number in range(offices)}
    names |= {name: (f"Nobody-{name}", port) for name, port in found["bad"].items()}
    text = 'policies = "policies"\nstate = "state"\n'
    for name, (key, port) in names.items():
        text += OFFICE.format(name=name, port=port)
        (folder / f"{name}.key").write_text(key)
        (folder / "policies" / f"{name}.yaml").write_text(POLICY.format(name=name, timezone=TIMEZONE))
    path = folder / "asapfill.toml"
    path.write_text(text)
    return path


@contextmanager
def daemon(config: Path, log: Path) -> Iterator[int]:
    """``asapfill run``; its pid."""
    command = [sys.executable, "-c", "from asapfill.cli import main; main()", "--log", "json", "run", "--config"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, str(config)], stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process.pid
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        print(f"  ended with {code} within {time.monotonic() - began:.1f} s of SIGTERM")  # noqa: T201
    finally:
        process.kill()
        process.wait()


def events(log: Path, name: str) -> list[dict[str, Any]]:
    """The fields of every line of one event, with when it was written."""
    found = []
    for line in log.read_text().splitlines():
        if f'"event": "{name}"' in line:
            document = json.loads(line)
            found.append({"at": document["at"], **document["fields"]})
    return found


def wait_for_first_cycles(log: Path, offices: int, pid: int) -> float:
    """Until every office that behaves has had a cycle; the seconds that took."""
    began = time.monotonic()
    while len({event["office"] for event in events(log, "cycle.done")} - {""}) < offices:
        time.sleep(2)
        look(pid)
        if time.monotonic() - began > 1200:
            raise SystemExit("not every office got its first cycle within 20 minutes")
    return time.monotonic() - began


def share(values: list[float], part: float) -> float:
    """The value below which ``part`` of them lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else 0.0


def measure(offices: int, minutes: float, bad: int, operatories: int, keep: Path | None) -> None:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as temporary, host(offices, operatories, bad) as found:
        folder = Path(temporary)
        config, log = write_settings(folder, offices, found), folder / "log"
        with daemon(config, log) as pid:
            first = wait_for_first_cycles(log, offices, pid)
            cold = look(pid)
            time.sleep(70)
            already = len(events(log, "cycle.done"))
            samples = [look(pid)]
            while time.monotonic() - samples[0].at < minutes * 60:
                time.sleep(2)
                samples.append(look(pid))
        good = [event for event in events(log, "cycle.done")[already:] if event["office"].startswith("office-")]
        late = [float(event["late"]) for event in good if "late" in event]
        took = [float(event["seconds"]) for event in good if "seconds" in event]
        elapsed, cpu = samples[-1].at - samples[0].at, samples[-1].cpu - samples[0].cpu
        print(  # noqa: T201
            f"{offices} offices + {bad} bad, {elapsed:.0f} s measured: {len(good)} cycles "
            f"({len(good) / elapsed * 60 / offices:.2f} a minute and office), "
            f"{sum(int(event['requests']) for event in good) / max(1, len(good)):.1f} requests each\n"
            f"  processor: {cpu / elapsed:.1%} of one core, {cpu / max(1, len(good)) * 1000:.1f} ms a cycle; "
            f"first cycles: {first:.0f} s, {cold.cpu:.1f} s of processor time\n"
            f"  memory: {max(s.rss for s in samples):.0f} MB; open files: {max(s.files for s in samples)}; "
            f"threads: {max(s.threads for s in samples)}\n"
            f"  late: median {share(late, 0.5):.2f} s, p99 {share(late, 0.99):.2f} s, "
            f"most {max(late, default=0):.2f} s; "
            f"a cycle took: median {share(took, 0.5):.2f} s, p99 {share(took, 0.99):.2f} s\n"
            f"  offers sent: {sum(int(event['offers']) for event in good)}, cycles with errors: "
            f"{sum(int(event['errors']) > 0 for event in good)}"
        )
        if keep is not None:
            keep.write_bytes(log.read_bytes())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offices", type=int, nargs="+", default=[1, 50, 500])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--bad", type=int, default=0, help="so many offices misbehave in addition")
    parser.add_argument("--operatories", type=int, default=3)
    parser.add_argument("--keep-log", type=Path)
    wanted = parser.parse_args()
    for offices in wanted.offices:
        measure(offices, wanted.minutes, wanted.bad, wanted.operatories, wanted.keep_log)


if __name__ == "__main__":
    main()
