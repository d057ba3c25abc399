"""``check``: what no policy and no schedule covers is something to look at."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cycle.office import hours, office_file
from tests.daemon.bench import bench_for

Row = dict[str, Any]

CLINICS = [
    {"ClinicNum": 1, "Description": "North Side", "Abbr": "North"},
    {"ClinicNum": 2, "Description": "West Side", "Abbr": "West"},
    {"ClinicNum": 3, "Description": "Closed", "Abbr": "Old", "IsHidden": True},
]
POLICY = "office: main-street\nclinic: {clinic}\ntimezone: America/Los_Angeles\n"


def weeks(*weekdays: int, first: int = 0, last: int = 4) -> list[Row]:
    """Somebody works on these weekdays (0 is Monday) of so many weeks from Tuesday 2026-04-14 on."""
    days = [date(2026, 4, 14) + timedelta(days=number) for number in range(7 * first, 7 * last)]
    return [hours(day.isoformat(), "09:00", "17:00") for day in days if day.weekday() in weekdays]


def findings(document: Row) -> dict[str, list[str]]:
    """Verdict: message of each line of the one office, by subject."""
    ((_, found),) = [(each["office"], each["findings"]) for each in document["offices"]]
    lines: dict[str, list[str]] = {}
    for item in found:
        lines.setdefault(item["subject"], []).append(f"{item['verdict']}: {item['message']}")
    return lines


def told(folder: Path, office: Row, **policy: Any) -> dict[str, list[str]]:
    with bench_for(folder, office) as bench:
        bench.policy(**policy)
        return findings(bench.json("check"))


@pytest.mark.parametrize("clinic", ["North", "West Side"])
def test_a_clinic_without_a_policy_is_something_to_look_at(tmp_path: Path, clinic: str) -> None:
    with bench_for(tmp_path, office_file(clinics=CLINICS, preferences={"EasyNoClinics": "0"})) as bench:
        path = bench.folder / "policies" / "main.yaml"
        path.write_text(POLICY.format(clinic=clinic))
        (line,) = findings(bench.json("check"))["clinics"]
        other = {"North": "West", "West Side": "North"}[clinic]
        assert line.startswith(f"look: No policy is for {other}, so nothing is offered there.")
        path.with_name("other.yaml").write_text(POLICY.format(clinic=other))
        assert "clinics" not in findings(bench.json("check"))


def test_a_policy_with_a_mistake_is_for_its_clinic_all_the_same(tmp_path: Path) -> None:
    with bench_for(tmp_path, office_file(clinics=CLINICS, preferences={"EasyNoClinics": "0"})) as bench:
        policies = bench.folder / "policies"
        (policies / "main.yaml").write_text(POLICY.format(clinic="North"))
        (policies / "west.yaml").write_text(POLICY.format(clinic="West") + "mode: odd\n")
        assert "clinics" not in findings(bench.json("check", code=78))


def test_days_on_which_nobody_works_are_something_to_look_at(tmp_path: Path) -> None:
    found = told(tmp_path, office_file(schedules=weeks(0, 1, 2)))
    (line,) = found["schedules"]
    assert line.startswith("look: Nobody has hours on any Thu or Fri until May 11, so nothing is free then.")


@pytest.mark.parametrize(
    ("schedules", "openings"),
    [
        (weeks(0, 1, 2, 3, 4), {}),
        (weeks(0, 1, 2), {"days": "Mon-Wed"}),
        # Two weeks of holidays, and a far look that is longer than the openings'.
        (weeks(0, 1, 2, 3, 4, first=2), {}),
        (weeks(0, 1, 2, 3, 4), {"look_ahead": "1 day"}),
        (weeks(0, 1, 2, 3, 4), {"look_ahead": "60 days"}),
    ],
)
def test_where_somebody_works_on_all_days_nothing_is_said(tmp_path: Path, schedules: list[Row], openings: Row) -> None:
    found = told(tmp_path, office_file(schedules=schedules), openings=openings)
    assert not any("Is that so" in line for line in found.get("schedules", []))


def test_hours_in_operatories_that_the_policy_leaves_out_are_nobody_s(tmp_path: Path) -> None:
    schedules = weeks(0, 1, 2, 3) + [row | {"operatories": [2], "ProvNum": 2} for row in weeks(4)]
    left_out = told(tmp_path / "a", office_file(schedules=schedules), openings={"except_operatories": "[HYG]"})
    assert "any Fri until" in left_out["schedules"][0]
    assert "schedules" not in told(tmp_path / "b", office_file(schedules=schedules))


def test_an_office_in_which_nobody_works_at_all_is_told_once(tmp_path: Path) -> None:
    found = told(tmp_path, office_file(schedules=[]))
    assert found["schedules"] == ["look: No provider has hours until Apr 28: without hours nothing is free."]
