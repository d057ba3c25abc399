"""Messages by apprise, really sent: to a webhook and by mail, on loopback; and nothing of an address in any log."""

from __future__ import annotations

import email
import logging
from email import policy

import pytest

from asapfill.alerts.letters import knows, send
from tests.alerts.receivers import TOKEN, mail_server, webhook


def test_a_webhook_gets_title_and_text() -> None:
    with webhook() as hook:
        assert send(hook.url, "a title", "line one\n\n{{ line }} <two>", all_right=False) == ""
        assert [(m["title"], m["message"], m["type"]) for m in hook.got] == [
            ("a title", "line one\n\n{{ line }} <two>", "warning")
        ]
        assert hook.paths == [f"/{TOKEN}"]


def test_mail_gets_there() -> None:
    with mail_server() as mail:
        assert send(mail.url, "asapfill, main-street: a title", "what to do", all_right=True) == ""
        (text,) = mail.got
    message = email.message_from_string(text, policy=policy.default)
    assert message["subject"] == "asapfill, main-street: a title"
    assert message["to"] == "it@example.com"
    body = message.get_body(("plain", "html"))
    assert body is not None
    assert "what to do" in body.get_content()


@pytest.mark.parametrize(("status", "error"), [(401, "answered_401"), (500, "answered_500"), (302, "answered_302")])
def test_what_goes_wrong_is_a_word_and_a_redirect_is_not_followed(status: int, error: str) -> None:
    with webhook() as hook:
        hook.status = status
        assert send(hook.url, "a title", "a text", all_right=False) == error
        assert set(hook.paths) == {f"/{TOKEN}"}


def test_nobody_there_and_no_address_at_all() -> None:
    with webhook() as hook:
        gone = hook.url
    assert send(gone, "a title", "a text", all_right=False) == "no_connection"
    assert send("nonsense://somewhere", "a title", "a text", all_right=False) == "wrong_address"
    assert knows(gone)
    assert not knows("https//typo")


def test_what_went_wrong_is_known_also_where_the_log_is_of_errors_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "apprise"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.ERROR)
        logging.getLogger(name).manager._clear_cache()  # type: ignore[attr-defined]  # levels are remembered
    with webhook() as hook:
        hook.status = 403
        assert send(hook.url, "a title", "a text", all_right=False) == "answered_403"


def test_no_log_line_has_the_address_or_the_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3", "urllib3.connectionpool", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with webhook() as hook:
            for status in (200, 403, 500):
                hook.status = status
                send(hook.url, "Title-Mark", "Text-Mark", all_right=False)
        send(hook.url, "Title-Mark", "Text-Mark", all_right=False)
        send(f"nonsense://{TOKEN}", "Title-Mark", "Text-Mark", all_right=False)
    finally:
        for name in ("apprise", "urllib3", "urllib3.connectionpool", "requests"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    assert len(hook.paths) == 3
    for mark in (TOKEN, "Title-Mark", "Text-Mark", "127.0.0.1"):
        assert mark not in caplog.text
