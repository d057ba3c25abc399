"""Deliveries over TLS with a certificate of our own; ``tls/`` holds one that was made up for these tests."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from asapfill.settings.settings import EventSettings
from asapfill.webhooks import listener as module
from asapfill.webhooks.listener import CannotListen
from tests.webhooks.senders import KEY, is_closed, listening, until

TLS = Path(__file__).parent / "tls"
CERTIFICATE, CERTIFICATE_KEY = TLS / "made-up-cert.pem", TLS / "made-up-key.pem"
SECURE = EventSettings("127.0.0.1", 0, "", certificate=CERTIFICATE, certificate_key=CERTIFICATE_KEY)


def delivered(port: int, trusted: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=trusted)
    try:
        connection.request("POST", "/main-street/", "[]", {"Authorization": KEY})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_delivery_over_tls_is_taken_and_plain_http_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 3)
    trusted = ssl.create_default_context(cafile=str(CERTIFICATE))
    with listening(SECURE) as hooks:
        port = hooks.listener.port
        assert delivered(port, trusted) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            delivered(port, ssl.create_default_context())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(b"POST /main-street/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert is_closed(plain)
        # Those who never say a word count too, though no request has begun.
        silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(4)]
        with silent.pop() as too_many:
            assert is_closed(too_many)
        for connection in silent:
            connection.close()

        def gets_in() -> bool:
            try:
                return delivered(port, trusted) == 200
            except OSError:
                return False

        until(gets_in, "a delivery, once they have gone")


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("made-up-cert.pem", "with-password-key.pem"),
        ("made-up-key.pem", "made-up-key.pem"),
        ("made-up-cert.pem", "made-up-cert.pem"),
        ("gone.pem", "made-up-key.pem"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_without_asking_for_a_password(certificate: str, key: str) -> None:
    address = EventSettings("127.0.0.1", 0, "", certificate=TLS / certificate, certificate_key=TLS / key)
    with (
        pytest.raises(CannotListen, match=rf"{certificate} and its key cannot be used: .*readable") as refused,
        listening(address),
    ):
        pass
    assert refused.value.code == "certificate"


def test_a_renewed_certificate_is_taken_with_the_next_start(tmp_path: Path) -> None:
    for name in ("made-up-cert.pem", "made-up-key.pem"):
        shutil.copy(TLS / name, tmp_path)
    (tmp_path / "made-up-cert.pem").rename(tmp_path / "later.pem")
    address = EventSettings(
        "127.0.0.1", 0, "", certificate=tmp_path / "made-up-cert.pem", certificate_key=tmp_path / "made-up-key.pem"
    )
    with pytest.raises(CannotListen), listening(address):
        pass
    (tmp_path / "later.pem").rename(tmp_path / "made-up-cert.pem")
    with listening(address) as hooks:
        assert delivered(hooks.listener.port, ssl.create_default_context(cafile=str(CERTIFICATE))) == 200
