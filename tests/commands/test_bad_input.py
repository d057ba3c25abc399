"""Whatever is wrong with settings, policies, state or office: a sentence that says what to do, the exit code of the
contract, never a traceback, and nothing posted.
"""

from __future__ import annotations

import ctypes
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from asapfill.sandbox.wire.process import Sandbox
from asapfill.store.lock import only_one
from tests.cycle.office import office_file
from tests.daemon.bench import COMMAND, SETTINGS, Bench, bench_for
from tests.processes.forked import start_sandbox

PR_CAPBSET_DROP, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2
"""Numbers of Linux: prctl's operation, and the capabilities by which root ignores file modes."""
TYPED = "Typed-Into-The-File-1"
CLOSED_PORT = 9
"""The discard service, which nobody runs any more."""


def no_settings(bench: Bench) -> None:
    bench.config.unlink()


def typed_secret(bench: Bench) -> None:
    bench.settings(SETTINGS.replace("file:developer.key", TYPED))


def missing_secret(bench: Bench) -> None:
    (bench.folder / "developer.key").unlink()


def wrong_key(bench: Bench) -> None:
    (bench.folder / "developer.key").write_text("some-other-key\n")


def unreachable(bench: Bench) -> None:
    bench.settings(port=CLOSED_PORT)


def html(bench: Bench) -> None:
    bench.sandbox.faults([{"kind": "garbage"}])


def no_policy(bench: Bench) -> None:
    (bench.folder / "policies" / "main.yaml").unlink()


def broken_yaml(bench: Bench) -> None:
    path = bench.folder / "policies" / "main.yaml"
    path.write_text(path.read_text() + "openings: [1, 2\n")


def unknown_operatory(bench: Bench) -> None:
    bench.policy(openings={"operatories": "[Chair 7]"})


def unknown_clinic(bench: Bench) -> None:
    bench.policy(clinic="North Side")


def unknown_office(bench: Bench) -> None:
    bench.policy(office="main-stret")


def an_hour_off(bench: Bench) -> None:
    bench.policy(timezone="America/Denver")


def damaged_state(bench: Bench) -> None:
    (bench.folder / "state").mkdir()
    (bench.folder / "state" / "asapfill.db").write_bytes(b"not a database at all " * 100)


def newer_state(bench: Bench) -> None:
    (bench.folder / "state").mkdir()
    database = sqlite3.connect(bench.folder / "state" / "asapfill.db")
    database.execute("PRAGMA user_version = 999")
    database.close()


def state_is_a_file(bench: Bench) -> None:
    (bench.folder / "state").write_text("")


def state_below_a_file(bench: Bench) -> None:
    bench.settings(SETTINGS.replace('"state"', '"developer.key/state"'))


def nothing(_: Bench) -> None:
    """For offices that are themselves the trouble."""


CLINICS = {
    "preferences": {"EasyNoClinics": "0"},
    "clinics": [{"ClinicNum": 1, "Description": "North Side", "Abbr": "N"}],
}
EMPTY: dict[str, Any] = {
    name: [] for name in ("operatories", "providers", "schedules", "definitions", "patients", "appointments")
} | {"recalltypes": [], "recalls": []}


@dataclass(frozen=True)
class Case:
    """One kind of trouble. ``plan``, ``once``, ``check``: exit codes. ``words``: what happened and what to do."""

    name: str
    prepare: Callable[[Bench], object]
    plan: int
    once: int
    check: int
    words: tuple[str, ...]
    office: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("no settings", no_settings, 78, 78, 78, ("There is no settings file", "asapfill demo")),
    Case("typed secret", typed_secret, 78, 78, 78, ("must not be written here itself", "env:NAME")),
    Case("missing secret", missing_secret, 78, 78, 78, ("developer_key", "developer.key")),
    Case("wrong key", wrong_key, 1, 1, 1, ("does not accept the keys", "check the developer key")),
    Case("unreachable", unreachable, 1, 1, 1, (f"127.0.0.1:{CLOSED_PORT}", "Check that the server's program runs")),
    Case("html", html, 1, 1, 1, ("an HTML page", "Check the office's urls")),
    Case("no policy", no_policy, 78, 78, 78, ("holds no policy", "asapfill policy new")),
    Case("broken yaml", broken_yaml, 78, 78, 78, ("main.yaml:", "openings: [1, 2")),
    Case("unknown operatory", unknown_operatory, 78, 78, 78, ("Chair 7", "Chair 1")),
    Case("clinic without clinics", unknown_clinic, 78, 78, 78, ("main.yaml:", "clinic")),
    Case("unknown office", unknown_office, 78, 78, 78, ("main-stret", "main-street")),
    Case("an hour off", an_hour_off, 1, 1, 1, ("60 minutes", "Check `timezone`")),
    Case("damaged state", damaged_state, 1, 1, 0, ("is damaged", "asapfill state restore")),
    Case("newer state", newer_state, 1, 1, 0, ("newer asapfill", "Install that version")),
    Case("state is a file", state_is_a_file, 0, 1, 0, ("state", "writable")),
    Case("state below a file", state_below_a_file, 0, 1, 0, ("state", "writable")),
    Case("too old", nothing, 1, 1, 1, ("22.4.40", "Update Open Dental"), {"version": "22.4.40.0"}),
    Case("empty office", nothing, 0, 0, 1, ("no visible operatory",), EMPTY),
    Case("clinics without clinic", nothing, 78, 78, 78, ("clinic:", "North Side"), CLINICS),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = start_sandbox(office_file(), people=False)
    yield sandbox
    sandbox._process.kill()
    sandbox.stop()


