"""One asapfill that sends per state folder: a file lock that the system releases when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

FILE_NAME: Final = "asapfill.lock"


class AlreadyRunning(Exception):  # noqa: N818  reads as the fact it states; the command line maps it to exit code 75
    """Another asapfill that sends already works on this state folder."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of the state ``folder`` while the block runs.

    Raises:
        AlreadyRunning: somebody else holds it; nothing was waited for.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # thread_local: the daemon may release it in another thread than the one that took it.
    lock = FileLock(folder / FILE_NAME, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise AlreadyRunning(
            f"Another asapfill already works on {folder}. Two would text patients twice, so this one ends. "
            "Stop the other one (`systemctl stop asapfill`) or give this one a `state` folder of its own."
        ) from error
    try:
        yield
    finally:
        lock.release()
