"""What ``doctor`` finds out without asking an office: about what the settings name (files, keys, the state, the
addresses that get notices, the place where events arrive), and about this machine (Python and the packages, clock and
time zones, the systemd unit).
"""

from __future__ import annotations

import ctypes
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from zoneinfo import TZPATH

from asapfill import __version__
from asapfill.alerts.letters import addresses_of, knows
from asapfill.checks.check import Finding, look, ok, wrong
from asapfill.clock import Clock
from asapfill.report.status import events_document
from asapfill.settings.settings import EventSettings, Settings
from asapfill.settings.toml_file import Secret
from asapfill.store.database import FILE_NAME, EmptyStore, Store, StoreError, open_for_reading
from asapfill.store.lock import holder, is_held
from asapfill.store.notices import failing_addresses
from asapfill.webhooks.listener import CannotListen, try_out
from asapfill.words import counted

LEAST_FREE = 200 * 1024 * 1024
"""Bytes on the state's disk: a state of a hundred offices is some tens of megabytes, and a backup needs as much."""

BACKUP_AGE = timedelta(days=8)

_OTHERS_READ, _OTHERS_WRITE = stat.S_IROTH, stat.S_IWOTH

OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables, which the state is made of."""

UNIT = "asapfill.service"

_PATIENCE = 10.0

_UNSYNCHRONISED = 5
"""What adjtimex(2) answers, TIME_ERROR, while nothing keeps the kernel's clock right."""

_ROOM = 512
"""Bytes: more than ``struct timex`` has on any kind of Linux. All zeros, it asks and changes nothing."""


def check_files(settings: Settings) -> Iterator[Finding]:
    """Whether anybody on this machine may change settings or policies: they decide who is texted."""
    paths = [settings.path, settings.path.parent, settings.policies]
    if settings.policies.is_dir():
        paths += sorted(path for path in settings.policies.iterdir() if path.suffix in {".yaml", ".yml"})
    open_ones = [path for path in paths if path.exists() and path.stat().st_mode & _OTHERS_WRITE]
    for path in open_ones:
        yield wrong("files", f"Every user of this machine may change {path}. `chmod o-w {path}`.")
    if not open_ones:
        yield ok("files", "Settings and policies can be changed by their owners only.")


def check_keys(settings: Settings) -> Iterator[Finding]:
    """Where each key comes from, whether it is there, and who can read it. Never the key itself."""
    for office in settings.offices.values():
        for secret in (office.developer_key, office.customer_key):
            yield _key(office.name, secret)


def _key(office: str, secret: Secret) -> Finding:
    what = f"{secret.key} of {office}"
    unreadable = _unreadable("keys", what, secret)
    if unreadable is not None:
        return unreadable
    kind, _, name = secret.source.partition(":")
    if kind == "file":
        path = secret.file.parent / name
        if path.stat().st_mode & (_OTHERS_READ | _OTHERS_WRITE):
            return wrong("keys", f"Every user of this machine can read the {what}. `chmod 0640 {path}`.")
    return ok("keys", f"The {what} is there ({kind}).")


def _unreadable(subject: str, what: str, secret: Secret) -> Finding | None:
    """Why a secret cannot be read here; None when it can."""
    if secret.source.startswith("credential:") and not secret.environ.get("CREDENTIALS_DIRECTORY"):
        return look(subject, f"The {what} is a systemd credential: only the service itself can read it.")
    problems = secret.problems()
    return wrong(subject, f"{what}: {problems[0]}", configuration=True) if problems else None


