"""What an HTTP answer means: the JSON in it, or the error it stands for.

Open Dental explains a no in a JSON-quoted string or in plain text, and its exact words are not published: they are
shown to a person but, with four exceptions below, decide nothing. Nothing here does any network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from asapfill.core.errors import AsapfillError
from asapfill.core.values import MINIMUM, fit, written
from asapfill.opendental.errors import (
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

MOST_VALUES = 400_000
"""In one answer. A page of 1,000 rows has a hundred thousand; so many take some 50 MB and half a second."""
_BEFORE_VALUES = "[{,"
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_MOST_SAID = 10_000
"""Bytes of a refusal that are looked at."""

_OK = range(200, 300)
_REDIRECT = range(300, 400)
_REQUEST_TIMEOUT = 408
_SERVER_ERROR = 500

# The few words that decide. Observed or documented: "is not a valid resource", "Too many requests",
# "<resource> <METHOD>  is not a valid method". How a missing permission is worded is not published: a 401 that
# says none of these is taken for a wrong key, and the sentence for that names both possibilities.
_TOO_OLD = re.compile(r"is not a valid (resource|method)", re.IGNORECASE)
_TOO_MANY = re.compile(r"too many|throttl", re.IGNORECASE)
_PERMISSION = re.compile(r"permission|not allowed|not permitted", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as an error may tell of it: without its query, its body and its keys."""

    office: str
    method: str
    path: str
    host: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} (office {self.office}, at {self.host})"

    @property
    def doubt(self) -> str:
        """What to add when there is no clear answer: nothing for a read, it changes nothing in the office."""
        return "" if self.method == "GET" else " Whether it took effect is not known."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``retry_after``: seconds, when the server named a number."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    retry_after: float | None = None

    @property
    def is_html(self) -> bool:
        """Whether this is a web page, which no Open Dental API sends."""
        return "html" in self.content_type.lower() or self.body.lstrip()[:1] == b"<"

    @property
    def ok(self) -> bool:
        """Whether the status says that it was done."""
        return self.status in _OK


def value(answer: Answer, call: Call) -> Any:  # noqa: ANN401  JSON of any shape; the callers check it
    """The JSON of an answer that says yes; None when it is empty, as after a PUT.

    Its structure must be right. Texts in it may hold what JSON forbids (a raw control sign, a byte that is not UTF-8):
    a note that nobody reads must not cost an office its service.

    Raises NotOpenDental when it is anything else, or has more in it than memory and time are there for.
    """
    if not answer.body.strip():
        return None
    found = "an HTML page"
    if not answer.is_html:
        try:
            return read_json(answer.body)
        except TooManyValues:
            found = f"more than {MOST_VALUES:,} values"
        except (ValueError, RecursionError):  # broken, cut off, numbers of 5,000 digits, nested without end
            found = "something that is not JSON"
    raise NotOpenDental(
        f"{call}: {found} came back where Open Dental answers in JSON. Check the office's urls in the settings "
        f"(they end in /api/v1) and what runs at that address.{call.doubt}",
        status=answer.status,
    )


def read_json(body: bytes) -> Any:  # noqa: ANN401  JSON of any shape; the callers check it
    """The JSON that somebody outside has sent, read as ``value`` says.

    Raises ValueError or RecursionError when it is none, and TooManyValues before anything is made of it.
    """
    text = body.decode("utf-8-sig", errors="replace")
    if _values(text) > MOST_VALUES:
        raise TooManyValues
    return json.loads(text, strict=False)


class TooManyValues(AsapfillError):  # noqa: N818  the name says it
    """JSON has more than ``MOST_VALUES`` in it."""

    exit_code = None


def _values(text: str) -> int:
    """How many values there are at most in a JSON text, those in its strings left out if there seem to be many."""
    if sum(map(text.count, _BEFORE_VALUES)) > MOST_VALUES:
        text = _STRINGS.sub("", text)
    return sum(map(text.count, _BEFORE_VALUES))


def words(answer: Answer, secrets: Iterable[str]) -> str:
    """The server's explanation: one line of at most 200 characters, empty for HTML, keys struck out."""
    if answer.is_html:
        return ""
    text = answer.body[:_MOST_SAID].decode("utf-8-sig", errors="replace")
    try:
        parsed = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        parsed = text
    if isinstance(parsed, str):
        text = parsed
    for secret in secrets:
        text = text.replace(secret, "(key)")
    return " ".join(fit(text).split())[:200]


def refusal(answer: Answer, call: Call, secrets: Iterable[str]) -> OpenDentalError:
    """The error that an answer without a 2xx status stands for."""
    text = words(answer, secrets)
    kind, advice = _judge(answer, call, text)
    said = "an HTML page" if answer.is_html else f"“{text}”" if text else "no explanation"
    return kind(f"{call}: status {answer.status}, {said}. {advice}", status=answer.status, text=text)


def _judge(answer: Answer, call: Call, text: str) -> tuple[type[OpenDentalError], str]:  # noqa: PLR0911  a table of cases
    """The kind of error, and what a person should do."""
    status = answer.status
    if status == 429 or (status in {400, 503} and _TOO_MANY.search(text)):  # noqa: PLR2004  HTTP's own numbers
        return Throttled, (
            "The office gets more requests than its key allows, from all programs that use the key together: "
            "raise seconds_between_requests in the settings if this goes on."
        )
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        return Unknown, (
            "The server had trouble, or the office did not answer it in time: see that the office's server and its "
            f"eConnector run.{call.doubt}"
        )
    if status == 401:  # noqa: PLR2004
        return _judge_401(text)
    if status in _REDIRECT or answer.is_html:
        return NotOpenDental, (
            "No Open Dental API answers like this: check the office's urls in the settings "
            f"(they end in /api/v1) and what runs at that address.{call.doubt}"
        )
    if _TOO_OLD.search(text):
        minimum = MINIMUM.get(call.path.strip("/").split("/")[0])
        since = f" ({written(minimum)} or later)" if minimum else ""
        return TooOld, f"The office's version of Open Dental does not know this yet: it needs an update{since}."
    if status == 404:  # noqa: PLR2004
        return NotFound, "It does not exist in the office's database any more, or never did."
    return Refused, "Open Dental refused this request, and nothing was done."


def _judge_401(text: str) -> tuple[type[OpenDentalError], str]:
    if _PERMISSION.search(text):
        return MissingPermission, (
            "The office's key lacks a permission: add it in Open Dental's developer portal "
            "(sending offers needs TextingASAP, notes in the chart need Comm); a change takes up to 15 minutes."
        )
    return WrongKey, (
        "Open Dental does not accept the keys: check the developer key and the office's customer key, that the office "
        "has enabled it, and that it has the permission for this; a change takes up to 15 minutes."
    )
