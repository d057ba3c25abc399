"""Openings: one row per rule, its source in its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from asapfill.opendental.models import Clinic, Definition, Operatory, Provider
from asapfill.policy.policy import Hours
from asapfill.scheduling.openings import find_openings
from tests.scheduling.rows import FRIDAY, HYGIENE, LUNCH, MIDNIGHT_BEFORE, at, blockout, office, opened, policy, row, visit

WHOLE_DAY = ["1/1 08:00-17:00"]
DENTIST = row("8:00", "17:00", prov_num=1, operatories=(1,), schedule_num=1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, WHOLE_DAY, id="Open Dental: a row with operatories applies to exactly these"),
        pytest.param({"schedules": []}, [], id="Open Dental: no provider row is closed"),
        pytest.param(
            {"schedules": [row("8:00", "17:00", prov_num=1)]},
            WHOLE_DAY,
            id="Open Dental: a row without operatories applies where its provider is the dentist",
        ),
        pytest.param(
            {
                "schedules": [row("8:00", "17:00", prov_num=1)],
                "operatories": [Operatory(operatory_num=1, prov_dentist=1, prov_hygienist=3, is_hygiene=True)],
            },
            [],
            id="Open Dental: a dentist's row without operatories does not apply in a hygiene operatory",
        ),
        pytest.param(
            {
                "schedules": [row("8:00", "17:00", prov_num=3)],
                "operatories": [Operatory(operatory_num=1, prov_dentist=1, prov_hygienist=3, is_hygiene=True)],
            },
            ["1/3 08:00-17:00"],
            id="Open Dental: a hygienist's row without operatories applies in his hygiene operatory",
        ),
        pytest.param(
            {"schedules": [row("8:00", "17:00", prov_num=1)], "operatories": [Operatory(operatory_num=1)]},
            WHOLE_DAY,
            id="Open Dental: an operatory without provider has ScheduleProvUnassigned, by default 1",
        ),
        pytest.param(
            {
                "schedules": [row("8:00", "17:00", prov_num=1), row("9:00", "10:00", prov_num=2)],
                "operatories": [Operatory(operatory_num=1)],
                "preferences": {"ScheduleProvUnassigned": "2"},
            },
            ["1/2 09:00-10:00"],
            id="Open Dental: ScheduleProvUnassigned names the provider",
        ),
        pytest.param(
            {"schedules": [row("8:00", "12:00", prov_num=1), row("13:00", "17:00", prov_num=1)]},
            ["1/1 08:00-12:00", "1/1 13:00-17:00"],
            id="Open Dental: split shifts are several rows",
        ),
        pytest.param(
            {"schedules": [row("8:00", "12:00", prov_num=1), row("11:00", "17:00", prov_num=1)]},
            WHOLE_DAY,
            id="Open Dental: overlapping rows of one provider are one shift",
        ),
        pytest.param({"schedules": [row("9:00", "9:00", prov_num=1)]}, [], id="a provider's row of no length is no time"),
        pytest.param({"schedules": [row("17:00", "8:00", prov_num=1)]}, [], id="a provider's row that ends early is none"),
        pytest.param(
            {"schedules": [row("8:02", "8:59:59", prov_num=1)]}, ["1/1 08:05-08:55"], id="only whole units are offered"
        ),
        pytest.param(
            {"schedules": [replaced(DENTIST, unreadable={"StopTime"})]}, [], id="safe: an unreadable provider row is none"
        )
        if False
        else pytest.param(
            {"schedules": [DENTIST.model_copy(update={"unreadable": frozenset({"StopTime"})})]},
            [],
            id="safe: an unreadable provider row is none",
        ),
        pytest.param(
            {"providers": [Provider(prov_num=1, is_hidden=True)]}, [], id="safe: a hidden provider's rows are not offered"
        ),
        pytest.param(
            {"providers": [Provider(prov_num=1, prov_status="Deleted")]}, [], id="safe: nor a deleted provider's"
        ),
        pytest.param(
            {"providers": [Provider(prov_num=1, unreadable=frozenset({"IsHidden"}))]}, [], id="safe: nor an unreadable one's"
        ),
        pytest.param({"providers": [Provider(prov_num=2)]}, [], id="safe: nor those of one who is not listed"),
    ],
)
def test_who_works_where(parts: dict[str, Any], expected: list[str]) -> None:
    assert opened(office(**parts)) == expected
