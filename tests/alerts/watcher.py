"""A stand-in for a healthchecks server on loopback: keeps the paths that it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Watcher(ThreadingHTTPServer):
    """``status``: what pings are answered with. ``hang``: hold answers back until it is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.paths: list[str] = []
        self.status = 200
        self.hang: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ping/one"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        watcher = self.server
        assert isinstance(watcher, Watcher)
        watcher.paths.append(self.path)
        if watcher.hang is not None:
            watcher.hang.wait(30)
        self.send_response(watcher.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


@contextmanager
def watching() -> Iterator[Watcher]:
    """A running watcher."""
    with Watcher() as watcher:
        thread = threading.Thread(target=watcher.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield watcher
        finally:
            watcher.shutdown()
            thread.join()
