"""The notifier: a thread of the daemon that looks for what needs a person, and tells it to the settings' addresses.

Nobody waits for it: it has its own connection to the state and works at its own pace, so that a mail server that hangs
slows neither a cycle nor the end. What was told stands in the state; killed between sending and noting it, asapfill
tells it once more.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from asapfill.alerts.conditions import OfficeFacts, PolicyMistake, notices_of
from asapfill.alerts.letters import Address, Letter, addresses_of, forgettable, letter_for, send
from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.core.offer import Offer
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import Policies, no_policy, policy_book
from asapfill.settings.settings import Settings
from asapfill.store.cycles import Tick, last_ticks
from asapfill.store.database import FILE_NAME, Store, StoreError
from asapfill.store.notices import (
    Notice,
    failing_addresses,
    forget_notices,
    keep_addresses,
    keep_notices,
    kept_notices,
    note_failing,
    note_told,
)
from asapfill.store.offers import offer_of
from asapfill.store.offices import kept_events, kept_listen_failure

log = logging.getLogger(__name__)

EVERY: Final = 60.0
"""Seconds from one round to the next."""
SHORTEST: Final = 0.2
"""Real seconds, however fast a simulated clock runs."""
SPACING: Final = 300.0
"""Seconds from one message to an address to the next: what comes up meanwhile goes into one."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds after a message that did not get through; doubled each time."""
HARD: Final = 3
"""Rounds in a row in which the state cannot be used: before that, somebody may only have locked it for a moment."""

Send = Callable[[str, str, str, bool], str]
"""See ``letters.send``."""

_ONE: Final = threading.Lock()
"""The notifier of earlier settings may still be sending when that of the new ones begins."""


@dataclass(slots=True)
class SendPace:
    """When an address may be sent a letter again (the clock's monotonic seconds), and the pause after a failure."""

    after: float = 0.0
    pause: float = FIRST_PAUSE


class CyclesSeen:
    """How long ago each office was last seen to have ended a cycle.

    The times that the state has of cycles are of a clock that may be set; this counts on the monotonic one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._seen: dict[str, tuple[list[datetime], float]] = {}

    def quiet(self, office: str, ticks: Iterable[Tick]) -> timedelta:
        """Since when no cycle has ended, or asapfill has not seen one. ``ticks``: the office's, as they are now."""
        now, ends = self._clock.monotonic(), [tick.at for tick in ticks]
        before, seen = self._seen.get(office, ([], self._began))
        if ends != before:
            seen = now
        self._seen[office] = (ends, seen)
        return timedelta(seconds=now - seen)


@dataclass(slots=True)
class Notifier:
    """Tells the addresses of some settings. ``start`` has a thread make a ``round`` every minute."""

    settings: Settings
    clock: Clock
    send: Send = send
    _stop: threading.Event = field(default_factory=threading.Event)
    _paces: dict[str, SendPace] = field(default_factory=dict)
    _cycles: CyclesSeen = field(init=False)
    _state_failed: int = 0
    _state_told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """From now on the offices are watched."""
        self._cycles = CyclesSeen(self.clock)

    def start(self) -> None:
        """Make the rounds in a thread of its own that ends with ``close`` or with the process."""
        threading.Thread(target=self._work, name="notifier", daemon=True).start()

    def close(self) -> None:
        """Tell nothing more. Nobody waits: a message under way ends by itself."""
        self._stop.set()

    def round(self, store: Store, policies: Policies) -> None:
        """Keep what there is to tell now, and tell whoever does not know it yet.

        A state that cannot be used is told too, from memory.
        """
        try:
            update_notices(self.settings, store, policies, self._cycles)
            self._tell_news(store)
        except StoreError as error:
            self._state_failed += 1
            if self._state_failed >= HARD:
                self._tell_of_state(str(error))
        else:
            self._state_failed = 0
            self._tell_of_state("")

    def _work(self) -> None:
        book = policy_book(self.settings)
        pause = max(SHORTEST, EVERY / self.clock.speed)
        path = self.settings.state / FILE_NAME
        for address in addresses_of(self.settings):
            for problem in address.secret.problems():
                log.warning("notifier.no_address address=%s %s", _word(address), " | ".join(str(problem).split("\n")))
        # The policies are only read here: keeping and forgetting versions is the business of the cycles.
        with Store(path, self.clock) as store, Store(path, self.clock, read_only=True) as reading:
            while not self._stop.wait(pause):
                with _ONE:
                    try:
                        self.round(store, book.read(reading))
                    except Exception as error:  # whatever it is, it must not silence the notifier for ever
                        log.exception("notifier.failed error=%s", type(error).__name__)

    def _tell_news(self, store: Store) -> None:
        addresses = addresses_of(self.settings)
        for address in addresses:
            letter = letter_for(address, kept_notices(store), self.clock.now())
            if letter is not None and not self._stop.is_set():
                self._tell(store, address, letter)
        keep_addresses(store, [address.id for address in addresses])
        self._look_for_secrets(store, addresses)
        over = forgettable(kept_notices(store), addresses, self.clock.now())
        forget_notices(store, [row.notice.key for row in over])

    def _look_for_secrets(self, store: Store, addresses: Iterable[Address]) -> None:
        """Have ``status`` show the addresses that cannot be read, also while there is nothing to tell."""
        failing = {row.address: row.error for row in failing_addresses(store)}
        for address in addresses:
            missing, before = bool(address.secret.problems()), failing.get(address.id)
            if missing and before is None:
                note_failing(store, address.id, address.name, "no_secret")
            elif not missing and before == "no_secret":
                note_told(store, address.id, (), ())

    def _tell(self, store: Store, address: Address, letter: Letter) -> None:
        error = self._send(address, letter)
        if error is None:
            return
        failing = any(each.address == address.id for each in failing_addresses(store))
        if error:
            note_failing(store, address.id, address.name, error)
            if not failing:
                log.warning("notifier.untold address=%s error=%s", _word(address), error)
            return
        note_told(store, address.id, letter.begun, letter.ended)
        log.info("notifier.told address=%s begun=%d ended=%d", _word(address), len(letter.begun), len(letter.ended))

    def _send(self, address: Address, letter: Letter) -> str | None:
        """Send, if it is time to; what went wrong, an empty text, or None when it is not."""
        pace = self._paces.setdefault(address.id, SendPace())
        if self.clock.monotonic() < pace.after:
            return None
        try:
            error = self.send(address.secret.reveal(), letter.title, letter.body, letter.all_right)
        except ConfigurationError:
            error = "no_secret"
        wait = pace.pause if error else SPACING
        pace.after = self.clock.monotonic() + wait
        pace.pause = min(pace.pause * 2, LONGEST_PAUSE) if error else FIRST_PAUSE
        return error

    def _tell_of_state(self, wrong: str) -> None:
        """Tell whoever does not know yet what is wrong with the state; if ``wrong`` is empty, that it works again."""
        title = f"The state cannot be used{', so nothing is sent' if wrong else ''}"
        notice = Notice(office="", code="state", title=title, message=wrong)
        letter = Letter((notice,), ()) if wrong else Letter((), (notice,))
        for address in addresses_of(self.settings):
            if (address.id in self._state_told) != bool(wrong) and self._send(address, letter) == "":
                self._state_told ^= {address.id}