@pytest.fixture
def bench(sandbox: Sandbox, tmp_path: Path) -> Iterator[Bench]:
    """The office of the module; nothing in it ever changes but its faults."""
    yield Bench(sandbox, tmp_path / "bench")
    sandbox.faults([])


def said(done: Any) -> str:
    """Everything that a person reads, on one line."""
    return " ".join(f"{done.out} {done.err}".split())


def is_explained(bench: Bench, case: Case) -> None:
    """What every case has in common."""
    case.prepare(bench)
    for command, code in (("plan", case.plan), ("once", case.once), ("check", case.check)):
        done = bench.cli(command)
        assert done.code == code, (command, done)
        assert "Traceback" not in said(done)
        assert TYPED not in said(done)
        if code or not (case.plan or case.once):
            for words in case.words:
                assert words in said(done), (command, words, done)
    assert bench.asked() == []


@pytest.mark.parametrize("case", [case for case in CASES if not case.office], ids=lambda case: case.name)
def test_trouble_is_explained(bench: Bench, case: Case) -> None:
    is_explained(bench, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.office], ids=lambda case: case.name)
def test_an_office_that_cannot_be_served_is_explained(tmp_path: Path, case: Case) -> None:
    with bench_for(tmp_path, office_file(**case.office)) as bench:
        is_explained(bench, case)


@pytest.mark.parametrize(
    ("prepare", "code"), [(typed_secret, 78), (unreachable, 1), (broken_yaml, 78), (state_below_a_file, 1)]
)
def test_a_real_process_ends_with_the_same_code_and_no_traceback(
    bench: Bench, prepare: Callable[[Bench], object], code: int
) -> None:
    prepare(bench)
    done = bench.process("once", "--json")
    assert done.code == code
    assert "Traceback" not in done.err
    assert done.err.strip()
    assert done.out == "" or done.json["offices"]


def test_a_policy_in_order_is_served_beside_a_broken_one(bench: Bench) -> None:
    (bench.folder / "policies" / "north.yaml").write_text("office: main-street\ntimezone: US/Atlantis\n")
    done = bench.cli("plan")
    assert done.code == 1
    assert "north.yaml:2:" in done.err
    assert "appointment 12" in done.out


def test_all_mistakes_of_a_policy_are_told_at_once(bench: Bench) -> None:
    bench.policy(mode="automatc", openings={"operatories": "[Chair 7]", "settel": "15 minutes"})
    done = bench.cli("check", "--offline")
    assert done.code == 78
    assert re.findall(r"main\.yaml:(\d+)", done.err) == ["3", "10"]
    assert "automatic" in done.err
    assert "settle" in done.err


def test_check_tells_wrong_names_at_once_with_other_mistakes(bench: Bench) -> None:
    bench.policy(
        timezone="Pacific", openings={"operatories": "[Chair 7]", "notice": "2"}, candidates={"except_patients": "[3]"}
    )
    done = bench.cli("check")
    assert done.code == 78
    assert "`timezone` is “Pacific”" in done.err
    assert "`openings.notice` is “2”; minutes, hours or days?" in done.err
    assert "“Chair 7” is no operatory of the office." in done.out
    assert done.out.endswith("\nVerdict: NOT READY. 3 things are wrong; see above.\n")
    assert "every name is known" not in done.out
    # What could be understood of the file is for looking only.
    assert bench.cli("plan").code == 78


