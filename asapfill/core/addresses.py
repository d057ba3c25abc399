"""IP addresses: which host names mean one, however it is written, and which are in the local network."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from unicodedata import normalize

Address = IPv4Address | IPv6Address


def address_of(host: str) -> Address | None:
    """The address that a host in a URL means, as networks read it; None: it is a name.

    Networks also take 134744072, 0x8080808, 010.8.8.8 and 8.2056 for 8.8.8.8, and ::ffff:8.8.8.8 leads there too.
    """
    plain = normalize("NFKC", host).strip("[]").partition("%")[0].removesuffix(".")
    try:
        found = ip_address(plain)
    except ValueError:
        try:
            found = IPv4Address(socket.inet_aton(plain))
        except (OSError, ValueError):
            return None
    return getattr(found, "ipv4_mapped", None) or found


def is_near(host: str) -> bool:
    """Whether an address is on this machine or in a local network; False for names."""
    address = address_of(host)
    return address is not None and (address.is_private or address.is_loopback) and not address.is_unspecified