def _word(address: Address) -> str:
    """Its name as one word, for the log."""
    return address.name.replace(" ", "_")


def update_notices(settings: Settings, store: Store, policies: Policies, cycles: CyclesSeen) -> None:
    """Find what needs a person now, and keep it. ``cycles``: that were seen to end so far.

    Raises:
        StoreError: the state cannot be read or written.
    """
    ticks: dict[str, list[Tick]] = defaultdict(list)
    for tick in last_ticks(store):
        ticks[tick.office].append(tick)
    not_listening = kept_listen_failure(store) if settings.events is not None else None
    facts = [
        OfficeFacts(
            name=name,
            ticks=tuple(ticks[name]),
            has_policy=bool(policies.of(name)),
            unclear=Journal(store, name).unknowns(),
            lately=_lately(store, name),
            quiet=cycles.quiet(name, ticks[name]),
            # Nothing can get through to an asapfill that does not listen.
            events_fail=not_listening is None and bool(kept_events(store, name).problem),
            events_on=settings.events is not None and office.events,
        )
        for name, office in settings.offices.items()
    ]
    mistakes = list(_mistakes(settings, policies))
    found = notices_of(facts, mistakes, store.clock.now(), "" if not_listening is None else not_listening.code)
    news, gone = keep_notices(store, found)
    for notice in news:
        log.warning("notice.stands office=%s code=%s subject=%s", notice.office, notice.code, notice.subject)
    for notice in gone:
        log.info("notice.over office=%s code=%s subject=%s", notice.office, notice.code, notice.subject)


def _lately(store: Store, office: str) -> tuple[Offer, ...]:
    """The offers of the last day of the office on which any was made."""
    rows = store.rows(
        "SELECT * FROM offers WHERE office = :office AND made >= "
        "(SELECT date(max(made)) FROM offers WHERE office = :office AND (asapcomm IS NOT NULL OR state = 'refused'))",
        {"office": office},
    )
    return tuple(offer_of(row) for row in rows)


def _mistakes(settings: Settings, policies: Policies) -> Iterator[PolicyMistake]:
    """What is wrong with the policies, by the office that it concerns as far as the files tell."""
    offices = {file.source.path: file.office for file in policies.files}
    for problem in policies.problems:
        yield PolicyMistake(offices.get(problem.file, ""), _place(settings, problem), str(problem))
    if not policies.problems:
        for name in settings.offices:
            if not policies.of(name):
                yield PolicyMistake(name, "missing", str(no_policy(settings, [name])))


def _place(settings: Settings, problem: Problem) -> str:
    """The file; empty for the folder."""
    return "" if problem.file == settings.policies else problem.name
