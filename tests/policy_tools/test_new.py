"""``policy new``: a file with the office's own names, in preview, that nothing overwrites; it never hangs."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from asapfill.cli import cli
from asapfill.policy.reading import read_policy
from asapfill.policy_tools.reference import FILE_NAME, schema_text
from tests.cycle.office import hours, office_file, unscheduled
from tests.daemon.bench import COMMAND, Bench, Done, bench_for

ZONE = ("--timezone", "America/Los_Angeles")
WINTER = {
    "now": "2026-11-17 10:00:00",
    "schedules": [hours("2026-11-17", "13:00", "17:00")],
    "appointments": [unscheduled(12, 3)],
}
"""The small office on a day on which only one time zone shows its time: in summer Phoenix has Los Angeles' time."""


@pytest.fixture
def empty(bench: Bench) -> Bench:
    """The small office, and no policy yet."""
    (bench.folder / "policies" / "main.yaml").unlink()
    return bench


@pytest.fixture
def in_winter(tmp_path: Path) -> Iterator[Bench]:
    """The small office in November, and no policy yet."""
    with bench_for(tmp_path, office_file(**WINTER)) as bench:
        (bench.folder / "policies" / "main.yaml").unlink()
        yield bench


def new(bench: Bench, *arguments: str) -> Done:
    return bench.cli("policy", "new", *arguments)


def written(bench: Bench, name: str = "main-street.yaml") -> str:
    return (bench.folder / "policies" / name).read_text(encoding="utf-8")


def test_without_a_terminal_it_asks_nothing_and_writes_a_policy_that_works(in_winter: Bench) -> None:
    empty = in_winter
    done = new(empty)
    assert (done.code, done.out) == (0, "")
    policy = read_policy(empty.folder / "policies" / "main-street.yaml")
    # The time zone is the one in which the office's own clock is right.
    assert (policy.office, policy.mode, policy.timezone.key) == ("main-street", "preview", "America/Los_Angeles")
    assert empty.cli("check").code == 0
    assert empty.clinic("plan")["offers"]
    assert empty.posts() == []


def test_the_offices_own_names_stand_in_it_ready_to_copy(empty: Bench) -> None:
    new(empty, *ZONE)
    text = written(empty)
    assert "  # Your operatories: Chair 1 (OP1), Hygiene (HYG)\n" in text
    assert "  # Your providers: DOC1, HYG1\n" in text
    assert "  # Your blockout types: Hold\n" in text
    assert "  # Never: Lunch (nothing may be scheduled there in Open Dental).\n" in text
    assert "  # Your types: ApptRelated\n" in text


