"""Processes of asapfill for tests, forked by a server that has everything imported: about a second saved with each.

``popen([sys.executable, "-m", "asapfill.sandbox"], …)`` is ``subprocess.Popen`` in all that it does. Within
``fork_server`` it forks; ``tests/conftest.py`` has all tests within, except in a proof. Elsewhere, and for what only an
interpreter's start can do, it starts Python as usual. A test that is about Python's start itself, or about the program
as it is installed, asks ``subprocess`` instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from subprocess import Popen
from typing import Any, ClassVar
from unittest.mock import patch

from asapfill.sandbox.wire import process
from asapfill.sandbox.wire.process import Sandbox
from tests.processes.server import LARGEST, Request

ROOT = Path(__file__).parents[2]

_PR_SET_CHILD_SUBREAPER = 36
_OPTIONS = {"stdin", "stdout", "stderr", "text", "env", "cwd", "umask", "process_group", "start_new_session"}
"""What a fork can do of what ``Popen`` can."""
_READ_AT_START = ("PYTHON", "LC_", "LANG")
"""What begins the names of variables that Python reads when it starts."""
_EXECUTE_CHILD = [
    *("args", "executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env", "startupinfo", "creationflags"),
    *("shell", "p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite", "restore_signals"),
    *("gid", "gids", "uid", "umask", "start_new_session", "process_group"),
]
"""The parameters of ``Popen._execute_child``, which are passed by position."""
_PIPES = _EXECUTE_CHILD[10:16]


class ForkServer:
    """The server's process, which starts when it is needed first, and the socket to it.

    It ends when the socket is closed, also by our death.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def fork(self, request: Request, files: Sequence[int]) -> int:
        """The number of a new process of ours, which has ``files`` as standard input, output and error.

        Raises:
            OSError: the process cannot be as it is wanted, for instance in a folder that is not there.
        """
        with self._lock:
            control = self._control or self._start()
            socket.send_fds(control, [json.dumps(asdict(request)).encode()], files)
            answer = control.recv(LARGEST)
        if not answer:
            raise RuntimeError("The fork server has ended; its own words are on standard error.")
        told = json.loads(answer)
        if "errno" in told:
            os.waitpid(told["number"], 0)
            raise OSError(told["errno"], told["words"], told["file"])
        return int(told["number"])

    def _start(self) -> socket.socket:
        _adopt_orphans()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = Popen(
                [sys.executable, "-m", "tests.processes.server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
                process_group=0,  # Ctrl-C is for the tests
            )
        return self._control

    def close(self) -> None:
        """End it; what it forked goes on."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.wait()


def _adopt_orphans() -> None:
    """Have the kernel make us the parent of every process that descends from us and has lost its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


class Forked(Popen[Any]):
    """A ``Popen`` whose process is forked instead of executed; pipes, waiting and signals are Popen's own."""

    server: ClassVar[ForkServer | None] = None

    def _execute_child(self, *arguments: Any) -> None:
        assert self.server is not None
        given: dict[str, Any] = dict(zip(_EXECUTE_CHILD, arguments, strict=True))
        files = [given["p2cread"], given["c2pwrite"], given["errwrite"]]
        request = Request(
            arguments=given["args"][1:],
            environment=dict(os.environ if given["env"] is None else given["env"]),
            folder=str(Path(given["cwd"] or ".").absolute()),
            umask=_umask() if given["umask"] < 0 else given["umask"],
            process_group=os.getpgrp() if given["process_group"] < 0 else given["process_group"],
            new_session=given["start_new_session"],
            blocked_signals=[int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        )
        try:
            self.pid = self.server.fork(request, [own if file == -1 else file for own, file in enumerate(files)])
            self._child_created = True
        finally:
            self._close_pipe_fds(*(given[name] for name in _PIPES))  # type: ignore[attr-defined]


def _umask() -> int:
    """Ours. Python can only read it by setting it, which other threads would notice."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["Umask"], 8)


@contextmanager
def fork_server() -> Iterator[None]:
    """Have ``popen`` fork in the ``with``."""
    before, server = Forked.server, ForkServer()
    Forked.server = server
    try:
        yield
    finally:
        Forked.server = before
        server.close()


def popen(arguments: Sequence[str | Path], **options: Any) -> Popen[Any]:
    """Start a process; arguments and options are those of ``subprocess.Popen``."""
    command = [str(argument) for argument in arguments]
    can_fork = command[0] == sys.executable and command[1] in {"-c", "-m"} and options.keys() <= _OPTIONS
    if Forked.server is None or not can_fork or _read_at_start(options.get("env")) != _read_at_start(None):
        return Popen(command, **options)
    return Forked(command, **options)


def _read_at_start(environment: Mapping[str, str] | None) -> dict[str, str]:
    """The variables that Python reads when it starts; the path to ourselves is the fork server's in any case."""
    found = os.environ if environment is None else environment
    return {
        name: value
        for name, value in found.items()
        if name.startswith(_READ_AT_START) and (name, value) != ("PYTHONPATH", str(ROOT))
    }


def start_sandbox(office: dict[str, Any] | None = None, **options: Any) -> Sandbox:
    """``process.start`` by ``popen``."""
    with patch("subprocess.Popen", popen):
        return process.start(office, **options)