def test_check_says_that_a_file_is_wrong_also_when_its_names_are_right(bench: Bench) -> None:
    bench.policy(openings={"operatories": "[Chair 1]", "notice": "2"})
    done = bench.cli("check")
    assert done.code == 78
    assert "main.yaml has mistakes; the names in the rest of it are known." in " ".join(done.out.split())
    assert done.out.endswith("\nVerdict: NOT READY. 1 thing is wrong; see above.\n")


def test_a_file_that_does_not_tell_its_clinic_or_is_no_policy_has_no_names_to_check(bench: Bench) -> None:
    for text in ("office: main-street\ntimezone: America/Denver\nclinic: [1, 2]\n", "office: [main-street\n"):
        (bench.folder / "policies" / "main.yaml").write_text(text)
        done = bench.cli("check")
        assert (done.code, "policy:" in done.out) == (78, False)


def test_check_ends_with_a_verdict(bench: Bench) -> None:
    days = {"days": "Mon-Tue"}  # when somebody works in the small office
    bench.policy(openings=days)
    assert bench.cli("check").out.endswith("\nVerdict: all is well.\n")
    assert bench.json("check")["verdict"] == "Verdict: all is well."
    bench.policy(openings=days, candidates={"except_patients": "[3, 4711]"})
    done = bench.cli("check")
    assert done.code == 0
    assert "no patient with the number 4711, so nobody is left out by it." in " ".join(done.out.split())
    assert done.out.endswith("\nVerdict: ready. 1 thing to look at; see above.\n")


def test_check_offline_asks_no_office_and_needs_no_secrets(bench: Bench) -> None:
    missing_secret(bench)
    unreachable(bench)
    done = bench.cli("check", "--offline")
    assert done.code == 0
    assert done.out == "Verdict: settings and policies are right. No office was asked for its names.\n"


def test_a_key_that_may_not_text_is_told_before_and_at_the_post(tmp_path: Path) -> None:
    with bench_for(tmp_path) as bench:
        bench.sandbox.staff(action="permission", Permission="ApiTextingASAP", HasPermission=False)
        checked = bench.cli("check")
        assert checked.code == 1
        assert "lacks the permission TextingASAP" in said(checked)
        done = bench.cli("once")
        assert done.code == 1
        assert "The key may not post offers: it lacks TextingASAP." in said(done)
        assert [entry["status"] for entry in bench.posts()] == [401]
        # Nothing was made, so the same offer goes out as soon as the permission is there.
        bench.sandbox.staff(action="permission", Permission="ApiTextingASAP", HasPermission=True)
        assert bench.cli("once").code == 0
        assert bench.asked() == [12]


def test_a_second_asapfill_on_the_same_state_ends_with_75(bench: Bench) -> None:
    with only_one(bench.folder / "state"):
        for done in (bench.cli("once"), bench.process("run")):
            assert done.code == 75
            assert "Another asapfill already works on" in done.err
            assert "systemctl stop asapfill" in done.err
        # Looking is allowed beside a running one.
        assert bench.cli("plan").code == 0
        assert bench.json("status", code=1)["running"] is True
    assert bench.asked() == []


def may_not_override_modes() -> None:
    """In a child before it becomes asapfill: root then meets file modes like everybody else."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "this root cannot give up a capability")


def unprivileged(bench: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as a process for which file modes count, whoever runs the tests."""
    return subprocess.run(
        [*COMMAND, *arguments, "--config", str(bench.config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=bench.environment(),
        preexec_fn=may_not_override_modes if os.geteuid() == 0 else None,
    )


def test_a_state_folder_that_cannot_be_written_is_explained(bench: Bench) -> None:
    state = bench.folder / "state"
    state.mkdir(0o555)
    for command, code in (("once", 1), ("run", 1), ("pause", 1), ("status", 1)):
        done = unprivileged(bench, command)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (command, done.stderr)
        assert command == "status" or "writable" in done.stderr
    state.chmod(0o000)
    done = unprivileged(bench, "status")
    state.chmod(0o700)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert f"{state}/asapfill.lock: Permission denied." in done.stderr
    assert bench.asked() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--office", "north"),
        ("once", "--ofice", "main-street"),
        ("history", "--since", "sometime"),
        ("history", "--patient", "Smith"),
        ("resume", "north"),
        ("approve", "first"),
        ("fill",),
    ],
)
def test_wrong_usage_ends_with_2(bench: Bench, arguments: tuple[str, ...]) -> None:
    done = bench.cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error:" in done.err
