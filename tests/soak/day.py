"""One simulated day of one office and one asapfill, drawn from a seed: everything that may go wrong, mixed.

asapfill is the real one: settings, policies, state, lock and client as in ``asapfill once`` and ``run``. Only its clock
and its sockets are put in place. A crash is a ``Killed`` at a failpoint or on the line, after which nothing of that
process may write or send; then a new one starts on the same state. The same seed replays the same day.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from asapfill import failpoints
from asapfill.offers.journal import Journal
from asapfill.offers.states import State
from asapfill.opendental import wire
from asapfill.opendental.answers import Answer, Call
from asapfill.opendental.client import OpenDental
from asapfill.policy.reading import parse_policy
from asapfill.problems import ConfigurationError
from asapfill.sandbox import offers as sandbox_offers
from asapfill.sandbox import staff
from asapfill.sandbox.columns import Row, stamp
from asapfill.sandbox.offers import Refusal
from asapfill.sandbox.options import Options
from asapfill.sandbox.tables import CUSTOMER_KEY, DEVELOPER_KEY
from asapfill.sandbox.world import World
from asapfill.service import desks as desks_module
from asapfill.service.cycle import run_cycle
from asapfill.service.desk import Desk
from asapfill.service.operations import desks_for
from asapfill.service.policies import PolicyBook
from asapfill.settings import OfficeSettings, Settings, load_settings
from asapfill.store.database import Store, StoreError, open_for_reading, open_store
from asapfill.store.pause import pause, resume
from asapfill.store.policies import kept_policies
from tests.soak.line import Killed, Line, Weather
from tests.soak.small_office import HELD_FOR_ASAP, PATIENTS, draw_office
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
        self.ends = datetime.combine(self.world.office.now.date(), ENDS) + timedelta(days=self.draws.choice([0, 0, 1]))
        self.process: Process | None = None
        self.starts_at: datetime | None = self.world.office.now
        self.until_death: int | None = None
        self.stormy = True
        self.readable = True
        self._rules: dict[str, Rules] = {}
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
        self._write_policy()
        with (
            failpoints.listening(self._reached),
            patch.object(desks_module, "open_client", self._open_client),
            patch.object(wire.Line, "exchange", self._exchange),
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
        """A while passes, something may happen, and asapfill works."""
        night = not 7 <= self.world.office.now.hour < 20
        minutes = self.draws.choice([20, 60, 120]) if night else self.draws.choice([1, 1, 2, 5, 5, 10, 15, 30])
        self.line.pass_time(minutes * 60 * self.draws.uniform(0.3, 1))
        for _ in range(self.draws.choice([0, 0, 1, 1, 2])):
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
        if self.stormy and self.draws.random() < 0.3:
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

    def _open_client(self, office: OfficeSettings, clock: Any, stop: threading.Event) -> OpenDental:
        """The client as ``desks.open_client`` makes it, with our line in place of the network."""
        assert self.process is not None
        return OpenDental(
            office.name,
            office.urls,
            office.developer_key.reveal(),
            office.customer_key.reveal(),
            clock=clock,
            seconds_between_requests=office.seconds_between_requests,
            stop=stop,
        )

    def _exchange(self, call: Call, url: str, content: bytes | None) -> Answer:
        """The line as one process sees it: the dead send nothing."""
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
        try:
            name, act = self.draws.choices(_EVENTS, weights=_WEIGHTS)[0]
            told = act(self)
            self.account.events[name] += 1
            self.say(name, **(told or {}))
        finally:
            self._acting = False

    def _write_policy(self, **more: Any) -> Row:
        """A policy drawn anew; it is in force from now on."""
        path = self.folder / "policies" / "main.yaml"
        while True:
            policy = self._draw_policy() | more
            text = policy_text(policy, self.world.office.timezone.key)
            try:
                parse_policy(text.encode(), path)
            except ConfigurationError:
                continue  # such as "asked at once: more than may be asked at all"
            break
        path.write_text(text)
        self._take_rules(policy)
        self._rules[text] = self.witness.rules
        self.readable = True
        return policy

    def _draw_policy(self) -> Row:
        per_day = self.draws.choice([1, 1, 2])
        return {
            "mode": self.draws.choice(["automatic"] * 8 + ["preview"]),
            "per_day": per_day,
            "per_week": per_day + self.draws.choice([0, 1, 2]),
            "per_opening": self.draws.choice([2, 4, 12]),
            "wave": self.draws.choice(["auto", "1", "2", "4"]),
            "wait": self.draws.choice(["auto", "10 minutes", "30 minutes"]),
            "between": self.draws.choice([("09:00", "19:00"), ("08:00", "20:00"), ("10:00", "13:00")]),
            "allowed": self.draws.random() < 0.4,
            "under_18": self.draws.choice(["skip", "skip", "text"]),
            "settle": self.draws.choice(["0 minutes", "15 minutes"]),
            "notice": self.draws.choice(["1 hour", "2 hours"]),
            "rest": self.draws.choice([1, 7]),
            "except": sorted(self.draws.sample(range(1, PATIENTS + 1), 2)),
            "same_provider": self.draws.choice(["yes", "no"]),
            "spoken_to": self.draws.choice([0, 0, 2]),
            "weekdays": self.draws.choice(["[Mon, Tue, Wed, Thu, Fri, Sat, Sun]", "[Mon, Tue, Wed, Thu, Fri, Sat]"]),
        }

    def _take_rules(self, policy: Row) -> None:
        """Tell the witness what holds from now on."""
        begins, ends = policy["between"]
        rules = self.witness.rules
        self.witness.rules = Rules(
            mode=policy["mode"],
            paused=rules.paused,
            clock_off=rules.clock_off,
            between=(time.fromisoformat(begins), time.fromisoformat(ends)),
            weekdays=frozenset(range(7 if "Sun" in policy["weekdays"] else 6)),
            per_day=policy["per_day"],
            per_week=policy["per_week"],
            per_opening=policy["per_opening"],
            rest=timedelta(days=policy["rest"]),
            text_minors=policy["under_18"] == "text",
            blockouts_allowed=frozenset({HELD_FOR_ASAP}) if policy["allowed"] else frozenset(),
            except_patients=frozenset(policy["except"]),
            spoken_to=timedelta(days=policy["spoken_to"]),
        )

    def last_good(self) -> Rules:
        """The rules of the last version that asapfill has kept as good."""
        store = open_for_reading(self.folder / "state", self.clock)
        if store is None:
            return Rules(mode="none yet")
        with store:
            texts = [row.text for row in kept_policies(store)]
        return self._rules[texts[0]] if texts else Rules(mode="none yet")

    def _calm_down(self) -> None:
        """No faults any more; whatever is unclear must become clear within a few cycles."""
        self.stormy = False
        self.line.weather = Weather()
        self.world.faults.replace([])
        self.clock.off = timedelta(0)
        self.witness.rules = replace(self.witness.rules, clock_off=timedelta(0))
        self.starts_at = self.world.office.now
        self._write_policy(mode="automatic")
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


class Process:
    """One life of asapfill, all of it in memory: what is not in the state is lost with it."""

    def __init__(self) -> None:
        self.alive = True
        self.desk: Desk | None = None
        self.book: PolicyBook | None = None
        self._stack = ExitStack()

    def open(self, day: Day) -> None:
        """What a command that sends does before its first cycle."""
        settings: Settings = day.settings
        self.book = PolicyBook(settings.policies, tuple(settings.offices))
        opened = self._watched_store
        with patch("asapfill.service.operations.open_store", opened):
            desks = self._stack.enter_context(
                desks_for(settings, ("main-street",), day.clock, threading.Event(), act=True)
            )
        self.desk = desks[0]

    def _watched_store(self, folder: Path, clock: Any) -> Store:
        self.store = open_store(folder, clock)
        return self.store

    def cycle(self, day: Day) -> None:
        """One tick of the daemon."""
        assert self.desk is not None
        assert self.book is not None
        policies = self.book.read(self.store)
        files = policies.of("main-street")
        if not files:
            day.say("no policy")
            return
        for result in run_cycle(
            self.desk, files, act=True, still_valid=policies.still_valid, last_good=policies.last_good
        ):
            states = Counter(line.state for line in result.offers)
            reasons = Counter(line.reason for line in result.offers if line.reason)
            day.say("cycle", openings=len(result.openings), offers=dict(sorted(states.items())),
                    reasons=dict(sorted(reasons.items())), errors=[t.message for t in result.errors])  # fmt: skip

    def must_live(self) -> None:
        """Nothing of a dead process runs: what a handler still tries goes nowhere."""
        if not self.alive:
            raise Killed("dead already")

    def fall(self) -> None:
        """Be dead: the open transaction is lost, and the state cannot be reached any more."""
        self.alive = False
        store = getattr(self, "store", None)
        if store is not None:
            store.path = Path("/nonexistent/asapfill.db")
            store.close()

    def close(self) -> None:
        """Throw everything away; the lock is released as the system does it for the dead."""
        try:
            self._stack.close()
        except (Killed, StoreError, sqlite3.Error):
            if self.alive:
                raise


def policy_text(policy: Row, timezone: str) -> str:
    """The policy as YAML."""
    begins, ends = policy["between"]
    allowed = "[Short notice]" if policy["allowed"] else "[]"
    return f"""\