def test_what_is_given_stands_in_the_file(empty: Bench) -> None:
    more = ["--days", "Mon-Thu", "--hours", "8 to 3", "--leave-out", "HYG", "--fill-over", "hold", *ZONE]
    more += ("--notice", "3 hours", "--between", "10-6", "--spoken-to", "2 days", "--mode", "ask")
    assert new(empty, *more).code == 0
    policy = read_policy(empty.folder / "policies" / "main-street.yaml")
    assert policy.openings.except_operatories == ("HYG",)
    assert policy.openings.blockouts_allowed == ("hold",)
    assert policy.openings.days == (frozenset({0, 1, 2, 3}),)
    assert (policy.mode, policy.openings.notice, policy.candidates.spoken_to) == (
        "ask",
        timedelta(hours=3),
        timedelta(days=2),
    )
    # As they were understood, and with their notes.
    lines = {line.split(":")[0].strip(): line for line in written(empty).splitlines()}
    assert lines["hours"].startswith("  hours: 08:00-15:00 ")
    assert lines["between"].startswith("  between: 10:00-18:00 ")
    assert all("  # " in lines[key] for key in ("days", "hours", "notice", "between", "spoken_to"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hours", "1-5"), "is “1” in the morning or in the afternoon?"),
        (("--between", "9pm-8am"), "`texts.between` is “9pm-8am”"),
        (("--mode", "automatic"), "A new policy begins with preview or ask."),
        (("--leave-out", "Chair 9"), "“Chair 9” is no operatory of the office. Did you mean “Chair 1 (OP1)”?"),
        (("--fill-over", "Lunch"), "“Lunch” is marked NS"),
        (("--timezone", "EST"), "Did you mean America/New_York?"),
        (("--clinic", "North"), "The office does not use clinics."),
        (("--office", "elm"), "The settings have no office 'elm'"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_written(
    empty: Bench, arguments: tuple[str, ...], said: str
) -> None:
    done = new(empty, *ZONE, *arguments)
    assert done.code == 2
    assert said in done.err
    assert list((empty.folder / "policies").iterdir()) == []


def test_nothing_is_overwritten(bench: Bench) -> None:
    before = written(bench, "main.yaml")
    done = new(bench, *ZONE)
    assert done.code == 2
    assert "main.yaml is for the same office and clinic already" in done.err
    done = new(bench, *ZONE, "--out", str(bench.folder / "policies" / "main.yaml"))
    assert done.code == 2
    # Said before anything else is asked or judged: the time zone would have to be given too.
    assert "already" in new(bench).err
    elsewhere = bench.folder / "draft.yaml"
    elsewhere.write_text("mine")
    done = new(bench, *ZONE, "--out", str(elsewhere))
    assert "draft.yaml exists already. Nothing was written." in done.err
    assert elsewhere.read_text() == "mine"
    assert written(bench, "main.yaml") == before
    assert [path.name for path in (bench.folder / "policies").iterdir()] == ["main.yaml"]


def test_the_schema_for_editors_lies_beside_it_and_one_that_is_there_stays(empty: Bench) -> None:
    new(empty, *ZONE)
    assert written(empty, FILE_NAME) == schema_text()
    (empty.folder / "policies" / FILE_NAME).write_text("older")
    (empty.folder / "policies" / "main-street.yaml").unlink()
    assert new(empty, *ZONE).code == 0
    assert written(empty, FILE_NAME) == "older"


def test_the_schema_needs_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["policy", "schema"])
    assert (done.exit_code, done.stdout) == (0, schema_text())


def test_an_office_that_cannot_be_reached_gets_a_file_with_examples(empty: Bench) -> None:
    empty.settings(port=1)
    done = new(empty, *ZONE)
    assert done.code == 0
    assert "The office cannot be asked for its names" in done.err
    assert "The office could not be asked, so the names are examples" in written(empty)
    assert read_policy(empty.folder / "policies" / "main-street.yaml").mode == "preview"


def test_the_time_zone_is_the_one_that_the_office_s_clock_shows_unless_told_otherwise(empty: Bench) -> None:
    done = new(empty)
    assert done.code == 0
    assert "The time zone is America/Los_Angeles, by the office's clock. America/Phoenix shows the same" in done.err
    policy = empty.folder / "policies" / "main-street.yaml"
    assert read_policy(policy).timezone.key == "America/Los_Angeles"
    policy.unlink()
    assert "by the office's clock" not in new(empty, "--timezone", "America/Phoenix").err
    assert read_policy(policy).timezone.key == "America/Phoenix"


@pytest.mark.parametrize(("folder", "file"), [(0o750, 0o640), (0o755, 0o644), (0o700, 0o600)])
def test_whoever_may_read_the_folder_may_read_the_file_whatever_the_umask(empty: Bench, folder: int, file: int) -> None:
    policies = empty.folder / "policies"
    policies.chmod(folder)
    before = os.umask(0o077)
    try:
        assert new(empty, *ZONE).code == 0
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in policies.iterdir()} == {file}
    assert {path.stat().st_gid for path in policies.iterdir()} == {policies.stat().st_gid}


def test_without_the_office_the_time_zone_must_be_given(empty: Bench) -> None:
    done = new(empty, "--offline")
    assert done.code == 2
    assert "Give --timezone" in done.err


GROUP: dict[str, Any] = {
    "clinics": [
        {"ClinicNum": 4, "Description": "North: Side", "Abbr": "N"},
        {"ClinicNum": 5, "Description": "South", "Abbr": "S"},
    ],
    "preferences": {"EasyNoClinics": "0"},
}


def test_an_office_with_clinics_gets_a_file_for_each(tmp_path: Path) -> None:
    with bench_for(tmp_path, office_file(**GROUP)) as group:
        (group.folder / "policies" / "main.yaml").unlink()
        assert "Give --clinic. For which clinic? Without a policy yet: North: Side, South" in new(group).err
        assert new(group, *ZONE, "--clinic", "North: Side").code == 0
        assert read_policy(group.folder / "policies" / "main-street-north-side.yaml").clinic == "North: Side"
        # By another name it is still the same clinic, and two files for one clinic would stop it.
        assert "already" in new(group, *ZONE, "--clinic", "4").err
        # Only one clinic is left: it is meant.
        assert new(group, *ZONE).code == 0
        assert "\nclinic: South" in written(group, "main-street-south.yaml")
        assert "Every clinic of main-street has a policy already" in " ".join(new(group).err.split())
        assert group.cli("check").code == 0


class Terminal:
    """A person at a terminal: waits for a question, then types."""

    def __init__(self, bench: Bench, *arguments: str) -> None:
        self.process, self.screen = pty.fork()
        if self.process == 0:
            # As a shell has it for a person, however the tests themselves were started.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            command = [*COMMAND, *arguments, "--config", str(bench.config)]
            os.execve(command[0], command, bench.environment())  # noqa: S606  our own program
        self.seen = ""

    def wait_for(self, text: str, *, pressing: bytes = b"") -> None:
        """``pressing``: a key that is pressed every five seconds until then.

        Python takes no notice, until the next key, of a Ctrl-C that arrives just as it begins to read a line.
        """
        began = time.monotonic()
        presses = 0
        while text not in self.seen:
            waited = time.monotonic() - began
            assert waited < 30, self.seen
            if pressing and waited >= presses * 5:
                os.write(self.screen, pressing)
                presses += 1
            if select.select([self.screen], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.screen, 4096).decode().replace("\r", "")
                except OSError:
                    break
        assert text in self.seen
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text: str) -> None:
        os.write(self.screen, f"{text}\n".encode())

    def ended(self) -> int:
        _, status = os.waitpid(self.process, 0)
        os.close(self.screen)
        return os.waitstatus_to_exitcode(status)


