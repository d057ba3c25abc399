"""What an answer or an address may do to us: nothing that is kept, nothing without bounds, nothing in the clear."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from asapfill.clock import SystemClock
from asapfill.core.addresses import is_near
from asapfill.opendental.answers import Answer, Call, value
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import NotOpenDental, Unreachable
from asapfill.opendental.exchange import LARGEST_ANSWER, PROBE, Network, _reason
from tests.webhooks.test_tls import CERTIFICATE, CERTIFICATE_KEY

Connect = Callable[..., OpenDental]
READ = Call("main-street", "GET", "/operatories", "10.0.0.5")
PATIENT = {"PatNum": 48, "PatStatus": "Patient", "TxtMsgOk": "Yes"}
MEBIBYTE = 2**20


def answered(content: bytes, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    stream = httpx.ByteStream(content)
    return lambda _: httpx.Response(200, headers=headers, stream=stream)


# Texts that no JSON may hold, and texts that no terminal should get


@pytest.mark.parametrize(
    "note", [b"\x1b[31m", b"\x00", b"caf\xe9", b"\xff\xfe", b"\\ud83d", b"\r\n\t", b"\xed\xa0\xbd"]
)
def test_one_odd_byte_in_a_text_costs_nothing_but_that_text(connect: Connect, note: bytes) -> None:
    body = b'[{"OperatoryNum": 3, "OpName": "Hyg' + note + b' 1", "ItemOrder": 0}, {"OperatoryNum": 4, "OpName": "B"}]'
    rows = connect(answered(body)).operatories().rows
    assert [row.operatory_num for row in rows] == [3, 4]
    assert rows[0].unreadable == rows[1].unreadable
    assert rows[0].op_name.isprintable()
    assert rows[0].op_name.startswith("Hyg")
    rows[0].op_name.encode()


def test_a_mark_at_the_beginning_of_an_answer_is_no_trouble(connect: Connect) -> None:
    assert connect(answered(b"\xef\xbb\xbf" + json.dumps(PATIENT).encode())).patient(48).pat_num == 48


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Op\x1b[2J 1", "Op [2J 1"),
        ("\x07Hyg\x9b1", " Hyg 1"),
        ("A\u202eB\u2066C\u200f", "ABC"),
        ("A\u2028B\nC", "A B C"),
        ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\U0001f600"),
        ("\ud83d!", "\ufffd!"),
        ("Zoë Müller 日本", "Zoë Müller 日本"),
    ],
)
def test_names_from_the_office_are_one_line_of_visible_signs(connect: Connect, given: str, shown: str) -> None:
    body = json.dumps([{"OperatoryNum": 3, "OpName": given}]).encode()
    assert connect(answered(body)).operatories().rows[0].op_name == shown


# Bounds


def packed_twice() -> bytes:
    return gzip.compress(gzip.compress(b" " * 200 * MEBIBYTE))


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a bomb": (lambda: gzip.compress(b" " * 200 * MEBIBYTE), "gzip"),
    "packed twice": (packed_twice, "gzip, gzip"),
    "a bomb of another kind": (lambda: zlib.compress(b"[" * 200 * MEBIBYTE), "deflate"),
    "no such packing": (lambda: b"[]", "br"),
    "not packed at all": (lambda: b"[]", "gzip"),
    "cut off": (lambda: gzip.compress(b"[]")[:-4], "gzip"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_packed_though_not_asked_for_has_bounds(connect: Connect, bomb: str) -> None:
    make, packing = BOMBS[bomb]
    content = make()
    tracemalloc.start()
    try:
        with pytest.raises(NotOpenDental, match="packed in a way"):
            connect(answered(content, **{"Content-Encoding": packing})).operatories()
        assert tracemalloc.get_traced_memory()[1] < 40 * MEBIBYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packing", ["gzip", "X-GZIP", "deflate"])
def test_a_proxy_that_packs_all_the_same_is_understood(connect: Connect, packing: str) -> None:
    text = json.dumps(PATIENT).encode()
    content = zlib.compress(text) if packing == "deflate" else gzip.compress(text)
    assert connect(answered(content, **{"Content-Encoding": packing})).patient(48).pat_num == 48


def test_nothing_packed_is_asked_for(connect: Connect) -> None:
    asked: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers)
        return httpx.Response(200, json=PATIENT)

    connect(handler).patient(48)
    assert asked[0]["Accept-Encoding"] == "identity"


def filled(piece: bytes, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """As many pieces as an answer may have bytes for."""
    return opening + b",".join([piece] * ((LARGEST_ANSWER - 100) // (len(piece) + 1))) + closing


FLOODS = {
    "empty objects": filled(b"{}"),
    "empty lists": filled(b"[]"),
    "noughts": filled(b"0"),
    "lists in lists": b"[" * (LARGEST_ANSWER - 10),
    "columns": b"[{" + b",".join(b'"%x":0' % number for number in range(700_000)) + b"}]",
    "short texts": filled(b'""'),
    "quotes": b'["' + b'\\"' * (LARGEST_ANSWER // 2 - 10) + b'"]',
    "one number": b"[" + b"9" * (LARGEST_ANSWER - 10) + b"]",
    "one emoji and blanks": b'["' + "\U0001f600".encode() + b" " * (LARGEST_ANSWER - 20) + b'"]',
    "rows that are no rows": filled(b'{"OperatoryNum":"x"}')[:3_000_000].rpartition(b",")[0] + b"]",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_no_answer_takes_more_than_64_megabytes_or_two_seconds(connect: Connect, flood: str) -> None:
    office, content = connect(answered(FLOODS[flood])), FLOODS[flood]
    office.begin(PROBE)  # asks once
    began = time.process_time()
    with pytest.raises(NotOpenDental):
        office.operatories()
    assert time.process_time() - began < 2
    tracemalloc.start()
    try:
        with suppress(NotOpenDental):
            value(Answer(200, content, "application/json"), READ)
        assert tracemalloc.get_traced_memory()[1] < 64 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_notes_full_of_signs_that_look_like_structure_are_read(connect: Connect) -> None:
    rows = [{"OperatoryNum": number, "OpName": "x", "Note": "{\\rtf1 [a], {b}," * 500} for number in range(100)]
    assert len(connect(answered(json.dumps(rows).encode())).operatories().rows) == 100


# What an answer may plant


def test_cookies_of_an_answer_are_not_sent_back(connect: Connect) -> None:
    asked: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers)
        cookies = [("Set-Cookie", f"c{number}={'x' * 4000}; Path=/") for number in range(15)]
        return httpx.Response(200, json=PATIENT, headers=cookies)

    office = connect(handler)
    office.patient(48)
    office.patient(48)
    assert not any("Cookie" in headers for headers in asked)


# Where a request goes


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.0.7", True),
        ("169.254.3.4", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::7", True),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
        ("::ffff:10.0.0.1", True),
        ("2001:4860:4860::8888", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  no address to bind to
    ],
)
def test_near_is_what_this_machine_and_a_local_network_have(address: str, near: bool) -> None:  # noqa: FBT001
    assert is_near(address) is near


def test_unencrypted_requests_go_to_near_addresses_only_whatever_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is taken for a local one, and leads somewhere else when it is asked for."""
    with listening(lambda connection: connection.recv(10)) as port:
        monkeypatch.setattr("asapfill.opendental.exchange.is_near", lambda address: address != "127.0.0.1")
        with office(f"http://localhost:{port}/api/v1") as client, pytest.raises(Unreachable, match="beyond the local"):
            client.patient(48)


