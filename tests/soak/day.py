"""One simulated day of one office and one asapfill, drawn from a seed: everything that may go wrong, mixed.

asapfill is the real one: settings, policies, state, lock and client as in ``asapfill once`` and ``run``. Only its clock
and its sockets are put in place. A crash is a ``Killed`` at a failpoint or on the line, after which nothing of that
process may write or send; then a new one starts on the same state. The same seed replays the same day.
"""

from __future__ import annotations

import hashlib
import math
import random
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from asapfill import failpoints
from asapfill.core.errors import ConfigurationError
from asapfill.core.offer import State
from asapfill.offers.journal import Journal
from asapfill.opendental import exchange
from asapfill.opendental.answers import Answer, Call
from asapfill.policy import in_force as service_policies
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import parse_policy
from asapfill.sandbox.office.columns import Row
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY
from asapfill.sandbox.wire.world import Options, World
from asapfill.settings.settings import load_settings
from asapfill.store.database import StoreError, open_for_reading, open_store
from asapfill.store.offices import kept_policies
from tests.soak.drawn_policy import draw_policy, policy_text, rules_of
from tests.soak.events import draw_event
from tests.soak.line import Killed, Line, Weather
from tests.soak.process import Process
from tests.soak.small_office import draw_office
from tests.soak.witness import Rules, Witness

ENDS = time(20, 0)
CALM_CYCLES = 10
"""Cycles without any fault at the end: by then nothing may be left unclear."""

SETTINGS = """\
policies = "policies"
state = "state"

[offices.main-street]
urls = ["http://127.0.0.1:9/api/v1"]
developer_key = "file:developer.key"
customer_key = "file:customer.key"
seconds_between_requests = {seconds}
"""