def check_state(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The state: sound, private, with room to grow, in use or not, backed up."""
    folder, path = settings.state, settings.state / FILE_NAME
    try:
        if not path.exists():
            yield look("state", f"There is no state in {folder} yet: nothing was ever sent from here.")
            return
        yield from _private(folder, path)
        yield from _sound(folder, clock)
        free = shutil.disk_usage(folder).free
        megabytes, size = free // 2**20, path.stat().st_size // 2**10
        room = f"{size} KiB, and {megabytes} MiB are free on its disk."
        yield ok("state", room) if free >= LEAST_FREE else wrong("state", f"{room} Make room.")
        yield ok("state", _in_use(folder))
        yield _backup(folder, clock)
    except OSError as error:
        yield wrong(
            "state",
            f"{error.filename or folder}: {error.strerror}. Run doctor as the user that runs asapfill: "
            "sudo -u asapfill asapfill doctor",
        )


def _in_use(folder: Path) -> str:
    if not is_held(folder):
        return "No asapfill works on it right now."
    process = holder(folder)
    return f"An asapfill works on it{f': process {process}' if process else ''}."


def _private(folder: Path, path: Path) -> Iterator[Finding]:
    for place, wanted in ((folder, 0o700), (path, 0o600)):
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & ~wanted:
            yield wrong("state", f"{place} has mode {mode:04o}: others may look in. `chmod {wanted:04o} {place}`.")
    if path.is_symlink():
        yield wrong("state", f"{path} is a symbolic link, which asapfill refuses to write. Put the file there.")


def _sound(folder: Path, clock: Clock) -> Iterator[Finding]:
    try:
        open_for_reading(folder, clock).close()
    except StoreError as error:
        yield wrong("state", str(error))
    else:
        yield ok("state", "The state database is sound.")


def _backup(folder: Path, clock: Clock) -> Finding:
    copies = [path for path in folder.glob(f"{FILE_NAME}.backup-*") if path.is_file()]
    remedy = "`systemctl enable --now asapfill-backup.timer` makes one every night."
    if not copies:
        return look("backup", f"There is no backup in {folder}. {remedy}")
    newest = max(path.stat().st_mtime for path in copies)
    age = clock.now() - datetime.fromtimestamp(newest, UTC)
    if age > BACKUP_AGE:
        return look("backup", f"The newest backup is {age.days} days old. {remedy}")
    return ok("backup", f"{counted(len(copies), 'backup')}, the newest {counted(max(age.days, 0), 'day')} old.")


def check_notices(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Whether somebody is told when something is wrong."""
    addresses = addresses_of(settings)
    if not addresses:
        remedy = "Name an address in [notify] of the settings: docs/watching.md."
        yield look("notices", f"Nobody is told by mail or chat when something is wrong. {remedy}")
    for address in addresses:
        unreadable = _unreadable("notices", address.name, address.secret)
        if unreadable is not None:
            yield unreadable
        elif not knows(address.secret.reveal()):
            text = f"What stands at {address.name} is no address that apprise knows. docs/watching.md has examples."
            yield wrong("notices", text, configuration=True)
        else:
            kind = address.secret.source.partition(":")[0]
            yield ok("notices", f"The {address.name} is there ({kind}). Try it: `asapfill notify test`.")
    try:
        with open_for_reading(settings.state, clock) as store:
            for failing in failing_addresses(store):
                text = f"The {failing.name} has not taken what it was told since {failing.since:%Y-%m-%d %H:%M} UTC"
                yield wrong("notices", f"{text} ({failing.error}). `asapfill notify test` says more.")
    except (StoreError, OSError):
        return  # said already, under state


def check_events(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Findings about events; none when they are off and were never on.

    While the service runs, what it noted counts; otherwise the port and the certificate are tried. A state that cannot
    be read is told by ``check_state``.
    """
    try:
        running, store = is_held(settings.state), open_for_reading(settings.state, clock)
    except (OSError, StoreError):
        running, store = False, EmptyStore(clock)
    with store:
        if settings.events is not None and not running:
            yield _entrance(settings.events)
        yield from _events_of_offices(settings, store)


def _entrance(events: EventSettings) -> Finding:
    try:
        try_out(events)
    except CannotListen as error:
        return wrong("events", str(error))
    return ok("events", f"asapfill can listen at {events.host}:{events.port}.")


def _events_of_offices(settings: Settings, store: Store) -> Iterator[Finding]:
    for name in settings.offices:
        found = events_document(settings, store, name)
        if found is None or found["since"] is None:
            continue
        if found["problem"]:
            yield look("events", f"{name}: {found['problem']}")
        elif found["url"] is None:
            text = "events are off, and subscriptions of asapfill are still there. The running service removes them."
            yield look("events", f"{name}: {text}")
        else:
            came = counted(found["deliveries"] or "no", "delivery", "deliveries")
            yield ok("events", f"{name}: {came} since {found['since']}.")


def check_program() -> Iterator[Finding]:
    """Python, asapfill and the packages that it needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield ok("python", f"Python {version}, asapfill {__version__}.")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield wrong("sqlite", f"SQLite {sqlite3.sqlite_version} is too old: the state needs 3.37. Update Python.")
    else:
        yield ok("sqlite", f"SQLite {sqlite3.sqlite_version}.")
    yield from _packages()


def _packages() -> Iterator[Finding]:
    remedy = "Install asapfill again (`make install`)."
    try:
        needed = metadata.requires("asapfill") or []
    except metadata.PackageNotFoundError:
        yield look("packages", f"asapfill runs from a folder in which it is not installed. {remedy}")
        return
    good = []
    for requirement in needed:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        oldest = re.search(r">=\s*([0-9.]+)", requirement)
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield wrong("packages", f"The package {name} is missing. {remedy}")
            continue
        if oldest is not None and _numbers(found) < _numbers(oldest[1]):
            yield wrong("packages", f"{name} {found} is older than {oldest[1]}. {remedy}")
            continue
        good.append(f"{name} {found}")
    if len(good) == len(needed):
        yield ok("packages", f"None is missing or too old: {', '.join(good)}.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def check_machine() -> Iterator[Finding]:
    """Its clock and its time zone."""
    yield judge_clock(kernel_clock())
    yield ok(
        "time zone",
        f"This machine is in {time.strftime('%Z')}; offices are in the zones of their policies ({_rules()}).",
    )


def kernel_clock() -> int | None:
    """What the kernel says of its clock, as adjtimex(2) numbers it; None where it cannot be asked."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None  # not Linux
    answer = int(ask(ctypes.create_string_buffer(_ROOM)))
    return None if answer < 0 else answer


def judge_clock(state: int | None) -> Finding:
    """What an answer of ``kernel_clock`` means. NTP, chrony and systemd-timesyncd all set the same flag there."""
    remedy = "See `timedatectl`, and `systemctl enable --now systemd-timesyncd` or chrony."
    if state is None:
        return look("clock", f"This system does not tell whether its clock is kept right. {remedy}")
    if state == _UNSYNCHRONISED:
        return look(
            "clock",
            "The kernel knows of nothing that keeps its clock right (NTP); for a container or a virtual machine the "
            f"host may do it. With clocks 5 minutes apart nothing is sent. {remedy}",
        )
    return ok("clock", "The clock is kept right (NTP).")


def _rules() -> str:
    """Where the rules of the time zones come from: the system's come before the package's."""
    return f"rules of tzdata {metadata.version('tzdata')} where {TZPATH[0]} has none" if TZPATH else "rules of tzdata"


def check_service() -> Iterator[Finding]:
    """The systemd unit, as systemd has it in force."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/run/systemd/system").is_dir():
        yield look("service", "systemd does not run here: something else must start `asapfill run`.")
        return
    wanted = (
        "LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "NeedDaemonReload", "Result",
        "FragmentPath", "DropInPaths",
    )  # fmt: skip
    try:
        # A fixed list of words; no shell reads them.
        done = subprocess.run(  # noqa: S603
            [systemctl, "show", UNIT, f"--property={','.join(wanted)}"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield look("service", f"systemd could not be asked ({type(error).__name__}).")
        return
    yield from judge_unit(dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line))


def judge_unit(unit: dict[str, str]) -> Iterator[Finding]:
    """What the properties of our unit mean; ``unit`` as `systemctl show` prints them."""
    if unit.get("LoadState") != "loaded":
        yield look("service", f"There is no {UNIT}. `make install` puts it in place.")
        return
    active, result = unit.get("ActiveState", ""), unit.get("Result", "success")
    if unit.get("SubState") == "auto-restart":
        yield wrong(
            "service",
            f"{UNIT} has ended ({result}), and systemd is about to start it again. `journalctl -u asapfill -n 50`.",
        )
    elif active in {"active", "reloading", "activating"}:
        changed = f", changed by {unit['DropInPaths']}" if unit.get("DropInPaths") else ""
        place = unit.get("FragmentPath", UNIT)
        yield ok("service", f"{UNIT} runs ({unit.get('SubState')}), as in {place}{changed}.")
    elif active == "failed" or result != "success":
        yield wrong("service", f"{UNIT} has failed ({result}). `journalctl -u asapfill -n 50` says why; then start it.")
    else:
        yield look("service", f"{UNIT} does not run. `systemctl enable --now asapfill` starts it.")
    if unit.get("UnitFileState") not in {"enabled", "static", "linked"}:
        yield look("service", f"{UNIT} is not started with the machine. `systemctl enable asapfill` changes that.")
    if unit.get("NRestarts", "0") not in {"", "0"}:
        yield look("service", f"systemd has restarted it {unit['NRestarts']} times: see `journalctl -u asapfill`.")
    if unit.get("NeedDaemonReload") == "yes":
        yield look("service", "Its unit file was changed on disk: `systemctl daemon-reload`, then restart.")
