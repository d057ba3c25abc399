"""A forked process is to a test what a started one is: its own files, folder, signals and end, and nothing of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.processes import forked
from tests.processes.forked import Forked, fork_server, popen, start_sandbox

TELL = """
import asapfill, json, os, signal, sys, threading
print(json.dumps({
    "arguments": sys.argv,
    "environment": dict(os.environ),
    "files": sorted(os.listdir("/proc/self/fd"), key=int),
    "folder": os.getcwd(),
    "group": os.getpgrp(),
    "name": __name__,
    "number": os.getpid(),
    "parent": os.getppid(),
    "session": os.getsid(0),
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "threads": [thread.name for thread in threading.enumerate()],
    "umask": os.umask(0),
}))
"""
WAIT = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture(scope="module", autouse=True)
def _forking() -> Iterator[None]:
    """Also in a proof, where the other tests do without."""
    with nullcontext() if Forked.server else fork_server():
        yield


def told(code: str = TELL, *arguments: str, **options: Any) -> Any:
    with popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, **options) as process:
        assert type(process) is Forked
        assert process.stdout is not None
        said = json.loads(process.stdout.read())
    assert process.returncode == 0
    return said


def test_it_is_what_a_started_process_would_be(tmp_path: Path) -> None:
    environment = {**forked._read_at_start(None), "ONE": "1"}
    options: dict[str, Any] = {"cwd": tmp_path, "env": environment, "umask": 0o027, "process_group": 0}
    said = told(TELL, "a", "b", **options)
    command = [sys.executable, "-c", TELL, "a", "b"]
    started = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, **options).stdout)
    assert said.pop("number") == said.pop("group")
    assert started.pop("number") == started.pop("group")
    if "LC_CTYPE" not in environment:
        started["environment"].pop("LC_CTYPE", None)  # Python sets it for itself when nothing says which it should be
    started["environment"].pop("OPENBLAS_NUM_THREADS")  # asapfill sets it when it is imported; the server has done so
    assert said == started
    assert (said["parent"], said["umask"], said["environment"]) == (os.getpid(), 0o027, environment)


def test_by_itself_it_has_our_folder_environment_and_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    said = told()
    assert (said["folder"], said["group"], said["session"]) == (str(Path.cwd()), os.getpgrp(), os.getsid(0))
    assert said["environment"] == dict(os.environ)
    session = told(start_new_session=True)
    assert session["session"] == session["number"]


def test_it_has_three_files_and_one_thread_when_we_have_more(tmp_path: Path) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        with (tmp_path / "mine").open("w") as mine:
            os.set_inheritable(mine.fileno(), True)
            said = told()
    finally:
        ended.set()
        thread.join()
    # The fourth is the folder in which it looks for them.
    assert said["files"] == ["0", "1", "2", "3"]
    assert said["threads"] == ["MainThread"]


def test_what_it_writes_and_reads_goes_where_it_is_told(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper()); print('trouble', file=sys.stderr)"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with popen([sys.executable, "-c", code], text=True, **pipes) as process:
        assert process.communicate("grün") == ("GRÜN\n", "trouble\n")
    with (tmp_path / "all").open("w") as everything:
        command = [sys.executable, "-c", code]
        with popen(command, stdin=subprocess.DEVNULL, stdout=everything, stderr=subprocess.STDOUT) as process:
            assert process.wait(timeout=10) == 0
    assert sorted((tmp_path / "all").read_text().split()) == ["trouble"]


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("", 0),
        ("raise SystemExit(75)", 75),
        ("raise SystemExit('words')", 1),
        ("1 / 0", 1),
        ("import atexit, os; atexit.register(os._exit, 7)", 7),
        ("import threading; threading.Timer(0.01, __import__('os')._exit, [8]).start()", 8),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("raise KeyboardInterrupt", -signal.SIGINT),
    ],
)
def test_it_ends_as_every_python_program_does(code: str, ending: int) -> None:
    command = [sys.executable, "-c", code]
    with popen(command, stderr=subprocess.PIPE, text=True) as process:
        _, said = process.communicate()
    assert type(process) is Forked
    assert process.returncode == ending
    assert ("Traceback" in said) == (code in {"1 / 0", "raise KeyboardInterrupt"})
    assert ("words" in said) == ("words" in code)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_signals_reach_it_and_we_learn_of_its_end(sent: signal.Signals) -> None:
    with popen([sys.executable, "-c", WAIT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
        process.send_signal(sent)
        assert process.wait(timeout=10) == -sent
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_its_signals_are_blocked_when_ours_are() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        assert told()["blocked"] == [signal.SIGUSR1]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert told()["blocked"] == []


def test_a_module_is_run_as_the_main_program() -> None:
    with popen([sys.executable, "-m", "asapfill.sandbox"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(b"{}")
    assert type(process) is Forked
    assert set(json.loads(out)) == {"port"}


def test_a_sandbox_is_forked_and_steered() -> None:
    with start_sandbox(operatories=3) as sandbox:
        assert type(sandbox._process) is Forked
        assert sandbox.clock()["mode"] == "stepped"
    assert sandbox._process.returncode == 0


def test_a_folder_that_is_not_there_is_told_as_popen_tells_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as found:
        popen([sys.executable, "-c", ""], cwd=tmp_path / "nowhere")
    assert found.value.filename == str(tmp_path / "nowhere")
    assert told(cwd=tmp_path)["folder"] == str(tmp_path)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ([sys.executable, "-c", ""], {"preexec_fn": os.getpid}),
        ([sys.executable, "-c", ""], {"env": {**os.environ, "PYTHONHASHSEED": "1"}}),
        ([sys.executable, "-V"], {"stdout": subprocess.DEVNULL}),
        (["/bin/true"], {}),
    ],
)
def test_what_a_fork_cannot_do_is_started(command: list[str], options: dict[str, Any]) -> None:
    with popen(command, **options) as process:
        assert type(process) is Popen
    assert process.returncode == 0


def test_threads_of_ours_may_start_processes_at_the_same_time() -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(told()["number"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4


def test_the_server_ends_with_its_use_and_what_it_forked_goes_on() -> None:
    with fork_server():
        process = popen([sys.executable, "-c", WAIT], stdout=subprocess.PIPE)
        server = Forked.server
    assert server is not None
    assert server._process is not None
    assert server._process.returncode == 0
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_the_server_ends_when_we_are_killed() -> None:
    code = (
        "import subprocess, sys, time\n"
        "from tests.processes.forked import Forked, fork_server, popen\n"
        "with fork_server():\n"
        "    popen([sys.executable, '-c', ''], stdin=subprocess.DEVNULL).wait()\n"
        "    print(Forked.server._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=forked.ROOT) as user:
        assert user.stdout is not None
        server = int(user.stdout.readline())
        user.kill()
    # Its parent has gone, so it is ours now, if we have adopted any; else it is that of somebody who reaps it.
    deadline = time.monotonic() + 10
    while not gone(server):
        assert time.monotonic() < deadline, "the fork server outlived the tests"
        time.sleep(0.01)


def gone(number: int) -> bool:
    """Whether a process has ended; one that nobody has waited for counts."""
    try:
        return "State:\tZ" in Path(f"/proc/{number}/status").read_text()
    except FileNotFoundError:
        return True
