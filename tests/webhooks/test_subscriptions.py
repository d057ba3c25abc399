"""Which subscriptions are to be made, repaired and removed: a table of situations, pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from asapfill.core.rows import Subscription
from asapfill.webhooks.subscriptions import (
    POLLING_SECONDS,
    WATCHED,
    SubscriptionChange,
    WantedSubscriptions,
    changes,
    in_force,
    tables_for,
)

URL, OLD = "https://a.example/hooks/main-street/", "https://a.example/old/main-street/"
NOW = datetime(2026, 4, 14, 9, 0)
ONE = WantedSubscriptions(URL, "", ("Appointment",))


def row(number: int, table: str = "Appointment", **more: Any) -> Subscription:
    raw = {"SubscriptionNum": number, "EndPointUrl": URL, "WatchTable": table, "Workstation": ""}
    return Subscription.read(raw | {"PollingSeconds": POLLING_SECONDS, "UiEventType": ""} | more)


def todo(*rows: Subscription, wanted: WantedSubscriptions = ONE) -> list[SubscriptionChange]:
    return changes(in_force(rows, {URL, OLD}, NOW), wanted)


def test_what_is_missing_is_made() -> None:
    assert todo(wanted=WantedSubscriptions(URL, "", WATCHED)) == [
        SubscriptionChange("make", table) for table in WATCHED
    ]
    assert todo(row(3)) == []


def test_what_is_wrong_is_repaired() -> None:
    assert todo(row(3, PollingSeconds=60)) == [SubscriptionChange("repair", "Appointment", 3)]
    assert todo(row(3, Workstation="FRONT")) == [SubscriptionChange("repair", "Appointment", 3)]
    assert todo(row(3), wanted=WantedSubscriptions(URL, "SERVER", ("Appointment",))) == [
        SubscriptionChange("repair", "Appointment", 3)
    ]


def test_of_doubles_the_right_one_stays() -> None:
    assert todo(row(3, Workstation="FRONT"), row(4)) == [SubscriptionChange("remove", "Appointment", 3)]
    assert todo(row(4), row(3)) == [SubscriptionChange("remove", "Appointment", 4)]
    both = todo(row(3, PollingSeconds=1), row(4, PollingSeconds=2))
    assert both == [SubscriptionChange("repair", "Appointment", 3), SubscriptionChange("remove", "Appointment", 4)]


@pytest.mark.parametrize(
    "other",
    [
        {"EndPointUrl": "https://other.example/"},
        {"EndPointUrl": URL.rstrip("/")},
        {"EndPointUrl": URL + "x/"},
        {"EndPointUrl": URL.upper()},
        {"EndPointUrl": "https://a.example/hooks/west/"},
        {"EndPointUrl": ""},
        {"SubscriptionNum": 0},
        {"SubscriptionNum": "many"},
        {"EndPointUrl": None},
    ],
)
def test_others_are_never_touched(other: dict[str, Any]) -> None:
    for wanted in (ONE, WantedSubscriptions()):
        assert todo(row(3), row(9, **other), wanted=wanted) == todo(row(3), wanted=wanted)


def test_ours_at_an_earlier_address_of_another_table_or_kind_is_removed() -> None:
    removed = todo(row(3), row(4, EndPointUrl=OLD), row(5, "Patient"), row(6, "", UiEventType="PatientSelected"))
    assert removed == [
        SubscriptionChange("remove", "Appointment", 4),
        SubscriptionChange("remove", "Patient", 5),
        SubscriptionChange("remove", "", 6),
    ]


def test_a_new_one_comes_before_an_old_one_goes() -> None:
    assert todo(row(4, EndPointUrl=OLD)) == [
        SubscriptionChange("make", "Appointment"),
        SubscriptionChange("remove", "Appointment", 4),
    ]


def test_when_events_are_off_all_of_ours_go() -> None:
    rows = [row(3), row(4, "Schedule"), row(5, EndPointUrl=OLD), row(6, EndPointUrl="https://other.example/")]
    assert [change.number for change in todo(*rows, wanted=WantedSubscriptions())] == [3, 4, 5]


def test_one_that_has_ended_is_as_good_as_gone() -> None:
    assert todo(row(3, DateTimeStop="2026-04-14 09:00:00")) == [SubscriptionChange("make", "Appointment")]
    assert todo(row(3, DateTimeStop="2026-04-14 09:00:01")) == []
    assert todo(row(3, DateTimeStop="0001-01-01 00:00:00")) == []


@pytest.mark.parametrize(
    ("version", "tables"),
    [
        ((21, 4), ()),
        ((22, 1), ("Appointment",)),
        ((22, 4, 35), ("Appointment", "AppointmentDeleted")),
        ((24, 2, 10), ("Appointment", "AppointmentDeleted")),
        ((24, 2, 11), WATCHED),
        (None, WATCHED),
    ],
)
def test_tables_by_version(version: tuple[int, ...] | None, tables: tuple[str, ...]) -> None:
    assert tables_for(version) == tables
