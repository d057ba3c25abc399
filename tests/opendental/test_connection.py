"""Reads go wherever an office answers, again if need be; writes go out once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from asapfill.clock import SteppedClock
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import (
    NotFound,
    NotOpenDental,
    NotSent,
    OpenDentalError,
    Refused,
    Throttled,
    TooOld,
    Unknown,
    Unreachable,
    WrongKey,
)

Connect = Callable[..., OpenDental]

SERVICE = "http://10.0.0.5:30223/api/v1"
REMOTE = "https://api.opendental.com/api/v1/"
START = datetime(2026, 11, 20, 10)


class Line:
    """Answers by host: a response, an exception to raise, or a list of them to take one by one."""

    def __init__(self, **by_host: Any) -> None:
        self.by_host = {"service": "10.0.0.5", "remote": "api.opendental.com"}
        self.plans = {self.by_host[name]: plan for name, plan in by_host.items()}
        self.seen: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append("service" if request.url.host == "10.0.0.5" else "remote")
        plan = self.plans[request.url.host]
        step = plan.pop(0) if isinstance(plan, list) else plan
        if isinstance(step, type):
            raise step("made up", request=request)
        status, body = step
        return (
            httpx.Response(status, json=body) if not isinstance(body, bytes) else httpx.Response(status, content=body)
        )


def offer(office: OpenDental) -> Any:
    return office.create_asapcomm(op=2, apt_num=7, date_time_start=START)


NOT_SENT = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout]
IN_DOUBT = [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError]
PATIENT = (200, {"PatNum": 48, "PatStatus": "Patient", "TxtMsgOk": "Yes"})
MADE = (201, {"AsapCommNum": 2374})


@pytest.mark.parametrize(
    "failure", [*NOT_SENT, *IN_DOUBT, (503, b""), (504, b""), (200, b"<html>Welcome to nginx</html>")]
)
def test_a_read_goes_to_the_next_address_when_one_does_not_answer(connect: Connect, failure: Any) -> None:
    line = Line(service=failure, remote=PATIENT)

    assert connect(line, SERVICE, REMOTE).patient(48).pat_num == 48
    assert line.seen == ["service", "remote"]


def test_a_no_is_an_answer_and_is_not_asked_for_elsewhere(connect: Connect) -> None:
    line = Line(service=(404, "Patient not found"), remote=PATIENT)

    with pytest.raises(NotFound):
        connect(line, SERVICE, REMOTE).patient(48)
    assert line.seen == ["service"]


def test_the_address_that_worked_is_kept_and_the_first_tried_again_later(connect: Connect, clock: SteppedClock) -> None:
    line = Line(service=httpx.ConnectError, remote=PATIENT)
    office = connect(line, SERVICE, REMOTE)
    office.patient(48)
    line.plans["10.0.0.5"] = PATIENT

    line.seen.clear()
    office.patient(48)
    assert line.seen == ["remote"]

    clock.sleep(301)
    line.seen.clear()
    office.patient(48)
    office.patient(48)
    assert line.seen == ["service", "service"]


def test_when_the_kept_address_fails_the_others_are_tried(connect: Connect) -> None:
    line = Line(service=[httpx.ConnectError, PATIENT], remote=[PATIENT, httpx.ReadTimeout])
    office = connect(line, SERVICE, REMOTE)
    office.patient(48)

    assert office.patient(48).pat_num == 48
    assert line.seen == ["service", "remote", "remote", "service"]


@pytest.mark.parametrize("failure", [*NOT_SENT, *IN_DOUBT, (500, b""), (504, b""), (429, b"Too many requests")])
def test_a_read_is_tried_again(connect: Connect, failure: Any) -> None:
    line = Line(remote=[failure, failure, failure, PATIENT])

    assert connect(line).patient(48).pat_num == 48
    assert len(line.seen) == 4


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.ReadTimeout, Unknown),
        ((504, b""), Unknown),
        ((429, b""), Throttled),
        ((200, b"<html/>"), NotOpenDental),
    ],
)
def test_a_read_is_given_up_after_a_few_attempts(connect: Connect, failure: Any, kind: type[OpenDentalError]) -> None:
    line = Line(remote=failure)

    with pytest.raises(kind) as caught:
        connect(line).patient(48)
    assert type(caught.value) is kind
    assert len(line.seen) == 4


@pytest.mark.parametrize(
    ("answer", "kind"), [((400, "no"), Refused), ((401, ""), WrongKey), ((404, "x is not a valid resource."), TooOld)]
)
def test_a_clear_no_is_not_asked_again(connect: Connect, answer: Any, kind: type[OpenDentalError]) -> None:
    line = Line(remote=answer)

    with pytest.raises(kind):
        connect(line).patient(48)
    assert len(line.seen) == 1


def test_every_attempt_passes_the_gate(connect: Connect, clock: SteppedClock) -> None:
    moments: list[float] = []

    def handler(request: httpx.Request) -> httpx.Response:
        moments.append(clock.monotonic())
        raise httpx.ReadError("made up", request=request)

    with pytest.raises(Unknown):
        connect(handler, seconds_between_requests=20.0).patient(48)

    assert [later - sooner for sooner, later in pairwise(moments)] == [20.0, 20.0, 20.0]


def test_a_retry_after_is_waited_out(connect: Connect, clock: SteppedClock) -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "30"}), httpx.Response(200, json=PATIENT[1])]

    connect(lambda _: answers.pop(0)).patient(48)

    assert clock.monotonic() == 30


def test_a_retry_after_that_is_no_number_is_waited_for_as_long_as_open_dental_ever_asks(
    connect: Connect, clock: SteppedClock
) -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "soon"}), httpx.Response(200, json=PATIENT[1])]

    connect(lambda _: answers.pop(0)).patient(48)

    assert clock.monotonic() == 5


@pytest.mark.parametrize("url", [REMOTE, SERVICE])
def test_only_the_remote_api_is_paced(connect: Connect, clock: SteppedClock, url: str) -> None:
    office = connect(Line(service=PATIENT, remote=PATIENT), url)
    for _ in range(3):
        office.patient(48)

    assert clock.monotonic() == (2.0 if url == REMOTE else 0.0)


@pytest.mark.parametrize("failure", NOT_SENT)
def test_a_write_goes_to_the_next_address_when_the_first_surely_got_nothing(connect: Connect, failure: Any) -> None:
    line = Line(service=failure, remote=MADE)

    assert offer(connect(line, SERVICE, REMOTE)).asap_comm_num == 2374
    assert line.seen == ["service", "remote"]


@pytest.mark.parametrize(
    "failure", [*IN_DOUBT, (500, b""), (503, b""), (504, b""), (302, b""), (200, b"<html/>"), (201, b"")]
)
def test_a_write_that_may_have_arrived_is_unknown_and_goes_nowhere_else(connect: Connect, failure: Any) -> None:
    line = Line(service=failure, remote=MADE)

    with pytest.raises(Unknown):
        offer(connect(line, SERVICE, REMOTE))
    assert line.seen == ["service"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [((400, "no"), Refused), ((401, ""), WrongKey), ((404, "gone"), NotFound), ((429, b""), Throttled)],
)
def test_a_write_that_is_refused_goes_nowhere_else(connect: Connect, answer: Any, kind: type[OpenDentalError]) -> None:
    line = Line(service=answer, remote=MADE)

    with pytest.raises(kind):
        offer(connect(line, SERVICE, REMOTE))
    assert line.seen == ["service"]


def test_a_write_that_reaches_no_address_is_not_sent(connect: Connect) -> None:
    line = Line(service=httpx.ConnectError, remote=httpx.ConnectTimeout)

    with pytest.raises(NotSent):
        offer(connect(line, SERVICE, REMOTE))
    assert line.seen == ["service", "remote"]


@pytest.mark.parametrize("body", [{}, {"AsapCommNum": 0}, {"AsapCommNum": "x"}, [], [1], "made", 7])
def test_an_offer_without_a_legible_number_is_unknown(connect: Connect, body: Any) -> None:
    with pytest.raises(Unknown):
        offer(connect(lambda _: httpx.Response(201, json=body)))


def test_an_offer_that_open_dental_does_not_send_is_an_answer(connect: Connect) -> None:
    row = {"AsapCommNum": 3, "SmsSendStatus": "DoNotSend", "Note": "Not sending text because …"}

    assert offer(connect(lambda _: httpx.Response(201, json=row))).sms_send_status == "DoNotSend"


@pytest.mark.parametrize("numbers", [{}, {"apt_num": 1, "recall_num": 2}])
def test_an_offer_is_for_exactly_one_thing(connect: Connect, numbers: dict[str, int]) -> None:
    office = connect(Line(remote=MADE))

    with pytest.raises(ValueError, match="appointment or for a recall"):
        office.create_asapcomm(op=1, date_time_start=START, **numbers)
    assert office.request_total == 0


def test_redirects_are_not_followed_and_the_key_stays_here(connect: Connect) -> None:
    hosts: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(NotOpenDental):
        offer(connect(handler))
    assert hosts == ["api.opendental.com"]


def test_every_request_carries_the_keys_and_says_json(connect: Connect) -> None:
    seen: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json=PATIENT[1])

    connect(handler).patient(48)

    assert seen[0]["Authorization"] == "ODFHIR developer-1234/customer-5678"
    assert seen[0]["Content-Type"] == "application/json"


def test_an_answer_that_never_ends_in_size_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asapfill.opendental.exchange.LARGEST_ANSWER", 1000)
    with pytest.raises(NotOpenDental, match="larger than any"):
        connect(lambda _: httpx.Response(200, content=b" " * 1001)).patient(48)


def test_a_commlog_before_23_3_7_is_made_without_telling_its_number(connect: Connect) -> None:
    office = connect(lambda _: httpx.Response(201))

    assert office.create_commlog(pat_num=1, note="x", comm_date_time=START) is None


def test_a_subscription_without_a_number_is_unknown(connect: Connect) -> None:
    with pytest.raises(Unknown, match="List the subscriptions"):
        connect(lambda _: httpx.Response(201)).create_subscription(
            end_point_url="https://x/", watch_table="Appointment"
        )


def test_subscriptions_are_changed_and_ended(connect: Connect) -> None:
    seen: list[tuple[str, str, bytes]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path, request.content))
        return httpx.Response(200)

    office = connect(handler)
    office.update_subscription(14, polling_seconds=30)
    office.delete_subscription(14)

    assert seen == [
        ("PUT", "/api/v1/subscriptions/14", b'{"PollingSeconds": 30}'),
        ("DELETE", "/api/v1/subscriptions/14", b""),
    ]


def test_asapcomms_are_always_asked_for_with_both_dates(connect: Connect) -> None:
    """Open Dental's default for dateEnd hides the rows of today."""
    seen: list[httpx.QueryParams] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.params)
        return httpx.Response(200, json=[])

    connect(handler).asapcomms(date_start=date(2026, 11, 13), date_end=date(2026, 11, 22))

    assert (seen[0]["dateStart"], seen[0]["dateEnd"]) == ("2026-11-13", "2026-11-22")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"PrefNum": 1, "PrefName": "ProgramVersion", "ValueString": "25.2.9.0"}], (25, 2, 9, 0)),
        ([{"PrefNum": 1, "PrefName": "Other", "ValueString": "25.2.9.0"}], None),
        ([], None),
    ],
)
def test_asks_for_the_version(connect: Connect, rows: Any, expected: Any) -> None:
    assert connect(lambda _: httpx.Response(200, json=rows)).program_version() == expected


