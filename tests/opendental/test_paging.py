"""Whole lists: every row once, nothing lost without a word, and no list without end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotOpenDental, Unknown
from asapfill.opendental.paging import MOST_PAGES, MOST_RESTARTS

Connect = Callable[..., OpenDental]

REMOTE = "https://api.opendental.com/api/v1"
SERVICE = "http://10.0.0.5:30223/api/v1"


def recalls(numbers: range) -> list[dict[str, Any]]:
    return [
        {
            "RecallNum": number,
            "PatNum": number,
            "IsDisabled": "false",
            "RecallTypeNum": 1,
            "DateScheduled": "0001-01-01",
            "Priority": "Normal",
        }
        for number in numbers
    ]


def paged(rows: list[Any], cap: int, asked: list[tuple[int, int]]) -> Callable[[httpx.Request], httpx.Response]:
    """A server that gives at most ``cap`` rows a page, whatever is asked."""

    def handler(request: httpx.Request) -> httpx.Response:
        limit, offset = int(request.url.params["Limit"]), int(request.url.params["Offset"])
        asked.append((limit, offset))
        return httpx.Response(200, json=rows[offset : offset + min(limit, cap)])

    return handler


@pytest.mark.parametrize(
    ("url", "cap", "rows", "expected"),
    [
        (REMOTE, 100, 250, [(100, 0), (100, 99), (100, 198)]),
        (REMOTE, 100, 199, [(100, 0), (100, 99), (100, 198)]),
        (REMOTE, 100, 30, [(100, 0)]),
        (REMOTE, 100, 0, [(100, 0)]),
        (SERVICE, 1000, 30, [(1000, 0)]),
        (SERVICE, 1000, 250, [(1000, 0), (1000, 249)]),
        (SERVICE, 100, 250, [(1000, 0), (1000, 99), (1000, 198)]),
        (SERVICE, 100, 100, [(1000, 0), (1000, 99)]),
        (SERVICE, 1000, 1, [(1000, 0)]),
        (SERVICE, 1000, 0, [(1000, 0)]),
    ],
)
def test_reads_to_the_end_in_the_fewest_safe_requests(
    connect: Connect, url: str, cap: int, rows: int, expected: list[tuple[int, int]]
) -> None:
    asked: list[tuple[int, int]] = []
    office = connect(paged(recalls(range(1, rows + 1)), cap, asked), url)

    listing = office.recalls()

    assert [row.number for row in listing.rows] == list(range(1, rows + 1))
    assert asked == expected
    assert listing.pages == len(expected)


def test_an_interval_in_the_settings_makes_any_address_one_where_requests_count(connect: Connect) -> None:
    asked: list[tuple[int, int]] = []
    office = connect(paged(recalls(range(1, 31)), 100, asked), SERVICE, seconds_between_requests=0.5)

    assert len(office.recalls().rows) == 30
    assert asked == [(100, 0)]


def test_a_row_on_two_pages_counts_once_and_as_it_was_last_seen(connect: Connect) -> None:
    first, second = recalls(range(1, 101)), [{**recalls(range(100, 101))[0], "Priority": "ASAP"}]
    office = connect(lambda request: httpx.Response(200, json=first if request.url.params["Offset"] == "0" else second))

    rows = office.recalls().rows

    assert len(rows) == 100
    assert rows[-1].priority == "ASAP"


def test_a_server_that_ignores_offset_ends_too(connect: Connect) -> None:
    rows = [*({"DefNum": number, "Category": 25} for number in range(1, 151)), {"DefNum": "?", "Category": 25}, None]
    listing = connect(lambda _: httpx.Response(200, json=rows)).definitions(25)

    assert len(listing.rows) == 151
    assert listing.pages == 2


def changing(rows: list[Any], change: Callable[[list[Any], int], None]) -> Callable[[httpx.Request], httpx.Response]:
    """A live table: ``change`` is made to it after each page, with the number of the page."""
    served = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal served
        offset = int(request.url.params["Offset"])
        page = httpx.Response(200, json=rows[offset : offset + 100])
        served += 1
        change(rows, served)
        return page

    return handler


@pytest.mark.parametrize("url", [REMOTE, SERVICE])
@pytest.mark.parametrize("position", [0, 50, 98, 99, 100, 150])
@pytest.mark.parametrize("page", [1, 2])
def test_a_row_that_goes_between_two_pages_hides_no_other(connect: Connect, url: str, position: int, page: int) -> None:
    rows = recalls(range(1, 251))

    def change(table: list[Any], served: int) -> None:
        if served == page:
            del table[position]

    found = {row.number for row in connect(changing(rows, change), url).recalls().rows}

    assert found >= {row["RecallNum"] for row in rows}


@pytest.mark.parametrize("position", [0, 99, 100, 150])
def test_a_row_that_comes_between_two_pages_hides_no_other(connect: Connect, position: int) -> None:
    rows = recalls(range(1, 251))

    def change(table: list[Any], served: int) -> None:
        if served == 1:
            table.insert(position, recalls(range(1000, 1001))[0])

    found = {row.number for row in connect(changing(rows, change)).recalls().rows}

    assert found >= set(range(1, 251))


def test_a_list_that_changes_all_the_time_is_not_taken_for_whole(connect: Connect) -> None:
    office = connect(changing(recalls(range(1, 251)), lambda table, _: table.pop(0)))

    with pytest.raises(Unknown, match="rows may be missing"):
        office.recalls()
    assert office.request_total == 2 * (1 + MOST_RESTARTS)


def test_pages_that_switch_between_addresses_lose_nothing(connect: Connect) -> None:
    """The remote API caps pages at 100 where the service gives 1000: each page must judge itself by its own cap."""
    rows = recalls(range(1, 1251))
    near_pages: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        near = request.url.host == "10.0.0.5"
        if near and near_pages:
            raise httpx.ConnectError("down", request=request)
        near_pages.extend([1] * near)
        limit, offset = int(request.url.params["Limit"]), int(request.url.params["Offset"])
        return httpx.Response(200, json=rows[offset : offset + min(limit, 1000 if near else 100)])

    listing = connect(handler, SERVICE, REMOTE).recalls()

    assert [row.number for row in listing.rows] == list(range(1, 1251))


@pytest.mark.parametrize("body", ["oops", 7, {"AptNum": 1}, {"error": "x"}, [1, 2, 3], None])
def test_what_is_not_a_list_of_objects_is_not_open_dental(connect: Connect, body: Any) -> None:
    with pytest.raises(NotOpenDental, match="list of rows"):
        connect(lambda _: httpx.Response(200, json=body)).operatories()


def test_a_list_without_end_is_given_up(connect: Connect) -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["Offset"])
        return httpx.Response(200, json=[{"ClinicNum": offset + number} for number in range(1, 101)])

    office = connect(endless, SERVICE)
    with pytest.raises(NotOpenDental, match="did not end"):
        office.clinics()
    assert office.request_total == MOST_PAGES


def test_bad_rows_are_kept_and_bad_elements_set_aside_both_with_a_sentence(connect: Connect) -> None:
    rows = [*recalls(range(1, 3)), "SECRET-VALUE", {"RecallNum": "SECRET-VALUE", "PatNum": 5}]
    listing = connect(lambda _: httpx.Response(200, json=rows)).recalls()

    assert [row.number for row in listing.rows] == [1, 2, 0]
    assert listing.problems == (
        "recalls: row 3 is not an object, set aside",
        "recalls (no number): could not read DateScheduled, IsDisabled, Priority, RecallNum, RecallTypeNum",
    )


def test_several_rows_without_a_legible_number_all_stay(connect: Connect) -> None:
    rows = [{**recalls(range(1, 2))[0], "RecallNum": None, "PatNum": patient} for patient in (1, 2, 3)]

    assert len(connect(lambda _: httpx.Response(200, json=rows)).recalls().rows) == 3


def appointment(number: int, moment: str | None = "2026-11-20 09:00:00", **columns: Any) -> dict[str, Any]:
    return {
        "AptNum": number,
        "PatNum": 1,
        "AptStatus": "Scheduled",
        "Op": 1,
        "ClinicNum": 0,
        "ProvNum": 1,
        "AptDateTime": moment,
        "Priority": "Normal",
        **columns,
    }


def test_filters_that_a_server_ignores_are_applied_here(connect: Connect) -> None:
    day = date(2026, 11, 20)
    rows = [
        appointment(1),
        appointment(2, "2026-11-21 00:00:00"),
        appointment(3, "0001-01-01 00:00:00"),
        appointment(5, "no time at all"),
        appointment(6, "2026-11-20 23:59:59"),
    ]
    office = connect(lambda _: httpx.Response(200, json=rows))

    listing = office.appointments(date_start=day, date_end=day)

    assert [row.number for row in listing.rows] == [1, 5, 6]
    assert listing.problems == ("appointments 5: could not read AptDateTime",)


def test_asks_for_appointments_as_open_dental_writes_things(connect: Connect) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return httpx.Response(200, json=[])

    connect(handler).appointments(date_t_stamp=datetime(2026, 11, 20, 9, 5))

    assert asked == ["DateTStamp=2026-11-20%2009%3A05%3A00&Limit=100&Offset=0"]


def test_only_asap_rows_of_the_asap_list_are_believed(connect: Connect) -> None:
    rows = [appointment(1, Priority="ASAP"), appointment(2)]
    office = connect(lambda _: httpx.Response(200, json=rows))

    assert [row.number for row in office.asap_appointments(None).rows] == [1]


def schedule_server(
    per_day: int, cap: int, asked: list[tuple[str, str, int]]
) -> Callable[[httpx.Request], httpx.Response]:
    """Sorted by time of day across days, ties in another order each time, as Open Dental may do."""

    def handler(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        start, end = date.fromisoformat(query["dateStart"]), date.fromisoformat(query["dateEnd"])
        asked.append((query["dateStart"], query["dateEnd"], int(query["Offset"])))
        days = [start + timedelta(days=count) for count in range((end - start).days + 1)]
        if len(asked) % 2:
            days.reverse()
        rows = [
            {
                "ScheduleNum": str(day.toordinal() * 1000 + hour),
                "SchedDate": day.isoformat(),
                "StartTime": f"{hour // 60:02}:{hour % 60:02}:00",
                "StopTime": "23:00:00",
                "SchedType": "Provider",
                "operatories": "1",
            }
            for hour in range(per_day)
            for day in days
        ]
        offset = int(query["Offset"])
        return httpx.Response(200, json=rows[offset : offset + min(cap, int(query["Limit"]))])

    return handler


@pytest.mark.parametrize(
    ("url", "per_day", "cap"), [(REMOTE, 20, 100), (REMOTE, 240, 100), (SERVICE, 20, 1000), (SERVICE, 20, 100)]
)
def test_schedules_are_whole_although_their_pages_are_not_stable(
    connect: Connect, url: str, per_day: int, cap: int
) -> None:
    asked: list[tuple[str, str, int]] = []
    office = connect(schedule_server(per_day, cap, asked), url)

    listing = office.schedules(date_start=date(2026, 11, 20), date_end=date(2026, 11, 29))

    assert len({row.number for row in listing.rows}) == len(listing.rows) == 10 * per_day
    assert listing.pages <= len(asked) == office.request_total


def test_schedules_that_fit_on_a_page_take_one_request(connect: Connect) -> None:
    asked: list[tuple[str, str, int]] = []
    office = connect(schedule_server(9, 100, asked))

    assert len(office.schedules(date_start=date(2026, 11, 20), date_end=date(2026, 11, 30)).rows) == 99
    assert len(asked) == 1


def test_schedules_whose_order_holds_are_paged_like_any_list(connect: Connect) -> None:
    """Pages that join without a gap, and show no row twice, hold as many rows as there are places."""
    asked: list[tuple[str, str, int]] = []

    def steady(request: httpx.Request) -> httpx.Response:
        asked.append(("", "", 0))
        return schedule_server(24, 100, [])(request)

    listing = connect(steady).schedules(date_start=date(2026, 11, 20), date_end=date(2026, 11, 29))

    assert len(listing.rows) == 240
    assert len(asked) == 3


@pytest.mark.parametrize("gone", [0, 50, 99, 120])
def test_a_schedule_row_that_goes_between_two_pages_hides_no_other(connect: Connect, gone: int) -> None:
    rows = [
        {
            "ScheduleNum": str(number),
            "SchedDate": f"2026-11-{20 + number % 2}",
            "StartTime": "08:00:00",
            "StopTime": "09:00:00",
            "SchedType": "Provider",
            "operatories": "1",
        }
        for number in range(1, 151)
    ]
    left = list(rows)

    def handler(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked = [row for row in left if query["dateStart"] <= row["SchedDate"] <= query["dateEnd"]]
        page = asked[int(query["Offset"]) :][:100]
        if len(left) == len(rows):
            del left[gone]
        return httpx.Response(200, json=page)

    listing = connect(handler).schedules(date_start=date(2026, 11, 20), date_end=date(2026, 11, 21))

    assert {str(row.number) for row in listing.rows} >= {row["ScheduleNum"] for row in left}


def test_a_page_of_the_recall_table_tells_whether_it_is_the_last(connect: Connect) -> None:
    asked: list[tuple[int, int]] = []
    office = connect(paged(recalls(range(1, 151)), 100, asked))

    first, second = office.recall_page(0), office.recall_page(99)

    assert [first.last, second.last] == [False, True]
    assert second.rows[0].number == 100
    assert asked == [(100, 0), (100, 99)]