office: main-street
timezone: {timezone}
mode: {policy["mode"]}
openings:
  look_ahead: 4 days
  notice: {policy["notice"]}
  settle: {policy["settle"]}
  blockouts_allowed: {allowed}
  days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun]
candidates:
  gain: 1 hour
  under_18: {policy["under_18"]}
  same_provider: {policy["same_provider"]}
  except_patients: {policy["except"]}
  spoken_to: {policy["spoken_to"]} days
texts:
  between: "{begins}-{ends}"
  days: {policy["weekdays"]}
  per_patient_per_day: {policy["per_day"]}
  per_patient_per_week: {policy["per_week"]}
  per_opening: {policy["per_opening"]}
  wave: {policy["wave"]}
  wait: {policy["wait"]}
  rest_after_decline: {policy["rest"]} days
"""


def _marker(note: str) -> str:
    return note.split("]", 1)[0] if note.startswith("[asapfill") else ""


# The events. Each returns what the log tells of it.


def _staff_books(day: Day) -> Row:
    start = _some_time(day)
    return _do(day, {"action": "book", "PatNum": day.draws.randint(1, PATIENTS), "Op": day.draws.randint(1, 2),
                     "AptDateTime": stamp(start), "Pattern": "/XXXX/"})  # fmt: skip


def _staff_changes_a_visit(day: Day) -> Row:
    kind = day.draws.choice(["cancel", "cancel", "break", "delete", "move", "complete", "priority"])
    number = _some(day, day.world.office.appointments)
    action: Row = {"action": kind, "AptNum": number}
    if kind in {"cancel", "break", "priority"}:
        action["Priority"] = day.draws.choice(["ASAP", "Normal"])
    if kind == "move":
        action |= {"Op": day.draws.randint(1, 2), "AptDateTime": stamp(_some_time(day))}
    return _do(day, action)


def _staff_blocks(day: Day) -> Row:
    start = _some_time(day)
    return _do(day, {"action": "blockout", "SchedDate": str(start.date()), "StartTime": f"{start:%H:%M:%S}",
                     "StopTime": f"{start + timedelta(hours=1):%H:%M:%S}", "operatories": [day.draws.randint(1, 2)],
                     "BlockoutType": day.draws.choice([301, 302, 303])})  # fmt: skip


def _staff_deletes_a_schedule_row(day: Day) -> Row:
    rows = [number for number, row in day.world.office.schedules.items() if row["SchedType"] != "Provider"]
    return _do(day, {"action": "delete_schedule", "ScheduleNum": day.draws.choice(sorted(rows))}) if rows else {}


def _staff_edits_a_patient(day: Day) -> Row:
    change = day.draws.choice(
        [{"TxtMsgOk": "No"}, {"TxtMsgOk": "Yes"}, {"PatStatus": "Archived"}, {"PatStatus": "Patient"},
         {"WirelessPhone": "(503)555-9999"}, {"Birthdate": "2016-01-01"}]
    )  # fmt: skip
    return _do(day, {"action": "patient", "PatNum": day.draws.randint(1, PATIENTS), **change})


def _staff_makes_an_offer(day: Day) -> Row:
    """By hand, in Open Dental itself: the row goes past the API's log."""
    office = day.world.office
    asap = [row["AptNum"] for row in office.appointments.values() if row["Priority"] == "ASAP"]
    if not asap:
        return {}
    body = {"op": day.draws.randint(1, 2), "aptNum": day.draws.choice(sorted(asap)),
            "dateTimeStart": stamp(_some_time(day))}  # fmt: skip
    try:
        row = sandbox_offers.create(office, body)
    except Refusal:
        return {"refused": True}
    day.world.life.offered(row)
    return {"asapcomm": row["AsapCommNum"], "op": body["op"], "start": body["dateTimeStart"]}


