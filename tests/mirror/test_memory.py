"""The mirror in the state: what a restart knows again, what it does not believe, and what is never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from asapfill.sandbox.office import staff
from asapfill.store.database import FILE_NAME
from asapfill.store.mirror import forget_mirrors, read_mirror
from tests.cycle.office import CUSTOMER, FIRST_NAME, LAST_NAME, MONDAY, office_file
from tests.daemon.bench import policy_text
from tests.mirror.in_process import Served, in_process

NOTE = "Notemark"


@contextmanager
def served(folder: Path, **changes: Any) -> Iterator[Served]:
    """The small office after its first cycle and a minute."""
    office = office_file(
        more_asapcomms=[
            {"FKey": 12, "FKeyType": "UnscheduledAppt", "PatNum": 3, "DateTimeEntry": "2026-04-13 09:00:00",
             "ResponseStatus": "Declined", "Note": NOTE, "TemplateText": NOTE},
        ],
        preferences={"SomePassword": "Passwordmark"},
        **changes,
    )  # fmt: skip
    with in_process(folder, policy_text(mode="preview"), office) as office_served:
        office_served.start()
        office_served.tick()
        yield office_served


def mark(served: Served, name: str = "seen") -> dict[str, object]:
    """What the mirror tells of the office; the office is the same when it is equal."""
    office = served.now.mirror.office()
    del name
    return {
        "appointments": sorted(map(repr, office.appointments)),
        "schedules": sorted(map(repr, office.schedules)),
        "asap": sorted(map(repr, office.asap)),
        "recalls": sorted(map(repr, office.recalls)),
        "names": (office.operatories, office.providers, office.blockout_types, office.recall_types, office.version),
        "offers": [row.asap_comm_num for row in served.now.mirror.asapcomms],
        "phones": served.now.mirror.phones(served.now.hash_phone),
    }


def test_a_restart_knows_what_was_known_and_asks_only_what_changed(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        before = mark(office)
        office.restart()
        made = office.tick()
        assert mark(office) == before
        assert made.total() <= 3


def test_what_changed_while_nobody_ran_is_seen_by_the_first_cycle(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        office.end()
        staff.apply(office.world.office, {"action": "move", "AptNum": 11, "Op": 2, "AptDateTime": f"{MONDAY} 15:00:00"})
        staff.apply(office.world.office, {"action": "priority", "AptNum": 12, "Priority": "Normal"})
        office.clock.sleep(120)
        office.start()
        office.tick()
        rows = {row.apt_num: row for row in office.now.mirror.office().appointments}
        assert (rows[11].op, f"{rows[11].apt_date_time}") == (2, f"{MONDAY} 15:00:00")
        assert {row.apt_num for row in office.now.mirror.office().asap} == {11, 14}


def test_after_hours_without_a_look_everything_but_the_lists_is_read_anew(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        office.end()
        del office.world.office.appointments[10]  # without any trace
        office.clock.sleep(4 * 3600)
        office.start()
        office.tick()
        assert 10 not in {row.apt_num for row in office.now.mirror.office().appointments}


def test_another_key_may_lead_to_another_office_so_nothing_is_believed(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        cold = office.now.client.request_total
        office.end()
        office.world.office.keys.append((office.world.office.keys[0][0], "Another-Key-1"))
        (tmp_path / "customer.key").write_text("Another-Key-1\n")
        office.start()
        assert office.tick().total() >= cold - 2


@pytest.mark.parametrize("damage", [
    "UPDATE mirror_marks SET marks = 'nonsense'",
    "UPDATE mirror_marks SET marks = '{}'",
    "UPDATE mirror_rows SET content = '{\"apt_num\": []}' WHERE kind = 'appointments'",
    "UPDATE mirror_rows SET content = '[1' WHERE kind = 'names'",
    "UPDATE mirror_rows SET content = '{}' WHERE kind = 'patients'",
])  # fmt: skip
def test_what_makes_no_sense_is_not_believed_and_ends_nothing(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with served(tmp_path) as office:
        before = mark(office)
        office.end()
        with sqlite3.connect(tmp_path / "state" / FILE_NAME) as connection:
            connection.execute(damage)
        connection.close()
        office.start()
        office.tick()
        assert mark(office) == before
        assert "mirror.unusable" in caplog.text
        office.restart()
        assert office.tick().total() <= 3


def test_a_row_that_cannot_be_read_whole_is_read_again_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        office.world.office.appointments[10]["ProvNum"] = "?"
        office.now.mirror.hint(appointments=[10])
        office.tick()
        before = mark(office)
        office.restart()
        office.tick()
        assert mark(office) == before
        (odd,) = [row for row in office.now.mirror.office().appointments if row.apt_num == 10]
        assert odd.unreadable == {"ProvNum"}


def test_nothing_about_people_and_no_key_is_written(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        assert office.now.mirror.phones(office.now.hash_phone)
        office.end()
        connection = sqlite3.connect(tmp_path / "state" / FILE_NAME)
        written = "\n".join(
            str(row)
            for table in ("mirror_rows", "mirror_marks")
            for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608  our own words
        )
        connection.close()
        for secret in (LAST_NAME, FIRST_NAME, "555010", "5550", "1980-05-05", NOTE, "Passwordmark", CUSTOMER):
            assert secret not in written
        assert '"pat_status"' in written


def test_a_quiet_cycle_writes_nothing_of_the_mirror(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        office.tick()
        changes = _changes(tmp_path)
        office.tick()
        assert _changes(tmp_path) == changes


def _changes(folder: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "state" / FILE_NAME)
    found = connection.execute("SELECT * FROM mirror_marks").fetchall()
    connection.close()
    return found


def test_an_office_that_is_served_no_more_is_forgotten(tmp_path: Path) -> None:
    with served(tmp_path) as office:
        store = office.now.store
        assert store is not None
        forget_mirrors(store, ["main-street", "another"])
        assert read_mirror(store, "main-street") is not None
        forget_mirrors(store, ["another"])
        assert read_mirror(store, "main-street") is None
        assert store.rows("SELECT count(*) AS n FROM mirror_rows")[0]["n"] == 0
