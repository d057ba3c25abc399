"""What serving one office needs, and opening it for the offices in the settings: to send, or only to read."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from asapfill.clock import Clock, Now
from asapfill.core.chances import Chances
from asapfill.mirror.memory import Memory
from asapfill.mirror.mirror import Mirror
from asapfill.offers.commlogs import recover_commlogs
from asapfill.offers.journal import Journal
from asapfill.offers.reconcile import recover
from asapfill.opendental.client import OpenDental
from asapfill.opendental.exchange import Network
from asapfill.settings.kinds import ANYWHERE, is_exposed, split_address
from asapfill.settings.settings import OfficeSettings, Settings, check_secrets
from asapfill.store.database import EmptyStore, Store, open_for_reading, open_store
from asapfill.store.lock import only_one
from asapfill.store.mirror import office_mark, phone_hash, phone_key, read_mirror, write_mirror

log = logging.getLogger(__name__)

Keys = Mapping[str, tuple[str, str]]
"""Developer key and customer key by office. In memory only, and never shown."""


@dataclass(slots=True)
class OfficeSession:
    """One office being served; the daemon keeps it from cycle to cycle.

    ``store`` may be read only, which is enough for ``plan_cycle``. ``free_time_kept``: when the free time of each
    clinic was last kept, by ClinicNum. ``talks``: by PatNum, when (monotonic) the commlogs were read, and when (office
    wall clock) the office last talked to the patient. ``pruned``: when (monotonic) what is too old to matter was last
    forgotten. ``learned``: when (monotonic) the office's outcomes were counted, and what they tell.
    """

    office: str
    client: OpenDental
    mirror: Mirror
    clock: Clock
    store: Store
    journal: Journal
    hash_phone: Callable[[str], str]
    stop: threading.Event = field(default_factory=threading.Event)
    free_time_kept: dict[int, datetime] = field(default_factory=dict)
    talks: dict[int, tuple[float, datetime | None]] = field(default_factory=dict)
    pruned: float = -math.inf
    learned: tuple[float, Chances] | None = None

    def now(self, timezone: ZoneInfo) -> Now:
        """The present moment, and what the office's clock shows."""
        return Now.at(self.clock.now(), timezone)


@contextmanager
def sessions_to_send(
    settings: Settings, offices: Collection[str], clock: Clock, *, remember: bool = False
) -> Iterator[list[OfficeSession]]:
    """Sessions of these offices for cycles that act: the state is made, locked and recovered.

    ``remember``: see ``open_sessions``.

    Raises:
        StoreError: the state cannot be used.
        AlreadyRunning: another asapfill works on this state.
    """
    with (
        only_one(settings.state),
        open_store(settings.state, clock) as store,
        open_sessions(settings, offices, clock, store, remember=remember) as sessions,
    ):
        recover_sessions(sessions)
        yield sessions


@contextmanager
def sessions_to_read(settings: Settings, offices: Collection[str], clock: Clock) -> Iterator[list[OfficeSession]]:
    """Sessions of these offices for commands that only look: the state is read, if there is one, and never changed.

    Raises:
        StoreError: the state cannot be read.
    """
    with (
        open_for_reading(settings.state, clock) as store,
        open_sessions(settings, offices, clock, store) as sessions,
    ):
        yield sessions


@contextmanager
def sessions_without_state(settings: Settings, offices: Collection[str], clock: Clock) -> Iterator[list[OfficeSession]]:
    """Sessions of these offices that know of no state, also where there is one: for checking the offices themselves."""
    with EmptyStore(clock) as store, open_sessions(settings, offices, clock, store) as sessions:
        yield sessions


@contextmanager
def open_sessions(
    settings: Settings,
    offices: Iterable[str],
    clock: Clock,
    store: Store,
    *,
    stop: threading.Event | None = None,
    keys: Keys | None = None,
    remember: bool = False,
) -> Iterator[list[OfficeSession]]:
    """A session for each of ``offices``, in the order of the settings.

    ``stop``: set when no more is to be begun. ``keys``: those of the offices, when they were fetched before; see
    ``reveal_keys``. ``remember``: what is known of the offices is kept in the state and believed at the start, as the
    service does; commands look anew.

    Raises:
        ConfigurationError: a key cannot be fetched.
    """
    wanted = set(offices)
    stop = stop or threading.Event()
    key = phone_key(store)
    with ExitStack() as stack:
        sessions = []
        for office in settings.offices.values():
            if office.name not in wanted:
                continue
            pair = (keys or {}).get(office.name) or _keys_of(office)
            client = open_client(office, clock, stop, pair)
            stack.callback(client.close)
            memory = _memory(store, key, office, pair[1]) if remember else None
            sessions.append(
                OfficeSession(
                    office=office.name,
                    client=client,
                    mirror=Mirror(client, clock, memory, office.phones == ANYWHERE),
                    clock=clock,
                    store=store,
                    journal=Journal(store, office.name),
                    hash_phone=partial(phone_hash, key),
                    stop=stop,
                )
            )
        yield sessions


def recover_sessions(sessions: Iterable[OfficeSession]) -> None:
    """What an earlier asapfill had begun and not finished becomes unknown: nobody can tell whether it happened.

    Only while the lock of the state is held and before anything is sent.
    """
    for session in sessions:
        dead = recover(session.journal) + recover_commlogs(session.journal)
        if dead:
            log.warning("state.recovered office=%s unknown=%d", session.office, dead)


def reveal_keys(settings: Settings) -> Keys:
    """The keys of every office, fetched once: what is to happen must not depend on whether that works again.

    Raises:
        ConfigurationError: with every key that is missing, empty or unreadable.
    """
    check_secrets(settings)
    return {office.name: _keys_of(office) for office in settings.offices.values()}


def _keys_of(office: OfficeSettings) -> tuple[str, str]:
    return office.developer_key.reveal(), office.customer_key.reveal()


def _memory(store: Store, key: bytes, office: OfficeSettings, customer_key: str) -> Memory:
    """Where an office's mirror is kept. Other addresses or another customer key may lead to another database.

    ``key``: of this state's hashes.
    """
    mark = office_mark(key, [*office.urls, customer_key])
    read, write = partial(read_mirror, store, office.name), partial(write_mirror, store, office.name)
    return Memory(read, write, mark, partial(phone_hash, key))


def open_client(office: OfficeSettings, clock: Clock, stop: threading.Event, keys: tuple[str, str]) -> OpenDental:
    """The client of one office. The keys live in it and nowhere else."""
    for url in filter(is_exposed, office.urls):
        parts = split_address(url)
        log.warning("office.unencrypted office=%s host=%s", office.name, parts.hostname if parts else "")
    return OpenDental(
        office.name,
        office.urls,
        *keys,
        clock=clock,
        seconds_between_requests=office.seconds_between_requests,
        requests_per_minute=office.requests_per_minute,
        stop=stop,
        network=Network(
            plain_http=office.plain_http, ca=str(office.ca) if office.ca is not None else None, proxy=office.proxy
        ),
    )
