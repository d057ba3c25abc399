"""The scheduler: every office again and again, whatever one of them does."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import pytest
from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.schedulers import base

from asapfill.daemon import scheduler as module
from asapfill.daemon.scheduler import LONGEST_CYCLE, OVERDUE, OfficeHealth, Scheduler, WorkerPool
from asapfill.logs import LIBRARY_LEVELS
from asapfill.store.database import StoreError

INTERVAL = 0.05
PATIENCE = 10.0


class Timeless:
    """A clock whose monotonic time a test moves on, ``ahead``, and whose date somebody sets, by ``was_set``."""

    speed = 1.0
    ahead = 0.0
    was_set = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.was_set

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:  # noqa: ARG002  a Clock has it
        raise AssertionError("the scheduler never sleeps")


class Offices:
    """What the offices do: ``held`` ones hang until they are let go, ``failing`` ones do not answer."""

    def __init__(self) -> None:
        self.cycles: list[tuple[str, OfficeHealth]] = []
        self.rests: list[tuple[str, int]] = []
        self.left = 0
        self.held: dict[str, threading.Event] = {}
        self.failing: set[str] = set()
        self.breaking: set[str] = set()
        self.mistake: Exception = RuntimeError("a mistake")
        self.at_once: dict[str, int] = {}

    def work(self, office: str, health: OfficeHealth, late: float) -> bool:
        assert late >= 0
        self.at_once[office] = self.at_once.get(office, 0) + 1
        assert self.at_once[office] == 1, "two cycles of one office at a time"
        try:
            self.cycles.append((office, health))
            if office in self.held:
                self.held[office].wait(PATIENCE)
            if office in self.breaking:
                raise self.mistake
            return office not in self.failing
        finally:
            self.at_once[office] -= 1

    def rested(self, office: str, health: OfficeHealth, rest: timedelta) -> None:
        assert rest >= timedelta(0) or health.failures == 0
        self.rests.append((office, health.failures))

    def leave(self) -> None:
        self.left += 1

    def count(self, office: str) -> int:
        return sum(name == office for name, _ in self.cycles)


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    """As in the daemon."""
    before = {name: logging.getLogger(name).level for name in LIBRARY_LEVELS}
    for name, level in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(level)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@contextmanager
def serving(
    offices: Offices, *names: str, interval: float = INTERVAL, clock: Timeless | None = None
) -> Iterator[Scheduler]:
    offsets = {name: number / len(names) for number, name in enumerate(names)}
    scheduler = Scheduler(
        offsets,
        interval,
        time.monotonic() if clock is None else clock.monotonic(),
        offices.work,
        on_rest=offices.rested,
        at_thread_end=offices.leave,
        clock=clock,
    )
    scheduler.start()
    try:
        yield scheduler
    finally:
        for event in offices.held.values():
            event.set()
        scheduler.stop()
        until(lambda: scheduler.running() == 0, "the end of every thread")


def test_every_office_is_served_again_and_again_and_each_thread_takes_leave() -> None:
    offices = Offices()
    with serving(offices, "elm", "oak"):
        until(lambda: offices.count("elm") > 3 and offices.count("oak") > 3, "cycles of both")
    assert offices.left >= 2
    after = len(offices.cycles)
    time.sleep(INTERVAL * 3)
    assert len(offices.cycles) == after, "nothing begins after the end"


def test_an_office_that_hangs_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """More offices hang than there are workers for offices in trouble."""
    monkeypatch.setattr(module, "SLOW_WORKERS", 3)
    offices = Offices()
    dead = [f"dead-{number}" for number in range(6)]
    with serving(offices, "elm", *dead) as scheduler:
        until(lambda: offices.count("elm") > 2, "cycles of an office that is well")
        offices.held = {name: threading.Event() for name in dead}
        before = offices.count("elm")
        until(lambda: offices.count("elm") > before + 10, "cycles of an office that is well beside those that hang")
        assert scheduler.stuck() == []


def test_an_office_that_fails_is_tried_less_often_and_in_the_slow_lane_until_it_answers() -> None:
    offices = Offices()
    offices.failing = {"oak"}
    with serving(offices, "elm", "oak"):
        until(lambda: offices.count("oak") >= 4, "tries")
        assert offices.count("elm") > 1.5 * offices.count("oak")
        offices.failing = set()
        until(lambda: ("oak", 0) in offices.rests, "word that it answers again")
        until(lambda: offices.count("oak") >= 6, "cycles after that")
    healths = [health.failures for name, health in offices.cycles if name == "oak"]
    assert healths[:4] == [0, 1, 2, 3]
    assert healths[-1] == 0
    assert [failures for _, failures in offices.rests[:3]] == [1, 2, 3]


def test_a_mistake_in_a_cycle_does_not_end_the_office_s_turn(caplog: pytest.LogCaptureFixture) -> None:
    offices = Offices()
    offices.breaking = {"elm"}
    with serving(offices, "elm"):
        until(lambda: offices.count("elm") >= 3, "cycles in spite of the mistake")
    assert set(caplog.messages) == {"cycle.failed office=elm error=RuntimeError: a mistake"}
    assert all(record.exc_info for record in caplog.records), "with the traceback"


def test_a_state_that_cannot_be_used_is_one_line_a_cycle(caplog: pytest.LogCaptureFixture) -> None:
    offices = Offices()
    offices.breaking, offices.mistake = {"elm"}, StoreError("The state database cannot grow: the disk is full.")
    with serving(offices, "elm"):
        until(lambda: offices.count("elm") >= 3, "cycles in spite of it")
    assert set(caplog.messages) == {f"cycle.failed office=elm error=StoreError: {offices.mistake}"}
    assert not any(record.exc_info for record in caplog.records), "no traceback"


def test_a_cycle_that_the_scheduler_leaves_out_is_one_event_and_another_cycle_follows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    submit = WorkerPool._do_submit_job
    refusals = iter([True])

    def refuse_once(pool: WorkerPool, job: Any, run_times: Any) -> None:
        if next(refusals, False):
            raise MaxInstancesReachedError(job)
        submit(pool, job, run_times)

    monkeypatch.setattr(WorkerPool, "_do_submit_job", refuse_once)
    offices = Offices()
    with serving(offices, "elm"):
        until(lambda: offices.count("elm") >= 2, "cycles after the one left out")
    (told,) = caplog.messages
    assert re.fullmatch(r"cycle\.skipped office=elm late=\d\.\d", told)


def test_turns_that_come_while_a_cycle_is_under_way_are_left_out_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    offices = Offices()
    offices.held = {"elm": threading.Event()}
    with serving(offices, "elm", "oak"):
        until(lambda: offices.count("elm") == 1 and offices.count("oak") > 5, "turns of both")
        assert offices.count("elm") == 1
        offices.held["elm"].set()
        until(lambda: offices.count("elm") > 2, "cycles again")
    assert caplog.messages == []


def test_a_stop_while_a_cycle_is_just_handed_out_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of APScheduler's that breaks would be told by pytest, and fail this."""
    submit, offices = WorkerPool._do_submit_job, Offices()
    # Else the end of the cycle, which plans the next one, and the scheduler would wait for each other here.
    offices.held = {"elm": threading.Event()}
    scheduler = Scheduler({"elm": 0.0}, INTERVAL, time.monotonic(), offices.work, at_thread_end=offices.leave)
    stopping = threading.Thread(target=scheduler.stop)

    def stop_meanwhile(pool: WorkerPool, job: Any, run_times: Any) -> None:
        submit(pool, job, run_times)
        stopping.start()
        until(lambda: not scheduler._scheduler.running, "the stop")

    monkeypatch.setattr(WorkerPool, "_do_submit_job", stop_meanwhile)
    scheduler.start()
    until(lambda: stopping.ident is not None, "a cycle")
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    offices.held["elm"].set()
    until(lambda: scheduler.running() == 0, "the end of every thread")