def _staff_talks(day: Day) -> Row:
    office = day.world.office
    patient = day.draws.randint(1, PATIENTS)
    office.insert("commlogs", {"PatNum": patient, "CommDateTime": stamp(office.now), "Mode_": "Phone",
                               "SentOrReceived": "Received", "Note": "Called.",
                               "DateTStamp": stamp(office.now)})  # fmt: skip
    day.witness.talks.append((patient, office.now))
    return {"patient": patient}


def _preference_changes(day: Day) -> Row:
    return _do(day, {"action": "preference", "PrefName": "SmsContractDate", "ValueString": "2020-01-01"})


def _patient_answers(day: Day) -> Row:
    open_rows = [number for number, row in day.world.office.asapcomms.items()
                 if row["ResponseStatus"] in {"PendingRsvp", "Viewed"}]  # fmt: skip
    if not open_rows:
        return {}
    number = day.draws.choice(sorted(open_rows))
    action = day.draws.choice(["view", "accept", "decline", "decline", "stop"])
    try:
        status = day.world.life.respond(number, action)
    except Refusal:
        return {"asapcomm": number, "refused": True}
    day.witness.note_answers()
    return {"asapcomm": number, "answer": action, "status": status}


def _policy_edit(day: Day) -> Row:
    policy = day._write_policy()
    return {"mode": policy["mode"], "per_day": policy["per_day"], "per_opening": policy["per_opening"]}


