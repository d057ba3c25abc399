"""One asapfill that sends per state folder: a file lock that the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from asapfill.core.errors import AsapfillError
from asapfill.files import give_to_owner_of, open_file
from asapfill.store.database import cannot_write

FILE_NAME: Final = "asapfill.lock"
PATIENCE: Final = 1.0
"""Seconds until the lock counts as held by another asapfill: ``is_held`` touches it for a moment."""
_PID, _PLACE = 4, 5
"""Columns of /proc/locks (proc_locks(5)): who holds a lock, and on which device and inode."""


class AlreadyRunning(AsapfillError):  # noqa: N818  reads as the fact it states
    """Another asapfill that sends already works on this state folder. Exit code 75."""

    exit_code = 75


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of the state ``folder`` while the block runs.

    Raises:
        AlreadyRunning: somebody else holds it.
        StoreError: the folder cannot be made or written.
    """
    # thread_local: the daemon may release it in another thread than the one that took it.
    lock_file = folder / FILE_NAME
    lock = FileLock(lock_file, timeout=PATIENCE, mode=0o600, thread_local=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = lock_file.exists()
        if there and not lock_file.is_symlink():
            os.close(open_file(lock_file))
        lock.acquire()
        if not there:
            give_to_owner_of(folder, lock_file)
    except Timeout as error:
        raise AlreadyRunning(
            f"Another asapfill already works on {folder}. Two would text patients twice, so this one ends. Stop the "
            "other one first (`systemctl stop asapfill`). Another `state` folder is right for other offices only: it "
            "does not know whom this one has texted."
        ) from error
    except OSError as error:
        raise cannot_write(f"The state folder {folder}", lock_file, error) from error
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether an asapfill that sends works on the state ``folder`` right now. Changes nothing, also not the lock.

    Raises:
        OSError: the folder may not be read.
    """
    try:
        with os.fdopen(open_file(folder / FILE_NAME)) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder(folder: Path) -> int | None:
    """The process that holds the lock of the state ``folder``, as Linux lists it; None when nobody does or it is not
    told (another system, a process in another container).

    Raises:
        OSError: the folder may not be read.
    """
    try:
        there = (folder / FILE_NAME).stat()
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return None
    place = f"{os.major(there.st_dev):02x}:{os.minor(there.st_dev):02x}:{there.st_ino}"
    for line in lines:
        # 3: FLOCK  ADVISORY  WRITE 21696 00:1b:54491 0 EOF
        fields = line.split()
        if len(fields) > _PLACE and fields[1] == "FLOCK" and fields[_PLACE] == place and int(fields[_PID]) > 0:
            return int(fields[_PID])
    return None
