"""A policy that is being written counts only when it has been still: line by line, in pieces, by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.policy import Policy
from asapfill.policy.for_cycles import PolicyReader
from asapfill.policy.in_force import Policies, PolicyBook, in_force
from asapfill.stillness import STILL, STILL_WHEN_LESS, Stillness, leaves_out
from asapfill.store.database import Store, open_store
from asapfill.store.offices import keep_policy
from tests.daemon.running import fast_bench, running
from tests.policy.test_in_force import NAMES

HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"
OLD = f"{HEAD}mode: automatic\ncandidates:\n  under_18: skip\n  except_patients:\n    - 11\n    - 12\n"
NEW = f"{HEAD}mode: automatic\nopenings:\n  notice: 3 hours\ncandidates:\n  except_patients:\n    - 11\n    - 12\n"


class Office:
    """A folder that somebody writes into, and a daemon that reads it. Times of writing are the clock's."""

    def __init__(self, folder: Path, store: Store, clock: SteppedClock) -> None:
        self.path, self.store, self.clock = folder / "main.yaml", store, clock
        self.restart()

    def restart(self) -> None:
        book = PolicyBook(self.path.parent, ("main-street",), Stillness(self.clock))
        self.reader = PolicyReader(book, self.store, self.clock, 20.0)

    def write(self, text: str, name: str = "main.yaml") -> None:
        self.path = self.path.parent / name
        self.path.write_text(text)
        now = self.clock.now().timestamp()
        os.utime(self.path, (now, now))

    def cycle(self, seconds: float = 0.0) -> Policy | None:
        """The policy by which a cycle that many seconds later plans."""
        for _ in range(int(seconds)):
            self.reader.look()
            self.clock.sleep(1)
        self.policies: Policies = self.reader.for_cycle("main-street")
        for file in self.policies.of("main-street"):
            written, policy, _ = in_force(file, NAMES, self.policies.last_good)
            if policy is not None:
                keep_policy(self.store, policy.office, policy.clinic, written.source.path.name, written.source.text)
                return policy
        return None

    def sends(self) -> bool:
        """Whether a text may go out by what the last cycle planned with."""
        return any(file.mode == "automatic" and self.policies.still_valid(file) for file in self.policies.files)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = SteppedClock(datetime(2026, 4, 14, 17, tzinfo=UTC))
    with open_store(tmp_path / "state", clock) as store:
        (tmp_path / "policies").mkdir()
        yield Office(tmp_path / "policies", store, clock)


def served(office: Office, text: str = OLD) -> Policy:
    office.write(text)
    office.clock.sleep(3600)
    policy = office.cycle()
    assert policy is not None
    assert office.sends() == (policy.mode == "automatic")
    return policy


@pytest.mark.parametrize("pause", [0, 2, 6, 20])
def test_a_file_written_line_by_line_never_allows_what_the_old_and_the_new_one_forbid(
    office: Office, pause: float
) -> None:
    served(office)
    lines = NEW.splitlines(keepends=True)
    for number in range(len(lines) + 1):
        office.write("".join(lines[:number]))
        policy = office.cycle(pause)
        if office.sends():
            assert policy is not None
            assert policy.candidates.except_patients == {11, 12}, "".join(lines[:number])
    office.cycle(STILL_WHEN_LESS + 2)
    assert office.sends()
    assert office.cycle() is not None
    assert office.policies.files[0].source.text == NEW


def test_nothing_is_sent_while_a_file_is_being_written_for_it_may_be_a_wish_to_stop(office: Office) -> None:
    before = served(office)
    office.write(OLD.replace("automatic", "preview"))
    assert office.cycle() == before, "planned with the version before"
    assert not office.sends()
    policy = office.cycle(STILL + 2)
    assert policy is not None
    assert policy.mode == "preview"


def test_a_finished_edit_is_in_force_in_a_cycle_some_seconds_later(office: Office) -> None:
    served(office)
    office.write(OLD.replace("skip", "text"))
    office.cycle(STILL - 1)
    assert not office.sends()
    policy = office.cycle(3)
    assert policy is not None
    assert policy.candidates.under_18 == "text"
    assert office.sends()


