"""What ends a cycle: reading again what is due, and writing down what is known of the office and what it cost."""

from __future__ import annotations

from collections import Counter

from asapfill.service.desk import Desk
from asapfill.store.requests import record_requests


def keep_up(desk: Desk) -> None:
    """Read again what is due, unless asapfill is to stop.

    Raises OpenDentalError: the office could not be read.
    """
    if not desk.stop.is_set():
        desk.mirror.keep_up()


def write_down(desk: Desk, requests_before: Counter[str]) -> None:
    """Keep the mirror, and how many requests were made for what since ``requests_before``.

    Raises StoreError: the state cannot be written.
    """
    if desk.store is not None:
        desk.mirror.save()
        record_requests(desk.store, desk.office, desk.client.requests - requests_before)
