"""The table ``[events]`` of the settings: where Open Dental's deliveries arrive. Reading it; nothing else.

Values are never shown in a message, as everywhere in the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from asapfill.settings import addresses

KEYS: Final = ("listen", "url", "certificate", "certificate_key")
LISTEN: Final = "127.0.0.1:8433"
EXAMPLE: Final = """\
      [events]
      listen = "127.0.0.1:8433"                    # where a proxy with a certificate passes them on to
      url = "https://events.example.org/asapfill"  # where Open Dental sends them"""

_LARGEST_PORT: Final = 65535

Note = Callable[[tuple[str, ...], str, str], None]
"""Notes a mistake: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Where to listen for events. ``url``: the address that Open Dental is told, without a slash at the end.

    ``certificate`` and ``certificate_key``: PEM files, absolute; None when a proxy has them, or inside the office's
    network.
    """

    host: str
    port: int
    url: str
    certificate: Path | None = None
    certificate_key: Path | None = None

    @property
    def prefix(self) -> str:
        """The path of ``url``, empty or with a slash at its beginning."""
        return urlsplit(self.url).path

    def address(self, office: str) -> str:
        """The EndPointUrl of an office's subscriptions: they are ours because they have it."""
        return f"{self.url}/{office}/"


def read_events(raw: object, folder: Path, note: Note) -> EventSettings | None:
    """The settings in the table ``[events]``; None when there is none, or with a mistake that ``note`` was told.

    ``folder``: what paths are relative to. Keys that do not belong there are the caller's to tell.
    """
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        note(("events",), "`events` is a table of its own.", f"For example:\n{EXAMPLE}")
        return None
    told: list[str] = []

    def wrong(key: str, message: str, hint: str) -> None:
        told.append(key)
        note(("events", key), message, hint)

    certificate, key = _path(raw, "certificate", folder, wrong), _path(raw, "certificate_key", folder, wrong)
    for one, other in (("certificate", "certificate_key"), ("certificate_key", "certificate")):
        if one in raw and other not in raw:
            wrong(one, f"`{one}` needs `{other}` beside it.", "Name both PEM files, or none behind a proxy.")
    host, port = _listen(raw.get("listen", LISTEN), wrong, encrypted="certificate" in raw)
    url = _url(raw.get("url"), wrong, encrypted="certificate" in raw)
    return None if told else EventSettings(host, port, url, certificate, key)


def _path(raw: Mapping[str, Any], name: str, folder: Path, wrong: Callable[[str, str, str], None]) -> Path | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        wrong(name, f"`{name}` must be the path of a PEM file.", f'For example: {name} = "tls/{name}.pem"')
        return None
    return (folder / value.strip()).absolute()


def _listen(value: object, wrong: Callable[[str, str, str], None], *, encrypted: bool) -> tuple[str, int]:
    """Host and port."""
    hint = 'For example: listen = "127.0.0.1:8433", or "10.0.0.7:8433" for an address of this machine.'
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    host = "127.0.0.1" if host == "localhost" else host
    try:
        address = ip_address(host)
    except ValueError:
        wrong("listen", "`listen` must be an IP address of this machine and a port.", hint)
        return "", 0
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LARGEST_PORT):
        wrong("listen", "`listen` must end with a port from 1 to 65535.", hint)
        return "", 0
    if not encrypted and (address.is_unspecified or not address.is_private):
        wrong(
            "listen",
            "`listen` would take Open Dental's key unencrypted from anywhere.",
            "Name an address inside the office's network, or give `certificate` and `certificate_key`.",
        )
    return str(address), int(port)


def _url(value: object, wrong: Callable[[str, str, str], None], *, encrypted: bool) -> str:
    """The address without a slash at the end; a slash more or less would be another subscription."""
    trouble = addresses.events_trouble(value) if isinstance(value, str) else "must say where Open Dental sends events."
    if not trouble and encrypted and not str(value).startswith("https:"):
        trouble = "must begin with https://, because asapfill has a certificate."
    if trouble:
        wrong("url", f"`url` {trouble}", 'For example: url = "https://events.example.org/asapfill"')
        return ""
    return str(value).rstrip("/")
