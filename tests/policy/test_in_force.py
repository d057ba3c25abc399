"""Which version of a policy is in force: while it is edited, broken, renamed, restarted, and when names vanish."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asapfill.clock import SteppedClock
from asapfill.core.errors import ConfigurationError
from asapfill.core.office import OfficeNames
from asapfill.core.policy import Policy
from asapfill.core.rows import Definition, Operatory, Provider
from asapfill.policy.in_force import Policies, PolicyBook, in_force
from asapfill.policy.reading import read_policy
from asapfill.store.database import Store, open_for_reading, open_store
from asapfill.store.offices import keep_policy, kept_policies
from tests.daemon.running import fast_bench, running
from tests.daemon.serving import serving
from tests.depth import DEPTH

HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"
GOOD = f"{HEAD}mode: automatic\nopenings:\n  operatories: [Op 1]\n  except_providers: [DOC2]\n"
OTHER = GOOD.replace("Op 1", "Op 2")
BROKEN = GOOD.replace("mode: automatic", "mode: loud")
NAMES = OfficeNames(
    operatories=(Operatory(operatory_num=1, op_name="Op 1"), Operatory(operatory_num=2, op_name="Op 2")),
    providers=(Provider(prov_num=7, abbr="DOC2"),),
    blockout_types=(Definition(def_num=9, item_name="Hold"),),
    commlog_types=(),
    clinics=(),
)


class Office:
    """A folder of policies that is served again and again, as the daemon does, without an office behind it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder / "policies"
        self.folder.mkdir(exist_ok=True)
        self.store = store
        self.names = NAMES
        self.restart()

    def restart(self) -> None:
        """Forget everything that is not on disk."""
        self.book = PolicyBook(self.folder, ("main-street",))

    def write(self, text: str | bytes, name: str = "main.yaml") -> None:
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def tick(self) -> dict[str, Policy]:
        """What is in force now, by file; kept as the cycle keeps it."""
        self.policies: Policies = self.book.read(self.store)
        served = {}
        self.told = [str(problem) for problem in self.policies.problems]
        for file in self.policies.files:
            written, policy, problems = in_force(file, self.names, self.policies.last_good)
            self.told += map(str, problems)
            if policy is not None:
                source = written.source
                keep_policy(self.store, policy.office, policy.clinic, source.path.name, source.text)
                served[source.path.name] = policy
        return served


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(tmp_path / "state", SteppedClock(datetime(2026, 4, 14, 17, tzinfo=UTC))) as store:
        yield Office(tmp_path, store)


def test_a_good_edit_is_in_force_at_the_next_tick(office: Office) -> None:
    office.write(GOOD)
    assert office.tick()["main.yaml"].openings.operatories == frozenset({1})
    office.write(OTHER)
    assert office.tick()["main.yaml"].openings.operatories == frozenset({2})