def _policy_mistake(day: Day) -> Row:
    """An edit with a mistake: the version before stays in force, or nothing is sent."""
    path = day.folder / "policies" / "main.yaml"
    text = path.read_text()
    path.write_text(day.draws.choice([text + "colour: red\n", text.replace("texts:", "texts"), ""]))
    if day.readable:
        # A version that asapfill never came to use was never in force.
        rules = day.witness.rules
        day.witness.rules = replace(day.last_good(), paused=rules.paused, clock_off=rules.clock_off)
        day.readable = False
    return {}


def _pause_or_resume(day: Day) -> Row:
    """As ``asapfill pause`` does beside a running daemon."""
    paused = not day.witness.rules.paused
    if not (day.folder / "state" / "asapfill.db").exists():
        return {}
    with open_store(day.folder / "state", day.clock) as store:
        (pause if paused else resume)(store)
    day.witness.rules = replace(day.witness.rules, paused=paused)
    return {"paused": paused}


def _clock_jumps(day: Day) -> Row:
    off = timedelta(seconds=day.draws.choice([0, 0, 0, 30, -30, 200, -200, 290, -290, 3600, -3600, -90000]))
    day.clock.off = off
    day.witness.rules = replace(day.witness.rules, clock_off=off)
    return {"off": off.total_seconds()}


def _weather_changes(day: Day) -> Row:
    """Other faults than before: none, one kind, or all."""
    kinds = ["drop_before", "drop_after", "504_before", "504_after", "500", "429", "garbage", "garbage_after",
             "truncated", "drip", "slow"]  # fmt: skip
    chosen = day.draws.choice([[], [], [day.draws.choice(kinds)], ["drop_after", "504_after"], kinds])
    faults = []
    for kind in chosen:
        only_posts = day.draws.random() < 0.5
        faults.append({
            "kind": kind, "method": "POST" if only_posts else "",
            "probability": day.draws.choice([0.2, 0.5, 1.0] if only_posts else [0.01, 0.05]),
            "seconds": day.draws.choice([5, 30, 80]),
        })  # fmt: skip
    day.world.faults.replace(faults)
    day.line.weather = Weather(
        refused=day.draws.random() < 0.08,
        late=day.draws.choice([0, 0, 0, 0.4]),
        broken_off=day.draws.choice([0, 0, 0.2]),
        seconds=day.draws.choice([0.2, 0.4, 4.0, 20.0]),
    )
    return {"faults": [(fault["kind"], fault["method"], fault["probability"]) for fault in faults],
            "weather": day.line.weather}  # fmt: skip


def _do(day: Day, action: Row) -> Row:
    """A staff action, if a receptionist would still do it."""
    if not staff.sensible(day.world.office, action):
        return {"given_up": action["action"]}
    return {"did": action["action"], **staff.apply(day.world.office, action)}


def _some(day: Day, table: dict[int, Row]) -> int:
    return day.draws.choice(sorted(table))


def _some_time(day: Day) -> datetime:
    """A time on one of these days, on the office's grid."""
    today = day.world.office.now.date() + timedelta(days=day.draws.choice([0, 0, 1, 2, 3]))
    return datetime.combine(today, time(day.draws.randint(8, 16), day.draws.choice([0, 0, 30])))


_DRAWN = (
    ("staff books", _staff_books, 6),
    ("staff changes a visit", _staff_changes_a_visit, 14),
    ("staff blocks", _staff_blocks, 4),
    ("staff deletes a schedule row", _staff_deletes_a_schedule_row, 3),
    ("staff edits a patient", _staff_edits_a_patient, 4),
    ("staff makes an offer", _staff_makes_an_offer, 6),
    ("staff talks", _staff_talks, 2),
    ("preference changes", _preference_changes, 1),
    ("patient answers", _patient_answers, 10),
    ("policy edit", _policy_edit, 5),
    ("policy mistake", _policy_mistake, 2),
    ("pause or resume", _pause_or_resume, 3),
    ("clock jumps", _clock_jumps, 5),
    ("weather changes", _weather_changes, 16),
)
_EVENTS = [(name, act) for name, act, _ in _DRAWN]
_WEIGHTS = [weight for _, _, weight in _DRAWN]
