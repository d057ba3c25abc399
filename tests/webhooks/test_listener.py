"""The listener: what it takes, what it refuses and how, and that hostile senders cost nothing but their own time."""

from __future__ import annotations

import http.client
import logging
import threading
import time
from contextlib import suppress
from datetime import datetime

import pytest

from asapfill.clock import SteppedClock
from asapfill.settings.settings import EventSettings
from asapfill.webhooks import listener as module
from asapfill.webhooks.deliveries import BURST, LOG_AGAIN, NOBODY, Hint
from asapfill.webhooks.listener import CannotListen
from tests.daemon.serving import PACIFIC
from tests.webhooks.senders import KEY, is_closed, listening, until

HEAD = f"POST /main-street/ HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n".encode()


def test_a_delivery_with_the_right_key_is_taken_and_handed_on() -> None:
    with listening() as hooks:
        assert hooks.post() == 200
        assert hooks.received == [("main-street", Hint(appointments=frozenset({18}), rows=1))]
        assert hooks.post(path="/west/", key="another-key") == 200
        assert [office for office, _ in hooks.received] == ["main-street", "west"]


def test_what_stands_behind_the_office_in_the_path_does_not_matter() -> None:
    with listening() as hooks:
        for path in ("/main-street", "/main-street/", "/main-street/appointmentevent", "/main-street?x=1"):
            assert hooks.post(path=path) == 200, path


def test_a_proxy_may_keep_or_take_away_the_path_in_front() -> None:
    with listening(EventSettings("127.0.0.1", 0, "http://127.0.0.1/hooks/asapfill")) as hooks:
        assert hooks.post(path="/hooks/asapfill/main-street/") == 200
        assert hooks.post(path="/main-street/") == 200


def test_a_wrong_key_is_refused() -> None:
    wrong = (None, "", "wrong", KEY + "x", KEY[:-1], f"Bearer {KEY}", "another-key", "é" * 9)
    with listening() as hooks:
        for key in wrong:
            assert hooks.post(key=key) == 401, key
        assert (hooks.received, hooks.refused()) == ([], {"wrong_key": len(wrong)})


def test_another_path_is_nobodys() -> None:
    paths = ("/", "/east/", "/main-street0/", "/../main-street/x", "//main-street/", "*", "/-/", "/main%00street/")
    with listening() as hooks:
        for path in paths:
            assert hooks.post(path=path) == 404, path
        assert (hooks.received, hooks.refused(), hooks.refused(NOBODY)) == ([], {}, {"no_office": len(paths)})


def test_another_method_is_refused() -> None:
    methods = ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "X")
    with listening() as hooks:
        for method in methods:
            assert hooks.post(method=method) == 405, method
        assert (hooks.received, hooks.refused()) == ([], {"method": len(methods)})


def test_garbage_is_refused_and_the_next_delivery_taken() -> None:
    with listening() as hooks:
        assert hooks.post("<html>") == 400
        assert hooks.post(b"[" * 300_000) == 400
        assert hooks.refused() == {"garbage": 2}
        assert hooks.post() == 200


