"""What ``doctor`` finds out about what the settings name: files, keys, the state, the addresses that get notices,
and the place where events arrive. Asks no office.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asapfill.alerts.letters import addresses_of, knows
from asapfill.checks.findings import Finding, look, ok, wrong
from asapfill.clock import Clock
from asapfill.report.status import events_document
from asapfill.settings.secret import Secret
from asapfill.settings.settings import EventSettings, Settings
from asapfill.store.database import FILE_NAME, Store, StoreError, open_for_reading
from asapfill.store.lock import holder, is_held
from asapfill.store.notices import failing_addresses
from asapfill.webhooks.listener import CannotListen, try_out
from asapfill.words import counted

LEAST_FREE = 200 * 1024 * 1024
"""Bytes on the state's disk: a state of a hundred offices is some tens of megabytes, and a backup needs as much."""
BACKUP_AGE = timedelta(days=8)
_OTHERS_READ, _OTHERS_WRITE = stat.S_IROTH, stat.S_IWOTH


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
        store = open_for_reading(folder, clock)
    except StoreError as error:
        yield wrong("state", str(error))
        return
    if store is not None:
        store.close()
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
        store = open_for_reading(settings.state, clock)
        if store is not None:
            with store:
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
        running, store = False, None
    if settings.events is not None and not running:
        yield _entrance(settings.events)
    if store is not None:
        with store:
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