def test_a_version_that_only_leaves_lines_out_waits_longer(office: Office) -> None:
    served(office)
    office.write(OLD.replace("    - 12\n", ""))
    before = office.cycle(STILL_WHEN_LESS - 1)
    assert before is not None
    assert before.candidates.except_patients == {11, 12}
    assert not office.sends()
    policy = office.cycle(3)
    assert policy is not None
    assert policy.candidates.except_patients == {11}


@pytest.mark.parametrize("change", [lambda text: text.replace("skip", "text"), lambda text: text + "# a note\n"])
def test_a_change_just_before_a_start_waits_too(office: Office, change: Callable[[str], str]) -> None:
    served(office)
    office.write(change(OLD))
    office.restart()
    before = office.cycle(1)
    assert before is not None
    assert office.policies.files[0].source.text == OLD
    assert not office.sends()
    office.cycle(STILL + 2)
    assert office.policies.files[0].source.text == change(OLD)
    assert office.sends()


def test_the_first_policy_of_all_is_waited_for_at_the_start(office: Office) -> None:
    office.write(OLD)
    assert [file.mode for file in office.reader.first().files] == ["automatic"]
    assert office.clock.monotonic() == pytest.approx(STILL, abs=1)


def test_a_new_file_that_sends_nothing_counts_at_once_and_waits_when_it_begins_to_send(office: Office) -> None:
    served(office, f"{HEAD}mode: preview\n")
    office.write(f"{HEAD}mode: automatic\n")
    office.cycle(STILL_WHEN_LESS - 1)
    assert not office.sends()
    office.cycle(3)
    assert office.sends()


def test_a_time_of_writing_in_the_future_does_not_keep_a_policy_waiting_for_ever(office: Office) -> None:
    served(office)
    office.write(OLD.replace("skip", "text"))
    later = office.clock.now().timestamp() + 86400
    os.utime(office.path, (later, later))
    office.cycle(STILL - 1)
    assert not office.sends()
    office.cycle(3)
    assert office.sends()


def test_a_file_that_gets_another_name_stays_in_force_without_a_wait(office: Office) -> None:
    served(office)
    office.path.unlink()
    office.write(OLD, "renamed.yaml")
    assert office.cycle(1) is not None
    assert office.sends()


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ("a: 1\nb: 2\n", "a: 1\n", True),
        ("a: 1\nb: 2\n", "b: 3\na: 1\n", False),
        ("x:\n  days: Mon\ny:\n  days: Tue\n", "x:\n  days: Mon\ny:\n", True),
        ("x:\n  - a\n  - b\n", "x:\n  - a\n", True),
        ("a: 1\n# note\n\n", "a: 1  # note\n", False),
        ('[offices.a]\nca = "x"\n', '[offices.a]\nproxy = "x"\n', True),
    ],
)
def test_what_leaves_lines_out(before: str, after: str, less: bool) -> None:  # noqa: FBT001  a table's column
    assert leaves_out(before, after) == less


def test_a_daemon_sends_nothing_by_a_policy_that_is_being_written(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        path = bench.policy(candidates={"except_patients": "[2]"})
        finished = path.read_text()
        with running(bench) as daemon:
            daemon.until(lambda: len(bench.asked()) == 1, "the first wave")
            path.write_text(finished.partition("candidates")[0])
            daemon.until(lambda: "policy.settling file=main.yaml seconds=30" in daemon.said(), "a word about the file")
            asked = bench.asked()
            path.write_text(f"{finished}# a note\n")
            daemon.until(lambda: "policy.changed file=main.yaml" in daemon.said(), "the finished file")
            assert bench.asked() == asked, "nothing in between"
            daemon.until(lambda: len(bench.asked()) > 1, "the next wave")


def test_once_waits_for_a_policy_that_was_saved_just_now(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        path = bench.policy(mode="automatic")
        path.touch()
        done = bench.process("once", "--json")
        assert "main.yaml changed a moment ago: waiting" in done.err
        assert [offer["state"] for offer in done.json["offices"][0]["offers"]] == ["sent"]