def test_addresses_in_disguise_are_judged_by_what_they_mean() -> None:
    with office("http://134744072/api/v1") as client, pytest.raises(Unreachable):
        client.patient(48)


# Certificates, proxies, and why there is no connection


@contextmanager
def listening(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port on loopback; ``serve`` gets each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with suppress(OSError), connection:
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def office(*urls: str, **network: Any) -> OpenDental:
    way = Network(deadline=5, **network)
    client = OpenDental("main-street", urls, "developer", "customer", clock=SystemClock(), network=way)
    client.begin(PROBE)
    return client


def over_tls(connection: socket.socket) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE_KEY)
    with context.wrap_socket(connection, server_side=True) as wrapped:
        wrapped.recv(65536)
        body = json.dumps(PATIENT).encode()
        wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))


def test_an_office_with_an_authority_of_its_own() -> None:
    with listening(over_tls) as port:
        url = f"https://localhost:{port}/api/v1"
        with office(url, ca=str(CERTIFICATE)) as client:
            assert client.patient(48).pat_num == 48
        with office(url) as client, pytest.raises(Unreachable, match=r"not from an authority that is known.*`ca`"):
            client.patient(48)
        with office(url, ca="system") as client, pytest.raises(Unreachable, match="not from an authority"):
            client.patient(48)
        with office(url, ca="/nowhere.pem") as client, pytest.raises(Unreachable, match="not from an authority"):
            client.patient(48)