def test_an_edit_of_the_same_length_in_the_same_second_is_noticed(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    before = (office.folder / "main.yaml").stat()
    office.write(OTHER)
    os.utime(office.folder / "main.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert office.tick()["main.yaml"].openings.operatories == frozenset({2})


def test_an_editor_that_replaces_the_file_is_noticed(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    office.write(OTHER, "main.yaml.tmp")
    (office.folder / "main.yaml.tmp").replace(office.folder / "main.yaml")
    assert office.tick()["main.yaml"].openings.operatories == frozenset({2})


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("broken", [BROKEN, "", GOOD[:70], "\t", OTHER.replace("Op 2", "Opp 9")])
def test_a_bad_edit_leaves_the_last_good_version_in_force(office: Office, broken: str, restarted: bool) -> None:  # noqa: FBT001  a table's column
    office.write(GOOD)
    good = office.tick()
    office.write(broken)
    if restarted:
        office.restart()
    assert office.tick() == good
    assert office.told
    office.write(OTHER)
    assert office.tick()["main.yaml"].openings.operatories == frozenset({2})
    assert not office.told


@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_that_was_saved_halfway_is_known_by_the_version_before(office: Office, restarted: bool) -> None:  # noqa: FBT001  a table's column
    text = f"{HEAD}openings:\n  shortest: 45 minutes  # as the doctor wants it\n  operatories: [Op 1]\n"
    office.write(text)
    good = office.tick()
    if restarted:
        office.restart()
    half = text[: text.index(" wants")]
    office.write(half)
    assert office.tick() == good, "what was lost behind the cut is no wish to fill every operatory"
    (told,) = office.told
    assert told.startswith("main.yaml:4:40: The file ends in the middle of this line: it was saved halfway.\n")
    assert "press Enter at the end of this line" in told
    office.write(f"{half}\n")
    assert office.tick()["main.yaml"].openings.operatories is None
    assert office.told == []


def test_a_shorter_file_that_ends_with_a_line_is_an_edit(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    office.write(GOOD.removesuffix("  except_providers: [DOC2]\n").rstrip("\n"))
    assert office.tick()["main.yaml"].openings.except_providers == frozenset()
    assert office.told == []


def test_a_bad_edit_after_a_bad_edit_does_not_count_as_good(office: Office) -> None:
    office.write(GOOD)
    good = office.tick()
    office.write(OTHER.replace("Op 2", "No Such Chair"))
    office.tick()
    office.write(BROKEN)
    assert office.tick() == good


def test_a_file_that_was_never_good_is_not_served(office: Office) -> None:
    office.write(BROKEN)
    assert office.tick() == {}
    office.restart()
    assert office.tick() == {}


def test_the_message_is_the_one_that_check_prints(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    office.write(BROKEN)
    office.tick()
    with pytest.raises(ConfigurationError) as caught:
        read_policy(office.folder / "main.yaml")
    assert office.told == [str(caught.value)]
    assert office.policies.stand_ins == {office.folder / "main.yaml"}


def test_a_name_that_vanishes_stops_the_clinic_and_comes_back_with_it(office: Office) -> None:
    office.write(GOOD)
    good = office.tick()
    office.names = OfficeNames(NAMES.operatories, (), (), (), ())
    assert office.tick() == {}
    assert "“DOC2” is no provider of the office." in office.told[0]
    office.restart()
    assert office.tick() == {}
    office.names = NAMES
    assert office.tick() == good


def test_a_name_that_vanishes_while_the_file_is_broken_stops_the_clinic_too(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    office.write(BROKEN)
    office.names = OfficeNames(NAMES.operatories[1:], NAMES.providers, (), (), ())
    assert office.tick() == {}


def test_two_files_for_one_clinic_are_both_refused_also_when_one_was_in_force(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    office.write(OTHER, "second.yaml")
    assert office.tick() == {}
    assert len(office.told) == 2
    office.restart()
    assert office.tick() == {}
    (office.folder / "second.yaml").unlink()
    assert office.tick()["main.yaml"].openings.operatories == frozenset({1})


def test_a_policy_that_was_taken_away_does_not_come_back_by_a_mistake(office: Office) -> None:
    office.write(GOOD)
    office.write(HEAD.replace("main-street", "elm"), "elm.yaml")
    office.tick()
    (office.folder / "main.yaml").unlink()
    assert office.tick() == {}
    assert kept_policies(office.store) == ()
    office.write(BROKEN)
    assert office.tick() == {}


def test_a_folder_that_is_gone_stops_sending_and_is_not_taken_for_a_wish_to_forget(
    office: Office, tmp_path: Path
) -> None:
    office.write(GOOD)
    good = office.tick()
    office.folder.rename(tmp_path / "elsewhere")
    assert office.tick() == {}
    (tmp_path / "elsewhere").rename(office.folder)
    office.write(BROKEN)
    assert office.tick() == good


def test_a_renamed_file_stays_in_force(office: Office) -> None:
    office.write(GOOD)
    good = office.tick()
    (office.folder / "main.yaml").rename(office.folder / "renamed.yaml")
    assert office.tick() == {"renamed.yaml": good["main.yaml"]}
    office.write(BROKEN, "renamed.yaml")
    assert office.tick() == {"renamed.yaml": good["main.yaml"]}


def test_a_touched_file_is_not_valid_any_more_for_those_who_read_it_before(office: Office) -> None:
    office.write(GOOD)
    office.tick()
    earlier = office.policies
    assert earlier.still_valid(earlier.files[0])
    office.write(OTHER)
    assert not earlier.still_valid(earlier.files[0])
    # Another office's tick reads the folder meanwhile: that does not make the old version valid again.
    office.tick()
    assert not earlier.still_valid(earlier.files[0])
    assert office.policies.still_valid(office.policies.files[0])
    (office.folder / "main.yaml").unlink()
    assert not office.policies.still_valid(office.policies.files[0])


def test_without_a_state_to_write_nothing_stands_in_and_nothing_is_forgotten(office: Office, tmp_path: Path) -> None:
    office.write(GOOD)
    office.tick()
    office.write(BROKEN)
    assert PolicyBook(office.folder, ("main-street",)).read().files == ()
    (office.folder / "main.yaml").unlink()
    with open_for_reading(tmp_path / "state", office.store.clock) as reading:
        PolicyBook(office.folder, ("main-street",)).read(reading)
    assert len(kept_policies(office.store)) == 1


def test_changes_are_logged_once_with_the_words_of_check(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "asapfill.policy.in_force")
    office.write(GOOD)
    office.tick()
    office.write(BROKEN)
    office.tick()
    office.tick()
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "policy.changed file=main.yaml"
    assert lines[1].startswith("policy.wrong main.yaml:3:7: `mode` cannot be “loud”.")
    assert len(lines) == 2


PIECES = st.sampled_from(
    [
        "",
        " ",
        "\n",
        ":",
        "- ",
        "[",
        "]",
        "automatic",
        "all",
        "[]",
        "no",
        "24 hours",
        "openings:\n",
        "  ",
        "\t",
        "#",
        "x",
        "9",
        "DOC2",
        "Op 2",
        "\x00",
        "“",
    ]
)


@given(data=st.data())
@settings(max_examples=DEPTH.examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_edits_at_random_never_widen_what_the_last_good_version_allowed(office: Office, data: st.DataObject) -> None:
    """Whatever is saved: what is in force is a version that reads and resolves as a whole, or the last one that did."""
    text = data.draw(st.sampled_from([GOOD, OTHER]))
    office.write(text)
    last = office.tick()
    assert set(last) == {"main.yaml"}
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(PIECES) + text[end:]
        office.write(text)
        if data.draw(st.booleans()):
            office.restart()
        served = office.tick()
        if office.told:
            assert served == last
        else:
            # No mistake in it: then it is what the file says, and nothing of the version before.
            assert served == fresh(text)
        last = served


def fresh(text: str) -> dict[str, Policy]:
    """What a file alone means in this office."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.yaml"
        path.write_bytes(text.encode())
        file = read_policy(path)
    written, policy, problems = in_force(file, NAMES, lambda _: None)
    assert written is file
    assert policy is not None
    assert not problems
    return {"main.yaml": policy}


# With an office behind it


def test_a_name_that_vanishes_from_the_office_is_told_and_stops_sending(tmp_path: Path) -> None:
    with serving(tmp_path, openings={"except_providers": "[HYG1]"}) as office:
        assert [line.state for line in office.cycle().offers] == ["sent"]
        office.bench.policy(openings={"except_providers": "[HYG9]"}, texts={"wait": "1 minute"})
        office.wait(minutes=30)
        result = office.cycle()
        assert "“HYG9” is no provider of the office." in result.errors[0].message
        assert "the last good version of this file stays in force" in result.errors[-1].message
        assert result.found is not None
        status = office.bench.json("status", code=1)
        (tick,) = status["offices"][0]["ticks"]
        assert not tick["ok"]
        assert "HYG9" in tick["problems"][0]


def test_status_shows_a_broken_policy_and_what_is_in_force_meanwhile(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.cycle()
        office.bench.policy(mode="loud")
        assert office.cycle().mode == "automatic"
        told = office.bench.json("status", code=1)["policies"]
        checked = office.bench.cli("check", "--offline")
        assert told[0] in checked.err
        assert "stays in force" in told[1]
        assert checked.code == 78


def test_a_daemon_that_starts_with_a_broken_policy_serves_the_last_good_one_and_says_so(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        with running(bench) as daemon:
            daemon.until(lambda: len(bench.asked()) == 1, "the first offer")
            daemon.end()
        good = (bench.folder / "policies" / "main.yaml").read_text()
        (bench.folder / "policies" / "main.yaml").write_text(good.replace("mode: automatic", "mode: loud"))
        with running(bench) as daemon:
            daemon.until(lambda: len(bench.asked()) == 2, "the second offer, by the last good policy")
            assert "policy.wrong main.yaml:3:7: `mode` cannot be “loud”." in daemon.said()
            assert "stays in force" in bench.json("status", code=1)["policies"][1]
        assert bench.sandbox.log()["sent_twice"] == 0


def test_a_daemon_without_any_good_policy_does_not_start(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        bench.policy(mode="loud")
        with running(bench) as daemon:
            assert daemon.process.wait(timeout=30) == 78
            assert "`mode` cannot be “loud”" in daemon.said()
        assert bench.posts() == []