class DriftingClock:
    """The clock of asapfill's machine: the office's, off by ``off``; sleeping takes the office along."""

    speed: float = 1.0

    def __init__(self, line: Line) -> None:
        self._line = line
        self.off = timedelta(0)

    def now(self) -> datetime:
        """The moment as asapfill's machine has it, aware."""
        return (self._line.world.clock.now() + self.off).astimezone(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return self._line.world.clock.monotonic()

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let simulated time pass."""
        if seconds > 0 and not (stop is not None and stop.is_set()):
            self._line.pass_time(seconds)


@dataclass(slots=True)
class Account:
    """What one seed came to."""

    seed: int
    days: float = 0.0
    cycles: int = 0
    offers: int = 0
    texts: int = 0
    accepted: int = 0
    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    digest: str = ""


class Day:
    """One seed's day. ``run`` lives through it and returns the account."""

    def __init__(self, seed: int, folder: Path, log: Path | None = None) -> None:
        self.draws = random.Random(f"soak {seed}")
        self.folder = folder
        self.account = Account(seed)
        self._hash = hashlib.sha256()
        self._log = log.open("w", encoding="utf-8") if log else None
        options = Options(
            office=draw_office(self.draws),
            seed=seed,
            page_cap=self.draws.choice([1000, 100]),
            throttle=self.draws.choice([0.0, 0.0, 1.0]),
            unstable_ties=self.draws.random() < 0.3,
            eagerness=self.draws.choice([0.1, 0.3, 0.6]),
        )
        assert isinstance(options.office, dict)
        self.world = World(options)
        # The simulated staff of the sandbox expects a life-sized practice; ours is in ``events``.
        self.witness = Witness(self.world)
        self.line = Line(self.world, self.witness, self.draws, self.say, self._meanwhile, self.die)
        self.clock = DriftingClock(self.line)
        (folder / "policies").mkdir(parents=True)
        (folder / "asapfill.toml").write_text(SETTINGS.format(seconds=options.throttle))
        for name, key in (("developer.key", DEVELOPER_KEY), ("customer.key", CUSTOMER_KEY)):
            (folder / name).write_text(key + "\n")
            (folder / name).chmod(0o600)
        self.settings = load_settings(folder / "asapfill.toml", {})
        self.ends = datetime.combine(self.world.office.now.date(), ENDS) + timedelta(
            days=self.draws.choice([0] * 7 + [1])
        )
        self.process: Process | None = None
        self.starts_at: datetime | None = self.world.office.now
        self.until_death: int | None = None
        self.stormy = True
        self.readable = True
        self._rules: dict[str, Rules] = {}
        self._read: dict[tuple[bytes, Path], PolicyFile | ConfigurationError] = {}
        self._acting = False

    # The record

    def say(self, what: str, **facts: Any) -> None:
        """Write a line of the day's log, of which the digest is made."""
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        line = f"{self.world.clock.now().isoformat(timespec='milliseconds')} {what} {told}\n"
        self._hash.update(line.encode())
        if self._log:
            self._log.write(line)
        if what == "fault":
            self.account.faults[str(facts["kind"])] += 1

    # Life and death

    def die(self, where: str) -> None:
        """The process ends here, as with a power cut."""
        if self.process is None:
            return
        self.say("killed", where=where)
        self.account.kills += 1
        self.process.fall()
        raise Killed(where)

    def _reached(self, name: str) -> None:
        """A failpoint: perhaps the last."""
        if self.process is None or self._acting:
            return
        self.process.must_live()
        if self.until_death is not None:
            self.until_death -= 1
            if self.until_death <= 0:
                self.until_death = None
                self.die(name)

    def run(self) -> Account:
        """Live through the day, then calm down, then settle the account."""
        random.seed(self.account.seed)  # the client's retries draw their pauses from the module's own source
        began = self.world.office.now
        self.write_policy()
        with (
            failpoints.listening(self._reached),
            patch.object(exchange.HttpClient, "exchange", self._exchange),
            patch.object(service_policies, "parse_policy", self._parsed),
        ):
            try:
                while self.world.office.now < self.ends:
                    self._step()
                self._calm_down()
            finally:
                self._end_process()
        self.account.days = (self.world.office.now - began) / timedelta(days=1)
        self._settle()
        if self._log:
            self._log.close()
        return self.account

    def _step(self) -> None:
        """A while passes, something may happen, and asapfill works. Cycles in which nothing is new are few."""
        night = not 7 <= self.world.office.now.hour < 20
        minutes = self.draws.choice([60, 120, 180]) if night else self.draws.choice([1, 2, 5, 10, 20, 45, 60, 90])
        self.line.pass_time(minutes * 60 * self.draws.uniform(0.3, 1))
        for _ in range(self.draws.choice([1, 2, 3, 3, 5])):
            self._something_happens()
        self._work()

    def _work(self) -> None:
        """One cycle of the process that runs; it is started first if it is time."""
        now = self.world.office.now
        if self.process is None:
            if self.starts_at is not None and now < self.starts_at:
                return
            self._start()
        if self.process is None:
            return
        if self.stormy and self.draws.random() < 0.4:
            self.until_death = int(self.draws.expovariate(1 / 40)) + 1
        try:
            self.process.cycle(self)
        except Killed:
            self._bury()
        except StoreError:
            if self.process.alive:
                raise
            self._bury()
        self.until_death = None
        if not self.readable:
            self.judge_by_last_good()
        self.witness.note_answers()
        self.account.cycles += 1

    def _start(self) -> None:
        """Start asapfill on the state as it was left; it may die on the way."""
        self.process = Process()
        if self.stormy and self.draws.random() < 0.1:
            self.until_death = self.draws.randint(1, 10)
        try:
            self.process.open(self)
        except Killed:
            self._bury()
        except StoreError:
            if self.process.alive:
                raise
            self._bury()
        self.until_death = None
        self.say("started", alive=self.process is not None)

    def _bury(self) -> None:
        assert self.process is not None
        self.process.close()
        self.process = None
        self.starts_at = self.world.office.now + timedelta(seconds=self.draws.choice([1, 20, 70, 300, 1200]))

    def _end_process(self) -> None:
        if self.process is not None:
            self.process.close()
            self.process = None

    def _exchange(self, call: Call, url: str, content: bytes | None, deadline: float = math.inf) -> Answer:
        """The line as one process sees it: the dead send nothing. ``deadline`` is of real time."""
        del deadline
        assert self.process is not None
        self.process.must_live()
        return self.line.exchange(call, url, content)

    # What happens

    def _meanwhile(self) -> None:
        """Something may happen while asapfill is in the middle of a cycle."""
        if self.stormy and not self._acting and self.draws.random() < 0.02:
            self._something_happens()

    def _something_happens(self) -> None:
        """One event, drawn."""
        self._acting = True
        # What patients did since is not told by the rows any more when staff undo it.
        self.witness.note_answers()
        try:
            name, act = draw_event(self.draws)
            told = act(self)
            self.account.events[name] += 1
            self.say(name, **(told or {}))
        finally:
            self._acting = False

    def write_policy(self, **more: Any) -> Row:
        """A policy drawn anew; it is in force from now on."""
        path = self.folder / "policies" / "main.yaml"
        while True:
            policy = draw_policy(self.draws) | more
            text = policy_text(policy, self.world.office.timezone.key)
            try:
                self._parsed(text.encode(), path)
            except ConfigurationError:
                continue  # such as "asked at once: more than may be asked at all"
            break
        path.write_text(text)
        self.witness.rules = rules_of(policy, self.witness.rules)
        self._rules[text] = self.witness.rules
        self.readable = True
        return policy

    def _parsed(self, raw: bytes, path: Path) -> PolicyFile:
        """What ``parse_policy`` says, which takes as long as a cycle and is the same for the same bytes."""
        if (raw, path) not in self._read:
            try:
                self._read[raw, path] = parse_policy(raw, path)
            except ConfigurationError as error:
                self._read[raw, path] = error
        found = self._read[raw, path]
        if isinstance(found, ConfigurationError):
            raise found
        return found

    def judge_by_last_good(self) -> None:
        """The file has a mistake: by now the last version that asapfill came to use is in force, if there is one.

        That is the one which the cycle under way has read, or else the one that was kept.
        """
        self.readable = False
        texts = [self.process.reading] if self.process is not None and self.process.reading else self._kept()
        rules, now = (self._rules[texts[0]] if texts else Rules(mode="none yet")), self.witness.rules
        self.witness.rules = replace(rules, paused=now.paused, clock_off=now.clock_off)

    def _kept(self) -> list[str]:
        """The policy that is kept as the last good one, if there is one."""
        try:
            store = open_for_reading(self.folder / "state", self.clock)
        except StoreError:
            return []  # killed while it made its state
        with store:
            return [row.text for row in kept_policies(store)]

    def _calm_down(self) -> None:
        """No faults any more; whatever is unclear must become clear within a few cycles."""
        self.stormy = False
        self.line.weather = Weather()
        self.world.faults.replace([])
        self.clock.off = timedelta(0)
        self.witness.rules = replace(self.witness.rules, clock_off=timedelta(0))
        self.starts_at = self.world.office.now
        self.write_policy(mode="automatic")
        self.say("calm")
        for _ in range(CALM_CYCLES):
            self.line.pass_time(65)
            self._work()

    # The account

    def _settle(self) -> None:
        """What the state says in the end, compared with the office."""
        account = self.account
        with open_store(self.folder / "state", self.clock) as store:
            journal = Journal(store, "main-street")
            offers = journal.since(datetime.min.date())
            for offer in journal.unknowns():
                self.witness.count("still unclear in the end", offer=offer.id, state=offer.state)
            linked = journal.asapcomms()
        for number in sorted(set(self.witness.made) - linked):
            self.witness.count("not in the journal", asapcomm=number, fkey=self.witness.made[number]["FKey"])
        for offer in offers:
            self._compare(offer.asapcomm, offer.state)
        self._count_doubles()
        account.accepted = sum(offer.state is State.ACCEPTED for offer in offers)
        account.offers, account.texts = self.witness.offers, len(self.world.life.sent)
        account.violations, account.details = self.witness.violations, self.witness.details
        for detail in account.details:
            self.say("violation", detail=detail)
        account.digest = self._hash.hexdigest()

    def _count_doubles(self) -> None:
        """Commlogs, and texts that really went out."""
        markers = Counter(_marker(row["Note"]) for row in self.world.office.commlogs.values())
        for marker, count in markers.items():
            if marker and count > 1:
                self.witness.count("commlog twice", marker=marker)
        texts = Counter(
            (row["FKey"], row["FKeyType"] == "Recall", row["op"], row["dateTimeStart"])
            for row in self.world.life.sent
            if row["AsapCommNum"] in self.witness.made
        )
        for key, count in texts.items():
            if count > 1:
                self.witness.count("texted twice", key=key)

    def _compare(self, asapcomm: int | None, state: State) -> None:
        """An answer at the office must have reached the journal."""
        row = self.world.office.asapcomms.get(asapcomm or 0)
        answers = {
            "AcceptedAndMoved": State.ACCEPTED,
            "Declined": State.DECLINED,
            "DeclinedStopComm": State.STOPPED,
            "ChoseDifferentSlot": State.OTHER_SLOT,
        }
        if row is not None and row["ResponseStatus"] in answers and answers[row["ResponseStatus"]] is not state:
            self.witness.count("outcome missed", asapcomm=asapcomm, told=row["ResponseStatus"], journal=state)


def _marker(note: str) -> str:
    return note.split("]", 1)[0] if note.startswith("[asapfill") else ""
