"""What ``doctor`` says of how an office is reached and set up: hours, operatories, providers, blockout types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.checks.test_doctor import findings
from tests.cycle.office import HOLD, LUNCH, MONDAY, TODAY, hours, office_file
from tests.daemon.bench import SETTINGS, Bench, bench_for

Row = dict[str, Any]


def told(folder: Path, office: Row, policy: Mapping[str, Any]) -> dict[str, list[str]]:
    with bench_for(folder, office) as bench:
        (bench.folder / "developer.key").chmod(0o600)
        bench.policy(**policy)
        return findings(bench.json("doctor"), "main-street")


def types(*flags: str) -> list[Row]:
    return [
        {"DefNum": number, "Category": 25, "ItemName": name, "ItemValue": flag}
        for (number, name), flag in zip(((LUNCH, "Lunch"), (HOLD, "Hold"), (249, "Hygiene")), flags, strict=True)
    ]


@pytest.mark.parametrize(
    ("flags", "policy", "line"),
    [
        (("NS", "NS,DC", "NS"), {}, "ok: Each has the flag NS or is named in a policy."),
        (("NS", "", ""), {}, "look: Staff may book over Hold, Hygiene (no flag NS)"),
        (("NS", "DC", ""), {"openings": {"blockouts_allowed": "[Hygiene]"}}, "look: Staff may book over Hold (no flag"),
        (
            ("NS", "", ""),
            {"openings": {"blockouts_allowed": "[hold]", "hygiene_only_in": "[Hygiene]"}},
            "ok: Each has the flag NS or is named in a policy.",
        ),
    ],
)
def test_blockout_types_that_staff_may_book_over_and_no_policy_names(
    tmp_path: Path, flags: tuple[str, ...], policy: Row, line: str
) -> None:
    found = told(tmp_path, office_file(definitions=types(*flags)), policy)
    assert found["blockout types"][0].startswith(line)


def test_an_operatory_in_which_nobody_works_is_looked_at_with_the_days(tmp_path: Path) -> None:
    found = told(tmp_path, office_file(), {"openings": {"look_ahead": "7 days"}})
    assert found["operatories"][1] == (
        "look: Nobody has hours in HYG, Apr 14 to Apr 21: nothing is free there. Is that so?"
    )
    assert found["providers"] == ["look: HYG1 has operatories and no hours, Apr 14 to Apr 21. Is that so?"]


def test_where_everybody_works_nothing_is_said(tmp_path: Path) -> None:
    schedules = [hours(TODAY, "13:00", "17:00"), hours(MONDAY, "08:00", "12:00", provider=2, op=2)]
    found = told(tmp_path, office_file(schedules=schedules), {})
    assert len(found["operatories"]) == 1
    assert "providers" not in found


def window(start: str, end: str) -> Row:
    return {
        "AutomaticCommunicationTimeStart": f"01-01-0001 {start}",
        "AutomaticCommunicationTimeEnd": f"01-01-0001 {end}",
    }


@pytest.mark.parametrize(
    ("preferences", "line"),
    [
        (window("07:00:00", "22:00:00"), "ok: main.yaml texts 09:00-19:00; Open Dental sends 07:00-22:00."),
        (window("00:00:00", "00:00:00"), "ok: main.yaml texts 09:00-19:00; Open Dental sends at any hour."),
        (
            window("10:00:00", "16:00:00"),
            "look: main.yaml texts 09:00-19:00, but Open Dental sends 10:00-16:00: texts go out 10:00-16:00 only.",
        ),
    ],
)
def test_the_policys_hours_beside_those_of_open_dental(tmp_path: Path, preferences: Row, line: str) -> None:
    assert told(tmp_path, office_file(preferences=preferences), {})["hours"] == [line]


def test_hours_that_never_meet_are_wrong_and_said_once(tmp_path: Path) -> None:
    with bench_for(tmp_path, office_file(preferences=window("20:00:00", "22:00:00"))) as bench:
        (bench.folder / "developer.key").chmod(0o600)
        found = findings(bench.json("doctor", code=1), "main-street")
    assert len(found["hours"]) == 1
    assert found["hours"][0].startswith("wrong: ")


def test_without_a_texting_contract_texts_would_be_suppressed(tmp_path: Path) -> None:
    found = told(tmp_path, office_file(preferences={"SmsContractDate": ""}), {})
    assert "Integrated Texting does not seem to be switched on" in found["texting"][-1]


def test_plain_http_beyond_the_local_network_is_told_for_as_long_as_it_is_allowed(bench: Bench) -> None:
    (bench.folder / "developer.key").chmod(0o600)
    allowed = SETTINGS + "plain_http = true\n"
    bench.settings(allowed)
    assert findings(bench.json("doctor"), "main-street")["plain http"] == [
        "look: No address needs `plain_http`: take it out of the settings."
    ]
    # The near address answers; the far one, a name that nobody has, is never asked.
    bench.settings(allowed.replace('/api/v1"]', '/api/v1", "http://od.example.invalid/api/v1"]'))
    (line,) = findings(bench.json("doctor"), "main-street")["plain http"]
    assert line.startswith("look: Keys and patients' data go unencrypted to od.example.invalid")
