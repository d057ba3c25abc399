"""Which answer is which error, and what a person is told."""

from __future__ import annotations

import pytest

from asapfill.opendental.answers import Answer, Call, refusal, value, words
from asapfill.opendental.errors import (
    Answered,
    MissingPermission,
    NotFound,
    NotOpenDental,
    OpenDentalError,
    Refused,
    Throttled,
    TooOld,
    Unknown,
    WrongKey,
)

READ = Call("main-street", "GET", "/asapcomms", "api.opendental.com")
WRITE = Call("main-street", "POST", "/asapcomms", "api.opendental.com")
HTML = b"<!DOCTYPE html><html><body>It works!</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'"PatNum is required."', Refused),
        (400, b"Appointment overlaps existing appointment or blockout.", Refused),
        (400, b'"asapcomms POST  is not a valid method."', TooOld),
        (404, b'"asapcomms is not a valid resource."', TooOld),
        (404, b'"Schedule not found"', NotFound),
        (404, b"", NotFound),
        (404, HTML, NotOpenDental),
        (400, HTML, NotOpenDental),
        (401, b'"Invalid key."', WrongKey),
        (401, b"", WrongKey),
        (401, b'"Key does not have permission for this."', MissingPermission),
        (403, b"", Refused),
        (410, b'"Gone"', Refused),
        (408, b"", Unknown),
        (429, b"Too many requests", Throttled),
        (429, HTML, Throttled),
        (400, b'"Request throttled."', Throttled),
        (503, b"Too many requests", Throttled),
        (503, b"Failed to communicate with the API service: timeout", Unknown),
        (500, b"", Unknown),
        (504, HTML, Unknown),
        (302, b"", NotOpenDental),
    ],
)
@pytest.mark.parametrize("call", [READ, WRITE])
def test_sorts_the_answers(call: Call, status: int, body: bytes, kind: type[OpenDentalError]) -> None:
    error = refusal(Answer(status, body), call, ())

    assert type(error) is kind
    assert error.status == status


def test_only_a_clear_no_counts_as_answered() -> None:
    doubtful = [refusal(Answer(status, b""), WRITE, ()) for status in (302, 408, 500, 502, 503, 504)]

    assert not [error for error in doubtful if isinstance(error, Answered)]
    assert all("Whether it took effect is not known" in str(error) for error in doubtful)


def test_says_what_where_and_what_to_do() -> None:
    error = refusal(Answer(400, b'"Op\\nis not valid."'), WRITE, ())

    assert str(error) == (
        "POST /asapcomms (office main-street, at api.opendental.com): status 400, “Op is not valid.”. "
        "Open Dental refused this request, and nothing was done."
    )
    assert error.text == "Op is not valid."


def test_says_from_which_version_on_a_resource_exists() -> None:
    assert "23.3.3 or later" in str(refusal(Answer(404, b'"asapcomms is not a valid resource."'), READ, ()))


def test_a_wrong_key_names_every_place_to_look() -> None:
    text = str(refusal(Answer(401, b""), READ, ()))

    assert all(place in text for place in ("developer key", "customer key", "enabled", "permission", "15 minutes"))


def test_an_html_page_is_named_and_not_quoted() -> None:
    error = refusal(Answer(404, HTML), READ, ())

    assert error.text == ""
    assert "an HTML page" in str(error)
    assert "It works" not in str(error)


def test_keys_are_struck_out_of_the_servers_words_and_length_is_bounded() -> None:
    answer = Answer(401, b'"Key customer-5678 unknown ' + b"x" * 500 + b'"')

    text = words(answer, ("customer-5678", "developer-1234"))

    assert text.startswith("Key (key) unknown x")
    assert len(text) == 200


@pytest.mark.parametrize(
    ("body", "expected"), [(b"[]", []), (b'\xef\xbb\xbf{"a": 1}', {"a": 1}), (b"", None), (b" \r\n", None)]
)
def test_reads_json_or_nothing(body: bytes, expected: object) -> None:
    assert value(Answer(200, body), READ) == expected


@pytest.mark.parametrize(
    "body", [HTML, b'[{"AptNum": 1', b"OK", b"[" * 100_000, b"1" * 5000, b"\xff\xfe"], ids=lambda body: repr(body[:8])
)
def test_anything_else_is_not_open_dental(body: bytes) -> None:
    with pytest.raises(NotOpenDental, match="urls in the settings"):
        value(Answer(200, body), READ)


def test_garbage_after_a_write_leaves_its_effect_open() -> None:
    with pytest.raises(Unknown, match="Whether it took effect is not known"):
        value(Answer(201, HTML), WRITE)
