"""The addresses that notices go to, the letter that tells an address of them, and sending it by apprise.

Which notices there are is found in ``conditions``; when letters are sent is the business of ``notifier``.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from asapfill.clock import elapsed
from asapfill.core.errors import ConfigurationError
from asapfill.settings.settings import Settings
from asapfill.settings.toml_file import Secret
from asapfill.store.notices import KeptNotice, Notice
from asapfill.words import counted

CALM: Final = timedelta(minutes=10)
"""So long a thing must be over before anybody is told so: what comes and goes is told once."""
HOLD: Final[dict[str, timedelta]] = {"events": timedelta(minutes=30), "not_listening": timedelta(minutes=5)}
"""So long a thing must stand before anybody is told of it, by code; others are told at once."""
_MOST: Final = 20
"""Notices in one message; the others are counted."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where notices go. ``id``: a hash of where its secret comes from; ``name``: for people, without the secret.

    ``offices``: whose notices it gets; None for everything, what belongs to no office included.
    """

    id: str
    name: str
    secret: Secret
    offices: frozenset[str] | None

    def is_for(self, office: str) -> bool:
        """Whether it gets the notices of an office."""
        return self.offices is None or office in self.offices


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. ``begun``: what it tells to be wrong; ``ended``: what it tells to be right again."""

    begun: tuple[Notice, ...]
    ended: tuple[Notice, ...]

    @property
    def all_right(self) -> bool:
        """Nothing in it is wrong."""
        return not self.begun

    @property
    def title(self) -> str:
        """One line; the office and the thing itself when there is one only."""
        told = [*self.begun, *self.ended]
        if len(told) == 1:
            (notice,) = told
            return f"asapfill, {notice.place}: {'all right again: ' if self.ended else ''}{notice.title}"
        parts = []
        if self.begun:
            parts.append(counted(len(self.begun), "thing needs a person", "things need a person"))
        if self.ended:
            parts.append(counted(len(self.ended), "thing is all right again", "things are all right again"))
        return f"asapfill: {', '.join(parts)}"

    @property
    def body(self) -> str:
        """Each notice with its office, its title and what to do."""
        parts = [f"{notice.place}: {notice.title}\n{notice.message}" for notice in self.begun]
        parts += [f"{notice.place}: all right again: {notice.title}" for notice in self.ended]
        more = len(parts) - _MOST
        if more > 0:
            parts[_MOST:] = [f"And {more} more: `asapfill status`."]
        return "\n\n".join(parts)


def addresses_of(settings: Settings) -> tuple[Address, ...]:
    """The addresses of the settings: of ``[notify]`` first, then of each office.

    Without ``[notify]``, what belongs to no office goes to the addresses of all offices.
    """
    found = [_address(secret, f"address {n} of [notify]", None) for n, secret in enumerate(settings.notify, start=1)]
    for office in settings.offices.values():
        for number, secret in enumerate(office.notify, start=1):
            name = f"address {number} of {office.name}"
            offices = frozenset({office.name} if settings.notify else {office.name, ""})
            found.append(_address(secret, name, offices))
    return tuple(found)


def _address(secret: Secret, name: str, offices: frozenset[str] | None) -> Address:
    whose = "*" if offices is None else "".join(sorted(offices))
    digest = hashlib.sha256(f"{whose}\0{secret.source}".encode()).hexdigest()
    return Address(digest[:16], name, secret, offices)


def letter_for(address: Address, kept: Iterable[KeptNotice], now: datetime) -> Letter | None:
    """What an address does not know yet; None when it knows all."""
    begun, ended = [], []
    for row in kept:
        if not address.is_for(row.notice.office):
            continue
        known = row.told.get(address.id)
        stands = row.gone is None and elapsed(row.since, now) >= HOLD.get(row.notice.code, timedelta())
        if stands and known != row.notice.about:
            begun.append(row.notice)
        elif is_over(row, now) and known is not None:
            ended.append(row.notice)
    return Letter(tuple(begun), tuple(ended)) if begun or ended else None


def is_over(row: KeptNotice, now: datetime) -> bool:
    """Whether a notice has had no reason for long enough."""
    return row.gone is not None and elapsed(row.gone, now) >= CALM