@pytest.mark.parametrize("body", [{"PatNum": 49}, {"error": "x"}, [], [{"PatNum": 48}], "Patient", None])
def test_another_row_than_the_one_asked_for_is_not_believed(connect: Connect, body: Any) -> None:
    with pytest.raises(NotOpenDental, match="this row was expected"):
        connect(lambda _: httpx.Response(200, json=body)).patient(48)


def test_counts_requests_by_purpose(connect: Connect) -> None:
    office = connect(Line(remote=[httpx.ReadError, PATIENT, PATIENT, PATIENT]))
    with office.purpose("sync"):
        office.patient(48)
        with office.purpose("check"):
            office.patient(48)
    office.patient(48)

    assert office.requests == {"sync": 2, "check": 1, "other": 1}
    assert office.request_total == 4


def test_once_stopped_nothing_leaves(connect: Connect) -> None:
    stop = threading.Event()
    line = Line(remote=MADE)
    office = connect(line, stop=stop)
    stop.set()

    with pytest.raises(NotSent, match="stopping"):
        offer(office)
    assert line.seen == []


@pytest.mark.parametrize("key", ["", "qx zy", "qxzy\n", "qxzyü", "qxzy\t"])
def test_a_key_that_no_header_can_carry_is_a_wrong_key_and_is_not_shown(clock: SteppedClock, key: str) -> None:
    with pytest.raises(WrongKey) as caught:
        OpenDental("main-street", [REMOTE], "developer", key, clock=clock)
    assert "qx" not in str(caught.value)


@pytest.mark.parametrize("urls", [[], ["http://[::1"], ["http://10.0.0.5:port/api/v1"]])
def test_urls_that_cannot_be_used_are_named(clock: SteppedClock, urls: list[str]) -> None:
    with pytest.raises(ValueError, match="office main-street"):
        OpenDental("main-street", urls, "developer", "customer", clock=clock)


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError, httpx.ReadError, (401, "customer-5678 and developer-1234"), (500, b"x"), (200, b"<p>")],
)
def test_keys_appear_in_no_text_of_ours(connect: Connect, caplog: pytest.LogCaptureFixture, failure: Any) -> None:
    caplog.set_level(logging.DEBUG)
    office = connect(Line(service=failure, remote=failure), SERVICE, REMOTE)
    with pytest.raises(OpenDentalError) as caught:
        office.commlogs(15)
    with pytest.raises(OpenDentalError):
        offer(office)

    texts = [caplog.text, repr(office), str(caught.value), repr(caught.value), caught.value.text]
    assert caplog.text
    assert not [text for text in texts if "customer-5678" in text or "developer-1234" in text]
    assert "PatNum=15" not in "".join(texts)
