"""``notify test``: one message to each address, at once, and in a person's words what became of it."""

from __future__ import annotations

from typing import Final

from asapfill.notices.sending import send
from asapfill.notices.telling import addresses_of
from asapfill.problems import ConfigurationError
from asapfill.settings import Settings

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
"""What went wrong, by the words of ``notices.sending``."""

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
