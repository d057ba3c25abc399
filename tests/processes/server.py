"""The fork server of the tests: it has asapfill imported, and forks a process that is asked for in milliseconds.

``python -m tests.processes.server FD`` is started by ``forked.ForkServer`` and serves the socket ``FD`` until its other
end is closed. It has one thread and opens nothing that its children could inherit.

A child is forked by a process in between that ends at once, so that the child is an orphan and the kernel gives it to
the test's process (see ``forked``): from then on it is that one's child like any other, to be waited for and killed.
The child comes back from ``serve`` with what it is to run; so it ends as every Python program does.
"""

from __future__ import annotations

import builtins
import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import asapfill

LARGEST = 200_000
"""Bytes of a request: arguments and environment."""


@dataclass(frozen=True)
class Request:
    """A process that is wanted. ``arguments``: those of ``python``, which are ``-c CODE …`` or ``-m MODULE …``."""

    arguments: Sequence[str]
    environment: dict[str, str]
    folder: str
    umask: int
    process_group: int
    new_session: bool
    blocked_signals: Sequence[int]


def import_everything() -> None:
    """Every module of asapfill, and all that they import; httpx would import its transport when it is first used."""
    import_module("httpcore")
    for module in pkgutil.walk_packages(asapfill.__path__, "asapfill."):
        if not module.name.endswith(".__main__"):
            import_module(module.name)


def is_alone() -> bool:
    """Whether this process has one thread; forking is safe then. Threads that Python does not know of count too."""
    return threading.active_count() == 1 and len(list(Path("/proc/self/task").iterdir())) == 1


def serve(control: socket.socket) -> Request | None:
    """Fork a child for each request, until there are no more (None). In a child: returns the request."""
    while True:
        message, files, flags, _ = socket.recv_fds(control, LARGEST, 3)
        if not message:
            return None
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or len(files) != len(("stdin", "stdout", "stderr")):
            raise ValueError("A request was cut off.")
        reading, writing = os.pipe()
        go, orphaned = os.pipe()
        between = os.fork()
        if between == 0:
            if os.fork() != 0:
                os._exit(0)
            for file in (control.fileno(), reading, orphaned):
                os.close(file)
            os.read(go, 1)
            os.close(go)
            return _born(Request(**json.loads(message)), files, writing)
        for file in (*files, writing, go):
            os.close(file)
        os.waitpid(between, 0)  # now the child is the test's process's, and may look whose it is
        os.close(orphaned)
        with os.fdopen(reading, "rb") as answer:
            control.sendall(answer.read() or b"{}")


def _born(request: Request, files: Sequence[int], writing: int) -> Request:
    """Become what was asked for, as far as a new process differs from us, and tell the number or what went wrong."""
    try:
        if request.new_session:
            os.setsid()
        else:
            os.setpgid(0, request.process_group)
        os.chdir(request.folder)
    except OSError as error:
        trouble = {"number": os.getpid(), "errno": error.errno, "words": error.strerror, "file": error.filename}
        os.write(writing, json.dumps(trouble).encode())
        os._exit(255)
    os.umask(request.umask)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    signal.pthread_sigmask(signal.SIG_SETMASK, request.blocked_signals)
    os.write(writing, json.dumps({"number": os.getpid()}).encode())
    os.close(writing)
    return request


def run(arguments: Sequence[str]) -> None:
    """What ``python`` does with its arguments."""
    kind, what, *rest = arguments
    if kind == "-m":
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *rest]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__", "__builtins__": builtins})  # noqa: S102  as -c


def main() -> None:
    """Serve; in a child: be the process that was asked for."""
    control = socket.socket(fileno=int(sys.argv[1]))
    import_everything()
    if not is_alone():
        raise RuntimeError("Something that was imported started a thread.")
    gc.collect()
    gc.freeze()  # children do not look through what is ours, which would copy it
    request = serve(control)
    if request is not None:
        run(request.arguments)


if __name__ == "__main__":
    main()