def test_without_another_thread_the_cycles_wait_for_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start

    def no_second(thread: threading.Thread) -> None:
        if thread.name.endswith(" 2"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", no_second)
    offices = Offices()
    offices.held = {"elm": threading.Event(), "oak": threading.Event()}
    with serving(offices, "elm", "oak"):
        until(lambda: "daemon.no_thread lane=slow threads=1" in caplog.messages, "no thread for the second office")
        for office in offices.held.values():
            office.set()
        until(lambda: offices.count("elm") and offices.count("oak") >= 2, "cycles of both")


def test_an_office_that_is_woken_begins_at_once_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WOKEN_AT_MOST", 1e9)
    offices = Offices()
    with serving(offices, "elm", interval=1000) as scheduler:
        until(lambda: offices.count("elm") == 1, "the first cycle")
        until(lambda: scheduler.stuck() == [] and scheduler._offices["elm"].began is None, "its end")
        for _ in range(5):
            scheduler.wake("elm")
        until(lambda: offices.count("elm") >= 2, "the cycle that was asked for")
        scheduler.wake("nobody")


def test_an_office_that_is_woken_in_the_middle_of_a_cycle_gets_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WOKEN_AT_MOST", 1e9)
    offices = Offices()
    offices.held = {"elm": threading.Event()}
    with serving(offices, "elm", interval=1000) as scheduler:
        until(lambda: offices.count("elm") == 1, "the first cycle")
        scheduler.wake("elm")
        scheduler.wake("elm")
        offices.held["elm"].set()
        until(lambda: offices.count("elm") == 2, "one more")
        time.sleep(0.05)
        assert offices.count("elm") == 2


def test_an_office_that_fails_is_not_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WOKEN_AT_MOST", 1e9)
    offices = Offices()
    offices.failing = {"elm"}
    with serving(offices, "elm", interval=1000) as scheduler:
        until(lambda: offices.rests, "a failed cycle")
        scheduler.wake("elm")
        time.sleep(0.05)
        assert offices.count("elm") == 1


def test_a_cycle_that_hangs_is_told_by_its_office_and_so_is_one_that_never_begins() -> None:
    offices, clock = Offices(), Timeless()
    offices.held = {"elm": threading.Event()}
    with serving(offices, "elm", "oak", interval=1000, clock=clock) as scheduler:
        until(lambda: offices.count("elm") == 1, "a cycle under way")
        assert scheduler.stuck() == []
        clock.ahead = LONGEST_CYCLE + 1
        assert scheduler.stuck() == ["elm", "oak"], "oak is long due, and nobody hinders it"
        clock.ahead = OVERDUE
        assert scheduler.stuck() == []


def test_offices_that_wait_for_a_worker_are_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_WORKERS", 1)
    offices, clock = Offices(), Timeless()
    offices.held = {"elm": threading.Event()}
    with serving(offices, "elm", "oak", clock=clock) as scheduler:
        until(lambda: offices.count("elm") == 1, "a cycle under way")
        clock.ahead = OVERDUE + 10
        assert scheduler.stuck() == [], "the only worker is busy"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Timeless:
    """The machine's clock, for APScheduler too, which looks at it itself."""
    found = Timeless()

    class Machine(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(found.now().timestamp(), tz)

    monkeypatch.setattr(base, "datetime", Machine)
    return found


@pytest.mark.parametrize(
    "was_set",
    [timedelta(hours=-1), timedelta(days=-1500), timedelta(seconds=-2), timedelta(hours=1), timedelta(days=20_000)],
    ids=str,
)
def test_a_clock_that_is_set_neither_holds_up_an_office_nor_hastens_it(
    clock: Timeless, was_set: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    """Also to before the start: a machine began with a wrong clock, and the network's time came later."""
    offices = Offices()
    with serving(offices, "elm", "oak", interval=0.5, clock=clock) as scheduler:
        until(lambda: offices.count("elm") >= 2 and offices.count("oak") >= 2, "cycles before")
        clock.was_set = was_set
        scheduler.keep_time()
        began, before = time.monotonic(), len(offices.cycles)
        until(lambda: len(offices.cycles) >= before + 6, "three more of each")
        assert 0.9 < time.monotonic() - began < 4, "at the pace of before"
        assert scheduler.stuck() == []
    (told,) = caplog.messages
    assert told == f"clock.set seconds={was_set.total_seconds():+.0f}"


def test_a_clock_that_is_set_while_a_cycle_is_under_way_holds_up_nothing(clock: Timeless) -> None:
    offices = Offices()
    offices.held = {"elm": threading.Event()}
    with serving(offices, "elm", clock=clock) as scheduler:
        until(lambda: offices.count("elm") == 1, "a cycle under way")
        clock.was_set = timedelta(hours=-3)
        scheduler.keep_time()
        offices.held["elm"].set()
        until(lambda: offices.count("elm") >= 4, "cycles again")


def test_an_office_that_fails_keeps_its_rest_when_the_clock_is_set_back(clock: Timeless) -> None:
    offices = Offices()
    offices.failing = {"elm"}
    with serving(offices, "elm", interval=0.2, clock=clock) as scheduler:
        until(lambda: offices.count("elm") == 2, "a second failure")
        clock.was_set = timedelta(hours=-3)
        until(lambda: len(offices.rests) >= 2, "its rest")
        scheduler.keep_time()
        until(lambda: offices.count("elm") >= 4, "tries again")


def test_the_clock_s_own_drift_is_no_setting_of_it(clock: Timeless, caplog: pytest.LogCaptureFixture) -> None:
    offices = Offices()
    with serving(offices, "elm", clock=clock) as scheduler:
        clock.was_set = timedelta(seconds=0.5)
        scheduler.keep_time()
        until(lambda: offices.count("elm") >= 2, "cycles")
    assert caplog.messages == []