def test_at_a_terminal_it_asks_and_asks_again_what_it_could_not_understand(empty: Bench) -> None:
    terminal = Terminal(empty, "policy", "new")
    try:
        terminal.wait_for("By its clock: America/Los_Angeles or America/Phoenix [America/Los_Angeles]:")
        terminal.type("")
        terminal.wait_for("[Mon-Fri]:")
        terminal.type("Monday to Thursday")
        terminal.wait_for("[08:00-17:00]:")
        terminal.type("1-5")
        terminal.wait_for("in the morning or in the afternoon?")
        terminal.type("8am-5pm")
        terminal.wait_for("Your operatories: Chair 1 (OP1), Hygiene (HYG)")
        terminal.type("Chiar 1")
        terminal.wait_for("Did you mean “Chair 1 (OP1)”?")
        terminal.type("hygiene")
        terminal.wait_for("Blocks\nthat you keep for something (hygiene, crowns, emergencies) do not belong here;")
        terminal.wait_for("\nYour types: ")
        terminal.wait_for("(Enter: none):")
        terminal.type("")
        for default in ("[2 hours]:", "[09:00-19:00]:", "[0 days]:"):
            terminal.wait_for(default)
            terminal.type("")
        terminal.wait_for("[preview]:")
        terminal.type("automatic")
        terminal.wait_for("A new policy begins with preview or ask.")
        terminal.type("")
        terminal.wait_for("It sends nothing yet")
        assert terminal.ended() == 0
    except BaseException:
        os.kill(terminal.process, signal.SIGKILL)
        raise
    policy = read_policy(empty.folder / "policies" / "main-street.yaml")
    assert policy.openings.except_operatories == ("hygiene",)
    assert policy.openings.blockouts_allowed == ()
    assert empty.cli("check").code == 0


def test_stopping_at_a_question_says_so_and_writes_nothing(empty: Bench) -> None:
    terminal = Terminal(empty, "policy", "new")
    try:
        terminal.wait_for("Ctrl-C stops, and nothing is written.")
        terminal.wait_for("[America/Los_Angeles]:")
        terminal.wait_for("Stopped. No policy was written.", pressing=b"\x03")
        assert terminal.ended() == 130
    except BaseException:
        os.kill(terminal.process, signal.SIGKILL)
        raise
    assert list((empty.folder / "policies").iterdir()) == []
