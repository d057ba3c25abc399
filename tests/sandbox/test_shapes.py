"""The sandbox's rows have the fields and kinds of values of Open Dental's own samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.desk import Desk, office_file, served

SAMPLES = Path(__file__).parent.parent / "opendental" / "samples"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    office = office_file(
        preferences={"EasyNoClinics": "0"},
        clinics=[{"ClinicNum": 4, "Zip": "97301"}],
        appointmenttypes=[{"AppointmentTypeNum": 1, "RequiredProcCodesNeeded": "AtLeastOne"}],
        labcases=[{"PatNum": 1}],
        asapcomms=[{"PatNum": 2, "DateTimeEntry": "2026-04-14 08:00:00"}],
        commlogs=[{"PatNum": 2, "CommType": 239}],
        histappointments=[{"AptNum": 10}],
        signalods=[{"SigDateTime": "2026-04-14 08:00:00"}],
    )
    office["appointments"][0]["EServiceDate"] = "2026-04-14"
    with served(office) as desk:
        desk.post("subscriptions", EndPointUrl="https://x/", WatchTable="Schedule")
        yield desk


SHAPES = {
    "appointments": "appointments",
    "appointments_asap": "appointments/ASAP?ClinicNum=0",
    "appointmenttypes": "appointmenttypes",
    "asapcomms": "asapcomms?date=2026-04-14",
    "clinics": "clinics",
    "commlogs": "commlogs?PatNum=2",
    "definitions": "definitions",
    "histappointments": "histappointments",
    "labcases": "labcases",
    "operatories": "operatories",
    "preferences": "preferences",
    "providers": "providers",
    "recalls": "recalls",
    "recalltypes": "recalltypes",
    "scheduleops": "scheduleops",
    "schedules": "schedules",
    "securityperms": "securityperms",
    "signalods": "signalods?SigDateTime=2026-04-13%2000%3A00%3A00",
    "slots": "appointments/Slots",
    "web_sched": "appointments/WebSched?date=2026-04-14",
    "patient": "patients/1",
    "subscription_created": "subscriptions",
}


@pytest.mark.parametrize("sample", SHAPES)
def test_rows_look_like_the_published_sample(desk: Desk, sample: str) -> None:
    published = first(json.loads((SAMPLES / f"{sample}.json").read_text()))
    shown = first(desk.get(SHAPES[sample]))
    assert list(shown) == list(published)
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in published.items()
    }


def test_a_created_offer_looks_like_the_published_sample(desk: Desk) -> None:
    published = json.loads((SAMPLES / "asapcomm_created.json").read_text())
    assert list(desk.offer(11).body) == list(published)


def test_line_breaks_come_out_as_blanks() -> None:
    office = office_file()
    office["appointments"][0]["Note"] = "one\r\ntwo\nthree"
    with served(office) as desk:
        assert desk.get("appointments/10")["Note"] == "one two three"


def first(rows: Any) -> Any:
    return rows[0] if isinstance(rows, list) else rows
