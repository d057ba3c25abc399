"""The kinds of values in the settings: how each is read, what is said when it is wrong, and what it is called.

Which key takes which kind is in ``table``. Values are never shown in a message: one of them may be a key that was
pasted in the wrong place. Addresses are asked over TLS unless they are in the local network or on this machine, or the
settings say that an office is to be asked without it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

from asapfill.core.addresses import address_of, is_near
from asapfill.settings.toml_file import PREFIXES, Location, Secret, SettingsFile

REMOTE_API = "api.opendental.com"
LAN_DOMAINS = (".local", ".lan", ".internal", ".home.arpa")
"""Ends of names that exist only inside a local network."""
SHORTEST_REMOTE_INTERVAL: Final = 0.5
"""Seconds. Open Dental: one request per second, per half second with the Enterprise permission."""
LONGEST_INTERVAL: Final = 60
"""Seconds."""
SMALLEST_BUDGET: Final = 12
"""Requests a minute: with fewer, the look before a text takes so long that it says nothing any more."""
LARGEST_PORT: Final = 65535

SYSTEM: Final = "system"
"""In place of an authority's file: those that this machine trusts."""
Phones = Literal["north-american", "any"]
NORTH_AMERICAN: Final = "north-american"
ANYWHERE: Final = "any"

SOURCES: Final = "env:NAME, file:PATH or credential:NAME (a systemd credential)"