def test_a_certificate_for_another_name_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.2", 0)) as probe:
        port = probe.getsockname()[1]
    with (
        pytest.raises(Unreachable, match="refused: nobody listens"),
        office(f"https://127.0.0.2:{port}/api/v1") as client,
    ):
        client.patient(48)
    with (
        listening(over_tls) as port,
        office(f"https://127.1:{port}/api/v1", ca=str(CERTIFICATE)) as client,
        pytest.raises(Unreachable, match=r"for another name.*with the name that the certificate has"),
    ):
        client.patient(48)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (9, "not valid yet"),
        (10, "has expired"),
        (62, "another name"),
        (64, "another name"),
        (18, "authority"),
        (20, "ca"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told_apart(code: int, told: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "as OpenSSL says it"
    outer = httpx.ConnectError("x")
    outer.__cause__ = error
    assert told in _reason(outer)
    assert "as OpenSSL says it" in _reason(outer)


def test_plain_http_where_tls_was_meant_is_told_as_that() -> None:
    with (
        listening(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port,
        office(f"https://127.0.0.1:{port}/api/v1") as client,
        pytest.raises(Unreachable, match="no TLS at that port"),
    ):
        client.patient(48)


def test_a_name_that_nobody_knows_is_told_as_that() -> None:
    with office("http://no-such-office.invalid/api/v1") as client, pytest.raises(Unreachable, match="no such name"):
        client.patient(48)


def tunnel(seen: list[bytes], answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Callable[..., None]:
    """A proxy that lets CONNECT through."""

    def serve(connection: socket.socket) -> None:
        request = connection.recv(65536)
        seen.append(request)
        host, port = request.split()[1].decode().split(":")
        connection.sendall(answer)
        if b" 200 " not in answer:
            return
        with socket.create_connection((host, int(port))) as far:
            pump = threading.Thread(target=forward, args=(far, connection))
            pump.start()
            forward(connection, far)
            pump.join(10)

    return serve


def forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_https_goes_through_the_proxy_and_nothing_that_it_could_read() -> None:
    seen: list[bytes] = []
    with listening(over_tls) as port, listening(tunnel(seen)) as proxy:
        url, way = f"https://localhost:{port}/api/v1", f"http://127.0.0.1:{proxy}"
        with office(url, ca=str(CERTIFICATE), proxy=way) as client:
            assert client.patient(48).pat_num == 48
    assert len(seen) == 1
    assert seen[0].startswith(b"CONNECT localhost:")
    assert b"developer" not in seen[0]


def test_what_is_not_encrypted_does_not_pass_the_proxy() -> None:
    def plain(connection: socket.socket) -> None:
        connection.recv(65536)
        body = json.dumps(PATIENT).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))

    seen: list[bytes] = []
    with (
        listening(plain) as port,
        listening(tunnel(seen)) as proxy,
        office(f"http://127.0.0.1:{port}/api/v1", proxy=f"http://127.0.0.1:{proxy}") as client,
    ):
        assert client.patient(48).pat_num == 48
    assert seen == []


def test_a_proxy_that_says_no_is_told_as_that() -> None:
    seen: list[bytes] = []
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with (
        listening(tunnel(seen, refusal)) as proxy,
        office("https://localhost:1/api/v1", proxy=f"http://127.0.0.1:{proxy}") as client,
        pytest.raises(Unreachable, match=r"the proxy says: 407.*Check `proxy`"),
    ):
        client.patient(48)