def forgettable(kept: Iterable[KeptNotice], addresses: Sequence[Address], now: datetime) -> list[KeptNotice]:
    """Notices that are over, and everybody knows."""
    present = {address.id for address in addresses}
    return [row for row in kept if is_over(row, now) and not present & set(row.told)]


PATIENCE: Final = 30.0
"""Seconds for one message."""

_LEAKING_LOGGERS: Final = (
    "apprise",
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "requests",
    "requests_oauthlib",
    "oauthlib",
    "MARKDOWN",
)
"""Addresses, tokens and messages stand in the lines of apprise and of what it uses."""


class _ErrorFilter(logging.Filter):
    """Lets no line of a logger pass, and keeps a word for what went wrong.

    A filter, for a handler would come too late: others may hang on the same logger.
    """

    error: str = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Look for an HTTP status or a broken connection."""
        text = record.getMessage() if record.levelno >= logging.WARNING else ""
        status = re.search(r"error=(\d{3})\b", text)
        if status:
            self.error = f"answered_{status[1]}"
        elif re.search(r"connection|timeout|timed out|socket", text, re.IGNORECASE):
            self.error = self.error or "no_connection"
        return False


_ERRORS_SEEN: Final = _ErrorFilter()


def send(url: str, title: str, body: str, all_right: bool) -> str:  # noqa: FBT001  tests put another one in its place
    """Send one message; returns what went wrong as a word, or an empty text.

    ``wrong_address``: apprise does not know such an address. ``refused``: it did not get through, and nothing tells
    why. Redirects are not followed: the message and the token are for this address only.
    """
    _ERRORS_SEEN.error = ""
    try:
        sender = _sender(url)
        if sender is None:
            return "wrong_address"
        sent = bool(sender.notify(body=body, title=title, notify_type="success" if all_right else "warning"))
    except Exception as error:  # noqa: BLE001  a hundred services' modules, and none may end our thread
        return type(error).__name__
    return "" if sent else _ERRORS_SEEN.error or "refused"


def knows(url: str) -> bool:
    """Whether apprise can make something of an address; nothing is sent."""
    return _sender(url) is not None


def _sender(url: str) -> Any | None:  # noqa: ANN401  apprise's own object
    """What sends to an address, with the lines of apprise and of what it uses kept from every log, at any level."""
    logging.getLogger("apprise").setLevel(logging.WARNING)  # also where the log is of errors only, for the filter
    for name in _LEAKING_LOGGERS:
        logging.getLogger(name).addFilter(_ERRORS_SEEN)
    import apprise  # noqa: PLC0415  a quarter of a second, and only where notices are sent

    asset = apprise.AppriseAsset(
        app_id="asapfill",
        app_desc="asapfill",
        async_mode=False,
        allow_templates=False,
        http_redirects=False,
        service_timeout=PATIENCE,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    sender = apprise.Apprise(asset=asset)
    return sender if sender.add(url) else None


ERRORS: Final[dict[str, str]] = {
    "no_secret": "its secret cannot be read here (see `asapfill doctor`).",
    "wrong_address": "this is no address that apprise knows. See docs/watching.md.",
    "no_connection": "its server cannot be reached, or a mail server refuses the login. Check host, port, user, "
    "password, and the firewall.",
    "answered_401": "its server does not accept the password or token.",
    "answered_403": "its server does not accept the password or token.",
    "answered_404": "its server does not know this address any more.",
    "answered_429": "its server asks for fewer messages. Try again later.",
    "refused": "it did not get through, and nothing says why. Check the password, the sender and the recipient.",
}
"""What went wrong, by the words that ``send`` returns."""

_TITLE: Final = "asapfill: a test"
_BODY: Final = (
    "This address is told when something needs a person: a wrong key, a mistake in a policy, clocks that differ, "
    "offers whose fate is not clear, an office that is not served, texts that Open Dental holds back. Each once until "
    "it changes. This was only a test: nothing is wrong."
)


def try_addresses(settings: Settings, office: str | None) -> list[tuple[str, str]]:
    """Each address by its name, and what went wrong (a word; empty: nothing). ``office``: only those told of it."""
    tried = []
    for address in addresses_of(settings):
        if office is not None and not address.is_for(office):
            continue
        try:
            error = send(address.secret.reveal(), _TITLE, _BODY, all_right=True)
        except ConfigurationError:
            error = "no_secret"
        tried.append((address.name, error))
    return tried
