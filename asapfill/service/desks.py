"""Opening a desk for each office in the settings, and closing them again."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from asapfill.clock import Clock
from asapfill.offers.journal import Journal
from asapfill.opendental.client import OpenDental
from asapfill.opendental.mirror import Mirror
from asapfill.service.desk import Desk
from asapfill.settings import OfficeSettings, Settings
from asapfill.store.database import Store
from asapfill.store.phones import phone_hash, phone_key


@contextmanager
def open_desks(
    settings: Settings, offices: Iterable[str], clock: Clock, store: Store | None, stop: threading.Event
) -> Iterator[list[Desk]]:
    """A desk for each of ``offices``, in the order of the settings.

    ``store`` None: there is no state yet and none is made; phones are then hashed with a key of this process only.
    """
    wanted = set(offices)
    key = phone_key(store) if store is not None else secrets.token_bytes(32)
    with ExitStack() as stack:
        desks = []
        for office in settings.offices.values():
            if office.name not in wanted:
                continue
            client = open_client(office, clock, stop)
            stack.callback(client.close)
            journal = Journal(store, office.name) if store is not None else None
            desks.append(
                Desk(
                    office=office.name,
                    client=client,
                    mirror=Mirror(client, clock),
                    clock=clock,
                    store=store,
                    journal=journal,
                    hash_phone=partial(phone_hash, key),
                    stop=stop,
                )
            )
        yield desks


def open_client(office: OfficeSettings, clock: Clock, stop: threading.Event) -> OpenDental:
    """The client of one office. The keys are fetched here and live in the client only."""
    return OpenDental(
        office.name,
        office.urls,
        office.developer_key.reveal(),
        office.customer_key.reveal(),
        clock=clock,
        seconds_between_requests=office.seconds_between_requests,
        stop=stop,
    )
