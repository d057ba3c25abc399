"""While no policy is in force: nothing is offered, what was sent is followed, and status says so."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from asapfill.core.office import Labels
from asapfill.cycle.follow import follow_without_policy
from asapfill.store.cycles import last_ticks
from asapfill.store.offices import KnownOffice, keep_office, known_office
from tests.cycle.office import Row, hours, office_file, unscheduled
from tests.daemon.bench import Bench, bench_for
from tests.daemon.serving import serving

GONE = {"openings": {"except_operatories": "[Chair 9]"}}


def one_of_two_clinics(bench: Bench, clinic: str, **more: str) -> None:
    """Write the policy of one clinic of ``GROUP``."""
    lines = ["office: main-street", "timezone: America/Los_Angeles", f"clinic: {clinic}", "mode: automatic"]
    lines += [f"{key}: {value}" for key, value in more.items()]
    (bench.folder / "policies" / f"{clinic.lower()}.yaml").write_text("\n".join(lines) + "\n")


def group() -> Row:
    """The small office as two clinics: each has one chair."""
    rows = office_file(
        preferences={"EasyNoClinics": "0"},
        clinics=[
            {"ClinicNum": 4, "Description": "North", "Abbr": "N"},
            {"ClinicNum": 5, "Description": "South", "Abbr": "S"},
        ],
        schedules=[hours("2026-04-14", "13:00", "17:00")],
        appointments=[unscheduled(12, 3, ClinicNum=4)],
        recalls=[],
    )
    for row, clinic in zip(rows["operatories"], (4, 5), strict=True):
        row["ClinicNum"] = clinic
    return rows


def test_answers_are_followed_when_a_name_vanished_and_nobody_new_is_asked(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.cycle()
        assert office.bench.asked() == [12]
        # Forgotten with the state of an older asapfill, the good version cannot stand in.
        with office.session.store.transaction() as database:
            database.execute("DELETE FROM policy_versions")
        office.bench.policy(**GONE)
        office.wait(minutes=2)
        office.sandbox.respond(1, "accept")
        result = office.cycle()
        assert "“Chair 9” is no operatory of the office." in result.errors[0].message
        assert office.states() == {12: "accepted"}
        assert office.bench.asked() == [12]


def test_answers_are_followed_when_no_policy_can_be_read_by_the_last_known_time_zone(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.cycle()
        office.wait(minutes=2)
        office.sandbox.respond(1, "accept")
        follow_without_policy(office.session)
        assert office.states() == {12: "accepted"}
        assert office.bench.asked() == [12]


def test_an_office_that_was_never_served_is_not_even_asked(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        follow_without_policy(office.session)
        assert office.sandbox.log()["total"] == 0


def test_an_office_that_does_not_answer_then_is_not_the_end(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.cycle()
        office.sandbox.faults([{"kind": "401"}])
        follow_without_policy(office.session)
        assert office.states() == {12: "sent"}


def test_with_clocks_that_disagree_nothing_is_judged(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.cycle()
        assert office.session.store is not None
        keep_office(office.session.store, "main-street", KnownOffice(ZoneInfo("Asia/Tokyo")))
        # Something changes there, so that an answer tells the office's clock. In Tokyo the offered time is long past.
        office.sandbox.staff(action="cancel", AptNum=15)
        follow_without_policy(office.session)
        assert office.states() == {12: "sent"}


def test_status_says_that_nothing_is_offered_and_what_goes_on(bench: Bench) -> None:
    bench.clinic("once")
    (bench.folder / "policies" / "main.yaml").unlink()
    document = bench.json("status", code=1)
    assert (document["offices"][0]["policy"], document["offices"][0]["late"]) == (False, False)
    text = " ".join(bench.cli("status").out.split())
    assert "No policy is in force, so nothing is offered." in text
    assert "asapfill goes on finding out what becomes of the offers already sent." in text
    assert "`asapfill policy new` writes one in mode preview" in text


def test_a_clinic_whose_names_vanished_keeps_its_tick_and_the_other_is_served(tmp_path: Path) -> None:
    with bench_for(tmp_path, group()) as bench:
        (bench.folder / "policies" / "main.yaml").unlink()
        one_of_two_clinics(bench, "North")
        one_of_two_clinics(bench, "South")
        bench.json("once")
        (bench.folder / "policies" / "south.yaml").write_text(
            (bench.folder / "policies" / "south.yaml").read_text() + "openings:\n  operatories: [Chair 9]\n"
        )
        bench.pass_time(1)
        documents = bench.json("once", code=1)["offices"]
        assert {row["clinic"]: bool(row["errors"]) for row in documents} == {4: False, 5: True}
        (office,) = bench.json("status", code=1)["offices"]
        assert [(tick["clinic_name"], tick["ok"]) for tick in office["ticks"]] == [("North", True), ("South", False)]
        text = bench.cli("status").out
        assert "  Last cycle of North: Tue 2026-04-14 10:01, " in text
        assert "  Last cycle of South: Tue 2026-04-14 10:01, " in text
        assert "“Chair 9” is no operatory of this clinic." in text


def test_what_is_known_of_an_office_is_kept_and_renewed(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        store = office.session.store
        assert store is not None
        assert known_office(store, "main-street") is None
        office.cycle()
        known = known_office(store, "main-street")
        assert known is not None
        assert known.timezone.key == "America/Los_Angeles"
        assert known.labels.operatory(2) == "HYG"
        assert known.labels.provider(1) == "DOC1"
        assert known.labels.operatory(77) == "operatory 77"
        keep_office(store, "main-street", KnownOffice(ZoneInfo("America/Denver"), Labels({1: "Left"})))
        changed = known_office(store, "main-street")
        assert changed is not None
        assert (changed.timezone.key, changed.labels.operatory(1)) == ("America/Denver", "Left")
        assert last_ticks(store)[0].ok
