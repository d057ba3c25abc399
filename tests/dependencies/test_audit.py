"""The question about known vulnerabilities, put to a stand-in for the service on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.dependencies import audit

Row = dict[str, Any]
Answer = Callable[[Row], Any]


@dataclass(frozen=True)
class Whole:
    """An answer that is about no query."""

    body: Any


@contextmanager
def service(answer: Answer) -> Iterator[str]:
    """A stand-in that answers each query of a batch by ``answer``; a ``Whole`` takes the place of everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            answers = [answer(query) for query in queries]
            whole = next((found.body for found in answers if isinstance(found, Whole)), {"results": answers})
            body = json.dumps(whole).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/querybatch"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text("alpha==1.0 \\\n    --hash=sha256:00\nBeta_Two==2.1 ; sys_platform == 'win32' --hash=sha256:00\n")
    return path


def run(answer: Answer, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    with service(answer) as address:
        monkeypatch.setenv("ASAPFILL_AUDIT_SERVICE", address)
        return audit.main(list(arguments))


def test_nothing_known_is_good(lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Row] = []

    def answer(query: Row) -> Row:
        asked.append(query)
        return {}

    assert run(answer, monkeypatch, str(lock)) == 0
    assert [(query["package"], query["version"]) for query in asked] == [
        ({"ecosystem": "PyPI", "name": "alpha"}, "1.0"),
        ({"ecosystem": "PyPI", "name": "beta-two"}, "2.1"),
    ]
    assert capsys.readouterr().out.startswith("2 locked packages have no known vulnerability")


def test_one_that_is_known_ends_with_1_unless_it_was_accepted_with_a_reason(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(query: Row) -> Row:
        if query["package"]["name"] != "alpha":
            return {}
        second = query.get("page_token") == "more"
        return {"vulns": [{"id": "PYSEC-2"}]} if second else {"vulns": [{"id": "GHSA-1"}], "next_page_token": "more"}

    assert run(answer, monkeypatch, str(lock)) == 1
    assert capsys.readouterr().out.splitlines()[:2] == ["alpha 1.0: GHSA-1", "alpha 1.0: PYSEC-2"]
    monkeypatch.setattr(audit, "ACCEPTED", {"GHSA-1": "Windows only, 2026-11-20"})
    assert run(answer, monkeypatch, str(lock)) == 1
    monkeypatch.setattr(audit, "ACCEPTED", {"GHSA-1": "Windows only, 2026-11-20", "PYSEC-2": "not used"})
    assert run(answer, monkeypatch, str(lock)) == 0
    assert "alpha 1.0: GHSA-1 (accepted: Windows only, 2026-11-20)" in capsys.readouterr().out


@pytest.mark.parametrize("nonsense", [["no"], "<html>sign in</html>", {"results": []}, {"results": "many"}])
def test_no_answer_is_never_taken_as_nothing_known(
    lock: Path, nonsense: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(_: Row) -> Any:
        return Whole(nonsense)

    assert run(answer, monkeypatch, "--strict", str(lock)) == 2
    assert run(answer, monkeypatch, str(lock)) == 0
    told = capsys.readouterr()
    assert told.err.count("NOT CHECKED") == 2
    assert told.out == ""


def test_a_service_that_is_not_there_is_said(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASAPFILL_AUDIT_SERVICE", "http://127.0.0.1:1/v1/querybatch")
    assert audit.main([str(lock)]) == 0
    assert audit.main(["--strict", str(lock)]) == 2
    assert "NOT CHECKED" in capsys.readouterr().err