@pytest.mark.parametrize(
    "flood", [b"{}", b'{"AptNum":1}', b"[]", b"0", b'""'], ids=["objects", "rows", "lists", "noughts", "texts"]
)
def test_a_flood_in_one_body_is_refused_before_it_is_made_into_anything(flood: bytes) -> None:
    body = b"[" + b",".join([flood] * (8_000_000 // (len(flood) + 1))) + b"]"
    with listening() as hooks:
        began = time.process_time()
        assert hooks.post(body) == 413
        assert time.process_time() - began < 2
        assert (hooks.received, hooks.refused()) == ([], {"too_large": 1})
        assert hooks.post() == 200


def test_while_a_delivery_is_read_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(_: bytes) -> Hint:
        reading.set()
        assert go_on.wait(10)
        return Hint(rows=7)

    monkeypatch.setattr(module, "read_delivery", slow)
    with listening() as hooks:
        answers: list[int] = []
        senders = [
            threading.Thread(target=lambda: answers.append(hooks.post())) for _ in range(module.MOST_OF_AN_OFFICE)
        ]
        for sender in senders:
            sender.start()
        assert reading.wait(10)
        assert hooks.post(key="wrong") == 401
        until(lambda: hooks.listener._receiver.under_way.total() == len(senders), "all have come")
        assert hooks.post() == 429
        go_on.set()
        for sender in senders:
            sender.join(10)
        assert answers == [200] * len(senders)
        assert hooks.refused() == {"wrong_key": 1, "too_many": 1}
        assert hooks.post() == 200


@pytest.mark.parametrize("odd", [b"\x1b", b"\xff", b"\\ud83d"])
def test_one_odd_byte_in_a_delivery_is_no_reason_to_lose_it(odd: bytes) -> None:
    with listening() as hooks:
        assert hooks.post(b'[{"AptNum": 18, "Note": "' + odd + b'"}]') == 200
        assert hooks.received == [("main-street", Hint(appointments=frozenset({18}), rows=1))]


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    with listening() as hooks, hooks.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: 104857600\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
        assert is_closed(connection)
        assert hooks.refused() == {"too_large": 1}


def test_a_hundred_megabytes_without_a_length_are_cut_off() -> None:
    with listening() as hooks, hooks.raw() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with suppress(ConnectionError):
            while sent < 100 * 1024 * 1024:
                connection.sendall(piece)
                sent += 0x10000
        assert module.LARGEST <= sent < module.LARGEST + 16 * 1024 * 1024
        assert hooks.refused() == {"too_large": 1}
        assert hooks.post() == 200


def test_a_body_in_chunks_is_taken() -> None:
    with listening() as hooks:
        connection = http.client.HTTPConnection("127.0.0.1", hooks.listener.port, timeout=5)
        connection.request("POST", "/main-street/", iter([b"[", b"]"]), {"Authorization": KEY}, encode_chunked=True)
        assert connection.getresponse().status == 200
        connection.close()


def test_a_thousand_wrong_keys_are_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listening() as hooks:
        for _ in range(1000):
            assert hooks.post(key="wrong-secret") == 401
        assert hooks.refused() == {"wrong_key": 1000}
        # They do not use up what the office itself may send.
        assert hooks.post() == 200
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert lines == ["events.refused office=main-street reason=wrong_key times=1"]
    assert "wrong-secret" not in caplog.text
    assert KEY not in caplog.text
    assert "Lastnamemark" not in caplog.text


def test_refusals_are_told_again_after_ten_minutes_with_how_many(caplog: pytest.LogCaptureFixture) -> None:
    clock = SteppedClock(datetime(2026, 4, 14, 9, tzinfo=PACIFIC))
    with listening(clock=clock) as hooks:
        for _ in range(5):
            hooks.post("x")
        clock.sleep(LOG_AGAIN)
        hooks.post("x")
    assert [record.getMessage() for record in caplog.records] == [
        "events.refused office=main-street reason=garbage times=1",
        "events.refused office=main-street reason=garbage times=5",
    ]


def test_a_flood_with_the_right_key_is_slowed_down_for_that_office_only() -> None:
    clock = SteppedClock(datetime(2026, 4, 14, 9, tzinfo=PACIFIC))
    with listening(clock=clock) as hooks:
        answers = [hooks.post("[]") for _ in range(BURST + 3)]
        assert answers == [200] * BURST + [429] * 3
        assert hooks.post(path="/west/", key="another-key") == 200
        clock.sleep(1)
        assert [hooks.post("[]") for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "dripped",
    [
        b"POST /main-street/ HTTP/1.1\r\nHost: x\r\nX-Header: ",
        HEAD + b"Content-Length: 90000\r\n\r\n",
        b"",
    ],
)
def test_a_slow_drip_is_cut_off_while_others_are_served(dripped: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIFE", 0.3)
    with listening() as hooks, hooks.raw() as connection:
        connection.sendall(dripped)
        began = time.monotonic()
        assert hooks.post() == 200
        dripping = threading.Event()

        def drip() -> None:
            try:
                while not dripping.wait(0.02):
                    connection.sendall(b"a")
            except OSError:
                return

        thread = threading.Thread(target=drip)
        thread.start()
        assert is_closed(connection)
        dripping.set()
        thread.join()
        assert time.monotonic() - began < 5
        until(lambda: hooks.post() == 200, "the next delivery")


def test_a_sender_that_goes_away_in_the_middle_is_counted() -> None:
    with listening() as hooks:
        with hooks.raw() as connection:
            connection.sendall(HEAD + b"Content-Length: 90\r\n\r\n[")
        until(lambda: hooks.refused() == {"broken_off": 1}, "the count")
        assert hooks.received == []


def test_what_is_not_http_is_answered_400_without_a_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with listening() as hooks:
        for bytes_ in (
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
            b"GET\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: " + b"a" * 40_000,
        ):
            with hooks.raw() as connection:
                connection.sendall(bytes_)
                assert connection.recv(100).startswith(b"HTTP/1.1 400")
        assert hooks.refused(NOBODY) == {"garbage": 3}
        assert [record.getMessage() for record in caplog.records] == [
            "events.refused office=- reason=garbage times=1",
        ]


def test_garbage_behind_a_good_start_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    with listening() as hooks, hooks.raw() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\nnot-a-length\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
        assert is_closed(connection)
    with listening() as hooks, hooks.raw() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 404")
        connection.sendall(b"not-a-length\r\n")
        assert is_closed(connection)
        assert hooks.post() == 200
    assert "Traceback" not in caplog.text


def test_more_connections_than_it_takes_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 5)
    with listening() as hooks:
        idle = [hooks.raw() for _ in range(40)]
        for late in idle[5:]:
            assert is_closed(late)
            late.close()
        idle.pop(0).close()
        until(lambda: accepted(hooks.post), "a delivery, once somebody left")
        for connection in idle[:4]:
            connection.close()


def accepted(post: object) -> bool:
    assert callable(post)
    try:
        return bool(post() == 200)
    except ConnectionError:
        return False


def test_a_mistake_of_ours_is_a_500_and_one_line_without_content(caplog: pytest.LogCaptureFixture) -> None:
    def deliver(_office: str, _hint: Hint) -> None:
        raise RuntimeError("Lastnamemark")

    with listening(deliver=deliver) as hooks:
        assert hooks.post() == 500
    assert [record.getMessage() for record in caplog.records] == ["events.bug error=RuntimeError"]
    assert "Lastnamemark" not in caplog.text


def test_a_port_that_is_taken_is_told_and_can_be_tried_again() -> None:
    with listening() as hooks:
        other = module.Listener(EventSettings("127.0.0.1", hooks.listener.port, ""), {}, hooks.tally, lambda *_: None)
        with pytest.raises(
            CannotListen, match=rf"127\.0\.0\.1:{hooks.listener.port}: Address already in use.*`listen`"
        ):
            other.start()
        states = [other.alive]
    other.start()
    states.append(other.alive)
    other.stop()
    other.wait()
    assert [*states, other.alive] == [False, True, False]


def test_it_stops_within_limits_with_connections_open() -> None:
    with listening() as hooks, hooks.raw() as idle, hooks.raw() as reading:
        reading.sendall(HEAD + b"Content-Length: 90\r\n\r\n[")
        assert hooks.post() == 200
        began = time.monotonic()
        hooks.listener.stop()
        hooks.listener.wait()
        assert not hooks.listener.alive
        assert time.monotonic() - began < 2.5
        assert is_closed(idle)
        assert is_closed(reading)
