"""Sending a message by apprise: mail, chat, webhooks. The only module that knows apprise, imported when it is needed.

The address is a secret (it holds passwords and tokens), and apprise's own log lines quote parts of it: none of them
reaches our log. What went wrong is told by a word.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

PATIENCE: Final = 30.0
"""Seconds for one message."""

_TALKATIVE: Final = (
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "requests",
    "requests_oauthlib",
    "oauthlib",
    "MARKDOWN",
)
"""Loggers of what apprise uses: addresses, tokens and messages stand in their lines."""


class Ear(logging.Filter):
    """Hears what a logger says, lets nothing of it pass, and keeps a word for what went wrong.

    A filter, for a handler would come too late: others may hang on the same logger.
    """

    heard: str = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Look for an HTTP status or a broken connection."""
        text = record.getMessage() if record.levelno >= logging.WARNING else ""
        status = re.search(r"error=(\d{3})\b", text)
        if status:
            self.heard = f"answered_{status[1]}"
        elif re.search(r"connection|timeout|timed out|socket", text, re.IGNORECASE):
            self.heard = self.heard or "no_connection"
        return False


_EAR: Final = Ear()


def send(url: str, title: str, body: str, *, all_right: bool) -> str:
    """Send one message; returns what went wrong as a word, or an empty text.

    ``wrong_address``: apprise does not know such an address. ``refused``: it did not get through, and nothing tells
    why. Redirects are not followed: the message and the token are for this address only.
    """
    _hush()
    _EAR.heard = ""
    try:
        sender = _sender(url)
        if sender is None:
            return "wrong_address"
        sent = bool(sender.notify(body=body, title=title, notify_type="success" if all_right else "warning"))
    except Exception as error:  # noqa: BLE001  a hundred services' modules, and none may end our thread
        return type(error).__name__
    return "" if sent else _EAR.heard or "refused"


def knows(url: str) -> bool:
    """Whether apprise can make something of an address; nothing is sent."""
    _hush()
    return _sender(url) is not None


def _sender(url: str) -> Any | None:  # noqa: ANN401  apprise's own object
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


def _hush() -> None:
    """Keep the lines of apprise and of what it uses from every log, whatever level somebody sets."""
    apprise = logging.getLogger("apprise")
    apprise.addFilter(_EAR)
    apprise.setLevel(logging.WARNING)  # also where the log is of errors only, for ``_EAR``
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_EAR)