@dataclass(frozen=True, slots=True)
class RawValue:
    """A value as it stands in the file, its default, or None where a key is missing that must be there.

    ``table``: everything that stands beside it. ``example``: a right value, as TOML.
    """

    value: object
    location: Location
    table: Mapping[str, Any]
    file: SettingsFile
    example: str

    @property
    def name(self) -> str:
        """The key."""
        return self.location[-1]

    @property
    def for_example(self) -> str:
        """A line of the file that would be right."""
        return f"For example: {self.name} = {self.example}"

    def wrong(self, message: str, hint: str = "") -> None:
        """Note a mistake; without a ``hint``, the example is given."""
        self.file.problem(self.location, message, hint or self.for_example)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. ``takes``: what it is called on the page of the settings.

    ``read``: the value as asapfill uses it; worth something only if no mistake was noted.
    """

    takes: str
    read: Callable[[RawValue], Any]


def path_of(what: str, *, suffix: str = "") -> Kind:
    """A path, made absolute. ``what``: what lies there."""

    def read(raw: RawValue) -> Path | None:
        value = raw.value
        if not isinstance(value, str) or not value.strip() or "\0" in value or not value.endswith(suffix):
            raw.wrong(f"`{raw.name}` must be the path of {what}.")
            return None
        return (raw.file.path.parent / value.strip()).absolute()

    return Kind(f"the path of {what}; a relative one begins at the settings file", read)


def pem_file(other: str) -> Kind:
    """The path of a PEM file that needs another one beside it."""
    path = path_of("a PEM file")

    def read(raw: RawValue) -> Any:  # noqa: ANN401  as the kind that it adds to
        found = path.read(raw)
        if other not in raw.table:
            raw.wrong(f"`{raw.name}` needs `{other}` beside it.", "Name both PEM files, or none behind a proxy.")
        return found

    return Kind(path.takes, read)


def flag(hint: str, *, whose: str = "") -> Kind:
    """``true`` or ``false``."""

    def read(raw: RawValue) -> bool:
        if not isinstance(raw.value, bool):
            raw.wrong(f"`{raw.name}`{whose} must be true or false.", hint)
        return raw.value is True

    return Kind("`true` or `false`", read)


def _urls(raw: RawValue) -> tuple[str, ...]:
    values = [raw.value] if isinstance(raw.value, str) else raw.value
    if not isinstance(values, list) or not values or not all(isinstance(url, str) for url in values):
        raw.wrong("`urls` must list at least one address of Open Dental's API.")
        return ()
    urls = tuple(url.strip().rstrip("/") for url in values)
    for number, url in enumerate(urls):
        trouble = url_trouble(url, plain_http=raw.table.get("plain_http") is True)
        if trouble:
            raw.wrong(f"Address {number + 1} of `urls` {trouble}")
        elif url in urls[:number]:
            raw.wrong(f"Address {number + 1} of `urls` stands there already.", "Remove one.")
    return urls


def _secret(raw: RawValue) -> Secret:
    source = raw.value.strip() if isinstance(raw.value, str) else ""
    secret = raw.file.secret(source, raw.location)
    ways = f"Write {SOURCES}."
    if raw.value is None:
        raw.wrong(f"`{raw.name}` is missing for this office.", ways)
    elif not source.startswith(PREFIXES):
        raw.wrong(
            f"`{raw.name}` must not be written here itself: whoever can read this file would have it.",
            f"{ways} If it was a real key, have it replaced in the Open Dental developer portal.",
        )
    else:
        raw.file.secrets.append(secret)
    return secret


def _notice_addresses(raw: RawValue) -> tuple[Secret, ...]:
    """Where notices go: by reference only, for passwords and tokens are part of such an address."""
    values = [raw.value] if isinstance(raw.value, str) else raw.value
    if not isinstance(values, list) or not all(isinstance(source, str) for source in values):
        raw.wrong(f"`{raw.name}` must be a list of addresses.")
        return ()
    found = tuple(raw.file.secret(source.strip(), raw.location) for source in values)
    if not all(secret.source.startswith(PREFIXES) for secret in found):
        raw.wrong(
            f"An address of `{raw.name}` must not be written here itself: it has a password or a token in it.",
            f"Write {SOURCES}, and the address there: mailtos://USER:PASSWORD@example.com?to=it@example.com",
        )
        return ()
    # Not among the secrets that must be there: what is only for watching never stops an office's service.
    return found


def _interval(raw: RawValue) -> float | None:
    value = raw.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_INTERVAL:
        raw.wrong(f"`{raw.name}` must be a number from 0 to {LONGEST_INTERVAL}.")
        return None
    if value < SHORTEST_REMOTE_INTERVAL and REMOTE_API in str(raw.table.get("urls")):
        raw.wrong(
            f"`{raw.name}` is too short for {REMOTE_API}, which suspends keys that ask too often.",
            "Leave it out: asapfill then waits 1.0 for the remote API and 0 for an address in the office.",
        )
    return float(value)


def _budget(raw: RawValue) -> int | None:
    if isinstance(raw.value, int) and not isinstance(raw.value, bool) and raw.value >= SMALLEST_BUDGET:
        return raw.value
    message = f"`{raw.name}` must be a whole number, {SMALLEST_BUDGET} or more."
    raw.wrong(message, f"{raw.for_example}. Fewer do not suffice to look again before a text.")
    return None


def _ping(raw: RawValue) -> str:
    trouble = "is not text in quotes."
    if isinstance(raw.value, str):
        behind = "/start and /fail are put behind it."
        trouble = _trouble(raw.value, behind, "would let others on the way see and send pings: write https:// instead.")
    if trouble:
        raw.wrong(f"`ping` {trouble}")
    return str(raw.value)


def _workstation(raw: RawValue) -> str:
    if not isinstance(raw.value, str) or not raw.value.isprintable():
        hint = f"Write its Windows name, or leave the line out: {raw.name} = {raw.example}"
        raw.wrong(f"`{raw.name}` must be the name of a computer.", hint)
    return str(raw.value).strip()


def _clock(raw: RawValue) -> str:
    parts = split_address(raw.value) if isinstance(raw.value, str) else None
    if parts is None or parts.scheme != "http" or not is_loopback(parts.hostname or "") or parts.username:
        raw.wrong(
            "`clock` follows the simulated clock of a sandbox on this machine and nothing else.",
            f"Take the line out for a real office; for a sandbox: {raw.name} = {raw.example}",
        )
    return str(raw.value)


def _listen(raw: RawValue) -> tuple[str, int]:
    """Host and port."""
    hint = f'{raw.for_example}, or "10.0.0.7:8433" for an address of this machine.'
    host, _, port = raw.value.rpartition(":") if isinstance(raw.value, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    host = "127.0.0.1" if host == "localhost" else host
    try:
        address = ip_address(host)
    except ValueError:
        raw.wrong("`listen` must be an IP address of this machine and a port.", hint)
        return "", 0
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= LARGEST_PORT):
        raw.wrong(f"`listen` must end with a port from 1 to {LARGEST_PORT}.", hint)
        return "", 0
    if "certificate" not in raw.table and (not is_near(host)):
        raw.wrong(
            "`listen` would take Open Dental's key unencrypted from anywhere.",
            "Name an address inside the office's network, or give `certificate` and `certificate_key`.",
        )
    return str(address), int(port)


def _events_url(raw: RawValue) -> str:
    """The address without a slash at the end; a slash more or less would be another subscription."""
    value = raw.value
    trouble = "must say where Open Dental sends events."
    if isinstance(value, str):
        exposed = "would have the key and patients' data sent unencrypted: write https:// instead."
        trouble = _trouble(value, "the office's name is put behind it.", exposed)
    if not trouble and "certificate" in raw.table and not str(value).startswith("https:"):
        trouble = "must begin with https://, because asapfill has a certificate."
    if trouble:
        raw.wrong(f"`url` {trouble}")
    return str(value).rstrip("/")


def url_trouble(url: str, *, plain_http: bool = False) -> str:
    """What is wrong with an address of the API, as the end of a sentence without it; empty when right.

    ``plain_http``: the settings allow this office's addresses to be unencrypted wherever they are.
    """
    parts = split_address(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not a web address that begins with http:// or https://."
    if parts.username is not None or parts.password is not None:
        return "has a user name or password in it. Open Dental does not use these: take them out."
    usual = _in_disguise(parts.hostname)
    if usual:
        return f"has its host written in an unusual way. It means {usual}: write it so."
    if parts.query or parts.fragment or not parts.path.endswith("/api/v1"):
        return "does not end with /api/v1, as every address of Open Dental's API does."
    if not plain_http and is_exposed(url):
        return f"would send keys and patients' data unencrypted to {parts.hostname}: write https:// instead."
    return ""


def is_exposed(url: str) -> bool:
    """Whether an address is asked unencrypted beyond this machine and the local network."""
    parts = split_address(url)
    return parts is not None and parts.scheme == "http" and not _is_near(parts.hostname or "")


def _trouble(url: str, behind: str, exposed: str) -> str:
    """What is wrong with an address of a watcher or for events: what is put ``behind`` it, what is ``exposed``."""
    parts = split_address(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not a web address that begins with https://."
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return f"has more in it than a host and a path; {behind}"
    usual = _in_disguise(parts.hostname)
    if usual:
        return f"has its host written in an unusual way. It means {usual}: write it so."
    return exposed if is_exposed(url) else ""


def split_address(url: str) -> SplitResult | None:
    """The parts of an address; None when it has no readable ones (blanks, a port that is no number)."""
    if re.search(r"[\s\x00-\x1f\\]", url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is the check
    except ValueError:
        return None
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_near(host: str) -> bool:
    """Whether a host is on this machine or in the office: a private address or a local name.

    What a name really leads to is judged again at each connection (``opendental.exchange``).
    """
    if address_of(host) is not None:
        return is_near(host)
    return "." not in host or host.lower().endswith(LAN_DOMAINS)


def _in_disguise(host: str) -> str:
    """The usual form of an address that is written in another one, such as 134744072; empty for all else."""
    address = address_of(host)
    try:
        plain = ip_address(host.partition("%")[0])
    except ValueError:
        plain = None
    return "" if plain == address else str(address)


def _authority(raw: RawValue) -> Path | Literal["system"] | None:
    if raw.value == SYSTEM:
        found: Path | Literal["system"] | None = SYSTEM
    else:
        found = path_of("a PEM file with the authority's certificate, or system").read(raw)
    if not _has_https(raw.table):
        raw.wrong(f"`{raw.name}` is for https addresses, and this office has none.", "Take the line out.")
    return found


def authority_trouble(path: Path) -> str:
    """Why the file of an authority cannot be used, as the end of a sentence; empty when it can."""
    try:
        if not path.is_file():
            return f"is not a file: {path}."
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return f"holds no certificate: {path}."
    except OSError as error:
        return f"cannot be read: {error.strerror} ({path})."
    return ""


def _proxy(raw: RawValue) -> str | None:
    parts = split_address(raw.value) if isinstance(raw.value, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raw.wrong(f"`{raw.name}` must be the address of a proxy.")
        return None
    if parts.username is not None or parts.password is not None:
        hint = "Let the proxy know this machine by its address: no password may stand in this file."
        raw.wrong(f"`{raw.name}` has a user name or password in it.", hint)
    elif parts.path.strip("/") or parts.query or parts.fragment:
        raw.wrong(f"`{raw.name}` has more in it than a host and a port.")
    if not _has_https(raw.table):
        raw.wrong(f"`{raw.name}` is for https addresses, and this office has none.", "Take the line out.")
    return str(raw.value).rstrip("/")


def _has_https(table: Mapping[str, Any]) -> bool:
    """Whether an office has an address to which the way is encrypted; also where that cannot be told."""
    urls = table.get("urls")
    urls = [urls] if isinstance(urls, str) else urls
    return not isinstance(urls, list) or any(str(url).strip().lower().startswith("https:") for url in urls)


def _phones(raw: RawValue) -> Phones:
    if raw.value == ANYWHERE:
        return ANYWHERE
    if raw.value != NORTH_AMERICAN:
        raw.wrong(f'`{raw.name}` must be "{NORTH_AMERICAN}" or "{ANYWHERE}".')
    return NORTH_AMERICAN


URLS: Final = Kind("one or more web addresses that end with `/api/v1`", _urls)
SECRET: Final = Kind(f"where the key comes from: {SOURCES}", _secret)
NOTICE_ADDRESSES: Final = Kind(
    f"a list of places, each {SOURCES}, where an address of Apprise stands", _notice_addresses
)
INTERVAL: Final = Kind(f"a number of seconds from 0 to {LONGEST_INTERVAL}", _interval)
BUDGET: Final = Kind(f"a whole number, {SMALLEST_BUDGET} or more", _budget)
PING: Final = Kind("a web address that begins with https://", _ping)
WORKSTATION: Final = Kind("the Windows name of a computer", _workstation)
CLOCK: Final = Kind("the address of a sandbox's clock on this machine", _clock)
LISTEN: Final = Kind("an IP address of this machine and a port", _listen)
AUTHORITY: Final = Kind('`"system"`, or the path of a PEM file; a relative one begins at the settings file', _authority)
PROXY: Final = Kind("the address of an HTTP proxy: a host and a port", _proxy)
PHONES: Final = Kind(f"`{NORTH_AMERICAN}` or `{ANYWHERE}`", _phones)
EVENTS_URL: Final = Kind("a web address that begins with https://", _events_url)
