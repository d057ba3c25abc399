"""One request at a time per key, spaced from the end of the last answer."""

from __future__ import annotations

import gc
import threading

import pytest

from asapfill.clock import SteppedClock, SystemClock
from asapfill.opendental.errors import NotSent
from asapfill.opendental.gate import LONGEST_HOLD, Budget, Gate, gate_for


def test_waits_from_the_end_of_the_last_answer(clock: SteppedClock) -> None:
    gate = Gate(clock, 1.0)
    with gate.turn():
        clock.sleep(30)  # a slow office
    with gate.turn():
        assert clock.monotonic() == 31


def test_waits_also_after_a_request_that_failed(clock: SteppedClock) -> None:
    gate = Gate(clock, 1.0)
    with pytest.raises(RuntimeError), gate.turn():
        raise RuntimeError
    with gate.turn():
        assert clock.monotonic() == 1


def test_without_an_interval_nobody_waits(clock: SteppedClock) -> None:
    gate = Gate(clock, 0)
    for _ in range(3):
        with gate.turn():
            pass
    assert clock.monotonic() == 0


@pytest.mark.parametrize(("asked", "waited"), [(7, 7), (3600, LONGEST_HOLD), (-5, 1)])
def test_stays_shut_as_long_as_the_office_asks_within_reason(clock: SteppedClock, asked: float, waited: float) -> None:
    gate = Gate(clock, 1.0)
    with gate.turn():
        gate.hold(asked)
    with gate.turn():
        assert clock.monotonic() == waited


def test_only_one_thread_is_inside() -> None:
    gate = Gate(SystemClock(), 0)
    inside = threading.Event()
    may_leave = threading.Event()
    order: list[str] = []

    def first() -> None:
        with gate.turn():
            inside.set()
            may_leave.wait(10)
            order.append("first")

    def second() -> None:
        with gate.turn():
            order.append("second")

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(10)
    threads.append(threading.Thread(target=second))
    threads[1].start()
    may_leave.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]


def test_a_stop_ends_the_waiting_before_the_request_leaves(clock: SteppedClock) -> None:
    gate = Gate(clock, 1.0)
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotSent, match="stopping"), gate.turn(stop):
        pytest.fail("the request left")


def test_a_stop_ends_also_the_waiting_for_another_thread(clock: SteppedClock) -> None:
    gate = Gate(clock, 1.0)
    stop = threading.Event()
    stop.set()
    with gate.turn(), pytest.raises(NotSent), gate.turn(stop):
        pytest.fail("two were inside")


def test_a_key_has_one_gate_in_the_process_and_the_slowest_interval_asked_for(clock: SteppedClock) -> None:
    gate = gate_for("key", "api.opendental.com", clock, 1.0)

    assert gate_for("key", "api.opendental.com", clock, 5.0) is gate
    assert gate.seconds == 5.0
    assert gate_for("other", "api.opendental.com", clock, 1.0) is not gate
    assert gate_for("key", "10.0.0.5:30223", clock, 0.0) is not gate


def test_a_gate_is_forgotten_with_its_last_user(clock: SteppedClock) -> None:
    gate = gate_for("key", "host", clock, 5.0)
    del gate
    gc.collect()

    assert gate_for("key", "host", clock, 1.0).seconds == 1.0


def test_never_more_than_the_budget_begins_in_any_minute(clock: SteppedClock) -> None:
    gate = Gate(clock, 0.1, Budget(clock, 12))
    begun = []
    for number in range(60):
        with gate.turn():
            begun.append(clock.monotonic())
            clock.sleep(number % 5)

    assert all(begun[number + 12] - begun[number] >= 60 for number in range(48))


def test_a_budget_is_one_for_all_addresses_of_a_key_and_outlives_a_reload(clock: SteppedClock) -> None:
    near, remote = (gate_for("budgeted", host, clock, 0.0, 12) for host in ("10.0.0.5:30223", "api.opendental.com"))
    for gate in [near, remote] * 6:
        with gate.turn():
            pass
    assert clock.monotonic() == 0
    del gate, near, remote
    gc.collect()
    with gate_for("budgeted", "10.0.0.5:30223", clock, 0.0, 12).turn():
        assert clock.monotonic() >= 60


def test_a_stop_ends_the_waiting_for_the_budget(clock: SteppedClock) -> None:
    budget = Budget(clock, 1)
    budget.spend()
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotSent, match="stopping"):
        budget.spend(stop)
