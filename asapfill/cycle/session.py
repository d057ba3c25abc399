"""Opening a session for each office in the settings, and closing them again."""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from asapfill.clock import Clock
from asapfill.mirror.memory import Memory
from asapfill.mirror.mirror import Mirror
from asapfill.offers.journal import Journal
from asapfill.opendental.client import OpenDental
from asapfill.settings import addresses
from asapfill.settings.settings import OfficeSettings, Settings, check_secrets
from asapfill.store.database import Store
from asapfill.store.mirror import office_mark, phone_hash, phone_key, read_mirror, write_mirror

log = logging.getLogger(__name__)


@dataclass(slots=True)
class OfficeSession:
    """One office being served. ``store`` and ``journal`` None: nothing was ever sent from here, and only reading is
    meant. ``looked``: when the free time of each clinic was last remembered, by ClinicNum. ``spoken``: by PatNum, when
    (monotonic) the commlogs were read, and when (office wall clock) the office last talked to the patient. ``tidied``:
    when (monotonic) what is too old to matter was last forgotten.
    """

    office: str
    client: OpenDental
    mirror: Mirror
    clock: Clock
    store: Store | None
    journal: Journal | None
    hash_phone: Callable[[str], str]
    stop: threading.Event = field(default_factory=threading.Event)
    looked: dict[int, datetime] = field(default_factory=dict)
    spoken: dict[int, tuple[float, datetime | None]] = field(default_factory=dict)
    tidied: float = -math.inf


Keys = Mapping[str, tuple[str, str]]
"""Developer key and customer key by office. In memory only, and never shown."""


@contextmanager
def open_sessions(
    settings: Settings,
    offices: Iterable[str],
    clock: Clock,
    store: Store | None,
    stop: threading.Event,
    keys: Keys | None = None,
    *,
    remember: bool = False,
) -> Iterator[list[OfficeSession]]:
    """A session for each of ``offices``, in the order of the settings.

    ``store`` None: there is no state yet and none is made; phones are then hashed with a key of this process only.
    ``keys``: those of the offices, when they were fetched before; see ``reveal_keys``. ``remember``: what is known of
    the offices is kept in the state and believed at the start, as the service does; commands look anew.

    Raises:
        ConfigurationError: a key cannot be fetched.
    """
    wanted = set(offices)
    key = phone_key(store) if store is not None else secrets.token_bytes(32)
    with ExitStack() as stack:
        sessions = []
        for office in settings.offices.values():
            if office.name not in wanted:
                continue
            pair = (keys or {}).get(office.name) or _keys_of(office)
            client = open_client(office, clock, stop, pair)
            stack.callback(client.close)
            journal = Journal(store, office.name) if store is not None else None
            sessions.append(
                OfficeSession(
                    office=office.name,
                    client=client,
                    mirror=Mirror(
                        client, clock, _memory(store, office, pair[1]) if remember and store is not None else None
                    ),
                    clock=clock,
                    store=store,
                    journal=journal,
                    hash_phone=partial(phone_hash, key),
                    stop=stop,
                )
            )
        yield sessions


def reveal_keys(settings: Settings) -> Keys:
    """The keys of every office, fetched once: what is to happen must not depend on whether that works again.

    Raises:
        ConfigurationError: with every key that is missing, empty or unreadable.
    """
    check_secrets(settings)
    return {office.name: _keys_of(office) for office in settings.offices.values()}


def _keys_of(office: OfficeSettings) -> tuple[str, str]:
    return office.developer_key.reveal(), office.customer_key.reveal()


def _memory(store: Store, office: OfficeSettings, customer_key: str) -> Memory:
    """Where an office's mirror is kept. Other addresses or another key may lead to another database."""
    mark = office_mark(phone_key(store), [*office.urls, customer_key])
    read, write = partial(read_mirror, store, office.name), partial(write_mirror, store, office.name)
    return Memory(read, write, mark, partial(phone_hash, phone_key(store)))


def open_client(
    office: OfficeSettings, clock: Clock, stop: threading.Event, keys: tuple[str, str] | None = None
) -> OpenDental:
    """The client of one office. The keys, unless they are handed in, are fetched here; they live in the client only."""
    for url in filter(addresses.is_exposed, office.urls):
        parts = addresses.split(url)
        log.warning("office.unencrypted office=%s host=%s", office.name, parts.hostname if parts else "")
    return OpenDental(
        office.name,
        office.urls,
        *(keys or _keys_of(office)),
        clock=clock,
        seconds_between_requests=office.seconds_between_requests,
        requests_per_minute=office.requests_per_minute,
        stop=stop,
    )
