"""Named places at which a test may end this process, to prove that dying there does no harm.

In production ``reach`` does nothing. ``ASAPFILL_FAILPOINT=name`` or ``name:3`` makes the process die by SIGKILL the
first or third time it reaches that place: as a power cut would, with no handler and no clean-up.
``ASAPFILL_FAILPOINTS_LOG=file`` appends every name reached to a file, so that a test can discover them in a dry run.
A simulation in one process listens instead, with ``listening``.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_reached: Counter[str] = Counter()
_lock = threading.Lock()
_listeners: list[Callable[[str], None]] = []


def reach(name: str) -> None:
    """Pass the place called ``name``; die here if the environment asks for it."""
    for listener in _listeners:
        listener(name)
    log = os.environ.get("ASAPFILL_FAILPOINTS_LOG")
    if log:
        with Path(log).open("a", encoding="ascii") as file:
            file.write(name + "\n")
    wanted, _, count = os.environ.get("ASAPFILL_FAILPOINT", "").partition(":")
    if wanted != name:
        return
    with _lock:
        _reached[name] += 1
        due = _reached[name] == int(count or 1)
    if due:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Have ``listener`` called with every name reached in the ``with``; it may raise to end what runs there."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
