"""Loopback stand-ins for whom apprise tells: a webhook that takes JSON, and a mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "Token-Mark-1234"


class Webhook(ThreadingHTTPServer):
    """Keeps every message. ``status``: what it answers; ``hang``: it answers only when this is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self.hang: threading.Event | None = None

    def server_bind(self) -> None:
        """Without the base class's question for our own name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    @property
    def url(self) -> str:
        """An apprise address, with a token in it."""
        return f"json://127.0.0.1:{self.server_address[1]}/{TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.got]


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        webhook = self.server
        assert isinstance(webhook, Webhook)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        webhook.paths.append(self.path)
        if webhook.hang is not None:
            webhook.hang.wait(30)
        if webhook.status < 300:
            webhook.got.append(body)
        self.send_response(webhook.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


class Mail(socketserver.ThreadingTCPServer):
    """A mail server that takes everything; ``got``: each message as it came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.got: list[str] = []

    @property
    def url(self) -> str:
        """An apprise address, with a password in it."""
        port = self.server_address[1]
        return f"mailto://127.0.0.1:{port}?from=asapfill@example.com&to=it@example.com&name=asapfill"


class _Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as one message needs."""

    def handle(self) -> None:
        mail = self.server
        assert isinstance(mail, Mail)
        self._say("220 mail.example.com")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper()
            if word == b"DATA":
                self._say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                mail.got.append(text.decode())
                self._say("250 taken")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 yes")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def served(server: Webhook | Mail) -> Iterator[None]:
    """Have it answer until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A running webhook."""
    server = Webhook()
    with served(server):
        yield server


@contextmanager
def mail_server() -> Iterator[Mail]:
    """A running mail server."""
    server = Mail()
    with served(server):
        yield server
