"""Which web addresses asapfill talks to: Open Dental's API and a watcher, over TLS unless they are in the local network
or on this machine, or a person has said in the settings that a certain office is to be asked without it.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

REMOTE_API = "api.opendental.com"
LAN_DOMAINS = (".local", ".lan", ".internal", ".home.arpa")
"""Ends of names that exist only inside a local network."""


def url_trouble(url: str, *, plain_http: bool = False) -> str:
    """What is wrong with an address of the API, as the end of a sentence without it; empty when right.

    ``plain_http``: the settings allow this office's addresses to be unencrypted wherever they are.
    """
    parts = split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not a web address that begins with http:// or https://."
    if parts.username is not None or parts.password is not None:
        return "has a user name or password in it. Open Dental does not use these: take them out."
    if parts.query or parts.fragment or not parts.path.endswith("/api/v1"):
        return "does not end with /api/v1, as every address of Open Dental's API does."
    if not plain_http and is_exposed(url):
        return f"would send keys and patients' data unencrypted to {parts.hostname}: write https:// instead."
    return ""


def is_exposed(url: str) -> bool:
    """Whether an address is asked unencrypted beyond this machine and the local network."""
    parts = split(url)
    return parts is not None and parts.scheme == "http" and not _is_near(parts.hostname or "")


def ping_trouble(url: str) -> str:
    """What is wrong with the address of a watcher that is to be pinged, as the end of a sentence; empty when right."""
    return _trouble(
        url,
        behind="/start and /fail are put behind it.",
        exposed="would let others on the way see and send pings: write https:// instead.",
    )


def events_trouble(url: str) -> str:
    """What is wrong with the address that Open Dental sends events to, as the end of a sentence; empty when right."""
    return _trouble(
        url,
        behind="the office's name is put behind it.",
        exposed="would have the key and patients' data sent unencrypted: write https:// instead.",
    )


def _trouble(url: str, *, behind: str, exposed: str) -> str:
    """What is wrong with an address that something is put behind, and that must not be read on the way."""
    parts = split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not a web address that begins with https://."
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return f"has more in it than a host and a path; {behind}"
    return exposed if is_exposed(url) else ""


def split(url: str) -> SplitResult | None:
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
    """Whether a host is on this machine or in the office: a private address or a local name."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.lower().endswith(LAN_DOMAINS)
    return address.is_private or address.is_loopback
